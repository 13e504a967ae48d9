//! Whether one condition holds whenever another does. A rule behind such a one never happens.
//!
//! The answer is sure when it is yes; no means that it is not known.

use crate::condition::{Condition, Term, Test};
use crate::host::HostPattern;
use crate::pattern::Pattern;
use alloc::vec::Vec;

/// Whether `wide` surely holds whenever `narrow` does.
pub(crate) fn covers(wide: &Condition, narrow: &Condition) -> bool {
    if wide.0.is_empty() {
        return true;
    }
    let nothing = Vec::new();
    let alternatives = if narrow.0.is_empty() { core::slice::from_ref(&nothing) } else { &narrow.0 };
    alternatives.iter().all(|narrow| {
        wide.0.iter().any(|wide| {
            wide.iter().all(|term| narrow.iter().any(|given| follows(term, given)) || is_sure(term))
        })
    })
}

/// Whether `condition` can never hold.
pub(crate) fn is_void(condition: &Condition) -> bool {
    !condition.0.is_empty() && condition.0.iter().all(|terms| is_contradiction(terms))
}

fn is_contradiction(terms: &[Term]) -> bool {
    let is_never = |term: &Term| *term.test == Test::Constant(term.negated);
    let pairs =
        terms.iter().enumerate().flat_map(|(at, one)| terms[at + 1..].iter().map(move |other| (one, other)));
    terms.iter().any(is_never)
        || pairs.into_iter().any(|(one, other)| one.negated != other.negated && one.test == other.test)
}

fn is_sure(term: &Term) -> bool {
    *term.test == Test::Constant(!term.negated)
}

/// Whether `term` holds whenever `given` does.
fn follows(term: &Term, given: &Term) -> bool {
    match (term.negated, given.negated) {
        (false, false) => test_covers(&term.test, &given.test),
        (true, true) => test_covers(&given.test, &term.test),
        _ => false,
    }
}

fn test_covers(wide: &Test, narrow: &Test) -> bool {
    fn all<T>(wide: &[T], narrow: &[T], covers: impl Fn(&T, &T) -> bool) -> bool {
        narrow.iter().all(|narrow| wide.iter().any(|wide| covers(wide, narrow)))
    }
    match (wide, narrow) {
        _ if wide == narrow => true,
        (_, Test::Any(tests)) => tests.iter().all(|test| test_covers(wide, test)),
        (Test::Any(tests), _) => tests.iter().any(|test| test_covers(test, narrow)),
        (Test::Host(wide), Test::Host(narrow)) => all(wide, narrow, HostPattern::covers),
        (Test::Path(wide), Test::Path(narrow)) => all(wide, narrow, Pattern::covers),
        (Test::Method(wide), Test::Method(narrow)) => all(wide, narrow, PartialEq::eq),
        (Test::Source(wide), Test::Source(narrow)) => all(wide, narrow, PartialEq::eq),
        (Test::LocalPort(wide), Test::LocalPort(narrow)) => all(wide, narrow, PartialEq::eq),
        (
            Test::Field { name: one, is_list: wide_list, patterns: wide },
            Test::Field { name: other, is_list: narrow_list, patterns: narrow },
        ) => {
            one.eq_ignore_ascii_case(other)
                && (wide.is_empty()
                    || !narrow.is_empty() && wide_list == narrow_list && all(wide, narrow, Pattern::covers))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::How;
    use alloc::sync::Arc;

    fn path(prefix: &str) -> Test {
        Test::Path(alloc::vec![Pattern::new(How::Prefix, prefix, false)])
    }

    fn not(test: Test) -> Term {
        Term { negated: true, test: Arc::new(test) }
    }

    fn yes(test: Test) -> Term {
        Term { negated: false, test: Arc::new(test) }
    }

    #[test]
    fn fewer_demands_cover_more() {
        let wide = Condition::all([path("/a")]);
        let narrow = Condition::all([Test::Secure, path("/ab")]);
        assert!(covers(&wide, &narrow) && !covers(&narrow, &wide));
        assert!(covers(&Condition::always(), &wide) && !covers(&wide, &Condition::always()));
        let either = Condition(alloc::vec![alloc::vec![yes(path("/b"))], alloc::vec![yes(path("/a"))]]);
        assert!(covers(&either, &narrow) && !covers(&narrow, &either));
        assert!(!covers(&wide, &either));
    }

    #[test]
    fn what_is_negated_covers_the_other_way_round() {
        let not_wide = Condition(alloc::vec![alloc::vec![not(path("/a"))]]);
        let not_narrow = Condition(alloc::vec![alloc::vec![not(path("/ab"))]]);
        assert!(covers(&not_narrow, &not_wide) && !covers(&not_wide, &not_narrow));
    }

    #[test]
    fn a_contradiction_holds_never() {
        assert!(is_void(&Condition(alloc::vec![alloc::vec![not(Test::Secure), yes(Test::Secure)]])));
        assert!(is_void(&Condition::all([Test::Constant(false)])));
        assert!(!is_void(&Condition::always()) && !is_void(&Condition::all([Test::Secure])));
        let one_of_two = alloc::vec![alloc::vec![yes(Test::Constant(false))], alloc::vec![yes(Test::Secure)]];
        assert!(!is_void(&Condition(one_of_two)));
    }
}
