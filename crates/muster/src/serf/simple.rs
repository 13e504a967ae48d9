//! The commands that ask one question and print one answer.

use super::flags::{Flag, Takes, flag, quote};
use super::ui::{Code, DONE};
use super::{Asked, RPC_ADDR, RPC_AUTH, tags as split_tags};
use crate::{build, json, keygen};
use muster_rpc::{CoordinateResult, JoinResult, Request, Sections, read};
use muster_serf::Coordinate;
use muster_wire::Versions;
use std::collections::BTreeMap;

pub(super) const PLAIN: &[Flag] = &[RPC_ADDR, RPC_AUTH];

pub(super) const EVENT: &[Flag] = &[flag("coalesce", Takes::Switch), RPC_ADDR, RPC_AUTH];

pub(super) fn event(asked: &Asked) -> Code {
    let words = &asked.words;
    match words.rest.len() {
        0 => return asked.misused("An event name must be specified."),
        1 | 2 => {}
        _ => {
            return asked
                .misused("Too many command line arguments. Only a name and payload must be specified.");
        }
    }
    let (name, coalesce) = (words.word(0), words.switch("coalesce", true));
    let payload = words.rest.get(1).map_or(&[][..], Vec::as_slice);
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    match client.ask(&Request::Event { name: &name, payload, coalesce }) {
        Ok(()) => {
            asked.ui.line(format!("Event '{name}' dispatched! Coalescing enabled: {coalesce}"));
            DONE
        }
        Err(why) => asked.fail("Error sending event", &why),
    }
}

pub(super) const FORCE_LEAVE: &[Flag] = &[flag("prune", Takes::Switch), RPC_ADDR, RPC_AUTH];

pub(super) fn force_leave(asked: &Asked) -> Code {
    if asked.words.rest.len() != 1 {
        return asked.misused("A node name must be specified to force leave.");
    }
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let (node, prune) = (asked.words.word(0), asked.words.switch("prune", false));
    match client.ask(&Request::ForceLeave { node: &node, prune }) {
        Ok(()) => DONE,
        Err(why) => asked.fail("Error force leaving", &why),
    }
}

pub(super) const JOIN: &[Flag] = &[flag("replay", Takes::Switch), RPC_ADDR, RPC_AUTH];

pub(super) fn join(asked: &Asked) -> Code {
    let existing = asked.words.words();
    if existing.is_empty() {
        return asked.misused("At least one address to join must be specified.");
    }
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let existing = existing.iter().map(String::as_str).collect();
    let request = Request::Join { existing, replay: asked.words.switch("replay", false) };
    match client.ask_for(&request, |result| read::<JoinResult>(result).ok()) {
        Ok(JoinResult { num }) => {
            asked.ui.line(format!("Successfully joined cluster by contacting {num} nodes."));
            DONE
        }
        Err(refused) => asked.fail("Error joining the cluster", &refused.why),
    }
}

pub(super) fn leave(asked: &Asked) -> Code {
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    match client.ask(&Request::Leave) {
        Ok(()) => {
            asked.ui.line("Graceful leave complete");
            DONE
        }
        Err(why) => asked.fail("Error leaving", &why),
    }
}

pub(super) const TAGS: &[Flag] =
    &[flag("set", Takes::Texts), flag("delete", Takes::Texts), RPC_ADDR, RPC_AUTH];

pub(super) fn tags(asked: &Asked) -> Code {
    let (set, delete) = (asked.words.texts("set"), asked.words.texts("delete"));
    if set.is_empty() && delete.is_empty() {
        return asked.ui.fail(asked.usage);
    }
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let tags = match split_tags(&set) {
        Ok(tags) => tags,
        Err(why) => return asked.ui.fail(why),
    };
    let delete_tags = delete.iter().map(String::as_str).collect();
    match client.ask(&Request::Tags { tags, delete_tags }) {
        Ok(()) => {
            asked.ui.line("Successfully updated agent tags");
            DONE
        }
        Err(why) => asked.fail("Error setting tags", &why),
    }
}

/// Sections of keys and values, each sorted.
type Info = BTreeMap<String, BTreeMap<String, String>>;

fn take_info(result: &[u8]) -> Option<Info> {
    let own = |pairs: Vec<(&str, &str)>| {
        pairs.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    };
    let sections: Sections<'_> = read(result).ok()?;
    Some(sections.into_iter().map(|(name, pairs)| (name.to_owned(), own(pairs))).collect())
}

pub(super) const INFO: &[Flag] = &[flag("format", Takes::Text), RPC_ADDR, RPC_AUTH];

pub(super) fn info(asked: &Asked) -> Code {
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    match client.ask_for(&Request::Stats, take_info) {
        Ok(info) => formatted(asked, || info_text(&info), || json::pretty(&info)),
        Err(refused) => asked.fail("Error querying agent", &refused.why),
    }
}

fn info_text(info: &Info) -> String {
    let mut text = String::new();
    for (section, values) in info {
        text.push_str(&format!("{section}:\n"));
        values.iter().for_each(|(key, value)| text.push_str(&format!("\t{key} = {value}\n")));
    }
    text
}

/// In the form that was asked for, trimmed as a whole (output.go).
pub(super) fn formatted(asked: &Asked, text: impl Fn() -> String, json: impl Fn() -> String) -> Code {
    let format = if asked.words.has("format") { asked.words.text("format") } else { "text".to_owned() };
    let output = match format.as_str() {
        "text" => text(),
        "json" => json(),
        _ => return asked.ui.fail(format!("Encoding error: Invalid output format \"{format}\"")),
    };
    asked.ui.line(output.trim());
    DONE
}

pub(super) fn rtt(asked: &Asked) -> Code {
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let mut nodes = asked.words.words();
    match nodes.len() {
        1 => match client.ask_for(&Request::Stats, take_info) {
            Ok(mut info) => {
                let name = info.get_mut("agent").and_then(|agent| agent.remove("name"));
                nodes.push(name.unwrap_or_default());
            }
            Err(refused) => return asked.fail("Error querying agent", &refused.why),
        },
        2 => {}
        _ => return asked.misused("One or two node names must be specified"),
    }
    let mut places = Vec::new();
    for node in &nodes {
        let request = Request::GetCoordinate { node };
        let result = client.ask_for(&request, |result| read::<CoordinateResult>(result).ok());
        let place = match result {
            Ok(CoordinateResult { coord, ok }) => Coordinate::from_wire(&coord).filter(|_| ok),
            Err(refused) => return asked.fail("Error getting coordinates", &refused.why),
        };
        let Some(place) = place else {
            let quoted = quote(node.as_bytes());
            return asked.ui.fail(format!("Could not find a coordinate for node {quoted}"));
        };
        places.push(place);
    }
    let [from, to] = places.as_slice() else { return DONE };
    let milliseconds = from.distance_to(to).as_secs_f64() * 1000.0;
    asked.ui.line(format!("Estimated {} <-> {} rtt: {milliseconds:.3} ms", nodes[0], nodes[1]));
    DONE
}

pub(super) fn keygen(asked: &Asked) -> Code {
    match keygen::random_key() {
        Ok(key) => {
            asked.ui.line(&*key.to_base64());
            DONE
        }
        Err(error) => asked.fail("Error reading random data", &error.to_string()),
    }
}

/// The version that scripts compare is that of the Serf whose place this takes; behind it stands what it really is, where
/// Serf's own builds have their commit.
pub(super) fn version(asked: &Asked) -> Code {
    let (now, min) = (Versions::OURS.delegate(), Versions::OURS.delegate_min());
    asked.ui.line(format!("{SERF} (Muster {})", build::VERSION));
    asked.ui.line(format!("Agent Protocol: {now} (Understands back to: {min})"));
    DONE
}

/// The Serf that this was compared with.
const SERF: &str = "0.9.4";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_sorted_and_indented() {
        let of = |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let info = Info::from([
            ("tags".to_owned(), of(&[])),
            ("agent".to_owned(), of(&[("name", "a"), ("b", "c")])),
        ]);
        assert_eq!(info_text(&info), "agent:\n\tb = c\n\tname = a\ntags:\n");
    }
}
