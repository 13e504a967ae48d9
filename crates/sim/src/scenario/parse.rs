//! Reading scenario files: every error says its line and what would be right there.

use super::{Action, Condition, Expectation, Layer, NODES_MAX, Node, STEPS_MAX, Scenario, Step, TIME_MAX};
use muster_serf::Status;
use muster_wire::tags::Tags;
use std::fmt;
use std::time::Duration;

/// The longest file that is read.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// The most a word contributes to an error message.
const QUOTED_CHARS: usize = 60;

/// Why a scenario cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for ParseError {}

type Parsed<T> = Result<T, String>;

pub(super) fn scenario(text: &str) -> Result<Scenario, ParseError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(ParseError { line: 1, reason: "a scenario has at most 1 MiB".to_owned() });
    }
    let mut scenario = Scenario {
        nodes: 0,
        seed: 1,
        stock: Vec::new(),
        tags: Vec::new(),
        link: Vec::new(),
        steps: Vec::new(),
    };
    for (index, line) in text.lines().enumerate() {
        let line = line.split_once('#').map_or(line, |(before, _)| before);
        let mut words = Words(line.split_whitespace().collect(), scenario.nodes);
        let parsed = match words.next() {
            None => Ok(()),
            Some(first) => read_line(&mut scenario, first, &mut words, index + 1).and_then(|()| words.end()),
        };
        parsed.map_err(|reason| ParseError { line: index + 1, reason })?;
    }
    if scenario.nodes == 0 {
        return Err(ParseError { line: 1, reason: "begin with the cluster: nodes 5".to_owned() });
    }
    Ok(scenario)
}

fn read_line(scenario: &mut Scenario, first: &str, words: &mut Words<'_>, line: usize) -> Parsed<()> {
    if first == "nodes" {
        if scenario.nodes > 0 {
            return Err("nodes stands there already: one cluster a scenario".to_owned());
        }
        let count = words.number("how many nodes there are")?;
        scenario.nodes = usize::try_from(count)
            .ok()
            .filter(|count| (1..=NODES_MAX).contains(count))
            .ok_or(format!("{count} nodes are too many or too few: 1 to {NODES_MAX}"))?;
        return Ok(());
    }
    if first == "seed" {
        scenario.seed = words.number("the seed")?;
        return Ok(());
    }
    if scenario.nodes == 0 {
        return Err("begin with the cluster: nodes 5".to_owned());
    }
    match first {
        "stock" => scenario.stock = words.nodes()?,
        "tags" => {
            let node = words.node()?;
            scenario.tags.push((node, words.tags()?));
        }
        "link" => scenario.link = words.conditions()?,
        "at" => {
            let at = words.time()?;
            if scenario.steps.last().is_some_and(|last| last.at > at) {
                return Err("times never go back: this is earlier than the line before".to_owned());
            }
            if scenario.steps.len() == STEPS_MAX {
                return Err(format!("a scenario has at most {STEPS_MAX} steps"));
            }
            let action = action(words)?;
            scenario.steps.push(Step { at, line, action });
        }
        other => {
            return Err(format!(
                "{} is no line: nodes, seed, stock, tags, link, or at TIME ...",
                quoted(other)
            ));
        }
    }
    Ok(())
}

fn action(words: &mut Words<'_>) -> Parsed<Action> {
    let verb = words.next().ok_or("what happens then? As in: at 10s crash n3")?;
    Ok(match verb {
        "crash" => Action::Crash(words.nodes()?),
        "start" => {
            let nodes = words.nodes()?;
            Action::Start { nodes, remembering: words.take("remembering") }
        }
        "recreate" => Action::Recreate(words.node()?),
        "leave" => Action::Leave(words.nodes()?),
        "force-leave" => {
            let node = words.node()?;
            words.want("by")?;
            Action::ForceLeave { node, by: words.node()? }
        }
        "pause" => {
            let nodes = words.nodes()?;
            words.want("for")?;
            let time = words.time()?;
            let unnoticed = words.take("unnoticed");
            Action::Pause { nodes, time, unnoticed, deaf: words.take("deaf") }
        }
        "slow" => Action::Slow { node: words.node()?, delay: words.time()? },
        "cut" => {
            let from = words.node()?;
            let both_ways = match words.next() {
                Some("->") => false,
                Some("<->") => true,
                _ => return Err("a cut has a direction: cut n1 -> n2, or cut n1 <-> n2".to_owned()),
            };
            let to = words.node()?;
            Action::Cut { from, to, both_ways, udp_only: words.take("udp") }
        }
        "part" => {
            let mut sides = vec![words.nodes()?];
            while words.take("|") {
                sides.push(words.nodes()?);
            }
            if sides.len() < 2 {
                return Err("a partition has two sides or more: part n1 n2 | n3 n4".to_owned());
            }
            Action::Part(sides)
        }
        "lose" => Action::Lose { node: words.node()?, share: words.share()? },
        "link" => Action::Link(words.conditions()?),
        "heal" => Action::Heal,
        "tag" => Action::Tag { node: words.node()?, tags: words.tags()? },
        "tell" => {
            let node = words.node()?;
            let name = words.next().ok_or("a user event has a name: tell n2 deploy v1")?.to_owned();
            let payload = words.next().unwrap_or_default().to_owned();
            if name.len() + payload.len() > 400 {
                return Err("a user event has at most 400 bytes here".to_owned());
            }
            Action::Tell { node, name, payload }
        }
        "show" => Action::Show { what: words.layer()?, on: true },
        "hide" => Action::Show { what: words.layer()?, on: false },
        "expect" => {
            let what = words.expectation()?;
            let within = if words.take("within") { words.time()? } else { Duration::ZERO };
            Action::Expect { what, within }
        }
        "end" => Action::End,
        other => {
            return Err(format!(
                "{} is nothing that happens: crash, start, recreate, leave, force-leave, pause, slow, cut, part, lose, \
                 link, heal, tag, tell, show, hide, expect, end",
                quoted(other)
            ));
        }
    })
}

/// The words of a line that are yet to be read, and how many nodes there are.
struct Words<'a>(std::collections::VecDeque<&'a str>, usize);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.0.pop_front()
    }

    /// Whether this word is next; it is then read.
    fn take(&mut self, word: &str) -> bool {
        let found = self.0.front() == Some(&word);
        if found {
            self.0.pop_front();
        }
        found
    }

    fn want(&mut self, word: &str) -> Parsed<()> {
        if self.take(word) { Ok(()) } else { Err(format!("the word \"{word}\" is missing here")) }
    }

    fn end(&mut self) -> Parsed<()> {
        match self.next() {
            None => Ok(()),
            Some(word) => Err(format!("{} is too much at the end of this line", quoted(word))),
        }
    }

    fn number(&mut self, what: &str) -> Parsed<u64> {
        let word = self.next().unwrap_or_default();
        word.parse().map_err(|_| format!("{} is no number: say {what}", quoted(word)))
    }

    fn node(&mut self) -> Parsed<Node> {
        let word = self.next().ok_or("a node is missing here, such as n1")?;
        node(word, self.1)
    }

    fn nodes(&mut self) -> Parsed<Vec<Node>> {
        let mut nodes = vec![self.node()?];
        while let Some(node) = self.0.front().and_then(|word| node(word, self.1).ok()) {
            self.0.pop_front();
            if !nodes.contains(&node) {
                nodes.push(node);
            }
        }
        // A wrong number is a mistake; another word has its own meaning.
        match self.0.front() {
            Some(word) if looks_like_node(word) => node(word, self.1).map(|_| nodes),
            _ => Ok(nodes),
        }
    }

    fn time(&mut self) -> Parsed<Duration> {
        let word = self.next().ok_or("a time is missing here, such as 10s, 250ms or 1m30s")?;
        let wrong = || format!("{} is no time: write 10s, 250ms or 1m30s", quoted(word));
        let time = time(word).ok_or_else(wrong)?;
        if time > TIME_MAX { Err("a scenario lasts seven days at most".to_owned()) } else { Ok(time) }
    }

    fn share(&mut self) -> Parsed<f64> {
        let word = self.next().unwrap_or_default();
        let number = word.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
        let share = number.filter(|percent| (0.0..=100.0).contains(percent));
        share.map(|percent| percent / 100.0).ok_or_else(|| format!("{} is no share: write 30%", quoted(word)))
    }

    fn tags(&mut self) -> Parsed<Tags> {
        let mut tags = Tags::new();
        while let Some(word) = self.next() {
            let (name, value) =
                word.split_once('=').ok_or_else(|| format!("{} is no tag: write role=web", quoted(word)))?;
            tags.insert(name.to_owned(), value.to_owned());
        }
        let bytes = muster_wire::tags::encode(&tags).len();
        if bytes > muster_wire::tags::META_BYTES_MAX {
            return Err(format!("tags of {bytes} bytes are too long: 512 at most"));
        }
        Ok(tags)
    }

    fn conditions(&mut self) -> Parsed<Vec<Condition>> {
        let mut conditions = Vec::new();
        while let Some(word) = self.next() {
            conditions.push(match word {
                "latency" => Condition::Latency(self.time()?),
                "jitter" => Condition::Jitter(self.time()?),
                "loss" => Condition::Loss(self.share()?),
                "duplicate" => Condition::Duplicate(self.share()?),
                "late" => Condition::Late(self.share()?),
                other => {
                    let other = quoted(other);
                    return Err(format!(
                        "{other} is no property of a link: latency, jitter, loss, duplicate, late"
                    ));
                }
            });
        }
        if conditions.is_empty() {
            Err("which property? As in: link loss 5%".to_owned())
        } else {
            Ok(conditions)
        }
    }

    fn layer(&mut self) -> Parsed<Layer> {
        match self.next() {
            Some("wire") => Ok(Layer::Wire),
            Some("events") => Ok(Layer::Events),
            _ => Err("show or hide what? wire, or events".to_owned()),
        }
    }

    fn expectation(&mut self) -> Parsed<Expectation> {
        if self.take("all") {
            return match self.next() {
                Some("right") => Ok(Expectation::AllRight),
                Some("see") => self.sees(None),
                _ => Err("expect all right, or expect all see n3 failed".to_owned()),
            };
        }
        if self.take("no") {
            self.want("failure")?;
            let of = self.take("of");
            return Ok(Expectation::NoFailure(if of { Some(self.node()?) } else { None }));
        }
        let by = self.node()?;
        self.want("sees")?;
        self.sees(Some(by))
    }

    fn sees(&mut self, by: Option<Node>) -> Parsed<Expectation> {
        let node = self.node()?;
        let status = match self.next() {
            Some("alive") => Some(Status::Alive),
            Some("leaving") => Some(Status::Leaving),
            Some("left") => Some(Status::Left),
            Some("failed") => Some(Status::Failed),
            Some("nobody") => None,
            _ => return Err("seen as what? alive, leaving, left, failed or nobody".to_owned()),
        };
        Ok(Expectation::Sees { by, node, status })
    }
}

fn looks_like_node(word: &str) -> bool {
    let digits = word.strip_prefix('n').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn node(word: &str, count: usize) -> Parsed<Node> {
    let number =
        word.strip_prefix('n').filter(|_| looks_like_node(word)).and_then(|digits| digits.parse().ok());
    match number {
        Some(number) if (1..=count).contains(&number) => Ok(Node(number - 1)),
        _ if looks_like_node(word) => {
            Err(format!("there is no {}: the nodes are n1 to n{count}", quoted(word)))
        }
        _ => Err(format!("{} is no node: they are n1 to n{count}", quoted(word))),
    }
}

/// `1h2m3s4ms` in this order, each part at most once.
fn time(word: &str) -> Option<Duration> {
    let mut rest = word;
    let mut total = Duration::ZERO;
    let mut any = false;
    for (unit, millis) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, tail) = rest.split_at(digits);
        let Some(after) = tail.strip_prefix(unit).filter(|after| !after.starts_with(char::is_alphabetic))
        else {
            continue;
        };
        let amount: u64 = number.parse().ok()?;
        total = total.checked_add(Duration::from_millis(amount.checked_mul(millis)?))?;
        (rest, any) = (after, true);
    }
    (any && rest.is_empty()).then_some(total)
}

fn quoted(word: &str) -> String {
    let short: String = word.chars().take(QUOTED_CHARS).collect();
    format!("\"{}\"", short.escape_debug())
}
