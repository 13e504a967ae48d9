//! `muster keys`: Serf's words, and how far it got while it lasts.

use crate::cli::{Format, KeysArgs};
use crate::text::printable;
use crate::{exit, json, out};
use muster_control::client::{Client, Error, Lines};
use muster_control::routes::{KEYS, KeyLine, KeysOperation, KeysRequest, KeysResult};
use std::io::{IsTerminal, Write};
use std::process::ExitCode;

/// What Serf says before, after, and when it failed.
struct Words {
    before: &'static str,
    after: &'static str,
    failed: &'static str,
}

const LIST: Words = Words {
    before: "Asking all members for installed keys...",
    after: "Keys gathered, listing cluster keys...",
    failed: "Failed to gather member keys",
};

pub(crate) fn run(args: KeysArgs) -> ExitCode {
    let KeysArgs { install, use_key, remove, list: _, format, configured } = args;
    let change =
        [(install, KeysOperation::Install), (use_key, KeysOperation::Use), (remove, KeysOperation::Remove)];
    let change = change.into_iter().find_map(|(key, operation)| Some(KeysRequest { operation, key: key? }));
    let (words, what) = match change.as_ref().map(|change| change.operation) {
        None => (LIST, "list the keys"),
        Some(operation) => words(operation),
    };
    super::talk(configured, what, async |client: &Client| {
        if format == Format::Text
            && let Err(end) = out::part(&format!("==> {}\n", words.before))
        {
            return Ok(end);
        }
        let mut lines = match &change {
            None => client.lines(KEYS).await?,
            Some(request) => client.post_lines(KEYS, request).await?,
        };
        let result = follow(&mut lines).await?;
        Ok(match format {
            Format::Text => show(&words, change.is_none(), &result),
            Format::Json => match out::part(&(json::pretty(&result) + "\n")) {
                Ok(()) if result.failure.is_none() => exit::CLEAN,
                Ok(()) => exit::FAILED,
                Err(end) => end,
            },
        })
    })
}

fn words(operation: KeysOperation) -> (Words, &'static str) {
    match operation {
        KeysOperation::Install => (
            Words {
                before: "Installing key on all members...",
                after: "Successfully installed key!",
                failed: "Error installing key",
            },
            "install the key",
        ),
        KeysOperation::Use => (
            Words {
                before: "Changing primary key on all members...",
                after: "Successfully changed primary key!",
                failed: "Error changing primary key",
            },
            "change the primary key",
        ),
        KeysOperation::Remove => (
            Words {
                before: "Removing key on all members...",
                after: "Successfully removed key!",
                failed: "Error removing key",
            },
            "remove the key",
        ),
    }
}

/// How far it got is for eyes: on a terminal, and gone when it is over.
async fn follow(lines: &mut Lines<KeyLine>) -> Result<KeysResult, Error> {
    let mut terminal = std::io::stderr();
    let is_watched = terminal.is_terminal();
    loop {
        match lines.next().await? {
            Some(KeyLine::Answer { responses, nodes, .. }) if is_watched => {
                let _ = write!(terminal, "\r{responses} of {nodes} members answered\u{1b}[K");
            }
            Some(KeyLine::Answer { .. }) => {}
            Some(KeyLine::Done(result)) => {
                if is_watched {
                    let _ = write!(terminal, "\r\u{1b}[K");
                }
                return Ok(result);
            }
            None => return Err(Error::Protocol("the agent ended before all had answered".to_owned())),
        }
    }
}

fn show(words: &Words, is_list: bool, result: &KeysResult) -> ExitCode {
    if let Some(failure) = &result.failure {
        for (node, message) in &result.messages {
            out::say(&format_args!("failed: {node}: {message}"));
        }
        if !result.silent.is_empty() {
            out::say(&format_args!("no answer from {}", result.silent.join(", ")));
        }
        return out::fail(&format_args!("{}: {failure}", words.failed));
    }
    for (node, message) in &result.messages {
        out::say(&format_args!("note: {node}: {message}"));
    }
    let mut text = format!("==> {}\n", words.after);
    if is_list {
        text.push('\n');
        text.push_str(&listed(result));
    }
    out::answer(&text)
}

/// Each key and how many have it; those that seal come first.
fn listed(result: &KeysResult) -> String {
    let mut keys: Vec<(&String, &usize)> = result.keys.iter().collect();
    keys.sort_by_key(|(key, _)| (!result.primary_keys.contains_key(*key), *key));
    let width = keys.iter().map(|(key, _)| key.chars().count()).max().unwrap_or(0);
    keys.iter()
        .map(|(key, count)| format!("{:width$}  [{count}/{}]\n", printable(key), result.nodes))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_that_seals_is_listed_first() {
        let result = KeysResult {
            nodes: 3,
            keys: [("aa".to_owned(), 3), ("b".to_owned(), 2)].into(),
            primary_keys: [("b".to_owned(), 2)].into(),
            ..KeysResult::default()
        };
        assert_eq!(listed(&result), "b   [2/3]\naa  [3/3]\n");
    }
}
