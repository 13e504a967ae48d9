//! What tests of several modules need.

use crate::action::Action;
use crate::condition::Condition;
use crate::place::Place;
use crate::plan::{Frontend, Limits, Mode, Rule, Timeouts};

pub(crate) fn place(line: u32) -> Place {
    Place::new(&"plan".into(), line)
}

pub(crate) fn rule(line: u32, when: Condition, action: Action) -> Rule {
    Rule { when, action, place: place(line) }
}

pub(crate) fn frontend(rules: Vec<Rule>) -> Frontend {
    Frontend {
        name: "main".into(),
        place: place(1),
        mode: Mode::Http,
        binds: Vec::new(),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        rules,
        service: None,
        service_place: place(2),
        forwarded_for: None,
    }
}
