//! What the place of a server in its section decides: a `default-server` counts for those below it only, and who comes first matters to
//! some.

use crate::config::{Line, Section};
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

/// The first line of `now` that stands elsewhere among servers and their defaults, where these stand below a server. What applies to whom
/// is HAProxy's to say then.
pub(crate) fn among_defaults<'c>(before: &'c Section, now: &'c Section) -> Option<&'c Line> {
    let lines = |section: &'c Section| -> Vec<&'c Line> {
        section.lines.iter().filter(|line| line.is("server") || line.is("default-server")).collect()
    };
    let is_mixed =
        |lines: &[&Line]| lines.windows(2).any(|pair| pair[0].is("server") && !pair[1].is("server"));
    let (before, now) = (lines(before), lines(now));
    if !is_mixed(&before) && !is_mixed(&now) {
        return None;
    }
    let differs = now.iter().zip(&before).find(|(now, before)| now != before).map(|(now, _)| *now);
    // One text is the beginning of the other.
    differs.or_else(|| {
        (now.len() != before.len())
            .then(|| now.get(before.len()).or(before.get(now.len())))
            .flatten()
            .copied()
    })
}

/// The first of those servers of `now` who count that does not come where HAProxy has it: it keeps the order of those who stay, and appends
/// newcomers, which are told by name.
pub(crate) fn in_another_order<'c>(
    before: &'c Section,
    now: &'c Section,
    counts: impl Fn(&Line) -> bool,
) -> Option<&'c Line> {
    let wanted: Vec<&Line> = now.of("server").filter(|line| counts(line)).collect();
    let names =
        |lines: &[&'c Line]| -> BTreeSet<&'c str> { lines.iter().filter_map(|line| name(line)).collect() };
    let (all, former) = (names(&wanted), names(&before.of("server").collect::<Vec<_>>()));
    let stay = before.of("server").filter_map(name).filter(|name| all.contains(name));
    let come = all.iter().copied().filter(|name| !former.contains(name));
    let mut runs = stay.chain(come);
    wanted.iter().copied().find(|line| name(line) != runs.next())
}

fn name(line: &Line) -> Option<&str> {
    line.words.get(1).map(String::as_str)
}
