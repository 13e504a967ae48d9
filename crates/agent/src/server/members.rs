//! `members`: filters and rows in Serf's form.

use super::refusal::Refusal;
use crate::shared::Shared;
use axum::Json;
use axum::extract::{Query, State};
use muster_control::routes::{MemberRow, Members, MembersQuery, Protocol};
use muster_serf::Member;
use regex::{Regex, RegexBuilder};
use std::sync::Arc;

/// Compiled size of one expression; far above what names and tags need.
const REGEX_BYTES_MAX: usize = 1 << 20;

pub(super) async fn list(
    State(shared): State<Arc<Shared>>,
    query: Result<Query<MembersQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Members>, Refusal> {
    let Query(query) = query.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let filter = Filter::compile(&query).map_err(Refusal::bad_request)?;
    let members = shared
        .roster
        .look(|members| members.values().filter(|member| filter.passes(member)).map(row).collect());
    Ok(Json(Members { members }))
}

/// Expressions that each must match the whole text, as Serf's `members-filtered` has it.
#[derive(Debug)]
struct Filter {
    status: Option<Regex>,
    name: Option<Regex>,
    tags: Vec<(String, Regex)>,
}

impl Filter {
    fn compile(query: &MembersQuery) -> Result<Self, String> {
        let optional = |text: &Option<String>| text.as_deref().map(anchored).transpose();
        Ok(Self {
            status: optional(&query.status)?,
            name: optional(&query.name)?,
            tags: tag_filters(query.tags.as_deref().unwrap_or_default())?,
        })
    }

    fn passes(&self, member: &Member) -> bool {
        let matches =
            |regex: &Option<Regex>, text: &str| regex.as_ref().is_none_or(|regex| regex.is_match(text));
        matches(&self.status, member.status.as_str())
            && matches(&self.name, &member.name)
            && self.passes_tags(member)
    }

    fn passes_tags(&self, member: &Member) -> bool {
        if self.tags.is_empty() {
            return true;
        }
        let tags = member.tags();
        self.tags.iter().all(|(tag, regex)| tags.get(tag).is_some_and(|value| regex.is_match(value)))
    }
}

/// `KEY=REGEX,KEY=REGEX`. A piece without `=` belongs to the expression before it, as in `id=a{1,2}`.
fn tag_filters(text: &str) -> Result<Vec<(String, Regex)>, String> {
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
    filters.into_iter().map(|(tag, regex)| Ok((tag, anchored(&regex)?))).collect()
}

fn anchored(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(&format!("^(?:{text})$"))
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| format!("{text:?} is no regular expression: {}", last_line(&error.to_string())))
}

/// The reason in regex's words, without the picture above it: that needs lines of its own and shows our anchors.
fn last_line(error: &str) -> &str {
    let last = error.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last)
}

/// A member in Serf's JSON.
pub(crate) fn row(member: &Member) -> MemberRow {
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
    use crate::roster::tests::{member, tagged};
    use muster_serf::Status;

    fn passing(query: &MembersQuery) -> Vec<String> {
        let tags = [("role", "web"), ("zone", "aa")];
        let web = tagged("web-1", Status::Alive, &tags);
        let members = [web, member("web-10", Status::Failed), member("db-1", Status::Alive)];
        let filter = Filter::compile(query).unwrap();
        members.iter().filter(|member| filter.passes(member)).map(|member| member.name.to_string()).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn expressions_match_whole_texts() {
        assert_eq!(passing(&MembersQuery { name: some("web-1"), ..MembersQuery::default() }), ["web-1"]);
        assert_eq!(passing(&MembersQuery { name: some("web|db-1"), ..MembersQuery::default() }), ["db-1"]);
        assert_eq!(passing(&MembersQuery { status: some("fail.*"), ..MembersQuery::default() }), ["web-10"]);
        assert_eq!(passing(&MembersQuery::default()).len(), 3);
    }

    #[test]
    fn what_is_wrong_with_an_expression_is_said_on_one_line() {
        let error =
            Filter::compile(&MembersQuery { name: some("["), ..MembersQuery::default() }).unwrap_err();
        assert_eq!(error, "\"[\" is no regular expression: unclosed character class");
    }

    #[test]
    fn every_tag_filter_must_match_and_may_contain_commas() {
        for tags in ["role=web", "role=w.*,zone=a{1,2}", "zone=a{1,2},role=web"] {
            assert_eq!(
                passing(&MembersQuery { tags: some(tags), ..MembersQuery::default() }),
                ["web-1"],
                "{tags}"
            );
        }
        assert_eq!(
            passing(&MembersQuery { tags: some("role=web,zone=b"), ..MembersQuery::default() }),
            [""; 0]
        );
    }

    #[test]
    fn a_bad_expression_is_refused_with_words() {
        for query in [
            MembersQuery { name: some("("), ..MembersQuery::default() },
            MembersQuery { name: some("(x{1000}){1000}"), ..MembersQuery::default() },
            MembersQuery { tags: some("role"), ..MembersQuery::default() },
            MembersQuery { tags: some("=x"), ..MembersQuery::default() },
        ] {
            assert!(Filter::compile(&query).is_err(), "{query:?}");
        }
    }
}
