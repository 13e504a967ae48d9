//! What differs between what was seen last and now, as facts. Pure.

use muster_control::history::Fact;
use muster_control::templates::TemplateRow;
use muster_fleet::{Backend, Picture, Report, Standing};
use muster_serf::{Finding, Verdict, Way};
use std::collections::BTreeMap;

/// Backends by service and node, as the last picture had them.
#[derive(Debug, Default)]
pub(super) struct Backends(BTreeMap<(String, String), Backend>);

impl Backends {
    pub(super) fn news(&mut self, picture: &Picture, observer: &str) -> Vec<Fact> {
        let now: BTreeMap<_, _> = picture
            .backends()
            .map(|(service, node, backend)| ((service.to_owned(), node.to_owned()), backend.clone()))
            .collect();
        let fact = |(service, node): &(String, String), backend: &Backend, what: &str, why: &str| Fact {
            kind: "backend".to_owned(),
            node: node.clone(),
            service: service.clone(),
            what: what.to_owned(),
            addr: backend.addr.to_string(),
            observer: observer.to_owned(),
            why: why.to_owned(),
            ..Fact::default()
        };
        let gone = self.0.iter().filter(|(key, _)| !now.contains_key(*key));
        let gone =
            gone.map(|(key, old)| fact(key, old, "gone", "its node left or does not offer it any more"));
        let other = now.iter().filter(|(key, new)| self.0.get(*key) != Some(*new));
        let other = other.map(|(key, new)| {
            let (what, why) = match new.standing {
                Standing::Ready => ("ready", "its node is alive and does not withdraw it"),
                Standing::Demoted => ("demoted", "its node failed, or keeps failing"),
                Standing::Withdrawn => ("withdrawn", "its tags withdraw it, or its node is leaving"),
            };
            fact(key, new, what, &format!("{why}; weight {}", new.weight))
        });
        let facts = gone.chain(other).collect();
        self.0 = now;
        facts
    }
}

/// What sinks last held against backends, by sink, service and node.
#[derive(Debug, Default)]
pub(super) struct Verdicts(BTreeMap<(String, String, String), bool>);

impl Verdicts {
    pub(super) fn news(&mut self, reports: &[Report], observer: &str) -> Vec<Fact> {
        let (mut facts, mut now) = (Vec::new(), BTreeMap::new());
        for report in reports {
            for backend in &report.backends {
                let key = (report.sink.clone(), backend.service.clone(), backend.node.clone());
                let is_ejected = backend.state == "ejected";
                if is_ejected != self.0.get(&key).copied().unwrap_or(false) {
                    let why = match (&backend.why, is_ejected) {
                        (Some(why), _) => why.clone(),
                        (None, true) => "it did not say why".to_owned(),
                        (None, false) => "it is not ejected any more".to_owned(),
                    };
                    facts.push(Fact {
                        kind: "ejection".to_owned(),
                        node: backend.node.clone(),
                        service: backend.service.clone(),
                        what: backend.state.clone(),
                        observer: format!("{observer}/{}", report.sink),
                        why: format!("{why}; {} of {} requests failed", backend.failures, backend.requests),
                        ..Fact::default()
                    });
                }
                now.insert(key, is_ejected);
            }
        }
        self.0 = now;
        facts
    }
}

/// Groups of templates, as they last were.
#[derive(Debug, Default)]
pub(super) struct Groups(BTreeMap<String, TemplateRow>);

impl Groups {
    pub(super) fn news(&mut self, rows: &[TemplateRow], observer: &str) -> Vec<Fact> {
        let mut facts = Vec::new();
        for row in rows {
            let old = self.0.get(&row.name);
            let since = |count: fn(&TemplateRow) -> u64| count(row).saturating_sub(old.map_or(0, count));
            let mut say = |kind: &str, what: &str, why: String| {
                facts.push(Fact { service: row.name.clone(), ..super::own(observer, kind, what, why) });
            };
            let why = row.why.clone().unwrap_or_default();
            if since(|row| row.changed) > 0 {
                say("render", "changed", format!("{} is in force", row.files.join(", ")));
            }
            if since(|row| row.failed) > 0 && old.and_then(|old| old.why.clone()).unwrap_or_default() != why {
                say("render", "failed", why.clone());
            }
            if since(|row| row.restored) > 0 {
                say("render", "restored", why);
            }
            let told = row.told.clone().unwrap_or_default();
            if since(|row| row.reloads) > 0 {
                say("reload", "reloaded", told);
            } else if since(|row| row.without_reload) > 0 {
                say("reload", "without-reload", told);
            }
        }
        self.0 = rows.iter().map(|row| (row.name.clone(), row.clone())).collect();
        facts
    }
}

/// A finding of the core, in a clause.
pub(super) fn words(finding: &Finding) -> String {
    let what = match finding.verdict {
        Verdict::Suspected => "suspected it",
        Verdict::FoundDead => "found it dead",
        Verdict::Refuted => "answered: it is alive",
    };
    let way = match &finding.way {
        Way::Probe { relays, tcp, .. } => {
            let tcp = tcp.as_ref().map(|why| format!(", nor by TCP ({why})")).unwrap_or_default();
            format!("no answer to a ping, nor through {} others{tcp}", relays.len())
        }
        Way::TimeUp => "nobody refuted the suspicion in time".to_owned(),
        Way::Gossip { from, teller } => format!("told by {}", teller.clone().unwrap_or(from.to_string())),
        Way::Exchange { with, teller } => format!("told by {}", teller.clone().unwrap_or(with.to_string())),
        Way::OwnWord => "its own word".to_owned(),
    };
    format!("{} {what}: {way}", finding.by)
}
