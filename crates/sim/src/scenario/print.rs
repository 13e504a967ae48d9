//! A scenario as the text it could be read from.

use super::{Action, Condition, Expectation, Layer, Node, Scenario};
use muster_wire::tags::Tags;
use std::fmt;
use std::time::Duration;

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "nodes {}", self.nodes)?;
        writeln!(f, "seed {}", self.seed)?;
        if !self.stock.is_empty() {
            writeln!(f, "stock {}", list(&self.stock))?;
        }
        for (node, tags) in &self.tags {
            writeln!(f, "tags {node}{}", tag_list(tags))?;
        }
        if !self.link.is_empty() {
            writeln!(f, "link {}", conditions(&self.link))?;
        }
        self.steps.iter().try_for_each(|step| writeln!(f, "at {} {}", time(step.at), step.action))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0 + 1)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |on: &bool, word: &'static str| if *on { word } else { "" };
        match self {
            Self::Crash(nodes) => write!(f, "crash {}", list(nodes)),
            Self::Start { nodes, remembering } => {
                write!(f, "start {}{}", list(nodes), word(remembering, " remembering"))
            }
            Self::Recreate(node) => write!(f, "recreate {node}"),
            Self::Leave(nodes) => write!(f, "leave {}", list(nodes)),
            Self::ForceLeave { node, by } => write!(f, "force-leave {node} by {by}"),
            Self::Pause { nodes, time: length, unnoticed, deaf } => {
                let (unnoticed, deaf) = (word(unnoticed, " unnoticed"), word(deaf, " deaf"));
                write!(f, "pause {} for {}{unnoticed}{deaf}", list(nodes), time(*length))
            }
            Self::Slow { node, delay } => write!(f, "slow {node} {}", time(*delay)),
            Self::Cut { from, to, both_ways, udp_only } => {
                let arrow = if *both_ways { "<->" } else { "->" };
                write!(f, "cut {from} {arrow} {to}{}", word(udp_only, " udp"))
            }
            Self::Part(sides) => {
                let sides: Vec<String> = sides.iter().map(|side| list(side)).collect();
                write!(f, "part {}", sides.join(" | "))
            }
            Self::Lose { node, share } => write!(f, "lose {node} {}", percent(*share)),
            Self::Link(link) => write!(f, "link {}", conditions(link)),
            Self::Heal => f.write_str("heal"),
            Self::Tag { node, tags } => write!(f, "tag {node}{}", tag_list(tags)),
            Self::Tell { node, name, payload } => write!(f, "tell {node} {name} {payload}"),
            Self::Show { what, on } => {
                let what = if *what == Layer::Wire { "wire" } else { "events" };
                write!(f, "{} {what}", if *on { "show" } else { "hide" })
            }
            Self::Expect { what, within } if within.is_zero() => write!(f, "expect {what}"),
            Self::Expect { what, within } => write!(f, "expect {what} within {}", time(*within)),
            Self::End => f.write_str("end"),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status =
            |status: &Option<muster_serf::Status>| status.map_or("nobody", muster_serf::Status::as_str);
        match self {
            Self::Sees { by: Some(by), node, status: seen } => write!(f, "{by} sees {node} {}", status(seen)),
            Self::Sees { by: None, node, status: seen } => write!(f, "all see {node} {}", status(seen)),
            Self::AllRight => f.write_str("all right"),
            Self::NoFailure(None) => f.write_str("no failure"),
            Self::NoFailure(Some(node)) => write!(f, "no failure of {node}"),
        }
    }
}

fn list(nodes: &[Node]) -> String {
    nodes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn tag_list(tags: &Tags) -> String {
    tags.iter().map(|(name, value)| format!(" {name}={value}")).collect()
}

fn conditions(link: &[Condition]) -> String {
    let one = |condition: &Condition| match condition {
        Condition::Latency(latency) => format!("latency {}", time(*latency)),
        Condition::Jitter(jitter) => format!("jitter {}", time(*jitter)),
        Condition::Loss(share) => format!("loss {}", percent(*share)),
        Condition::Duplicate(share) => format!("duplicate {}", percent(*share)),
        Condition::Late(share) => format!("late {}", percent(*share)),
    };
    link.iter().map(one).collect::<Vec<_>>().join(" ")
}

fn percent(share: f64) -> String {
    format!("{}%", (share * 1000.0).round() / 10.0)
}

/// As the parser reads it: whole seconds, or milliseconds.
pub(crate) fn time(time: Duration) -> String {
    if time.subsec_millis() == 0 { format!("{}s", time.as_secs()) } else { format!("{}ms", time.as_millis()) }
}
