//! What was counted, as tools are shown it.
//!
//! Tallies never go back, since others read them too. Whoever clears them is shown what came since.

use crate::plane::Plane;
use muster_haproxy_stats::Counters;
use muster_tally::{Gauge, Mean, Tally};
use std::collections::HashMap;
use std::time::Duration;

/// Everything, at one instant.
pub(super) struct Counted {
    fronts: Vec<Counters>,
    services: HashMap<String, Counters>,
    servers: HashMap<(String, String), Counters>,
    sums: Sums,
}

/// Of all frontends, since the start.
#[derive(Clone, Copy, Default)]
pub(super) struct Sums {
    pub(super) clients: u64,
    pub(super) clients_total: u64,
    pub(super) requests_total: u64,
    pub(super) bytes_out: u64,
}

/// What was counted when somebody cleared it.
#[derive(Debug, Default)]
pub(crate) struct Cleared {
    fronts: Vec<Counters>,
    services: HashMap<String, Counters>,
    servers: HashMap<(String, String), Counters>,
}

impl Cleared {
    /// Those of frontends count no more.
    pub(super) fn forget_frontends(&mut self) {
        self.fronts.clear();
    }
}

impl Counted {
    pub(super) fn now(plane: &Plane) -> Self {
        let mut counted = Self::all(plane);
        let cleared = plane.desk.cleared.borrow();
        for (now, then) in counted.fronts.iter_mut().zip(&cleared.fronts) {
            subtract(now, then);
        }
        for (name, then) in &cleared.services {
            counted.services.entry(name.clone()).and_modify(|now| subtract(now, then));
        }
        for (name, then) in &cleared.servers {
            counted.servers.entry(name.clone()).and_modify(|now| subtract(now, then));
        }
        counted
    }

    fn all(plane: &Plane) -> Self {
        let counts = plane.counts();
        let now = counts.now;
        let mut sums = Sums::default();
        for (_, tally) in &counts.frontends {
            sums.clients += u64::from(tally.sessions.current);
            sums.clients_total = sums.clients_total.saturating_add(tally.sessions_total);
            sums.requests_total = sums.requests_total.saturating_add(tally.requests);
            sums.bytes_out = sums.bytes_out.saturating_add(tally.bytes_out);
        }
        Self {
            fronts: counts.frontends.iter().map(|(_, tally)| counters(tally, now)).collect(),
            services: counts
                .services
                .into_iter()
                .map(|(name, tally)| (name, counters(&tally, now)))
                .collect(),
            servers: counts
                .backends
                .into_iter()
                .map(|(service, node, tally)| ((service, node), counters(&tally, now)))
                .collect(),
            sums,
        }
    }

    pub(super) fn sums(&self) -> Sums {
        self.sums
    }

    pub(super) fn front(&self, number: usize) -> Counters {
        self.fronts.get(number).cloned().unwrap_or_default()
    }

    pub(super) fn service(&self, name: &str) -> Counters {
        self.services.get(name).cloned().unwrap_or_default()
    }

    /// One that was sent nothing yet has an empty account.
    pub(super) fn server(&self, service: &str, node: &str) -> Counters {
        let counted = self.servers.get(&(service.to_owned(), node.to_owned())).cloned();
        counted.unwrap_or_else(|| counters(&Tally::default(), Duration::ZERO))
    }
}

/// From now on is shown what comes from now on; the highest values alone, unless it is `all`.
pub(super) fn clear(plane: &Plane, all: bool) {
    plane.clear_highest();
    if all {
        let Counted { fronts, services, servers, .. } = Counted::all(plane);
        *plane.desk.cleared.borrow_mut() = Cleared { fronts, services, servers };
    }
}

fn counters(tally: &Tally, now: Duration) -> Counters {
    let pair = |now: u32, most: u32| Some((now.into(), most.into()));
    let ms = |mean: &Mean| {
        let millis = mean.value().unwrap_or_default().as_millis();
        u64::try_from(millis).unwrap_or(u64::MAX)
    };
    let Gauge { current, max } = tally.sessions;
    Counters {
        current: Some(current.into()),
        current_max: Some(max.into()),
        total: Some(tally.sessions_total),
        queued: pair(tally.queue.current, tally.queue.max),
        bytes_in: Some(tally.bytes_in),
        bytes_out: Some(tally.bytes_out),
        denied: Some(tally.denied),
        denied_answers: Some(tally.bad_responses),
        bad_requests: Some(tally.bad_requests),
        connect_errors: Some(tally.connect_errors),
        answer_errors: Some(tally.response_errors),
        retries: Some(tally.retries),
        redispatches: Some(tally.redispatches),
        chosen: Some(tally.sessions_total),
        requests: Some(tally.requests),
        intercepted: None,
        answers: Some(tally.statuses),
        rate: pair(tally.session_rate.value(now), tally.session_rate.max),
        request_rate: pair(tally.request_rate.value(now), tally.request_rate.max),
        client_aborts: Some(tally.client_aborts),
        server_aborts: Some(tally.server_aborts),
        connections: Some(tally.connections_opened),
        reused: Some(tally.connections_reused),
        times_ms: Some([
            ms(&tally.queue_time),
            ms(&tally.connect_time),
            ms(&tally.response_time),
            ms(&tally.total_time),
        ]),
        times_max_ms: None,
        changed_s: None,
        last_s: tally.last_session.map(|last| now.saturating_sub(last).as_secs()),
        downs: None,
        down_s: None,
        checks_failed: None,
    }
}

/// Takes off what was counted `then`; what is now, highest or recent stays.
fn subtract(now: &mut Counters, then: &Counters) {
    for (now, then) in [
        (&mut now.total, then.total),
        (&mut now.bytes_in, then.bytes_in),
        (&mut now.bytes_out, then.bytes_out),
        (&mut now.denied, then.denied),
        (&mut now.denied_answers, then.denied_answers),
        (&mut now.bad_requests, then.bad_requests),
        (&mut now.connect_errors, then.connect_errors),
        (&mut now.answer_errors, then.answer_errors),
        (&mut now.retries, then.retries),
        (&mut now.redispatches, then.redispatches),
        (&mut now.chosen, then.chosen),
        (&mut now.requests, then.requests),
        (&mut now.client_aborts, then.client_aborts),
        (&mut now.server_aborts, then.server_aborts),
        (&mut now.connections, then.connections),
        (&mut now.reused, then.reused),
    ] {
        *now = now.map(|now| now.saturating_sub(then.unwrap_or(0)));
    }
    if let (Some(now), Some(then)) = (&mut now.answers, &then.answers) {
        for (now, then) in now.iter_mut().zip(then) {
            *now = now.saturating_sub(*then);
        }
    }
}
