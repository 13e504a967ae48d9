//! One party's account.

use crate::gauge::Gauge;
use crate::histogram::Histogram;
use crate::mean::Mean;
use crate::outcome::{Fault, Outcome};
use crate::rate::Rate;
use core::time::Duration;

/// The classes that statuses are counted in, 1xx to 5xx and all others.
pub const STATUS_CLASSES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];

/// What one frontend, service or backend has seen since the start. In brackets: HAProxy's name of the field.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// In progress (`scur`, `smax`). A frontend's are its clients' connections, all others' are requests, or connections in TCP mode.
    pub sessions: Gauge,
    /// Sessions that began (`stot`).
    pub sessions_total: u64,
    /// The same by the second (`rate`, `rate_max`).
    pub session_rate: Rate,
    /// When the last one began, since the start (`lastsess`).
    pub last_session: Option<Duration>,
    /// Waiting for a place (`qcur`, `qmax`).
    pub queue: Gauge,
    /// Requests that began; none in TCP mode (`req_tot`).
    pub requests: u64,
    /// The same by the second (`req_rate`, `req_rate_max`).
    pub request_rate: Rate,
    /// Requests that ended with a status, by [`STATUS_CLASSES`] (`hrsp_1xx` and so on).
    pub statuses: [u64; STATUS_CLASSES.len()],
    /// From clients (`bin`).
    pub bytes_in: u64,
    /// To clients (`bout`).
    pub bytes_out: u64,
    /// What came was no request (`ereq`).
    pub bad_requests: u64,
    /// A rule refused it (`dreq`).
    pub denied: u64,
    /// A response that cannot be passed on (`dresp`).
    pub bad_responses: u64,
    /// There was no connection to be had (`econ`). A backend's are attempts, a service's are requests.
    pub connect_errors: u64,
    /// A backend gave no response (`eresp`), likewise.
    pub response_errors: u64,
    /// Attempts after the first (`wretr`).
    pub retries: u64,
    /// Of those, at another backend (`wredis`).
    pub redispatches: u64,
    /// Clients that went away or fell silent (`cli_abrt`).
    pub client_aborts: u64,
    /// Backends that ended in the middle of a response (`srv_abrt`).
    pub server_aborts: u64,
    /// Connections that were opened to backends (`connect`).
    pub connections_opened: u64,
    /// Requests on connections that were open already (`reuse`).
    pub connections_reused: u64,
    /// Recent times in the queue (`qtime`).
    pub queue_time: Mean,
    /// Recent times of connecting (`ctime`).
    pub connect_time: Mean,
    /// Recent times from there to the response's head (`rtime`).
    pub response_time: Mean,
    /// Recent times from the request's head to its end (`ttime`).
    pub total_time: Mean,
    /// All times from the request's head to its end; without those that were never answered.
    pub duration: Histogram,
}

impl Tally {
    /// A session began.
    pub fn session_began(&mut self, now: Duration) {
        self.sessions.enter();
        self.sessions_total += 1;
        self.session_rate.record(now);
        self.last_session = Some(now);
    }

    /// A session is over.
    pub fn session_ended(&mut self) {
        self.sessions.leave();
    }

    /// A request began.
    pub fn request_began(&mut self, now: Duration) {
        self.requests += 1;
        self.request_rate.record(now);
    }

    /// A request, or a connection in TCP mode, is over. Attempts that failed before were told one by one.
    pub fn ended(&mut self, outcome: &Outcome) {
        self.bytes_in = self.bytes_in.saturating_add(outcome.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(outcome.bytes_out);
        if let Some(status) = outcome.status {
            let class = usize::from(status / 100);
            self.statuses[if (1..=5).contains(&class) { class - 1 } else { STATUS_CLASSES.len() - 1 }] += 1;
        }
        if let Some(fault) = outcome.fault {
            self.failed(fault);
        }
        let times = &outcome.times;
        let means = [
            (&mut self.queue_time, times.queue),
            (&mut self.connect_time, times.connect),
            (&mut self.response_time, times.response),
            (&mut self.total_time, Some(times.total)),
        ];
        for (mean, time) in means {
            if let Some(time) = time {
                mean.record(time);
            }
        }
        if outcome.status.is_some() || outcome.fault.is_none() {
            self.duration.record(times.total);
        }
    }

    /// Something went wrong: with a request, or with one attempt of it.
    pub fn failed(&mut self, fault: Fault) {
        let counter = match fault {
            Fault::BadRequest => &mut self.bad_requests,
            Fault::Denied => &mut self.denied,
            Fault::BadResponse => &mut self.bad_responses,
            Fault::Connect => &mut self.connect_errors,
            Fault::Response => &mut self.response_errors,
            Fault::ServerAborted => &mut self.server_aborts,
            Fault::ClientAborted => &mut self.client_aborts,
        };
        *counter += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Times;

    #[test]
    fn an_end_is_counted_once_in_its_class_with_its_fault() {
        let mut tally = Tally::default();
        let now = Duration::from_secs(9);
        for (status, fault) in [
            (Some(200), None),
            (Some(599), Some(Fault::Connect)),
            (Some(199), None),
            (Some(999), None),
            (Some(0), None),
            (None, Some(Fault::ClientAborted)),
        ] {
            tally.session_began(now);
            tally.request_began(now);
            let times = Times { total: Duration::from_millis(1), ..Times::default() };
            tally.ended(&Outcome { status, bytes_in: 10, bytes_out: u64::MAX, times, fault });
            tally.session_ended();
        }
        assert_eq!(tally.statuses, [1, 1, 0, 0, 1, 2]);
        assert_eq!((tally.connect_errors, tally.client_aborts, tally.bad_requests), (1, 1, 0));
        assert_eq!((tally.bytes_in, tally.bytes_out), (60, u64::MAX));
        assert_eq!((tally.requests, tally.sessions_total), (6, 6));
        assert_eq!(tally.sessions, Gauge { current: 0, max: 1 });
        assert_eq!(tally.duration.count(), 5, "the client that went away has no time");
        assert_eq!(tally.last_session, Some(now));
        assert_eq!(
            (tally.queue_time.value(), tally.total_time.value()),
            (None, Some(Duration::from_millis(1)))
        );
    }
}
