//! What programs read that are none of ours: metrics and health checks.

use super::refusal::Refusal;
use crate::shared::Shared;
use crate::telemetry::gossip_figures;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use muster_admin::{CONTENT_TYPE, Facts};
use muster_control::health::Health;
use muster_serf::Status;
use std::collections::BTreeMap;
use std::sync::Arc;

type Text = (StatusCode, [(HeaderName, &'static str); 1], String);

/// Everything that is shown, as it is now.
async fn facts(shared: &Shared) -> Result<Facts, Refusal> {
    let (counters, stats) = shared.gossip.telemetry().await?;
    let mut members = BTreeMap::from([("alive", 0), ("leaving", 0), ("left", 0), ("failed", 0)]);
    shared.roster.look(|all| {
        for member in all.values() {
            *members.entry(word(member.status)).or_default() += 1;
        }
    });
    Ok(Facts {
        version: env!("CARGO_PKG_VERSION"),
        node: shared.node.clone(),
        members,
        gossip: gossip_figures(&counters, &stats),
        picture: Arc::clone(&shared.pictures.borrow()),
        reports: shared.reports.all(),
        templates: shared.templates.rows(),
    })
}

fn word(status: Status) -> &'static str {
    match status {
        Status::Alive => "alive",
        Status::Leaving => "leaving",
        Status::Left => "left",
        Status::Failed => "failed",
    }
}

pub(super) async fn metrics(State(shared): State<Arc<Shared>>) -> Result<Text, Refusal> {
    let text = muster_admin::metrics(facts(&shared).await?);
    Ok((StatusCode::OK, [(header::CONTENT_TYPE, CONTENT_TYPE)], text))
}

pub(super) async fn health(State(shared): State<Arc<Shared>>) -> Result<Json<Health>, Refusal> {
    Ok(Json(muster_admin::verdict(&facts(&shared).await?, is_stopping(&shared))))
}

/// The agent answers.
pub(super) async fn livez() -> &'static str {
    "[+] agent: it answers\n"
}

pub(super) async fn readyz(State(shared): State<Arc<Shared>>) -> Result<Text, Refusal> {
    Ok(page(&muster_admin::ready(&facts(&shared).await?, is_stopping(&shared))))
}

pub(super) async fn healthz(State(shared): State<Arc<Shared>>) -> Result<Text, Refusal> {
    Ok(page(&muster_admin::verdict(&facts(&shared).await?, is_stopping(&shared))))
}

fn is_stopping(shared: &Shared) -> bool {
    *shared.stop.borrow()
}

fn page(health: &Health) -> Text {
    let status = if health.well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (status, content_type, muster_admin::lines(health))
}
