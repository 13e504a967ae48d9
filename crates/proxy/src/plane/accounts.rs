//! What the plane tells of itself: what was counted, and the report for the agent.

use super::{Plane, SINK};
use crate::counters::{self, Counts};
use muster_fleet::{BackendReport, Report, SERVICE_REPORTS_MAX};
use muster_tally::Tally;

impl Plane {
    /// All that was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        let routes = self.routes();
        let services = routes.services.iter();
        Counts {
            now: self.elapsed(),
            frontends: routes.gates.iter().map(|gate| (gate.name.clone(), gate.account.tally())).collect(),
            services: services.map(|(name, service)| (name.clone(), service.account.tally())).collect(),
            backends: self.counters.servers(),
            log_lines_lost: self.access.lost(),
        }
    }

    /// Clients of all frontends.
    pub(crate) fn clients(&self) -> u32 {
        self.routes().gates.iter().map(|gate| gate.account.tally().sessions.current).sum()
    }

    /// The highest values that were counted begin anew.
    pub(crate) fn clear_highest(&self) {
        self.counters.clear_highest();
        let routes = self.routes();
        routes.gates.iter().for_each(|gate| gate.account.tell(Tally::clear_highest));
        routes.services.values().for_each(|service| service.account.tell(Tally::clear_highest));
    }

    /// A backend's part of it.
    pub(crate) fn report_of(&self, service: &str, node: &str) -> Option<BackendReport> {
        self.balancer.borrow().report_of(service, node)
    }

    /// The account for the agent.
    pub(crate) fn report(&self) -> Report {
        let mut report = self.balancer.borrow().report(SINK);
        let routes = self.routes();
        let services = routes.services.iter().take(SERVICE_REPORTS_MAX);
        report.services =
            services.map(|(name, service)| counters::report(name, &service.account.tally())).collect();
        report.log_lines_lost = self.access.lost();
        report
    }
}
