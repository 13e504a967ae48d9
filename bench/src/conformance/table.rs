//! The outcomes as a page that people read.

use super::NAMES;
use muster_e2e::conformance::{Case, Kind, Outcome, escaped};
use std::fmt::Write;

/// Why ours is not always as the others are; written by people.
const DIFFERENCES: &str = include_str!("../../../e2e/conformance/differences.md");
/// Longest excerpt in a cell.
const EXCERPT_MAX: usize = 60;

/// The whole page.
pub(super) fn document(cases: &[Case], outcomes: &[Vec<Outcome>; 4]) -> String {
    let mut out = String::from(DIFFERENCES);
    let [ours, others @ ..] = outcomes;
    out.push_str("\n## In numbers\n\n");
    for kind in [Kind::Request, Kind::Response] {
        let all: Vec<usize> = (0..cases.len()).filter(|n| cases[*n].kind == kind).collect();
        let what = if kind == Kind::Request { "requests" } else { "responses" };
        let refused = |outcome: &Outcome| !is_passed(outcome, kind);
        let _ = write!(
            out,
            "Of {} {what}, Muster passes on {}.",
            all.len(),
            all.iter().filter(|n| !refused(&ours[**n])).count()
        );
        for (name, theirs) in NAMES[1..].iter().zip(others) {
            let stricter = all.iter().filter(|n| refused(&ours[**n]) && !refused(&theirs[**n])).count();
            let laxer = all.iter().filter(|n| !refused(&ours[**n]) && refused(&theirs[**n])).count();
            let _ =
                write!(out, " {name} passes on {stricter} that Muster does not, and {laxer} the other way.");
        }
        out.push_str("\n\n");
    }
    for (kind, title) in [(Kind::Request, "Requests"), (Kind::Response, "Responses")] {
        let _ = writeln!(
            out,
            "## {title}\n\n| case | RFC 9112 | sent | muster | HAProxy | nginx | hyper | why ours |\n|---|---|---|---|---|---|---|---|"
        );
        for (n, case) in cases.iter().enumerate().filter(|(_, case)| case.kind == kind) {
            let _ = write!(out, "| {} | {} | {} |", case.name, case.rfc, code(&case.text));
            for theirs in outcomes {
                let _ = write!(out, " {} |", cell(case, &theirs[n]));
            }
            let _ = writeln!(out, " {} |", case.why.replace('|', "\\|"));
        }
        out.push('\n');
    }
    out
}

fn is_passed(outcome: &Outcome, kind: Kind) -> bool {
    match kind {
        Kind::Request => !outcome.passed.is_empty() && outcome.answer.contains("200"),
        // A page in place of the answer.
        Kind::Response => {
            !outcome.answer.starts_with("502")
                && !outcome.answer.starts_with("504")
                && !outcome.seen.is_empty()
        }
    }
}

fn cell(case: &Case, outcome: &Outcome) -> String {
    let mut out = match outcome.answer.as_str() {
        "nothing kept" => "waits".to_owned(),
        "nothing closed" => "closed".to_owned(),
        answer => answer.replacen(" closed", ", closed", 1).replacen(" kept", "", 1),
    };
    let sent = case.send.concat();
    if case.kind == Kind::Request && !outcome.passed.is_empty()
        || case.kind == Kind::Response && is_passed(outcome, case.kind)
    {
        out.push_str(&difference(&sent, &outcome.passed, case.kind));
    }
    if !outcome.next_is_right {
        out.push_str("; **the next client is not served right**");
    }
    out
}

/// Lines that were taken out and put in, without those that a proxy always adds.
fn difference(sent: &[u8], passed: &[u8], kind: Kind) -> String {
    let lines = |bytes: &[u8]| -> Vec<String> {
        escaped(bytes).replace("\\{hop}", "").split("\\r\\n").map(str::to_owned).collect()
    };
    let (before, mut after) = (lines(sent), lines(passed));
    let mut gone = Vec::new();
    for line in before {
        match after.iter().position(|other| other.eq_ignore_ascii_case(&line)) {
            Some(at) => drop(after.remove(at)),
            None => gone.push(line),
        }
    }
    let is_usual = |line: &String| {
        let line = line.to_ascii_lowercase();
        let usual: &[&str] = match kind {
            Kind::Request => &["x-forwarded-for: 127.0.0.1", "connection: close", "connection: keep-alive"],
            Kind::Response => &["connection: close", "connection: keep-alive", "server: nginx", "date: "],
        };
        line.is_empty() || usual.iter().any(|usual| line.starts_with(usual))
    };
    after.retain(|line| !is_usual(line));
    gone.retain(|line| !line.is_empty());
    if gone.is_empty() && after.is_empty() {
        return " passed".into();
    }
    let list = |sign: &str, lines: &[String]| {
        lines.iter().take(4).map(|line| format!(" {sign}{}", code(line))).collect::<String>()
    };
    format!(" passed,{}{}", list("−", &gone), list("+", &after))
}

/// As code in a cell of a table.
fn code(text: &str) -> String {
    let short: String = text.chars().take(EXCERPT_MAX).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    let text = format!("{short}{more}").replace('|', "\\|");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
