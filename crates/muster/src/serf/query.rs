//! `serf query`.

use super::client::Client;
use super::flags::{Flag, Takes, flag};
use super::ui::{Code, DONE, FAILED, Ui};
use super::{Asked, RPC_ADDR, RPC_AUTH, interrupt, tags as split_tags};
use crate::json;
use muster_rpc::{Query, QueryRecord, Request, read};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) const FLAGS: &[Flag] = &[
    flag("format", Takes::Text),
    flag("no-ack", Takes::Switch),
    flag("node", Takes::Texts),
    flag("relay-factor", Takes::Integer),
    flag("tag", Takes::Texts),
    flag("timeout", Takes::Duration),
    RPC_ADDR,
    RPC_AUTH,
];

/// What comes back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Answer {
    Ack(String),
    Response { from: String, payload: Vec<u8> },
}

/// Asks the cluster; tells `heard` that it did, then of each answer until no more will come.
pub(super) fn ask(
    client: &mut Client,
    query: Query<'_>,
    mut heard: impl FnMut(Option<Answer>),
) -> Result<(), String> {
    let stream = client.begin(&Request::Query(query))?;
    heard(None);
    // An agent that goes away ends the answers; Serf's client takes that for their regular end.
    while let Ok((of, record)) = client.record() {
        let Ok(QueryRecord { kind, from, payload }) = read::<QueryRecord<'_>>(&record) else { break };
        match kind {
            _ if of != stream => {}
            // At the end of its time Serf's agent may send records of nobody, any number of them (ipc_query_response_stream.go
            // reads closed channels until its timer fires).
            _ if from.is_empty() => break,
            QueryRecord::ACK => heard(Some(Answer::Ack(from.to_owned()))),
            QueryRecord::RESPONSE => {
                heard(Some(Answer::Response { from: from.to_owned(), payload: payload.to_vec() }));
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn run(asked: &Asked) -> Code {
    interrupt::on_int(asked.ui, "", FAILED);
    let words = &asked.words;
    let filters = words.texts("tag");
    let filter_tags = match split_tags(&filters) {
        Ok(tags) => tags,
        Err(why) => return asked.ui.fail(why),
    };
    match words.rest.len() {
        0 => return asked.misused("A query name must be specified."),
        1 | 2 => {}
        _ => {
            return asked
                .misused("Too many command line arguments. Only a name and payload must be specified.");
        }
    }
    let Ok(relay_factor) = u8::try_from(words.integer("relay-factor")) else {
        return asked.ui.fail("Relay factor must be between 0 and 255");
    };
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let (name, nodes, acks) = (words.word(0), words.texts("node"), !words.switch("no-ack", false));
    let format = if words.has("format") { words.text("format") } else { "text".to_owned() };
    let mut shown = match format.as_str() {
        "text" => {
            Shown::Text(Text { ui: asked.ui, name: name.clone(), acks: acks.then_some(0), responses: 0 })
        }
        "json" => Shown::Json(Json::default()),
        other => return asked.ui.fail(format!("Invalid format: {other}")),
    };
    let query = Query {
        filter_nodes: nodes.iter().map(String::as_str).collect(),
        filter_tags,
        request_ack: acks,
        relay_factor,
        timeout_ns: words.duration("timeout"),
        name: &name,
        payload: words.rest.get(1).map_or(&[][..], Vec::as_slice),
    };
    if let Err(why) = ask(&mut client, query, |answer| shown.add(answer)) {
        return asked.fail("Error sending query", &why);
    }
    match shown {
        Shown::Text(text) => text.sum(),
        Shown::Json(json) => asked.ui.line(json::pretty(&json)),
    }
    DONE
}

/// As it comes, or all at the end.
enum Shown {
    Text(Text),
    Json(Json),
}

impl Shown {
    fn add(&mut self, answer: Option<Answer>) {
        match self {
            Self::Text(text) => text.add(answer),
            Self::Json(json) => json.add(answer),
        }
    }
}

struct Text {
    ui: Ui,
    name: String,
    /// None when nobody was to acknowledge.
    acks: Option<usize>,
    responses: usize,
}

impl Text {
    fn add(&mut self, answer: Option<Answer>) {
        match answer {
            None => self.ui.line(format!("Query '{}' dispatched", self.name)),
            Some(Answer::Ack(from)) => {
                self.acks = self.acks.map(|acks| acks + 1);
                self.ui.line(format!("Ack from '{from}'"));
            }
            Some(Answer::Response { from, payload }) => {
                self.responses += 1;
                let payload = payload.strip_suffix(b"\n").unwrap_or(&payload);
                self.ui.line([format!("Response from '{from}': ").as_bytes(), payload].concat());
            }
        }
    }

    fn sum(&self) {
        if let Some(acks) = self.acks {
            self.ui.line(format!("Total Acks: {acks}"));
        }
        self.ui.line(format!("Total Responses: {}", self.responses));
    }
}

#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Json {
    /// Go writes a list that nobody made as null.
    acks: Option<Vec<String>>,
    responses: BTreeMap<String, String>,
}

impl Json {
    fn add(&mut self, answer: Option<Answer>) {
        match answer {
            None => {}
            Some(Answer::Ack(from)) => self.acks.get_or_insert_default().push(from),
            Some(Answer::Response { from, payload }) => {
                // As in Go, what is not UTF-8 has replacement characters.
                self.responses.insert(from, String::from_utf8_lossy(&payload).into_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_has_what_came() {
        let mut json = Json::default();
        assert_eq!(json::pretty(&json), "{\n  \"Acks\": null,\n  \"Responses\": {}\n}");
        json.add(Some(Answer::Ack("b".into())));
        json.add(Some(Answer::Response { from: "a".into(), payload: b"x\n\xff".to_vec() }));
        let expected =
            "{\n  \"Acks\": [\n    \"b\"\n  ],\n  \"Responses\": {\n    \"a\": \"x\\n\u{fffd}\"\n  }\n}";
        assert_eq!(json::pretty(&json), expected);
    }
}
