//! What the supervisor of this node says of its services, laid over the tags that people chose.
//!
//! | tag | becomes |
//! |---|---|
//! | `notready` | what people said, and the own services that are not ready; `*` when none is, or when the node retires |
//! | `muster` | `1` where others can count on this: the node takes no part in balancing by scripts, which see joins and leaves only |

use muster_wire::tags::Tags;
use std::collections::BTreeSet;

/// The contract between nodes of ours; absent: plain Serf, or as good as.
pub(crate) const CONTRACT: (&str, &str) = ("muster", "1");
/// Whoever has it balances, and answers when asked what is in flight.
pub(crate) const BALANCES: (&str, &str) = ("balances", "1");
const NOT_READY: &str = "notready";
const EVERYTHING: &str = "*";

/// What is laid over.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Layer {
    /// The contract is announced.
    pub(crate) announces: bool,
    /// What the supervisor says.
    pub(crate) readiness: Readiness,
}

/// Which of the own services are ready.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) enum Readiness {
    /// Nobody says; then all are.
    #[default]
    Unsupervised,
    /// These, and no others.
    Ready(BTreeSet<String>),
    /// None any more.
    Retired,
}

impl Layer {
    /// The tags that the cluster is told.
    pub(crate) fn over(&self, tags: &Tags, default_port: u16) -> Tags {
        let mut told = tags.clone();
        if self.announces {
            told.insert(CONTRACT.0.to_owned(), CONTRACT.1.to_owned());
        }
        if let Some(names) = self.not_ready(tags, default_port) {
            told.insert(NOT_READY.to_owned(), names);
        }
        told
    }

    /// Whether the cluster is to meet the node: anything that it offers is ready, or it offers nothing; or it has to say that it
    /// goes.
    pub(crate) fn serves(&self, tags: &Tags, default_port: u16) -> bool {
        self.readiness == Readiness::Retired
            || self.not_ready(tags, default_port).as_deref() != Some(EVERYTHING)
    }

    /// `None`: as people said.
    fn not_ready(&self, tags: &Tags, default_port: u16) -> Option<String> {
        let ready = match &self.readiness {
            Readiness::Unsupervised => return None,
            Readiness::Retired => return Some(EVERYTHING.to_owned()),
            Readiness::Ready(ready) => ready,
        };
        let own: BTreeSet<String> = muster_fleet::offered(tags, default_port).map(|(name, _)| name).collect();
        let missing: BTreeSet<&str> = own.difference(ready).map(String::as_str).collect();
        if missing.is_empty() {
            return None;
        }
        if missing.len() == own.len() {
            return Some(EVERYTHING.to_owned());
        }
        let said = tags.get(NOT_READY).map_or("", String::as_str);
        let said = said.split(',').map(str::trim).filter(|name| !name.is_empty());
        let all: BTreeSet<&str> = said.chain(missing).collect();
        Some(all.into_iter().collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[(&str, &str)]) -> Tags {
        tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn not_ready(own: &[(&str, &str)], ready: &[&str]) -> Option<String> {
        let ready = ready.iter().map(|name| (*name).to_owned()).collect();
        let layer = Layer { announces: false, readiness: Readiness::Ready(ready) };
        layer.over(&tags(own), 3000).remove("notready")
    }

    #[test]
    fn what_is_offered_and_not_ready_is_named() {
        let own = [("services", "web:80,api:81")];
        assert_eq!(not_ready(&own, &["web", "api", "other"]), None);
        assert_eq!(not_ready(&own, &["web"]).as_deref(), Some("api"));
        assert_eq!(not_ready(&own, &[]).as_deref(), Some("*"));
        assert_eq!(not_ready(&[("role", "web")], &[]).as_deref(), Some("*"));
        assert_eq!(not_ready(&[], &[]), None, "it offers nothing");
    }

    #[test]
    fn a_node_serves_when_something_is_ready_or_it_offers_nothing() {
        let serves = |own: &[(&str, &str)], ready: &[&str]| {
            let ready = ready.iter().map(|name| (*name).to_owned()).collect();
            Layer { announces: false, readiness: Readiness::Ready(ready) }.serves(&tags(own), 3000)
        };
        let own = [("services", "web:80,api:81")];
        assert!(!serves(&own, &[]) && serves(&own, &["web"]) && serves(&[], &[]));
        assert!(!serves(&[("role", "web")], &[]) && serves(&[("role", "web"), ("balances", "1")], &[]));
    }

    #[test]
    fn what_people_withdrew_stays_withdrawn() {
        let own = [("services", "web:80,api:81"), ("notready", "web, old")];
        assert_eq!(not_ready(&own, &["web", "api"]).as_deref(), Some("web, old"));
        assert_eq!(not_ready(&own, &["web"]).as_deref(), Some("api,old,web"));
    }

    #[test]
    fn a_node_that_retires_takes_nothing_and_one_without_supervisor_is_as_it_says() {
        let own = tags(&[("role", "web"), ("notready", "x")]);
        let retired = Layer { announces: true, readiness: Readiness::Retired };
        assert_eq!(retired.over(&own, 3000)["notready"], "*");
        assert_eq!(retired.over(&own, 3000)["muster"], "1");
        assert_eq!(Layer::default().over(&own, 3000), own);
    }
}
