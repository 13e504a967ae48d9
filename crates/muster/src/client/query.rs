//! `muster query`: the answers as they come, in Serf's words.

use crate::cli::{Format, QueryArgs};
use crate::text::printable;
use crate::{exit, json, out};
use muster_control::client::{Client, Error};
use muster_control::routes::{Payload, QUERIES, QueryLine, QueryRequest};
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;

pub(crate) fn run(args: QueryArgs) -> ExitCode {
    let request = QueryRequest {
        name: args.name,
        payload: Payload::of(args.payload.as_bytes()),
        nodes: args.node,
        tags: args.tag.into_iter().collect(),
        acks: !args.no_ack,
        relay_factor: args.relay_factor,
        timeout_ms: args.timeout.map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
    };
    super::talk(args.configured, "ask the cluster", async |client| ask(client, &request, args.format).await)
}

async fn ask(client: &Client, request: &QueryRequest, format: Format) -> Result<ExitCode, Error> {
    let mut lines = client.post_lines::<_, QueryLine>(QUERIES, request).await?;
    let (mut answers, mut expected, mut is_done) = (Answers::default(), 0, false);
    while let Some(line) = lines.next().await? {
        match &line {
            QueryLine::Asked { expected: all, .. } => expected = *all,
            QueryLine::Ack { from } => answers.acks.get_or_insert_default().push(from.clone()),
            QueryLine::Response { from, payload } => {
                answers.responses.insert(from.clone(), text(payload));
            }
            QueryLine::Done { .. } => is_done = true,
        }
        if format == Format::Text
            && let Err(end) = out::part(&shown(&line, request))
        {
            return Ok(end);
        }
    }
    if !is_done {
        return Err(Error::Protocol("the agent ended before the query did".to_owned()));
    }
    if format == Format::Json
        && let Err(end) = out::part(&(json::pretty(&answers) + "\n"))
    {
        return Ok(end);
    }
    let acks = answers.acks.map_or(0, |acks| acks.len());
    if request.acks && acks < expected {
        out::say(&format_args!(
            "note: {acks} of {expected} members acknowledged; the others may not have heard it"
        ));
    }
    Ok(exit::CLEAN)
}

/// Serf's JSON: null where nobody acknowledged, as Go writes a list that nobody made.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answers {
    acks: Option<Vec<String>>,
    responses: BTreeMap<String, String>,
}

fn shown(line: &QueryLine, request: &QueryRequest) -> String {
    match line {
        QueryLine::Asked { .. } => format!("Query '{}' dispatched\n", printable(&request.name)),
        QueryLine::Ack { from } => format!("Ack from '{}'\n", printable(from)),
        QueryLine::Response { from, payload } => {
            let text = text(payload);
            format!(
                "Response from '{}': {}\n",
                printable(from),
                on_lines(text.strip_suffix('\n').unwrap_or(&text))
            )
        }
        QueryLine::Done { acks, responses } if request.acks => {
            format!("Total Acks: {acks}\nTotal Responses: {responses}\n")
        }
        QueryLine::Done { responses, .. } => format!("Total Responses: {responses}\n"),
    }
}

/// Bytes that are no text become U+FFFD, as in Go.
fn text(payload: &Payload) -> String {
    String::from_utf8_lossy(&payload.clone().bytes().unwrap_or_default()).into_owned()
}

/// Further lines are set in, so that none of them can pass for another node's answer.
fn on_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cannot_pass_for_another_nodes() {
        let request = QueryRequest {
            name: "n".into(),
            payload: Payload::default(),
            nodes: vec![],
            tags: BTreeMap::new(),
            acks: true,
            relay_factor: 0,
            timeout_ms: None,
        };
        let payload = Payload::of(b"up\x1b[2J\r\nAck from 'b'\n");
        let line = QueryLine::Response { from: "a\nb".into(), payload };
        assert_eq!(shown(&line, &request), "Response from 'a\\nb': up\\u{1b}[2J\\r\n    Ack from 'b'\n");
    }
}
