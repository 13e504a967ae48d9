//! Facts as lines: time, node, what, by whom, why. Readable at 3 a.m., and by `grep`.

use crate::paint::Paint;
use crate::text::printable;
use muster_control::history::{Fact, History, Was};
use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

/// The whole answer.
pub(super) fn page(history: &History, paint: Paint) -> String {
    let mut page = match &history.was {
        Some(was) => at(was, paint),
        None => lines(&history.facts, paint),
    };
    if history.dropped > 0 {
        let _ = writeln!(page, "{} facts were dropped since the agent began", history.dropped);
    }
    page
}

/// A line for each.
pub(crate) fn lines(facts: &[Fact], paint: Paint) -> String {
    let rows: Vec<[String; 4]> = facts
        .iter()
        .map(|fact| {
            let what = match &*fact.service {
                "" => format!("{} {}", fact.kind, fact.what),
                service => format!("{} {service} {}", fact.kind, fact.what),
            };
            [time(fact.at_ms), fact.node.clone(), what, format!("by {}", fact.observer)]
                .map(|text| printable(&text).into_owned())
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (node_width, what_width, by_width) = (width(1), width(2), width(3));
    let mut lines = String::new();
    for ([time, node, what, by], fact) in rows.iter().zip(facts) {
        let what = paint.fact(&fact.what, &format!("{what:<what_width$}"));
        let line = format!("{time}  {node:<node_width$}  {what}  {by:<by_width$}  {}", printable(&fact.why));
        let _ = writeln!(lines, "{}", line.trim_end());
    }
    lines
}

fn at(was: &Was, paint: Paint) -> String {
    let mut page = format!("The cluster as it was at {}\n", time(was.at_ms));
    for (title, facts) in [("Members", &was.members), ("Backends", &was.backends)] {
        let _ = writeln!(page, "\n{title}, each with the last that was said about it");
        for fact in facts {
            let name = match &*fact.service {
                "" => fact.node.clone(),
                service => format!("{service}/{}", fact.node),
            };
            let what = paint.fact(&fact.what, &fact.what);
            let (name, addr, why) = (printable(&name), printable(&fact.addr), printable(&fact.why));
            let _ = writeln!(page, "  {name}  {addr}  {what} since {}  {why}", time(fact.at_ms));
        }
        if facts.is_empty() {
            page.push_str("  none is known\n");
        }
    }
    if !was.unknown.is_empty() {
        page.push_str("\nNot known\n");
    }
    for unknown in &was.unknown {
        let _ = writeln!(page, "  {}", printable(unknown));
    }
    page
}

/// In UTC, to the millisecond.
fn time(at_ms: u64) -> String {
    // What comes from a file may be any number; the year 9999 is the last that can be written.
    const LAST_MS: u64 = 253_402_300_799_999;
    let time = UNIX_EPOCH + Duration::from_millis(at_ms.min(LAST_MS));
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(at_ms: u64, node: &str, service: &str, what: &str, why: &str) -> Fact {
        Fact {
            at_ms,
            kind: if service.is_empty() { "member" } else { "backend" }.into(),
            node: node.into(),
            service: service.into(),
            what: what.into(),
            addr: "10.0.0.1:80".into(),
            observer: "lb-1".into(),
            why: why.into(),
            ..Fact::default()
        }
    }

    #[test]
    fn lines_have_columns_and_no_control_characters() {
        let facts = [
            fact(1_000, "web-1", "", "failed", "no answer"),
            fact(u64::MAX, "w\u{1b}[2J", "web", "gone", ""),
        ];
        let expected = "\
1970-01-01T00:00:01.000Z  web-1       member failed     by lb-1  no answer
9999-12-31T23:59:59.999Z  w\\u{1b}[2J  backend web gone  by lb-1
";
        assert_eq!(lines(&facts, Paint::NONE), expected);
    }

    #[test]
    fn the_cluster_as_it_was() {
        let was = Was {
            at_ms: 2_000,
            members: vec![fact(1_000, "web-1", "", "alive", "it joined")],
            backends: Vec::new(),
            unknown: vec!["much".into()],
        };
        let expected = "\
The cluster as it was at 1970-01-01T00:00:02.000Z

Members, each with the last that was said about it
  web-1  10.0.0.1:80  alive since 1970-01-01T00:00:01.000Z  it joined

Backends, each with the last that was said about it
  none is known

Not known
  much
";
        assert_eq!(at(&was, Paint::NONE), expected);
    }
}
