//! Looks at the cluster through this node's agent.

use muster_control::client::{Client, Error};
use muster_control::health::Health;
use muster_control::history::{Fact, History, HistoryQuery};
use muster_control::routes::{FLEET_REPORTS, HEALTH, INFO, Info, MEMBERS, MemberRow, Members};
use muster_fleet::Report;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::sleep;

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Facts asked for at first; more than a tall screen shows.
const FACTS: u32 = 100;

/// One look.
#[derive(Clone, Debug, Default)]
pub(crate) struct Look {
    pub(crate) members: Vec<MemberRow>,
    pub(crate) reports: Vec<Report>,
    pub(crate) health: Option<Health>,
    /// What happened since the look before; at first, what happened last. Oldest first.
    pub(crate) facts: Vec<Fact>,
    /// Where the next look goes on.
    pub(crate) next: u64,
}

/// What this node is called.
pub(crate) async fn own_name(client: &Client) -> Result<String, Error> {
    let Info(sections) = client.get(INFO).await?;
    Ok(sections.get("agent").and_then(|agent| agent.get("name")).cloned().unwrap_or_default())
}

/// One look; facts behind the cursor only, if there is one.
pub(crate) async fn look(client: &Client, cursor: Option<u64>) -> Result<Look, Error> {
    let Members { members } = client.get(MEMBERS).await?;
    let reports = client.get(FLEET_REPORTS).await?;
    let query = HistoryQuery { limit: Some(FACTS), cursor, ..HistoryQuery::default() };
    let History { facts, next, .. } = client.get(&query.to_path()).await?;
    let health = client.get(HEALTH).await?;
    Ok(Look { members, reports, health: Some(health), facts, next })
}

/// Looks again and again, until nobody wants to see.
pub(crate) async fn look_on(client: Client, looks: mpsc::Sender<Result<Look, Error>>) {
    let mut cursor = None;
    loop {
        let seen = look(&client, cursor).await;
        match &seen {
            Ok(look) => cursor = Some(look.next),
            // Another agent may answer next, whose facts have other numbers.
            Err(_) => cursor = None,
        }
        if looks.send(seen).await.is_err() {
            return;
        }
        sleep(LOOK_INTERVAL).await;
    }
}
