//! Whether a node that wants to go can: nobody sends it new requests, and none of the old ones is still on its way.

use crate::{Picture, Report, Standing};

/// Whether `picture` sends `node` no new requests.
pub fn is_withdrawn(picture: &Picture, node: &str) -> bool {
    let mut own = picture.backends().filter(|(_, of, _)| *of == node);
    own.all(|(_, _, backend)| backend.standing == Standing::Withdrawn)
}

/// Whether the sink that reports applies a picture at least as new as `version` of `epoch`, in which `node` was withdrawn, and has
/// nothing in flight on it.
pub fn has_let_go(report: &Report, epoch: u64, version: u64, node: &str) -> bool {
    let knows = report.epoch == epoch && report.version >= version;
    knows
        && report.backends.iter().filter(|backend| backend.node == node).all(|backend| backend.in_flight == 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, BackendReport, Phase, Service, Terms};
    use alloc::collections::BTreeMap;

    fn picture(standings: &[(&str, &str, Standing)]) -> Picture {
        let mut services: BTreeMap<String, Service> = BTreeMap::new();
        for (service, node, standing) in standings {
            let addr = "10.0.0.1:80".parse().unwrap();
            let backend = Backend { addr, weight: 10, standing: *standing };
            services.entry((*service).into()).or_default().backends.insert((*node).into(), backend);
        }
        Picture {
            epoch: 1,
            version: 5,
            phase: Phase::Live,
            services,
            terms: Terms::default(),
            refusals: vec![],
        }
    }

    fn report(epoch: u64, version: u64, in_flight: &[(&str, u32)]) -> Report {
        let backends = in_flight.iter().map(|(node, in_flight)| BackendReport {
            service: "web".into(),
            node: (*node).into(),
            state: "draining".into(),
            in_flight: *in_flight,
            requests: 9,
            failures: 0,
            why: None,
        });
        Report {
            sink: "proxy".into(),
            epoch,
            version,
            requests: 9,
            failed: 0,
            failed_unsafe: 0,
            retried: 0,
            backends: backends.collect(),
            services: Vec::new(),
            log_lines_lost: 0,
        }
    }

    #[test]
    fn a_node_is_withdrawn_when_all_that_it_offers_is_or_when_it_offers_nothing() {
        use Standing::{Demoted, Ready, Withdrawn};
        let picture = picture(&[
            ("api", "a", Withdrawn),
            ("api", "b", Withdrawn),
            ("web", "a", Withdrawn),
            ("web", "b", Ready),
            ("web", "c", Demoted),
        ]);
        assert!(is_withdrawn(&picture, "a") && is_withdrawn(&picture, "gone"));
        assert!(!is_withdrawn(&picture, "b") && !is_withdrawn(&picture, "c"));
    }

    #[test]
    fn a_sink_has_let_go_when_it_knows_and_nothing_is_in_flight() {
        let let_go = |report| has_let_go(&report, 1, 5, "a");
        assert!(let_go(report(1, 5, &[("a", 0), ("b", 3)])) && let_go(report(1, 9, &[])));
        assert!(!let_go(report(1, 5, &[("a", 1)])));
        assert!(!let_go(report(1, 4, &[])), "it may still send");
        assert!(!let_go(report(2, 9, &[])), "it speaks of another life of the agent");
    }
}
