//! `serf members`.

use super::columns::columns;
use super::flags::{Flag, Takes, flag};
use super::simple::formatted;
use super::ui::Code;
use super::{Asked, RPC_ADDR, RPC_AUTH, tags as split_tags};
use crate::json;
use muster_rpc::{MembersResult, Request, read};
use serde::Serialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;

pub(super) const FLAGS: &[Flag] = &[
    flag("detailed", Takes::Switch),
    flag("format", Takes::Text),
    flag("name", Takes::Text),
    flag("role", Takes::Text),
    flag("status", Takes::Text),
    flag("tag", Takes::Texts),
    RPC_ADDR,
    RPC_AUTH,
];

/// A member as the command shows it, its fields in Serf's order.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) name: String,
    addr: String,
    port: u16,
    tags: BTreeMap<String, String>,
    pub(super) status: String,
    protocol: Protocol,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Protocol {
    max: u8,
    min: u8,
    version: u8,
}

/// The result of `members`, made our own.
pub(super) fn take(result: &[u8]) -> Option<Vec<Row>> {
    let MembersResult { members } = read(result).ok()?;
    let row = |member: muster_rpc::Member<'_>| Row {
        name: member.name.to_owned(),
        // An IPv4 address in its 16-byte form is shown as the other, as Go does.
        addr: SocketAddr::new(member.addr.ip(), member.port).to_string(),
        port: member.port,
        tags: member.tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect(),
        status: member.status.to_owned(),
        protocol: Protocol {
            max: member.delegate_max,
            min: member.delegate_min,
            version: member.delegate_cur,
        },
    };
    Some(members.into_iter().map(row).collect())
}

pub(super) fn run(asked: &Asked) -> Code {
    let words = &asked.words;
    let (mut filters, role) = (words.texts("tag"), words.text("role"));
    if !role.is_empty() {
        asked.ui.line("Deprecation warning: 'Role' has been replaced with 'Tags'");
        filters.push(format!("role={role}"));
    }
    let tags = match split_tags(&filters) {
        Ok(tags) => tags,
        Err(why) => return asked.ui.fail(why),
    };
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let (status, name) = (words.text("status"), words.text("name"));
    let request = Request::MembersFiltered { tags, status: &status, name: &name };
    match client.ask_for(&request, take) {
        Ok(rows) => {
            let detailed = words.switch("detailed", false);
            formatted(asked, || text(&rows, detailed), || as_json(&rows))
        }
        Err(refused) => asked.fail("Error retrieving members", &refused.why),
    }
}

fn text(rows: &[Row], detailed: bool) -> String {
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let tags: Vec<String> = row.tags.iter().map(|(tag, value)| format!("{tag}={value}")).collect();
            let mut line = format!("{}|{}|{}|{}", row.name, row.addr, row.status, tags.join(","));
            if detailed {
                let Protocol { max, min, version } = row.protocol;
                line.push_str(&format!(
                    "|Protocol Version: {version}|Available Protocol Range: [{min}, {max}]"
                ));
            }
            line
        })
        .collect();
    columns(&lines)
}

/// Go writes a list that nobody made as null.
fn as_json(rows: &[Row]) -> String {
    #[derive(Serialize)]
    struct Answer<'a> {
        members: Option<&'a [Row]>,
    }
    json::pretty(&Answer { members: (!rows.is_empty()).then_some(rows) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_an_empty_line_or_null() {
        assert_eq!(text(&[], true), "");
        assert_eq!(as_json(&[]), "{\n  \"members\": null\n}");
    }
}
