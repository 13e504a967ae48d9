//! What was seen of the cluster so far, and what the keys chose. Time is passed in; nothing here draws or asks.

use super::looks::Look;
use muster_control::health::Health;
use muster_control::history::Fact;
use muster_control::routes::MemberRow;
use muster_fleet::Report;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Facts kept: more than a tall screen shows.
const FACTS_MAX: usize = 200;
/// The graph's width in samples, one a second.
pub(crate) const SAMPLES_MAX: usize = 120;
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);
/// A sink reports each second: a figure that does not move for longer stands still.
const REPORT_INTERVAL_MAX: Duration = Duration::from_millis(2_500);
/// A filter longer than this is no filter any more.
const FILTER_CHARS_MAX: usize = 64;

/// A key that means something here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    Char(char),
    Back,
    Enter,
    Escape,
    Tab,
    Up,
    Down,
    Left,
    Right,
    End,
}

/// What a key asks of the outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Order {
    Quit,
    /// This node: out of rotation, or back in.
    Drain(bool),
}

/// Which table is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Panel {
    #[default]
    Backends,
    Members,
}

/// By which column a table is ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sorting {
    pub(crate) column: usize,
    pub(crate) descending: bool,
}

/// What the last key began.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Mode {
    #[default]
    Looking,
    /// The filter is being typed.
    Typing,
    /// Asked whether this node is really meant.
    Asking { drain: bool },
}

/// A figure that grows, and how fast.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    figure: u64,
    moved_at: Duration,
    per_second: f64,
}

impl Rate {
    /// The first figure says nothing of how fast it came to be.
    fn of(figure: u64, at: Duration) -> Self {
        Self { figure, moved_at: at, per_second: 0.0 }
    }

    fn see(&mut self, figure: u64, at: Duration) {
        let since = at.saturating_sub(self.moved_at);
        if figure < self.figure {
            // The sink was restarted and counts from zero.
            *self = Self::of(figure, at);
        } else if figure > self.figure {
            #[expect(clippy::cast_precision_loss, reason = "a rate for the eye")]
            let grown = (figure - self.figure) as f64;
            *self = Self { figure, moved_at: at, per_second: grown / since.as_secs_f64().max(0.001) };
        } else if since > REPORT_INTERVAL_MAX {
            self.per_second = 0.0;
        }
    }
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct State {
    /// This node.
    pub(crate) node: String,
    pub(crate) members: Vec<MemberRow>,
    pub(crate) reports: Vec<Report>,
    pub(crate) health: Option<Health>,
    /// Oldest first.
    pub(crate) facts: VecDeque<Fact>,
    next_fact: u64,
    /// Of each backend, by sink, service and node.
    rates: BTreeMap<[String; 3], Rate>,
    total: Rate,
    /// Requests a second, oldest first.
    pub(crate) samples: VecDeque<u64>,
    sampled_at: Duration,
    /// Why the agent does not answer, if it does not.
    pub(crate) lost: Option<String>,
    pub(crate) panel: Panel,
    sorting: [Sorting; 2],
    pub(crate) filter: String,
    mode: Mode,
    /// Place of the chosen row among those shown.
    pub(crate) selected: usize,
    message: Option<String>,
}

impl State {
    pub(crate) fn new(node: String) -> Self {
        Self {
            node,
            members: Vec::new(),
            reports: Vec::new(),
            health: None,
            facts: VecDeque::new(),
            next_fact: 0,
            rates: BTreeMap::new(),
            total: Rate::default(),
            samples: VecDeque::new(),
            sampled_at: Duration::ZERO,
            lost: None,
            panel: Panel::default(),
            sorting: [Sorting::default(); 2],
            filter: String::new(),
            mode: Mode::default(),
            selected: 0,
            message: None,
        }
    }

    /// Takes in one look, made `at` this time since the start.
    pub(crate) fn see(&mut self, look: Look, at: Duration) {
        self.lost = None;
        let total = look.reports.iter().map(|report| report.requests).sum();
        if self.reports.is_empty() {
            self.total = Rate::of(total, at);
        }
        self.total.see(total, at);
        if at.saturating_sub(self.sampled_at) >= SAMPLE_INTERVAL {
            self.sampled_at = at;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a rate is no less than zero, and for the eye"
            )]
            self.samples.push_back(self.total.per_second.round() as u64);
            if self.samples.len() > SAMPLES_MAX {
                self.samples.pop_front();
            }
        }
        let mut rates = BTreeMap::new();
        for (report, backend) in backends(&look.reports) {
            let key = [report.sink.clone(), backend.service.clone(), backend.node.clone()];
            let mut rate = self.rates.remove(&key).unwrap_or(Rate::of(backend.requests, at));
            rate.see(backend.requests, at);
            rates.insert(key, rate);
        }
        self.rates = rates;
        if look.next < self.next_fact {
            // Another file, or another agent: its numbers say nothing beside the old ones.
            self.facts.clear();
        }
        // The first two looks ask for the same.
        let known = self.facts.back().map_or(0, |fact| fact.id);
        self.facts.extend(look.facts.into_iter().filter(|fact| fact.id == 0 || fact.id > known));
        let surplus = self.facts.len().saturating_sub(FACTS_MAX);
        self.facts.drain(..surplus);
        self.next_fact = look.next;
        self.members = look.members;
        self.reports = look.reports;
        self.health = look.health;
    }

    /// The agent does not answer: what is shown is old.
    pub(crate) fn lose(&mut self, why: &str) {
        self.lost = Some(why.to_owned());
    }

    /// Says something in the line of keys, until the next key.
    pub(crate) fn tell(&mut self, text: String) {
        self.message = Some(text);
    }

    /// Requests a second of all sinks together.
    pub(crate) fn per_second(&self) -> f64 {
        self.total.per_second
    }

    /// Requests a second of one backend.
    pub(crate) fn rate_of(&self, sink: &str, service: &str, node: &str) -> f64 {
        let key = [sink, service, node].map(str::to_owned);
        self.rates.get(&key).map_or(0.0, |rate| rate.per_second)
    }

    /// How the table that is shown is ordered.
    pub(crate) fn sorting(&self) -> Sorting {
        self.sorting[self.panel as usize]
    }

    /// What stands instead of the keys' meanings, if anything does.
    pub(crate) fn prompt(&self) -> Option<String> {
        match self.mode {
            Mode::Typing => Some(format!("filter: {}▏ Enter keeps it, Esc forgets it", self.filter)),
            Mode::Asking { drain: true } => Some(format!("take {} out of rotation? y / n", self.node)),
            Mode::Asking { drain: false } => Some(format!("let {} have requests again? y / n", self.node)),
            Mode::Looking => self.message.clone(),
        }
    }

    /// What a key changes, and what it asks of the outside.
    pub(crate) fn press(&mut self, key: Key) -> Option<Order> {
        self.message = None;
        match (self.mode, key) {
            (_, Key::End) | (Mode::Looking, Key::Char('q')) => return Some(Order::Quit),
            (Mode::Asking { drain }, Key::Char('y')) => {
                self.mode = Mode::Looking;
                return Some(Order::Drain(drain));
            }
            (Mode::Asking { .. }, _) | (Mode::Typing, Key::Enter) => self.mode = Mode::Looking,
            (Mode::Typing, Key::Escape) => {
                self.mode = Mode::Looking;
                self.filter.clear();
            }
            (Mode::Typing, Key::Back) => drop(self.filter.pop()),
            (Mode::Typing, Key::Char(c)) if self.filter.chars().count() < FILTER_CHARS_MAX => {
                self.filter.push(c);
                self.selected = 0;
            }
            (Mode::Looking, Key::Char('/')) => self.mode = Mode::Typing,
            (Mode::Looking, Key::Escape) => self.filter.clear(),
            (Mode::Looking, Key::Char('d')) => self.mode = Mode::Asking { drain: true },
            (Mode::Looking, Key::Char('r')) => self.mode = Mode::Asking { drain: false },
            (Mode::Looking, Key::Char('o')) => {
                let sorting = &mut self.sorting[self.panel as usize];
                sorting.descending = !sorting.descending;
            }
            (Mode::Looking, Key::Tab) => {
                self.selected = 0;
                self.panel = match self.panel {
                    Panel::Backends => Panel::Members,
                    Panel::Members => Panel::Backends,
                };
            }
            (_, Key::Up) => self.selected = self.selected.saturating_sub(1),
            // The table knows how many there are: see `Table::place`.
            (_, Key::Down) => self.selected = self.selected.saturating_add(1),
            (Mode::Looking, Key::Left) => self.sort_by(-1),
            (Mode::Looking, Key::Right) => self.sort_by(1),
            (Mode::Looking | Mode::Typing, _) => {}
        }
        None
    }

    fn sort_by(&mut self, step: isize) {
        let last = super::table::columns(self.panel).len() - 1;
        let Sorting { column, .. } = self.sorting();
        let column = column.saturating_add_signed(step).min(last);
        // Most first where there are numbers.
        let descending = super::table::columns(self.panel)[column].is_number;
        self.sorting[self.panel as usize] = Sorting { column, descending };
    }
}

/// All backends with the report that tells of them.
pub(crate) fn backends(reports: &[Report]) -> impl Iterator<Item = (&Report, &muster_fleet::BackendReport)> {
    reports.iter().flat_map(|report| report.backends.iter().map(move |backend| (report, backend)))
}

#[cfg(test)]
pub(crate) mod tests;
