//! What goes on after an answer: events, log lines, and answers to queries, each in a task of its own.
//!
//! A task is ended only while it does not send (the outlet is held meanwhile), so that no record is cut.

use super::gathered::Events;
use super::outlet::{Broken, Outlet, header};
use super::pending::Pending;
use super::records::write_event;
use crate::gossip::{Answer, Answers};
use crate::hub::Mail;
use crate::logbook::{LogLevel, LogLine, LogListener};
use muster_events::Filters;
use muster_rpc::{LogRecord, QueryRecord, write};
use std::net::SocketAddr;
use std::sync::Arc;

/// Sends what happens, as long as the client takes it.
pub(super) async fn events(
    outlet: Arc<Outlet>,
    pending: Arc<Pending>,
    peer: SocketAddr,
    seq: u64,
    filters: Filters,
    events: Events,
) -> Result<(), Broken> {
    let mut missed_before = 0;
    loop {
        match events.next().await {
            Mail::Notice(notice) if filters.want(&notice) => {
                let mut turn = outlet.lock().await;
                let mut out = header(seq, "");
                write_event(&notice, &pending, &mut out);
                turn.send(&out).await?;
            }
            Mail::Notice(_) => {}
            Mail::Missed(missed) => {
                missed_before += missed;
                tracing::warn!(
                    %peer, missed, in_all = missed_before,
                    "an RPC client reads its events too slowly: these were not delivered to it"
                );
            }
        }
    }
}

/// Sends the lines there are, and those that follow.
pub(super) async fn monitor(
    outlet: Arc<Outlet>,
    seq: u64,
    level: LogLevel,
    old: Vec<LogLine>,
    mut new: LogListener,
) -> Result<(), Broken> {
    let is_wanted = |line: &LogLine| line.level >= level;
    for line in old.iter().filter(|line| is_wanted(line)) {
        send_line(&outlet, seq, &line.text).await?;
    }
    drop(old);
    while let Some(next) = new.next().await {
        match next {
            Ok(line) if is_wanted(&line) => send_line(&outlet, seq, &line.text).await?,
            Ok(_) => {}
            // Told to the reader and not to the log: that would be one more line to read.
            Err(missed) => {
                send_line(&outlet, seq, &format!("... {missed} lines missing here: read too slowly")).await?;
            }
        }
    }
    Ok(())
}

async fn send_line(outlet: &Outlet, seq: u64, log: &str) -> Result<(), Broken> {
    let mut out = header(seq, "");
    write(&LogRecord { log }, &mut out);
    outlet.lock().await.send(&out).await
}

/// Sends the answers to a query, and that no more will come.
pub(super) async fn answers(outlet: Arc<Outlet>, seq: u64, mut answers: Answers) -> Result<(), Broken> {
    let send = async |kind, from: &str, payload: &[u8]| {
        let mut turn = outlet.lock().await;
        let mut out = header(seq, "");
        write(&QueryRecord { kind, from, payload }, &mut out);
        turn.send(&out).await
    };
    while let Some(answer) = answers.next().await {
        match &answer {
            Answer::Ack { from } => send(QueryRecord::ACK, from, &[]).await?,
            Answer::Response { from, payload } => send(QueryRecord::RESPONSE, from, payload).await?,
        }
    }
    send(QueryRecord::DONE, "", &[]).await
}
