//! Whom a query is for.
//!
//! Tag expressions come from peers, so what they may cost is bounded. The `regex` crate matches in time linear in the
//! text whatever the expression, as Go's does, and its syntax is RE2's but for one thing seen in practice: `\w`, `\d` and
//! `\s` also match what is not ASCII.

use muster_wire::serf::Filter;
use muster_wire::tags::Tags;
use regex::RegexBuilder;

/// Most expressions of one query: one per tag, and tags are few.
const EXPRESSIONS_MAX: usize = 16;
/// Compiled size of one, which also bounds the time it takes; far above what tags need.
const REGEX_BYTES_MAX: usize = 256 << 10;
/// Parentheses within parentheses.
const NESTING_MAX: u32 = 50;

/// Whether all `filters` let a node of that name and those tags pass. One that cannot be read, is of an unknown kind or
/// has a bad expression lets nobody pass, as in the reference.
pub(crate) fn is_for(filters: &[&[u8]], name: &str, tags: &Tags) -> bool {
    let mut expressions = 0;
    filters.iter().all(|filter| match Filter::decode(filter) {
        Ok(Filter::Nodes(names)) => names.contains(&name),
        Ok(Filter::Tag { tag, expr }) => {
            expressions += 1;
            let value = tags.get(tag).map_or("", |value| value);
            expressions <= EXPRESSIONS_MAX && matches(expr, value)
        }
        Err(_) => false,
    })
}

fn matches(expr: &str, value: &str) -> bool {
    RegexBuilder::new(expr)
        .size_limit(REGEX_BYTES_MAX)
        .nest_limit(NESTING_MAX)
        .build()
        .is_ok_and(|regex| regex.is_match(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn passes(filters: &[Filter<'_>]) -> bool {
        let encoded: Vec<Vec<u8>> = filters.iter().map(Filter::encode).collect();
        let filters: Vec<&[u8]> = encoded.iter().map(|bytes| &**bytes).collect();
        let tags = [("role".into(), "web-frontend".into()), ("dc".into(), "x1".into())].into();
        is_for(&filters, "me", &tags)
    }

    fn tag<'a>(tag: &'a str, expr: &'a str) -> Filter<'a> {
        Filter::Tag { tag, expr }
    }

    #[test]
    fn names_are_exact_and_expressions_match_anywhere() {
        assert!(passes(&[]));
        assert!(passes(&[Filter::Nodes(vec!["you", "me"])]));
        assert!(!passes(&[Filter::Nodes(vec!["you", "m", "mee"])]));
        assert!(!passes(&[Filter::Nodes(vec![])]));
        assert!(passes(&[tag("role", "front")]), "not anchored");
        assert!(!passes(&[tag("role", "^front")]));
        assert!(passes(&[tag("role", "^web"), tag("dc", "^x[0-9]$")]));
        assert!(!passes(&[tag("role", "^web"), tag("dc", "y")]), "all must pass");
        assert!(passes(&[tag("absent", "^$")]), "a tag that is not there is empty");
        assert!(!passes(&[tag("absent", ".")]));
    }

    #[test]
    fn what_cannot_be_understood_lets_nobody_pass() {
        assert!(!passes(&[tag("role", "(")]));
        assert!(!passes(&[tag("role", "(x{1000}){1000}")]), "too large");
        assert!(!passes(&[tag("role", &"(".repeat(10_000))]));
        let tags = Tags::new();
        for bytes in [&b""[..], b"\x02\x90", b"\x00\xc1", b"\x01"] {
            assert!(!is_for(&[bytes], "me", &tags), "{bytes:?}");
        }
    }

    #[test]
    fn a_query_cannot_make_us_compile_for_long() {
        assert!(passes(&vec![tag("role", "web"); EXPRESSIONS_MAX]));
        assert!(!passes(&vec![tag("role", "web"); EXPRESSIONS_MAX + 1]));
    }
}
