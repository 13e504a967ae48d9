//! What there is to show, as plain data: [`super::screen`] and [`super::plain`] draw it, nothing here knows how.

use crate::text::printable;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything on the screen at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    /// How things stand, in one line.
    pub(crate) verdict: Verdict,
    /// Where the balancer answers.
    pub(crate) url: String,
    /// How this binary is called in a second terminal.
    pub(crate) program: String,
    /// The balancer first, then by name.
    pub(crate) nodes: Vec<NodeView>,
    /// Place in `nodes` of the one that keys act on.
    pub(crate) selected: Option<usize>,
    /// The demo's own requests.
    pub(crate) traffic: TrafficView,
    /// Oldest first.
    pub(crate) events: Vec<Event>,
    /// Keys do nothing any more.
    pub(crate) is_over: bool,
}

/// How good something is; always shown beside a word that says the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// On its way, or out of service in order.
    Waiting,
    /// Broken.
    Bad,
    /// Neither.
    #[default]
    Plain,
}

/// A line with its tone.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Event {
    /// Since the demo started.
    pub(crate) at: Duration,
    pub(crate) tone: Tone,
    pub(crate) text: String,
}

/// One node.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct NodeView {
    pub(crate) name: String,
    /// Of the web application; of the agent on other nodes.
    pub(crate) addr: String,
    /// The member's state as the balancer's agent sees it, or `starting`.
    pub(crate) agent: String,
    /// The backend's state as the balancer's proxy reports it; empty when it knows no such backend.
    pub(crate) backend: String,
    /// Requests so far.
    pub(crate) requests: u64,
    /// Requests per second just now.
    pub(crate) per_second: f64,
    /// Requests on it now.
    pub(crate) in_flight: u64,
    /// Attempts that failed on it; of the balancer, requests that failed for the client.
    pub(crate) failures: u64,
    /// It is the balancer: its figures are the totals of all.
    pub(crate) is_balancer: bool,
}

/// The demo's own requests.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct TrafficView {
    pub(crate) state: TrafficState,
    /// Requests begun per second.
    pub(crate) per_second: u32,
    pub(crate) answered: u64,
    pub(crate) failed: u64,
    /// Failures by their reason.
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Of the last ten seconds; `None` without an answer in them.
    pub(crate) latency: Option<Latency>,
}

/// Whether the demo makes requests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum TrafficState {
    /// It will, once a backend is up.
    #[default]
    Waiting,
    On,
    Off,
}

/// Time from the beginning of a request to the last byte of its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Latency {
    pub(crate) median: Duration,
    pub(crate) slowest: Duration,
}

/// The tone of a state word of an agent or a backend.
pub(crate) fn tone_of(state: &str) -> Tone {
    match state {
        "alive" | "up" => Tone::Good,
        "failed" | "ejected" => Tone::Bad,
        "starting" | "leaving" | "new" | "demoted" | "draining" => Tone::Waiting,
        _ => Tone::Plain,
    }
}

/// How things stand. Backends of nodes that left are not missed.
pub(crate) fn verdict(nodes: &[NodeView], traffic: &TrafficView) -> Verdict {
    let total = nodes.iter().filter(|node| !node.is_balancer && node.agent != "left").count();
    let up = nodes.iter().filter(|node| node.backend == "up").count();
    let (requests, failed) = requests_and_failed(nodes, traffic);
    let (tone, pool) = match up {
        // Before the first request there is nothing to be sorry for.
        0 if requests == 0 => (Tone::Waiting, "starting: no backend is up yet".to_owned()),
        0 => (Tone::Bad, "no backend is up: requests get 503".to_owned()),
        up if up < total => (Tone::Waiting, format!("serving with {up} of {total} backends")),
        up => (Tone::Good, format!("serving with {up} of {total} backends")),
    };
    if requests == 0 {
        return Verdict { tone, text: pool };
    }
    let tone = if failed > 0 { Tone::Bad } else { tone };
    Verdict { tone, text: format!("{pool}; {}", outcome(requests, failed)) }
}

/// How it went, once `stage` is `stopping` or `stopped`.
pub(crate) fn ending(stage: &str, nodes: &[NodeView], traffic: &TrafficView) -> Verdict {
    let (requests, failed) = requests_and_failed(nodes, traffic);
    let tone = if failed > 0 { Tone::Bad } else { Tone::Good };
    Verdict { tone, text: format!("{stage}; {}", outcome(requests, failed)) }
}

/// As the demo counted its own and the proxy all, whichever knows more.
fn requests_and_failed(nodes: &[NodeView], traffic: &TrafficView) -> (u64, u64) {
    let balancer = nodes.iter().find(|node| node.is_balancer);
    let (requests, failed) = balancer.map_or((0, 0), |node| (node.requests, node.failures));
    (requests.max(traffic.answered + traffic.failed), failed.max(traffic.failed))
}

fn outcome(requests: u64, failed: u64) -> String {
    match (requests, failed) {
        (0, 0) => "no request was made".to_owned(),
        (_, 0) => format!("none of {} requests failed", count(requests)),
        _ => format!("{} of {} requests failed", count(failed), count(requests)),
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration with the unit that suits it: `640 µs`, `3.2 ms`, `1.50 s`.
pub(crate) fn length(duration: Duration) -> String {
    let micros = duration.as_micros();
    let seconds = duration.as_secs_f64();
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// Text of others, made fit for a line: bounded, and nothing in it commands the terminal.
pub(crate) fn clean(text: &str) -> String {
    const CHARS_MAX: usize = 200;
    let end = text.char_indices().nth(CHARS_MAX).map_or(text.len(), |(end, _)| end);
    printable(&text[..end]).into_owned()
}

/// What the traffic line says, without its label.
pub(crate) fn traffic_words(traffic: &TrafficView) -> Verdict {
    let TrafficView { state, per_second, answered, failed, reasons, latency } = traffic;
    let mut text = match state {
        TrafficState::Waiting => "begins when a backend is up".to_owned(),
        TrafficState::On => {
            format!("{per_second} GET/s: {} answered, {} failed", count(*answered), count(*failed))
        }
        TrafficState::Off if answered + failed == 0 => "off".to_owned(),
        TrafficState::Off => format!("off: {} answered, {} failed", count(*answered), count(*failed)),
    };
    for (place, (reason, times)) in reasons.iter().enumerate() {
        text += if place == 0 { " (" } else { ", " };
        text += &format!("{}x {reason}", count(*times));
    }
    if !reasons.is_empty() {
        text.push(')');
    }
    if let Some(Latency { median, slowest }) = latency {
        text += &format!("; median {}, slowest {}", length(*median), length(*slowest));
    }
    let tone = match (failed, state) {
        (1.., _) => Tone::Bad,
        (0, TrafficState::On) => Tone::Good,
        (0, _) => Tone::Plain,
    };
    Verdict { tone, text }
}

/// A view with everything in it, for the tests of those who draw.
#[cfg(test)]
pub(crate) fn example() -> View {
    let node =
        |name: &str, addr: &str, agent: &str, backend: &str, requests, per_second, in_flight, failures| {
            NodeView {
                name: name.to_owned(),
                addr: addr.to_owned(),
                agent: agent.to_owned(),
                backend: backend.to_owned(),
                requests,
                per_second,
                in_flight,
                failures,
                is_balancer: name == "balancer",
            }
        };
    let nodes = vec![
        node("balancer", "127.77.0.1:7946", "alive", "", 12_345, 50.0, 1, 0),
        node("s1", "127.77.0.11:3000", "failed", "ejected", 4_117, 0.0, 0, 2),
        node("s2", "127.77.0.12:3000", "alive", "up", 8_230, 50.0, 1, 0),
        node("s3", "127.77.0.13:3000", "left", "", 17, 0.0, 0, 0),
    ];
    let traffic = TrafficView {
        state: TrafficState::On,
        per_second: 50,
        answered: 12_344,
        failed: 0,
        reasons: BTreeMap::new(),
        latency: Some(Latency { median: Duration::from_micros(640), slowest: Duration::from_micros(3_240) }),
    };
    let event =
        |secs, tone, text: &str| Event { at: Duration::from_millis(secs), tone, text: text.to_owned() };
    View {
        verdict: verdict(&nodes, &traffic),
        url: "http://127.0.0.1:8080/".to_owned(),
        program: "muster".to_owned(),
        selected: Some(1),
        nodes,
        traffic,
        is_over: false,
        events: vec![
            event(200, Tone::Good, "s1 gets requests"),
            event(210, Tone::Good, "s2 gets requests"),
            event(61_000, Tone::Plain, "s3 left"),
            event(125_400, Tone::Bad, "s1 ejected: 2 connections refused"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_counts_who_serves_and_what_failed() {
        let View { nodes, mut traffic, .. } = example();
        let text = |nodes: &[NodeView], traffic: &TrafficView| verdict(nodes, traffic).text;
        assert_eq!(text(&nodes, &traffic), "serving with 1 of 2 backends; none of 12,345 requests failed");
        traffic.failed = 3;
        assert_eq!(text(&nodes, &traffic), "serving with 1 of 2 backends; 3 of 12,347 requests failed");
        assert_eq!(verdict(&nodes, &traffic).tone, Tone::Bad);
        assert_eq!(
            text(&nodes[..1], &traffic),
            "no backend is up: requests get 503; 3 of 12,347 requests failed"
        );
        assert_eq!(text(&[], &TrafficView::default()), "starting: no backend is up yet");
        assert_eq!(ending("stopped", &nodes, &traffic).text, "stopped; 3 of 12,347 requests failed");
        assert_eq!(ending("stopped", &[], &TrafficView::default()).text, "stopped; no request was made");
    }

    #[test]
    fn failures_the_proxy_saw_count_even_without_traffic_of_ours() {
        let mut nodes = example().nodes;
        nodes[0].failures = 1;
        assert_eq!(verdict(&nodes, &TrafficView::default()).tone, Tone::Bad);
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        let lengths = [999, 1_000, 999_949, 1_500_000].map(|micros| length(Duration::from_micros(micros)));
        assert_eq!(lengths, ["999 µs", "1.0 ms", "999.9 ms", "1.50 s"]);
    }

    #[test]
    fn names_of_others_cannot_command_the_terminal() {
        assert_eq!(clean("s1\x1b[2J\u{202e}"), "s1\\u{1b}[2J\\u{202e}");
        assert_eq!(clean(&"x".repeat(500)).len(), 200);
    }

    #[test]
    fn the_traffic_line_names_each_reason_of_failure() {
        let mut traffic = TrafficView { failed: 3, ..example().traffic };
        traffic.reasons = BTreeMap::from([("502 Bad Gateway".to_owned(), 2), ("cut".to_owned(), 1)]);
        assert_eq!(
            traffic_words(&traffic).text,
            "50 GET/s: 12,344 answered, 3 failed (2x 502 Bad Gateway, 1x cut); median 640 µs, slowest 3.2 ms"
        );
        assert_eq!(traffic_words(&TrafficView::default()).text, "begins when a backend is up");
    }
}
