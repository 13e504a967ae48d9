//! Which members are listed, by expressions that each must match a whole text, as Serf's `members-filtered` has it.

use muster_serf::Member;
use regex::{Regex, RegexBuilder};

/// Compiled size of one expression; far above what names and tags need.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Expressions on tags: a member has at most some hundred.
const TAGS_MAX: usize = 128;

/// The expressions, compiled. One that is empty or absent lets everybody pass.
#[derive(Debug, Default)]
pub(crate) struct MemberFilter {
    status: Option<Regex>,
    name: Option<Regex>,
    tags: Vec<(String, Regex)>,
}

impl MemberFilter {
    /// Compiles them; else says on one line what is wrong with which.
    pub(crate) fn compile<'t>(
        status: &str,
        name: &str,
        tags: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) -> Result<Self, String> {
        let optional = |text: &str| (!text.is_empty()).then(|| anchored(text)).transpose();
        let tags: Vec<_> = tags.into_iter().take(TAGS_MAX + 1).collect();
        if tags.len() > TAGS_MAX {
            return Err(format!("more than {TAGS_MAX} tags are asked for"));
        }
        let tags = tags.into_iter().map(|(tag, text)| Ok((tag.to_owned(), anchored(text)?)));
        let tags = tags.collect::<Result<_, String>>()?;
        Ok(Self { status: optional(status)?, name: optional(name)?, tags })
    }

    /// Whether all of them match.
    pub(crate) fn passes(&self, member: &Member) -> bool {
        let matches =
            |regex: &Option<Regex>, text: &str| regex.as_ref().is_none_or(|regex| regex.is_match(text));
        matches(&self.status, member.status.as_str())
            && matches(&self.name, &member.name)
            && self.passes_tags(member)
    }

    /// A tag that a member does not have counts as empty, as in Serf.
    fn passes_tags(&self, member: &Member) -> bool {
        if self.tags.is_empty() {
            return true;
        }
        let tags = member.tags();
        self.tags.iter().all(|(tag, regex)| regex.is_match(tags.get(tag).map_or("", String::as_str)))
    }
}

fn anchored(text: &str) -> Result<Regex, String> {
    compiled(text, &format!("^(?:{text})$"))
}

/// One that may match anywhere, as those of queries do.
pub(crate) fn unanchored(text: &str) -> Result<Regex, String> {
    compiled(text, text)
}

fn compiled(text: &str, regex: &str) -> Result<Regex, String> {
    RegexBuilder::new(regex)
        .size_limit(REGEX_BYTES_MAX)
        .build()
        .map_err(|error| format!("{text:?} is no regular expression: {}", last_line(&error.to_string())))
}

/// The reason in regex's words, without the picture above it: that needs lines of its own and shows our anchors.
fn last_line(error: &str) -> &str {
    let last = error.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roster::tests::{member, tagged};
    use muster_serf::Status;

    fn passing(status: &str, name: &str, tags: &[(&str, &str)]) -> Vec<String> {
        let own = [("role", "web"), ("zone", "aa")];
        let web = tagged("web-1", Status::Alive, &own);
        let members = [web, member("web-10", Status::Failed), member("db-1", Status::Alive)];
        let filter = MemberFilter::compile(status, name, tags.iter().copied()).unwrap();
        members.iter().filter(|member| filter.passes(member)).map(|member| member.name.to_string()).collect()
    }

    #[test]
    fn expressions_match_whole_texts() {
        assert_eq!(passing("", "web-1", &[]), ["web-1"]);
        assert_eq!(passing("", "web|db-1", &[]), ["db-1"]);
        assert_eq!(passing("fail.*", "", &[]), ["web-10"]);
        assert_eq!(passing("", "", &[]).len(), 3);
    }

    #[test]
    fn every_tag_must_match_and_one_that_is_missing_is_empty() {
        assert_eq!(passing("", "", &[("role", "w.*"), ("zone", "a{1,2}")]), ["web-1"]);
        assert_eq!(passing("", "", &[("role", "web"), ("zone", "b")]), [""; 0]);
        assert_eq!(passing("", "", &[("role", "")]), ["web-10", "db-1"]);
        assert_eq!(passing("", "", &[("role", ".*")]).len(), 3);
    }

    #[test]
    fn what_is_wrong_with_an_expression_is_said_on_one_line() {
        let error = MemberFilter::compile("", "[", []).unwrap_err();
        assert_eq!(error, "\"[\" is no regular expression: unclosed character class");
        assert!(MemberFilter::compile("(", "", []).is_err());
        assert!(MemberFilter::compile("", "(x{1000}){1000}", []).is_err());
        assert!(MemberFilter::compile("", "", [("a", "(")]).is_err());
        assert!(MemberFilter::compile("", "", [("a", "b"); TAGS_MAX + 1]).is_err());
    }
}
