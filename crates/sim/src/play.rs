//! Playing a scenario: the world, what befalls it, and a line for everything worth telling.
//!
//! Whatever the scenario expects, the [invariants](crate::invariants) are expected too.

mod acts;
mod wire;

use crate::invariants::Invariants;
use crate::scenario::{Action, Condition, Expectation, Node, Scenario};
use crate::{Link, Noticed, Spec, World};
use muster_serf::{Event, Instant, MemberEvent, Status};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// The world is looked at this often while something is awaited.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Longest piece played before its lines are shown.
const PIECE: Duration = Duration::from_secs(1);

/// What a line of a trace is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Something befalls a node.
    Step,
    /// A node noticed something.
    Event,
    /// A message between nodes.
    Wire,
    /// Something expected is so.
    Held,
    /// Something expected is not so.
    Broken,
}

/// One line of a trace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Since the beginning of the scenario.
    pub at: Duration,
    /// What it is about.
    pub kind: Kind,
    /// Who tells it: a node's name, or a mark.
    pub who: String,
    /// In words.
    pub text: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, millis) = (self.at.as_secs(), self.at.subsec_millis());
        write!(f, "{secs:6}.{millis:03}  {:<6} {}", self.who, self.text)
    }
}

/// How a scenario went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Expectations and invariants that did not hold.
    pub broken: usize,
    /// The time each awaited expectation took.
    pub waits: Vec<Duration>,
    /// How long it ran.
    pub time: Duration,
    /// How long nodes were up, all together.
    pub node_time: Duration,
    /// What the world did.
    pub counts: crate::Counts,
    /// What happened, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// Times a node was found failed, by each who found it.
    pub failures: u64,
}

/// Who is told what happens. A closure takes the lines alone.
pub trait Audience {
    /// Something to tell. The lines of one second come together.
    fn line(&mut self, line: &Line);
    /// Some time, at most a second, went by.
    fn look(&mut self, _at: Duration, _views: Views<'_>) {}
}

impl<F: FnMut(&Line)> Audience for F {
    fn line(&mut self, line: &Line) {
        self(line);
    }
}

/// Who sees whom at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Views<'a> {
    world: &'a World,
    holders: &'a [usize],
}

impl Views<'_> {
    /// For each node its name and how it sees the nodes in order: `+` alive, `~` leaving, `-` left, `x` failed, `.` unknown;
    /// of one that does not run, why.
    pub fn rows(&self) -> Vec<(String, String)> {
        let name = |host: usize| self.world.spec(host).name.clone();
        self.holders.iter().map(|host| (name(*host), self.row(*host))).collect()
    }

    fn row(&self, host: usize) -> String {
        if self.world.is_paused(host) {
            return "paused".to_owned();
        }
        if !self.world.is_up(host) {
            return if self.world.has_left(host) { "left" } else { "down" }.to_owned();
        }
        let mark = |other: &usize| match self.world.status(host, *other) {
            Some(Status::Alive) => '+',
            Some(Status::Leaving) => '~',
            Some(Status::Left) => '-',
            Some(Status::Failed) => 'x',
            None => '.',
        };
        self.holders.iter().map(mark).collect()
    }
}

/// Plays a scenario before an audience.
pub fn play(scenario: &Scenario, audience: &mut dyn Audience) -> Outcome {
    let mut player = Player::new(scenario, audience);
    for step in &scenario.steps {
        player.play_until(step.at);
        player.act(step.line, &step.action);
    }
    player.outcome.time = player.elapsed();
    player.outcome.counts = player.world.counts();
    player.outcome
}

struct Player<'a> {
    world: World,
    /// The host that has each node's name now.
    holders: Vec<usize>,
    /// When the cluster had formed: the scenario's time 0.
    begin: Instant,
    link: Link,
    shows_events: bool,
    shows_wire: bool,
    notes: Notes,
    outcome: Outcome,
    audience: &'a mut dyn Audience,
}

/// What is noted while the world runs.
#[derive(Default)]
struct Notes {
    lines: Vec<Line>,
    invariants: Invariants,
    /// Names found failed by anybody.
    failed: BTreeMap<String, u64>,
    broken: usize,
}

impl<'a> Player<'a> {
    fn new(scenario: &Scenario, audience: &'a mut dyn Audience) -> Self {
        let specs = (0..scenario.nodes).map(|at| {
            let node = Node(at);
            let seeds = (0..scenario.nodes.min(2)).filter(|seed| *seed != at).collect();
            let given = scenario.tags.iter().rev().find(|(tagged, _)| *tagged == node);
            let tags = given.map(|(_, tags)| tags.clone()).unwrap_or_default();
            let spec = Spec { seeds, tags, ..Spec::named(node.to_string()) };
            if scenario.stock.contains(&node) { spec.stock() } else { spec }
        });
        let mut world = World::form(specs, scenario.seed);
        let link = link(Link::CALM, &scenario.link);
        world.network.link = link;
        let outcome = Outcome {
            broken: 0,
            waits: Vec::new(),
            time: Duration::ZERO,
            node_time: Duration::ZERO,
            counts: crate::Counts::default(),
            faults: BTreeMap::new(),
            failures: 0,
        };
        Self {
            begin: world.now(),
            holders: (0..scenario.nodes).collect(),
            link,
            shows_events: true,
            shows_wire: false,
            notes: Notes { invariants: Invariants::begin(&world), ..Notes::default() },
            outcome,
            audience,
            world,
        }
    }

    fn elapsed(&self) -> Duration {
        self.world.now() - self.begin
    }

    /// Plays up to a moment, a piece at a time.
    fn play_until(&mut self, moment: Duration) {
        while let Some(left) = moment.checked_sub(self.elapsed()).filter(|left| !left.is_zero()) {
            // Pieces end at whole seconds.
            let piece = PIECE - Duration::from_nanos(self.elapsed().subsec_nanos().into());
            self.play_piece(piece.min(left));
        }
    }

    fn play_piece(&mut self, time: Duration) {
        let (begin, shows) = (self.begin, self.shows_events);
        let notes = &mut self.notes;
        self.world.run_watching(time, |world, noticed| {
            noticed.iter().for_each(|noticed| notes.note(world, noticed, begin, shows));
            false
        });
        let up = (0..self.world.len()).filter(|host| self.world.is_up(*host)).count();
        self.outcome.node_time += time * u32::try_from(up).unwrap_or(u32::MAX);
        self.show();
        let views = Views { world: &self.world, holders: &self.holders };
        self.audience.look(self.elapsed(), views);
    }

    /// Tells what was noted.
    fn show(&mut self) {
        // What commands made nodes notice at once.
        for noticed in self.world.take_noticed() {
            self.notes.note(&self.world, &noticed, self.begin, self.shows_events);
        }
        let mut lines = std::mem::take(&mut self.notes.lines);
        if self.shows_wire {
            let begin = self.begin;
            let passages = self.world.take_passages();
            lines.extend(passages.iter().map(|passage| wire::line(&self.world, passage, begin)));
            lines.sort_by_key(|line| line.at);
        }
        lines.iter().for_each(|line| self.audience.line(line));
        self.outcome.broken += std::mem::take(&mut self.notes.broken);
        self.outcome.failures = self.notes.failed.values().sum();
    }

    fn say(&mut self, kind: Kind, who: &str, text: String) {
        self.show();
        let line = Line { at: self.elapsed(), kind, who: who.to_owned(), text };
        self.audience.line(&line);
    }

    /// Waits for what is expected, and says whether it came.
    fn expect(&mut self, line: usize, what: Expectation, within: Duration) {
        let begun = self.elapsed();
        while !self.holds(what) && self.elapsed() < begun + within {
            self.play_piece(LOOK_EVERY);
        }
        let took = self.elapsed() - begun;
        if self.holds(what) {
            self.outcome.waits.push(took);
            let waited = if took.is_zero() { String::new() } else { format!(" after {took:?}") };
            return self.say(Kind::Held, "holds", format!("{what}{waited}"));
        }
        self.outcome.broken += 1;
        let place = if line > 0 { format!("line {line}: ") } else { String::new() };
        let instead = self.instead(what);
        self.say(Kind::Broken, "BROKEN", format!("{place}expected {what}{instead}"));
    }

    fn holds(&self, what: Expectation) -> bool {
        match what {
            Expectation::AllRight => self.world.is_right(),
            Expectation::NoFailure(None) => self.notes.failed.is_empty(),
            Expectation::NoFailure(Some(node)) => !self.notes.failed.contains_key(&node.to_string()),
            Expectation::Sees { by: Some(by), node, status } => {
                let by = self.holders[by.0];
                self.world.is_up(by) && self.sees(by, node) == status
            }
            Expectation::Sees { by: None, node, status } => {
                let others = self.holders.iter().filter(|host| **host != self.holders[node.0]);
                others.filter(|host| self.world.is_up(**host)).all(|host| self.sees(*host, node) == status)
            }
        }
    }

    fn sees(&self, host: usize, node: Node) -> Option<Status> {
        self.world.status(host, self.holders[node.0])
    }

    /// What is so instead of what was expected.
    fn instead(&self, what: Expectation) -> String {
        match what {
            Expectation::AllRight => self
                .world
                .first_wrong()
                .map(|wrong| format!("; {}", self.in_words(&wrong)))
                .unwrap_or_default(),
            Expectation::Sees { by: Some(by), node, .. } => {
                let seen = self.sees(self.holders[by.0], node).map_or("nobody", Status::as_str);
                format!("; it is {seen}")
            }
            Expectation::Sees { by: None, .. } => String::new(),
            Expectation::NoFailure(_) => {
                let failed: Vec<&str> = self.notes.failed.keys().map(String::as_str).collect();
                format!("; failed: {}", failed.join(", "))
            }
        }
    }

    fn in_words(&self, wrong: &crate::Wrong) -> String {
        let sees = wrong.sees.map_or("nobody", Status::as_str);
        let host = &self.world.spec(wrong.host).name;
        format!("{host} sees {} as {sees} and should see it {}", wrong.name, wrong.should)
    }
}

impl Notes {
    fn note(&mut self, world: &World, noticed: &Noticed, begin: Instant, shows: bool) {
        let at = noticed.at - begin;
        let who = world.spec(noticed.host).name.clone();
        if let Some(text) = self.invariants.broken_by(world, noticed) {
            self.broken += 1;
            self.lines.push(Line {
                at,
                kind: Kind::Broken,
                who: "BROKEN".to_owned(),
                text: format!("{who}: {text}"),
            });
        }
        if let Event::Member(MemberEvent::Failed, member) = &noticed.event {
            *self.failed.entry(member.name.to_string()).or_default() += 1;
        }
        if let Some(text) = Some(&noticed.event).filter(|_| shows).and_then(in_words) {
            self.lines.push(Line { at, kind: Kind::Event, who, text });
        }
    }
}

/// An event as a line; none for what happens all the time.
fn in_words(event: &Event) -> Option<String> {
    Some(match event {
        Event::Member(MemberEvent::Join, member) => format!("{} joined", member.name),
        Event::Member(MemberEvent::Leave, member) => format!("{} left", member.name),
        Event::Member(MemberEvent::Failed, member) => format!("{} failed", member.name),
        Event::Member(MemberEvent::Update, member) => {
            let tags: Vec<String> =
                member.tags().iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} is at {} with tags {}", member.name, member.addr.ip(), tags.join(" "))
        }
        Event::Member(MemberEvent::Reap, member) => format!("{} is forgotten", member.name),
        Event::Leaving(member) => format!("{} is leaving", member.name),
        Event::Staying(member) => format!("{} stays", member.name),
        Event::User { name, payload, .. } => format!("event {name} {}", String::from_utf8_lossy(payload)),
        Event::LeftCluster => "has left and ends".to_owned(),
        Event::Note { text, .. } => text.clone(),
        _ => return None,
    })
}

/// A link with some of its properties changed.
fn link(mut link: Link, conditions: &[Condition]) -> Link {
    for condition in conditions {
        match *condition {
            Condition::Latency(latency) => link.latency = latency,
            Condition::Jitter(jitter) => link.jitter = jitter,
            Condition::Loss(share) => link.loss = share,
            Condition::Duplicate(share) => link.duplicate = share,
            Condition::Late(share) => link.late = share,
        }
    }
    link
}
