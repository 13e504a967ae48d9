//! `muster members --watch`: the table, drawn anew with every change; elsewhere than on a terminal, a line for each change.

use super::{cells, text};
use crate::cli::Format;
use crate::paint::Paint;
use crate::{exit, json, out};
use muster_control::client::{Client, Error};
use muster_control::routes::{MemberRow, Members, StreamEvent, StreamQuery};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// What changes within this time is shown at once.
const TOGETHER: Duration = Duration::from_millis(50);
/// A member that begins to leave is no event in Serf's words: looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
const EVENTS: &str = "member-join,member-leave,member-failed,member-update,member-reap";

pub(super) async fn watch(
    client: &Client,
    path: &str,
    format: Format,
    detailed: bool,
) -> Result<ExitCode, Error> {
    let is_drawn = format == Format::Text && std::io::stdout().is_terminal();
    // Listening comes before looking, so that nothing is missed in between.
    let query = StreamQuery { filter: Some(EVENTS.to_owned()) };
    let mut events = client.server_sent::<StreamEvent>(&query.to_path(), None).await?;
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    let mut known = BTreeMap::new();
    loop {
        let looked = tokio::select! {
            biased;
            _ = &mut interrupted => return Ok(exit::CLEAN),
            looked = client.get::<Members>(path) => looked?,
        };
        let now: BTreeMap<String, MemberRow> =
            looked.members.into_iter().map(|member| (member.name.clone(), member)).collect();
        let changes = changes(&known, &now);
        let said = match (changes.is_empty(), is_drawn) {
            (true, _) => Ok(()),
            (false, true) => out::part(&screen(&now, detailed)),
            (false, false) => {
                out::part(&changes.iter().map(|change| line(change, format, detailed)).collect::<String>())
            }
        };
        if let Err(end) = said {
            return Ok(end);
        }
        known = now;
        tokio::select! {
            biased;
            _ = &mut interrupted => return Ok(exit::CLEAN),
            event = events.next() => {
                if event?.is_none() {
                    return Err(Error::Protocol("the agent has ended".to_owned()));
                }
                // Those that come with it need no look of their own; an end is found again.
                let _ = timeout(TOGETHER, async { while let Ok(Some(_)) = events.next().await {} }).await;
            }
            () = sleep(LOOK_EVERY) => {}
        }
    }
}

/// What became of a member.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum What {
    /// It was not there, or did not pass the filters.
    New,
    Changed,
    Gone,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
struct Change<'a> {
    change: What,
    /// As it is now; as it was, when it is gone.
    member: &'a MemberRow,
}

fn changes<'a>(
    old: &'a BTreeMap<String, MemberRow>,
    new: &'a BTreeMap<String, MemberRow>,
) -> Vec<Change<'a>> {
    let here = new.values().filter_map(|member| match old.get(&member.name) {
        Some(before) if before == member => None,
        Some(_) => Some(Change { change: What::Changed, member }),
        None => Some(Change { change: What::New, member }),
    });
    let gone = old.values().filter(|member| !new.contains_key(&member.name));
    here.chain(gone.map(|member| Change { change: What::Gone, member })).collect()
}

fn line(change: &Change<'_>, format: Format, detailed: bool) -> String {
    if format == Format::Json {
        return json::line(change);
    }
    let word = match change.change {
        What::New => "new",
        What::Changed => "changed",
        What::Gone => "gone",
    };
    let line = format!("{word:<7}  {}", cells(change.member, detailed).join("  "));
    line.trim_end().to_owned() + "\n"
}

/// The whole screen: from its upper left corner, each line cleared behind its text, and all below.
fn screen(members: &BTreeMap<String, MemberRow>, detailed: bool) -> String {
    let all: Vec<MemberRow> = members.values().cloned().collect();
    let count = |status: &str| all.iter().filter(|member| member.status == status).count();
    let counts: Vec<String> = ["alive", "leaving", "left", "failed"]
        .into_iter()
        .filter_map(|status| Some(count(status)).filter(|count| *count > 0).map(|n| format!("{n} {status}")))
        .collect();
    let table = text(&all, detailed, Paint::of_stdout());
    // Some terminals say that they have no rows, which means that they do not know.
    let rows = crossterm::terminal::size().map_or(0, |(_, rows)| usize::from(rows));
    let rows = if rows == 0 { usize::MAX } else { rows };
    let room = rows.saturating_sub(3).max(1);
    let mut screen = format!("\u{1b}[H{}  (Ctrl-C ends)\u{1b}[K\n\u{1b}[K\n", counts.join(", "));
    for line in table.lines().take(room) {
        screen.push_str(line);
        screen.push_str("\u{1b}[K\n");
    }
    if let Some(more) = all.len().checked_sub(room).filter(|more| *more > 0) {
        screen.push_str(&format!("and {more} more\u{1b}[K"));
    }
    screen + "\u{1b}[J"
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_control::routes::Protocol;

    fn members(rows: &[(&str, &str)]) -> BTreeMap<String, MemberRow> {
        let member = |(name, status): &(&str, &str)| MemberRow {
            name: (*name).to_owned(),
            addr: "127.0.0.1:1".to_owned(),
            port: 1,
            tags: BTreeMap::new(),
            status: (*status).to_owned(),
            protocol: Protocol { max: 5, min: 2, version: 5 },
        };
        rows.iter().map(|row| (row.0.to_owned(), member(row))).collect()
    }

    #[test]
    fn a_line_tells_what_became_of_whom() {
        let old = members(&[("a", "alive"), ("b", "alive"), ("c", "left")]);
        let new = members(&[("a", "alive"), ("b", "failed"), ("d\u{7}", "alive")]);
        let lines: String =
            changes(&old, &new).iter().map(|change| line(change, Format::Text, false)).collect();
        let expected = "changed  b  127.0.0.1:1  failed\n\
            new      d\\u{7}  127.0.0.1:1  alive\n\
            gone     c  127.0.0.1:1  left\n";
        assert_eq!(lines, expected);
        assert!(changes(&new, &new).is_empty());
        let gone = &changes(&old, &new)[2];
        assert!(line(gone, Format::Json, false).starts_with(r#"{"change":"gone","member":{"name":"c","#));
    }
}
