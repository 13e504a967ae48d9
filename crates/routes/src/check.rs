//! What is wrong with a plan, and what in it never happens.

use crate::action::Action;
use crate::cover::{covers, is_void};
use crate::place::Place;
use crate::plan::{Draft, Frontend, Mode, RULES_MAX, Rule};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// How far back a rule is compared with those before it: comparing all with all would take minutes for the largest plans.
const COMPARED_MAX: usize = 200;

/// Something about one line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The line.
    pub place: Place,
    /// Whether the plan can be followed all the same.
    pub gravity: Gravity,
    /// What is so, and what to do.
    pub words: String,
}

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gravity {
    /// The plan cannot be followed.
    Refused,
    /// It can, and does not do what it says.
    Note,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.words)
    }
}

fn refused(place: &Place, words: String) -> Finding {
    Finding { place: place.clone(), gravity: Gravity::Refused, words }
}

fn note(place: &Place, words: String) -> Finding {
    Finding { place: place.clone(), gravity: Gravity::Note, words }
}

pub(crate) fn findings(draft: &Draft) -> Vec<Finding> {
    let mut findings = Vec::new();
    let of_frontends = draft.frontends.iter().map(|frontend| frontend.rules.len());
    let of_services = draft.services.values().map(|service| service.rules.len());
    if of_frontends.chain(of_services).sum::<usize>() > RULES_MAX
        && let Some(frontend) = draft.frontends.first()
    {
        findings.push(refused(
            &frontend.place,
            format!("there are more than {RULES_MAX} rules in all; merge some"),
        ));
    }
    names(draft, &mut findings);
    binds(draft, &mut findings);
    for frontend in &draft.frontends {
        of_frontend(draft, frontend, &mut findings);
        unreachable(&frontend.rules, &mut findings);
    }
    for service in draft.services.values() {
        for rule in service.rules.iter().filter(|rule| rule.action.service().is_some()) {
            let words = "a service cannot choose another; choose it in the frontend".into();
            findings.push(refused(&rule.place, words));
        }
        unreachable(&service.rules, &mut findings);
    }
    findings
}

fn names(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut seen = BTreeMap::new();
    for frontend in &draft.frontends {
        if let Some(first) = seen.insert(&frontend.name, &frontend.place) {
            let words = format!(
                "there is a frontend `{}` already, at {first}; give this one another name",
                frontend.name
            );
            findings.push(refused(&frontend.place, words));
        }
    }
}

fn binds(draft: &Draft, findings: &mut Vec<Finding>) {
    let mut seen = BTreeMap::new();
    for frontend in &draft.frontends {
        for bind in &frontend.binds {
            let key = format!("{}", bind.at);
            if let Some((first, name)) = seen.insert(key, (&bind.place, &frontend.name)) {
                let words = format!(
                    "{} is listened on already, by `{name}` at {first}; a client can reach one of them only",
                    bind.at
                );
                findings.push(refused(&bind.place, words));
            }
        }
    }
}

fn of_frontend(draft: &Draft, frontend: &Frontend, findings: &mut Vec<Finding>) {
    let mut unknown = |service: &str, place: &Place| {
        if !draft.services.contains_key(service) {
            let known: Vec<&str> = draft.services.keys().map(String::as_str).take(8).collect();
            let known = if known.is_empty() {
                "there is none".into()
            } else {
                format!("there is {}", known.join(", "))
            };
            findings.push(refused(place, format!("there is no service `{service}`; {known}")));
        }
    };
    for rule in &frontend.rules {
        if let Some(service) = rule.action.service() {
            unknown(service, &rule.place);
        }
    }
    if let Some(service) = &frontend.service {
        unknown(service, &frontend.service_place);
    }
    let is_tcp = frontend.mode == Mode::Tcp;
    for rule in frontend.rules.iter().filter(|rule| is_tcp && needs_http(rule)) {
        let words =
            format!("`{}` is in TCP mode, where no request is read; this needs HTTP mode", frontend.name);
        findings.push(refused(&rule.place, words));
    }
}

fn needs_http(rule: &Rule) -> bool {
    let of_connection = |step: &Action| matches!(step, Action::Service(_) | Action::Deny(_) | Action::Allow);
    !rule.action.steps().iter().all(of_connection) || rule.when.needs_http()
}

/// Rules that cannot come to their turn.
fn unreachable(rules: &[Rule], findings: &mut Vec<Finding>) {
    let mut told = BTreeSet::new();
    for (at, rule) in rules.iter().enumerate() {
        if is_void(&rule.when) {
            findings.push(note(&rule.place, "this never happens: its condition cannot hold".into()));
            continue;
        }
        let first = at.saturating_sub(COMPARED_MAX);
        let mut ending = (first..at).filter(|before| ends(rules, *before, rule));
        // What a rule between has changed, a later condition sees otherwise.
        let since = rules[first..at].iter().rposition(changes).map_or(first, |last| first + last);
        let covering = ending.find(|before| {
            let when = &rules[*before].when;
            when.0.is_empty() || *before >= since && covers(when, &rule.when)
        });
        if let Some(before) = covering
            && told.insert(&rule.place)
        {
            let before = &rules[before].place;
            let words = format!(
                "this never happens: the rule at {before} is followed whenever it would be; put this one before it"
            );
            findings.push(note(&rule.place, words));
        }
    }
}

/// Whether rules behind it see what it has changed.
fn changes(rule: &Rule) -> bool {
    let changes = |step: &Action| matches!(step, Action::Request(_) | Action::Rewrite(_));
    !rule.action.is_final() && rule.action.steps().iter().any(changes)
}

/// Whether `rule` does not come to its turn for what the rule at `before` was followed for. Of what is allowed, only rules that choose
/// a service count.
fn ends(rules: &[Rule], before: usize, rule: &Rule) -> bool {
    let chooses = |rule: &Rule| rule.action.service().is_some();
    match &rules[before].action {
        action if action.service().is_some() => true,
        Action::Allow => !chooses(rule),
        action if action.is_final() => {
            !chooses(rule) || !rules[..before].iter().any(|rule| rule.action == Action::Allow)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
