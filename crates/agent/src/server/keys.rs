//! The keys that seal gossip: listed or changed on every node, with each node's answer as it comes.

use super::Served;
use super::body::Body;
use super::json_lines::json_lines;
use super::refusal::Refusal;
use super::slots::StreamSlot;
use crate::key_manager::{self, KeyError, KeyReport};
use axum::extract::State;
use axum::response::Response;
use futures_util::stream;
use muster_control::routes::{KeyLine, KeysOperation, KeysRequest, KeysResult};
use muster_serf::KeyOperation;
use muster_wire::crypt::Key;
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) async fn list(State(served): State<Served>, slot: StreamSlot) -> Result<Response, Refusal> {
    operate(served, slot, KeyOperation::List).await
}

pub(super) async fn change(
    State(served): State<Served>,
    slot: StreamSlot,
    Body(KeysRequest { operation, key }): Body<KeysRequest>,
) -> Result<Response, Refusal> {
    // What is no key would be asked of all nodes, only to be refused by each.
    let key = Key::from_base64(&key).map_err(|error| Refusal::bad_request(error.to_string()))?;
    let key = key.as_bytes().to_vec();
    let operation = match operation {
        KeysOperation::Install => KeyOperation::Install(key),
        KeysOperation::Use => KeyOperation::Use(key),
        KeysOperation::Remove => KeyOperation::Remove(key),
    };
    operate(served, slot, operation).await
}

async fn operate(served: Served, slot: StreamSlot, operation: KeyOperation) -> Result<Response, Refusal> {
    // One line per member at most, as many as gossip knows.
    let (lines, mut told) = mpsc::unbounded_channel();
    let shared = Arc::clone(&served.shared);
    // Apart from the client: whoever goes away has still changed the keys, and may ask how that went.
    let operating = tokio::spawn(async move {
        let report = key_manager::run_watched(&shared.gossip, &shared.roster, operation, |progress| {
            // A client that went away needs no line.
            let _ = lines.send(Ok(KeyLine::Answer {
                from: progress.node.to_owned(),
                done: progress.done,
                message: progress.message.to_owned(),
                responses: progress.responses,
                nodes: progress.nodes,
            }));
        });
        let last = report.await.map(|report| KeyLine::Done(result(report)));
        let _ = lines.send(last);
    });
    // The first line tells whether anybody was asked: until then the answer can be a refusal.
    let first = match told.recv().await {
        Some(first) => first?,
        None => {
            let ended = operating.await;
            tracing::error!(?ended, "a key operation ended without a word");
            return Err(crate::gossip::Gone.into());
        }
    };
    let lines = stream::unfold((Some(first), told, slot), async |(first, mut told, slot)| {
        let line = match first {
            Some(first) => first,
            None => told.recv().await?.ok()?,
        };
        Some((line, (None, told, slot)))
    });
    Ok(json_lines(&served.shared, lines))
}

fn result(report: KeyReport) -> KeysResult {
    let failure = report.verdict().err();
    KeysResult {
        nodes: report.nodes,
        responses: report.responses,
        errors: report.errors,
        messages: report.messages,
        keys: report.keys,
        primary_keys: report.primary_keys,
        silent: report.silent.into_iter().collect(),
        failure,
    }
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Query(error) => error.into(),
            KeyError::Gone(gone) => gone.into(),
        }
    }
}
