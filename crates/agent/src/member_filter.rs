//! Which members are listed, by expressions that each must match a whole text, as Serf's `members-filtered` has it.
//!
//! Expressions are compiled on the control thread, and to compile one can take a thousand times as long as to send it. So
//! their number, their length and what they compile to are bounded, before anything is compiled.

use muster_serf::Member;
use regex::{Regex, RegexBuilder};

/// Compiled size of one expression, which bounds the time it takes: some milliseconds. `\w+-\w+-\w+` fits.
const REGEX_BYTES_MAX: usize = 64 << 10;
/// Expressions in one request; as many as an agent takes in a query.
const EXPRESSIONS_MAX: usize = 16;
/// Bytes of all of them; a member's tags have 512 together.
const EXPRESSIONS_BYTES_MAX: usize = 1024;

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
        let tags: Vec<_> = tags.into_iter().collect();
        let given = [status, name].into_iter().filter(|text| !text.is_empty());
        check_bounds(given.chain(tags.iter().map(|(_, text)| *text)))?;
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

/// Expressions on tags that may match anywhere, as those of queries do.
pub(crate) fn unanchored(tags: &[(String, String)]) -> Result<Vec<(&str, Regex)>, String> {
    check_bounds(tags.iter().map(|(_, text)| &**text))?;
    tags.iter().map(|(tag, text)| Ok((&**tag, compiled(text, text)?))).collect()
}

/// Before the first is compiled.
fn check_bounds<'t>(expressions: impl Iterator<Item = &'t str>) -> Result<(), String> {
    let (count, bytes) = expressions.fold((0, 0), |(count, bytes), text| (count + 1, bytes + text.len()));
    if count > EXPRESSIONS_MAX {
        return Err(format!("{count} expressions are given; at most {EXPRESSIONS_MAX} are taken at a time"));
    }
    if bytes > EXPRESSIONS_BYTES_MAX {
        return Err(format!(
            "the expressions have {bytes} bytes together; at most {EXPRESSIONS_BYTES_MAX} are taken at a time"
        ));
    }
    Ok(())
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
    }

    #[test]
    fn what_costs_too_much_is_refused_before_it_is_compiled() {
        assert!(MemberFilter::compile("", "", [("a", "b"); EXPRESSIONS_MAX]).is_ok());
        // The brackets would be told if anything were compiled.
        let error = MemberFilter::compile("[", "", [("a", "b"); EXPRESSIONS_MAX]).unwrap_err();
        assert_eq!(error, "17 expressions are given; at most 16 are taken at a time");
        let half = "[".repeat(EXPRESSIONS_BYTES_MAX / 2);
        let error = MemberFilter::compile("", &half, [("a", &*half), ("b", ".")]).unwrap_err();
        assert_eq!(error, "the expressions have 1025 bytes together; at most 1024 are taken at a time");
        let tags = vec![("a".to_owned(), "[".to_owned()); EXPRESSIONS_MAX + 1];
        assert!(unanchored(&tags).unwrap_err().starts_with("17 expressions"));
        assert_eq!(unanchored(&tags[..1]).unwrap_err(), MemberFilter::compile("", "[", []).unwrap_err());
        assert!(MemberFilter::compile("", r"\w+-\w+-\w+", []).is_ok(), "what people write");
        let error = MemberFilter::compile("", r"\w{20}", []).unwrap_err();
        assert!(error.contains("exceeds size limit of 65536"), "{error}");
    }
}
