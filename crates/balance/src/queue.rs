//! Requests that wait for a place, in the order they came.
//!
//! Nothing waits in here but numbers: the shell holds the requests, and asks who goes next whenever something ended or
//! changed ([`Balancer::call`]).

use crate::Instant;
use crate::balancer::Balancer;
use crate::choose::Found;
use crate::hint::Hint;
use crate::key::{Choice, Key};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;

/// Where a request goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pick {
    /// To this backend; it counts as in flight there until [`Balancer::finish`].
    Go(Choice),
    /// All backends are full, and it waits: [`Balancer::call`] tells when it is over, or [`Balancer::leave`] ends it.
    Queue(Ticket),
    /// All backends are full, and so is the queue, if there is one.
    Full,
    /// There is no backend that it did not try.
    Nobody,
}

/// Names a waiting request.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ticket(pub u64);

/// The end of a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// A place is free: the request is in flight there.
    Go(Ticket, Choice),
    /// It has waited for as long as it may; it counts as failed.
    Late(Ticket),
    /// There is no backend any more that it did not try; it counts as failed.
    Nobody(Ticket),
}

/// Most waiting requests asked for the next free place, when the first ones have tried the backend that has it.
const ASKED_MAX: usize = 8;

#[derive(Debug)]
struct Waiting {
    service: String,
    until: Instant,
    hint: Hint,
    tried: Vec<Key>,
}

/// All who wait, for any service.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    last: u64,
    waiting: BTreeMap<Ticket, Waiting>,
    deadlines: BTreeSet<(Instant, Ticket)>,
    by_service: BTreeMap<String, BTreeSet<Ticket>>,
}

impl Queue {
    pub(crate) fn len(&self, service: &str) -> usize {
        self.by_service.get(service).map_or(0, BTreeSet::len)
    }

    pub(crate) fn join(&mut self, service: &str, until: Instant, hint: Hint, tried: &[Key]) -> Ticket {
        self.last += 1;
        let ticket = Ticket(self.last);
        self.deadlines.insert((until, ticket));
        self.by_service.entry(service.into()).or_default().insert(ticket);
        self.waiting.insert(ticket, Waiting { service: service.into(), until, hint, tried: tried.into() });
        ticket
    }

    fn leave(&mut self, ticket: Ticket) -> Option<Waiting> {
        let waiting = self.waiting.remove(&ticket)?;
        self.deadlines.remove(&(waiting.until, ticket));
        if let Some(others) = self.by_service.get_mut(&waiting.service) {
            others.remove(&ticket);
            if others.is_empty() {
                self.by_service.remove(&waiting.service);
            }
        }
        Some(waiting)
    }

    /// The first few of every service.
    fn first(&self) -> Vec<Ticket> {
        self.by_service.values().flat_map(|tickets| tickets.iter().take(ASKED_MAX)).copied().collect()
    }
}

impl Balancer {
    /// Whose wait is over. Ask until `None` after each [`Balancer::finish`], [`Balancer::apply`], [`Balancer::evidence`] and
    /// change of settings, and when [`Balancer::next_call`] has come.
    pub fn call(&mut self, now: Instant) -> Option<Call> {
        if let Some((_, ticket)) = self.queue.deadlines.first().copied().filter(|(until, _)| *until <= now) {
            self.queue.leave(ticket);
            self.totals.failed += 1;
            return Some(Call::Late(ticket));
        }
        for ticket in self.queue.first() {
            let Some(waiting) = self.queue.waiting.get(&ticket) else { continue };
            let (service, hint, tried) = (waiting.service.clone(), waiting.hint, waiting.tried.clone());
            match self.find(now, &service, hint, &tried) {
                Ok(choice) => {
                    self.queue.leave(ticket);
                    self.send(choice.key, &tried);
                    return Some(Call::Go(ticket, choice));
                }
                Err(Found::Nobody) => {
                    self.queue.leave(ticket);
                    self.totals.failed += 1;
                    return Some(Call::Nobody(ticket));
                }
                Err(_) => {}
            }
        }
        None
    }

    /// When [`Balancer::call`] has something to say even if nothing else happens.
    pub fn next_call(&self) -> Option<Instant> {
        self.queue.deadlines.first().map(|(until, _)| *until)
    }

    /// A waiting request's client is gone. Without effect when its wait is over.
    pub fn leave(&mut self, ticket: Ticket) {
        self.queue.leave(ticket);
    }

    /// How many requests wait for a service.
    pub fn queued(&self, service: &str) -> usize {
        self.queue.len(service)
    }
}
