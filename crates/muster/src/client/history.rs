//! `muster history`: what happened, when, who saw it and why; or the cluster as it was. From the agent, or from a file without one.

mod page;
mod times;

pub(crate) use page::lines;

use crate::cli::{Format, HistoryArgs};
use crate::paint::Paint;
use crate::{exit, json, out};
use muster_control::client::{Client, Error};
use muster_control::history::{History, HistoryQuery};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A follower asks so often.
const ASKED_EACH: Duration = Duration::from_millis(500);

pub(crate) fn run(args: HistoryArgs) -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = |text: &Option<String>| text.as_deref().map(|text| times::parse(text, now)).transpose();
    let (since, until, at) = match (time(&args.since), time(&args.until), time(&args.at)) {
        (Ok(since), Ok(until), Ok(at)) => (since, until, at),
        (Err(why), _, _) | (_, Err(why), _) | (_, _, Err(why)) => {
            out::say(&why);
            return exit::INVALID.into();
        }
    };
    let query = HistoryQuery {
        node: args.node.clone(),
        since,
        until,
        kind: args.kind.clone(),
        limit: args.limit,
        cursor: None,
        at,
    };
    let show = |history: &History| match args.format {
        Format::Json if args.follow => history.facts.iter().map(json::line).collect(),
        Format::Json => json::pretty(history) + "\n",
        Format::Text => page::page(history, Paint::of_stdout()),
    };
    if let Some(path) = &args.file {
        return of_file(path, query, args.follow, show);
    }
    super::talk(args.configured, "tell the history", async |client: &Client| {
        let mut query = query;
        let mut history: History = client.get(&query.to_path()).await?;
        if !args.follow {
            return Ok(out::answer(&show(&history)));
        }
        loop {
            if let Err(end) = out::part(&show(&history)) {
                return Ok(end);
            }
            query.cursor = Some(history.next);
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(exit::CLEAN),
                () = tokio::time::sleep(ASKED_EACH) => {}
            }
            history = client.get(&query.to_path()).await?;
        }
    })
}

fn of_file(
    path: &Path,
    mut query: HistoryQuery,
    follow: bool,
    show: impl Fn(&History) -> String,
) -> ExitCode {
    loop {
        let found = muster_history::read_file(path).and_then(|store| store.find(&query));
        let history = match found {
            Ok(history) => History { kept: path.display().to_string(), ..history },
            Err(why) => return out::fail(&format_args!("cannot read {}: {why}", path.display())),
        };
        if !follow {
            return out::answer(&show(&history));
        }
        if let Err(end) = out::part(&show(&history)) {
            return end;
        }
        query.cursor = Some(history.next);
        std::thread::sleep(ASKED_EACH);
    }
}

/// The last facts about a node, for other pages: none where there is no history.
pub(crate) async fn last_about(client: &Client, node: &str, limit: u32) -> Result<History, Error> {
    let query = HistoryQuery { node: Some(node.to_owned()), limit: Some(limit), ..HistoryQuery::default() };
    client.get(&query.to_path()).await
}
