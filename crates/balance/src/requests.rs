//! The life of a request: it is chosen for, sent, and ends.

use crate::Instant;
use crate::balancer::{Balancer, Ended};
use crate::choose::Found;
use crate::hint::Hint;
use crate::key::{Choice, Key};
use crate::policy::Stickiness;
use crate::queue::Pick;
use alloc::vec::Vec;
use muster_fleet::Standing;

impl Balancer {
    /// [`Balancer::choose`] for a request of which nothing is known and that does not wait.
    pub fn pick(&mut self, now: Instant, service: &str, tried: &[Key]) -> Option<Choice> {
        self.begin(now, tried);
        match self.find(now, service, Hint::default(), tried) {
            Ok(choice) => {
                self.send(choice.key, tried);
                Some(choice)
            }
            Err(_) => {
                self.totals.failed += u64::from(tried.is_empty());
                None
            }
        }
    }

    /// The next backend for `service`, never one in `tried`.
    ///
    /// With nothing tried this is a new request; [`Pick::Full`] and [`Pick::Nobody`] then are ones that failed, and are
    /// counted so. After some were tried they leave the last attempt to be finished as failed. [`Pick::Queue`] after some
    /// were tried means the request goes on: finish the last attempt as retried before anybody is called. While the service
    /// has a backend that is neither withdrawn nor tried, the answer is never [`Pick::Nobody`].
    pub fn choose(&mut self, now: Instant, service: &str, hint: Hint, tried: &[Key]) -> Pick {
        self.begin(now, tried);
        // Whoever waits already goes first.
        let waiting = self.queue.len(service);
        let found = match waiting {
            0 => self.find(now, service, hint, tried),
            _ => Err(if self.has_any(service, tried) { Found::Full } else { Found::Nobody }),
        };
        match found {
            Ok(choice) => {
                self.send(choice.key, tried);
                return Pick::Go(choice);
            }
            Err(Found::Nobody) => {
                self.totals.failed += u64::from(tried.is_empty());
                return Pick::Nobody;
            }
            Err(_) => {}
        }
        let policy = self.pools.get(service).map(|pool| (pool.policy.queue_max, pool.policy.queue_wait));
        match policy.filter(|(most, _)| u32::try_from(waiting).is_ok_and(|waiting| waiting < *most)) {
            Some((_, wait)) => Pick::Queue(self.queue.join(service, now + wait, hint, tried)),
            None => {
                self.totals.failed += u64::from(tried.is_empty());
                Pick::Full
            }
        }
    }

    fn begin(&mut self, now: Instant, tried: &[Key]) {
        self.release(now);
        if tried.is_empty() {
            self.totals.requests += 1;
            self.budget.deposit(now);
        }
    }

    /// Who is next; `Err` is never a seat.
    pub(crate) fn find(
        &mut self,
        now: Instant,
        service: &str,
        hint: Hint,
        tried: &[Key],
    ) -> Result<Choice, Found> {
        if let Some(choice) = self.stuck(service, hint, tried) {
            return Ok(choice);
        }
        let tried_seats = self.seats(service, tried);
        let pool = self.pools.get_mut(service).ok_or(Found::Nobody)?;
        match pool.pick(now, hint, &tried_seats, &mut self.rng) {
            Found::Seat(slot) => pool.seats.get(slot).map(|seat| seat.choice).ok_or(Found::Nobody),
            none => Err(none),
        }
    }

    fn seats(&self, service: &str, keys: &[Key]) -> Vec<u32> {
        let seat = |key: &Key| self.backends.get(*key).filter(|backend| *backend.service == *service)?.seat;
        keys.iter().filter_map(seat).collect()
    }

    /// Whether a backend is left, full or not.
    fn has_any(&self, service: &str, tried: &[Key]) -> bool {
        let tried = self.seats(service, tried);
        self.pools.get(service).is_some_and(|pool| pool.has_any(&tried))
    }

    /// The backend that a cookie names, if it may have the request.
    fn stuck(&self, service: &str, hint: Hint, tried: &[Key]) -> Option<Choice> {
        let pool = self.pools.get(service).filter(|pool| pool.policy.sticky == Stickiness::Cookie)?;
        let key = *pool.ids.get(&hint.sticky?)?;
        let backend = self.backends.get(key).filter(|_| !tried.contains(&key))?;
        let may = match backend.seat {
            Some(seat) => pool.may_stick(seat),
            None => {
                pool.policy.sticky_draining
                    && backend.appeared
                    && backend.picture.standing == Standing::Withdrawn
                    && !backend.traits.maintenance
                    && !backend.health.is_ejected()
                    && !backend.is_judged()
                    && backend.in_flight < pool.limit(backend.rank())
            }
        };
        may.then_some(Choice { key, addr: backend.picture.addr })
    }

    /// Counts a request as in flight.
    pub(crate) fn send(&mut self, key: Key, tried: &[Key]) {
        self.totals.retried += u64::from(tried.len() == 1);
        if let Some(backend) = self.backends.get_mut(key) {
            backend.in_flight = backend.in_flight.saturating_add(1);
            backend.requests += 1;
            self.draining += u32::from(backend.is_withdrawn());
            self.load(key);
        }
    }

    /// A picked request is over. Without effect when none is in flight there.
    pub fn finish(&mut self, key: Key, ended: Ended) {
        let Some(backend) = self.backends.get_mut(key) else { return };
        let Some(in_flight) = backend.in_flight.checked_sub(1) else { return };
        backend.in_flight = in_flight;
        self.draining -= u32::from(backend.is_withdrawn());
        match ended {
            Ended::Well | Ended::Abandoned => {}
            Ended::Retried => backend.failures += 1,
            Ended::Failed { safe } => {
                backend.failures += 1;
                self.totals.failed += 1;
                self.totals.failed_unsafe += u64::from(!safe);
            }
        }
        if !backend.listed && in_flight == 0 {
            self.leaving.remove(&backend.name());
            self.backends.remove(key);
        } else {
            self.load(key);
        }
    }

    /// Tells the pool what is in flight on a backend. One that has never answered also ranks by whether it is busy; all
    /// others do not, which keeps that off the hot path.
    fn load(&mut self, key: Key) {
        let Some(backend) = self.backends.get(key) else { return };
        if let (Some(seat), Some(pool)) = (backend.seat, self.pools.get_mut(&backend.service)) {
            pool.load(seat, backend.in_flight);
            if !backend.health.has_answered() {
                // It is not ready the more or the less for it, so the time does not matter.
                pool.set(Instant::default(), seat, backend.rank());
            }
        }
    }
}
