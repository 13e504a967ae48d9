//! What is known for and against a member, for a person in a hurry: the verdict first, then who said so and by which way,
//! then whether to believe it, then what to do.

use crate::text::printable;
use muster_control::why::{Finding, HEALTH_SCORE_MAX, Verdict, Way, Why};
use std::fmt::Write;
use std::time::Duration;

/// The page.
pub(super) fn page(why: &Why) -> String {
    let mut out = format!("{}\n", verdict(why));
    if let Some(member) = &why.member {
        let _ = writeln!(out, "So says {}; its address is {}.", printable(&why.observer), member.addr);
    }
    if !why.refusals.is_empty() {
        out.push_str("\nWhat it offers, and does not get requests for\n");
        for reason in &why.refusals {
            let _ = writeln!(out, "  {}", printable(reason));
        }
    }
    out.push_str("\nWho said what, oldest first\n");
    if why.findings.is_empty() {
        out.push_str("  Nobody ever doubted it.\n");
    }
    let times: Vec<String> = why.findings.iter().map(|finding| ago(finding.ago_ms)).collect();
    let width = times.iter().map(String::len).max().unwrap_or(0);
    for (finding, time) in why.findings.iter().zip(&times) {
        for (nth, line) in lines(why, finding).iter().enumerate() {
            let time = if nth == 0 { time } else { "" };
            let _ = writeln!(out, "  {time:>width$}  {line}");
        }
    }
    out.push_str("\nHow it answered\n");
    match why.round_trips_us.as_slice() {
        [] if why.node == why.observer => out.push_str("  It is this node, which does not ping itself.\n"),
        [] => out.push_str("  No direct ping was answered yet.\n"),
        times => {
            let times: Vec<String> = times.iter().map(|us| round_trip(*us)).collect();
            let _ = writeln!(out, "  The last direct pings that were answered took {}.", times.join(", "));
        }
    }
    let (score, max) = (why.health_score, HEALTH_SCORE_MAX);
    let _ = write!(
        out,
        "\nHealth of {}, who says this\n  {score} of {max} (0 is best): ",
        printable(&why.observer)
    );
    out.push_str(trust(score));
    out.push_str("\n\nWhat would change this\n");
    for line in remedies(why) {
        let _ = writeln!(out, "  {line}");
    }
    out
}

fn verdict(why: &Why) -> String {
    let node = printable(&why.node);
    let Some(member) = &why.member else {
        return format!("{node} is forgotten: it was a member once.");
    };
    let since = span(member.since_ms);
    match (member.status.as_str(), why.failed_in_ms) {
        (_, Some(left)) => {
            format!("{node} is SUSPECTED of being dead, and counts as failed in {}.", span(left))
        }
        ("failed", _) => format!("{node} FAILED {since} ago."),
        ("left", _) => format!("{node} left {since} ago, in order."),
        ("leaving", _) => format!("{node} has been leaving for {since}."),
        ("alive", _) => format!("{node} is alive, for {since}."),
        (other, _) => format!("{node} is {} since {since}.", printable(other)),
    }
}

/// What was found and by whom; then the ways that were tried.
fn lines(why: &Why, finding: &Finding) -> Vec<String> {
    let by = match finding.by == why.observer {
        true => format!("{} (this node)", printable(&finding.by)),
        false => printable(&finding.by).into_owned(),
    };
    let what = match finding.verdict {
        Verdict::Suspected => "suspected it",
        Verdict::FoundDead => "found it dead",
        Verdict::Refuted => "answered: it is alive",
    };
    let mut lines = match &finding.way {
        Way::Probe { relays, nacks, tcp } => {
            let mut lines = vec![format!("{by} {what}: no answer to a direct ping (UDP)")];
            lines.push(through_others(relays, *nacks));
            lines.extend(tcp.as_ref().map(|reason| format!("ping by TCP: {}", printable(reason))));
            lines
        }
        Way::TimeUp => vec![format!("{by} {what}: nobody refuted the suspicion in time")],
        Way::Gossip { from, teller } => {
            vec![format!(
                "{by} {what}; gossip from {} told this",
                sender(teller.as_deref(), &from.to_string())
            )]
        }
        Way::Exchange { with, teller } => {
            vec![format!(
                "{by} {what}; an exchange with {} told this",
                sender(teller.as_deref(), &with.to_string())
            )]
        }
        Way::OwnWord => vec![format!("{by} {what}")],
    };
    if finding.health_score > 0 && finding.by == why.observer && finding.verdict != Verdict::Refuted {
        lines.push(format!(
            "doubtful: this node's own health was {} of {HEALTH_SCORE_MAX} then",
            finding.health_score
        ));
    }
    lines
}

fn through_others(relays: &[String], nacks: u32) -> String {
    if relays.is_empty() {
        return "there was nobody to ask for a second ping".to_owned();
    }
    let names: Vec<_> = relays.iter().map(|name| printable(name)).collect();
    let heard = match usize::try_from(nacks).unwrap_or(usize::MAX) {
        all if all >= relays.len() => "they heard nothing either".to_owned(),
        0 => "they did not answer, which speaks against this node's own network".to_owned(),
        some => format!("{some} of {} heard nothing either, the rest did not answer", relays.len()),
    };
    format!("ping through {}: {heard}", names.join(", "))
}

fn sender(teller: Option<&str>, address: &str) -> String {
    teller.map_or_else(|| address.to_owned(), |name| format!("{} ({address})", printable(name)))
}

fn trust(score: u32) -> &'static str {
    match score {
        0 => "it hears the others well; believe it.",
        1 | 2 => "it misses some answers; compare with what another node says.",
        _ => "it hears little from anybody; its own network or CPU is the likelier fault. Ask another node.",
    }
}

fn remedies(why: &Why) -> Vec<String> {
    let node = printable(&why.node);
    let Some(member) = &why.member else {
        return vec![format!("{node} is a member again as soon as its agent joins.")];
    };
    let refused = why.findings.iter().rev().find_map(|finding| match &finding.way {
        Way::Probe { tcp: Some(reason), .. } => Some(reason.contains("refused")),
        _ => None,
    });
    let at_fault = match refused {
        Some(true) => format!("Its host answers and nothing listens on {}: start its agent.", member.addr),
        _ => format!("Look at its host, its agent, and UDP and TCP to {} from here.", member.addr),
    };
    match member.status.as_str() {
        _ if why.failed_in_ms.is_some() => {
            vec![format!("When {node} hears of it and answers, it is alive again at once."), at_fault]
        }
        "failed" => vec![
            at_fault,
            format!(
                "{node} is alive again as soon as it is heard of; an attempt is made every now and then."
            ),
            format!("If it will not come back: muster force-leave {node}"),
        ],
        "left" | "leaving" => vec![format!("{node} is a member again as soon as its agent is started.")],
        _ => vec!["A probe that it answers neither directly, nor through others, nor by TCP.".to_owned()],
    }
}

fn ago(ms: u64) -> String {
    format!("{} ago", span(ms))
}

/// With as many figures as a person needs.
fn span(ms: u64) -> String {
    match ms {
        ..60_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => humantime::format_duration(Duration::from_secs(ms / 1000)).to_string(),
    }
}

fn round_trip(us: u64) -> String {
    format!("{}.{:02} ms", us / 1000, us % 1000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_control::why::Standing;

    fn why(status: &str, findings: Vec<Finding>) -> Why {
        let member =
            Standing { status: status.to_owned(), since_ms: 9100, addr: "10.0.0.7:7946".parse().unwrap() };
        Why {
            node: "web-3".to_owned(),
            observer: "lb".to_owned(),
            member: Some(member),
            failed_in_ms: None,
            findings,
            round_trips_us: vec![412, 1500],
            refusals: Vec::new(),
            health_score: 0,
        }
    }

    fn finding(ago_ms: u64, verdict: Verdict, by: &str, way: Way) -> Finding {
        Finding { ago_ms, verdict, by: by.to_owned(), incarnation: 1, way, health_score: 0 }
    }

    #[test]
    fn a_failure_is_told_from_the_verdict_to_the_remedy() {
        let probe = Way::Probe {
            relays: vec!["a".to_owned(), "b".to_owned()],
            nacks: 2,
            tcp: Some("connection refused".to_owned()),
        };
        let gossip = Way::Gossip { from: "10.0.0.5:7946".parse().unwrap(), teller: Some("a".to_owned()) };
        let why = why(
            "failed",
            vec![
                finding(14_230, Verdict::Suspected, "lb", probe),
                finding(14_000, Verdict::Suspected, "a", gossip),
                finding(9100, Verdict::FoundDead, "lb", Way::TimeUp),
            ],
        );
        assert_eq!(
            page(&why),
            "\
web-3 FAILED 9.1 s ago.
So says lb; its address is 10.0.0.7:7946.

Who said what, oldest first
  14.2 s ago  lb (this node) suspected it: no answer to a direct ping (UDP)
              ping through a, b: they heard nothing either
              ping by TCP: connection refused
  14.0 s ago  a suspected it; gossip from a (10.0.0.5:7946) told this
   9.1 s ago  lb (this node) found it dead: nobody refuted the suspicion in time

How it answered
  The last direct pings that were answered took 0.41 ms, 1.50 ms.

Health of lb, who says this
  0 of 7 (0 is best): it hears the others well; believe it.

What would change this
  Its host answers and nothing listens on 10.0.0.7:7946: start its agent.
  web-3 is alive again as soon as it is heard of; an attempt is made every now and then.
  If it will not come back: muster force-leave web-3
"
        );
    }

    #[test]
    fn a_suspicion_says_how_long_is_left_and_a_sick_observer_doubts_itself() {
        let probe = Way::Probe { relays: vec!["a".to_owned(), "b".to_owned()], nacks: 0, tcp: None };
        let mut finding = finding(1200, Verdict::Suspected, "lb", probe);
        finding.health_score = 4;
        let mut why = why("alive", vec![finding]);
        why.failed_in_ms = Some(3240);
        why.health_score = 5;
        let page = page(&why);
        for line in [
            "web-3 is SUSPECTED of being dead, and counts as failed in 3.2 s.",
            "ping through a, b: they did not answer, which speaks against this node's own network",
            "doubtful: this node's own health was 4 of 7 then",
            "5 of 7 (0 is best): it hears little from anybody",
            "When web-3 hears of it and answers, it is alive again at once.",
        ] {
            assert!(page.contains(line), "{line}\n{page}");
        }
    }

    #[test]
    fn a_healthy_member_needs_few_words() {
        let page = page(&why("alive", vec![]));
        assert!(page.starts_with("web-3 is alive, for 9.1 s.\n"), "{page}");
        assert!(page.contains("Nobody ever doubted it."), "{page}");
        assert!(page.contains("A probe that it answers neither directly"), "{page}");
    }

    #[test]
    fn what_is_not_believed_of_it_stands_before_what_was_said() {
        let mut why = why("alive", vec![]);
        why.refusals = vec!["service web may not be served on port 1, only on 80".to_owned()];
        let page = page(&why);
        let wanted = "\
So says lb; its address is 10.0.0.7:7946.

What it offers, and does not get requests for
  service web may not be served on port 1, only on 80

Who said what, oldest first
";
        assert!(page.contains(wanted), "{page}");
    }

    #[test]
    fn hostile_names_cannot_drive_the_terminal() {
        let mut why = why("failed", vec![finding(1, Verdict::FoundDead, "x\u{1b}[2J", Way::TimeUp)]);
        why.node = "a\nb".to_owned();
        why.observer = "\u{202e}".to_owned();
        let page = page(&why);
        assert!(!page.contains('\u{1b}') && !page.contains("a\nb") && !page.contains('\u{202e}'), "{page}");
    }
}
