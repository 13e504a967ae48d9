//! `muster reachability`: Serf's words and its verdict.

use crate::cli::{Format, ReachabilityArgs};
use crate::text::printable;
use crate::{exit, json, out};
use muster_control::client::{Client, Error};
use muster_control::routes::{REACHABILITY, ReachabilityLine};
use serde_json::json;
use std::process::ExitCode;

/// What to look at when some cannot be reached, after Serf's own hints.
const HINTS: &str = "\
Check that each of them is reached on its address in `muster members` by UDP and TCP, that no two nodes have one name, and \
what `muster why NODE` says, here and there.";

pub(crate) fn run(args: ReachabilityArgs) -> ExitCode {
    let ReachabilityArgs { verbose, format, configured } = args;
    super::talk(configured, "ask the members", async |client| test(client, verbose, format).await)
}

async fn test(client: &Client, verbose: bool, format: Format) -> Result<ExitCode, Error> {
    let mut lines = client.lines::<ReachabilityLine>(REACHABILITY).await?;
    let mut alive = 0;
    while let Some(line) = lines.next().await? {
        let said = match (&line, format) {
            (ReachabilityLine::Done { acks, missing, unexpected }, Format::Json) => {
                let answer =
                    json!({ "alive": alive, "acks": acks, "missing": missing, "unexpected": unexpected });
                out::part(&(json::pretty(&answer) + "\n"))
            }
            (ReachabilityLine::Done { missing, unexpected, .. }, Format::Text) => {
                out::part(&verdict(missing, unexpected))
            }
            (ReachabilityLine::Asked { expected, .. }, _) => {
                alive = *expected;
                match format {
                    Format::Json => Ok(()),
                    Format::Text => {
                        out::part(&format!("Live members: {alive}\nStarting reachability test...\n"))
                    }
                }
            }
            (ReachabilityLine::Ack { from }, Format::Text) if verbose => {
                out::part(&format!("\tAck from '{}'\n", printable(from)))
            }
            (ReachabilityLine::Ack { .. }, _) => Ok(()),
        };
        if let Err(end) = said {
            return Ok(end);
        }
        if let ReachabilityLine::Done { missing, unexpected, .. } = &line {
            let whole = missing.is_empty() && unexpected.is_empty();
            if !whole {
                out::say(&HINTS);
            }
            return Ok(if whole { exit::CLEAN } else { exit::FAILED });
        }
    }
    Err(Error::Protocol("the agent ended before all had answered".to_owned()))
}

fn verdict(missing: &[String], unexpected: &[String]) -> String {
    if missing.is_empty() && unexpected.is_empty() {
        return "Successfully contacted all live nodes\n".to_owned();
    }
    let named = |title: &str, names: &[String]| -> String {
        let names: String = names.iter().map(|name| format!("\t{}\n", printable(name))).collect();
        if names.is_empty() { names } else { format!("{title}\n{names}") }
    };
    named("Received more acks than live nodes! Acks from non-live nodes:", unexpected)
        + &named("Received less acks than live nodes! Missing acks from:", missing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_missing_and_who_should_be_is_named() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(verdict(&[], &[]), "Successfully contacted all live nodes\n");
        let text = verdict(&names(&["a\n"]), &names(&["b"]));
        let expected = "Received more acks than live nodes! Acks from non-live nodes:\n\tb\n\
            Received less acks than live nodes! Missing acks from:\n\ta\\n\n";
        assert_eq!(text, expected);
    }
}
