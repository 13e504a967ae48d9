//! `members`: filters and rows in Serf's form.

use super::refusal::Refusal;
use crate::member_filter::MemberFilter;
use crate::shared::Shared;
use axum::Json;
use axum::extract::{Query, State};
use muster_control::routes::{MemberRow, Members, MembersQuery, Protocol};
use muster_serf::Member;
use std::sync::Arc;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<MembersQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Members>, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let filter = compile(&query).map_err(Refusal::bad_request)?;
    let members = shared
        .roster
        .look(|members| members.values().filter(|member| filter.passes(member)).map(row).collect());
    Ok(Json(Members { members }))
}

fn compile(query: &MembersQuery) -> Result<MemberFilter, String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let tags = tag_filters(&text(&query.tags))?;
    let tags = tags.iter().map(|(tag, regex)| (&**tag, &**regex));
    MemberFilter::compile(&text(&query.status), &text(&query.name), tags)
}

/// `KEY=REGEX,KEY=REGEX`. A piece without `=` belongs to the expression before it, as in `id=a{1,2}`.
fn tag_filters(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut filters: Vec<(String, String)> = Vec::new();
    for piece in text.split(',').filter(|_| !text.is_empty()) {
        match (piece.split_once('='), filters.last_mut()) {
            (Some((tag, regex)), _) if !tag.is_empty() => filters.push((tag.to_owned(), regex.to_owned())),
            (None, Some((_, regex))) => {
                regex.push(',');
                regex.push_str(piece);
            }
            _ => return Err(format!("the tag filter {piece:?} is not KEY=REGEX")),
        }
    }
    Ok(filters)
}

/// A member in Serf's JSON.
pub(super) fn row(member: &Member) -> MemberRow {
    MemberRow {
        name: String::from(&*member.name),
        addr: member.socket_addr().to_string(),
        port: member.port,
        tags: member.tags(),
        status: member.status.as_str().to_owned(),
        protocol: Protocol {
            max: member.versions.delegate_max(),
            min: member.versions.delegate_min(),
            version: member.versions.delegate(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_filter_may_contain_commas() {
        let split = |text| {
            tag_filters(text)
                .unwrap()
                .into_iter()
                .map(|(tag, regex)| format!("{tag} {regex}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(split("role=w.*,zone=a{1,2}"), ["role w.*", "zone a{1,2}"]);
        assert_eq!(split("zone=a{1,2},role=web"), ["zone a{1,2}", "role web"]);
        assert_eq!(split(""), [""; 0]);
        assert!(tag_filters("role").is_err() && tag_filters("=x").is_err());
    }
}
