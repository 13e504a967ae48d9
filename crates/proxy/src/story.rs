//! What is remembered of a request while it goes on, and told at its end to whoever took part.
//!
//! It is told by what happens: `serve` begins and finishes it, `forward` says who gets it, `attempt` when there is a connection,
//! `exchange` what moves, and whoever gives it up says why ([`End`]). One that nobody finishes was given up by its client. A connection
//! in TCP mode is one, too.

use crate::client::Client;
use crate::counters::Server;
use crate::end::End;
use crate::pages::Page;
use crate::plane::Plane;
use crate::service::Service;
use muster_tally::{Fault, Outcome, Tally, Times};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// The story of one request after the other.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// Where it plays; nothing is remembered without.
    scene: Option<(Rc<Plane>, Rc<Client>)>,
    told: RefCell<Told>,
}

/// One request's. All times are the plane's.
#[derive(Debug, Default)]
struct Told {
    is_open: bool,
    is_tcp: bool,
    /// The head has come.
    began: Duration,
    /// It waits for no place any more.
    picked: Option<Duration>,
    connected: Option<Duration>,
    answered: Option<Duration>,
    status: Option<u16>,
    bytes_in: u64,
    bytes_out: u64,
    service: Option<Rc<Service>>,
    server: Option<Rc<Server>>,
    end: Option<End>,
}

impl Story {
    /// For the requests of `client`.
    pub(crate) fn new(plane: &Rc<Plane>, client: &Rc<Client>) -> Self {
        Self { scene: Some((Rc::clone(plane), Rc::clone(client))), told: RefCell::default() }
    }

    /// For a connection in TCP mode, which begins now.
    pub(crate) fn of_connection(plane: &Rc<Plane>, client: &Rc<Client>) -> Self {
        let story = Self::new(plane, client);
        *story.told.borrow_mut() =
            Told { is_open: true, is_tcp: true, began: plane.elapsed(), ..Told::default() };
        story
    }

    /// A request's head has come, of so many bytes.
    pub(crate) fn begin(&self, bytes: usize) {
        let Some((plane, client)) = &self.scene else { return };
        self.finish();
        let began = plane.elapsed();
        *self.told.borrow_mut() = Told { is_open: true, began, bytes_in: bytes as u64, ..Told::default() };
        if let Some(gate) = client.gate() {
            gate.account.tell(|tally| tally.request_began(began));
        }
    }

    /// It is for this service.
    pub(crate) fn is_for(&self, service: &Rc<Service>) {
        let told = &mut *self.told.borrow_mut();
        if told.is_open && told.service.is_none() {
            let is_tcp = told.is_tcp;
            service.account.tell(|tally| {
                tally.session_began(told.began);
                if !is_tcp {
                    tally.request_began(told.began);
                }
            });
            told.service = Some(Rc::clone(service));
        }
    }

    /// A backend was chosen for it, the first or another one.
    pub(crate) fn picked(&self, server: &Rc<Server>) {
        let Some((plane, _)) = &self.scene else { return };
        let told = &mut *self.told.borrow_mut();
        let now = plane.elapsed();
        if let Some(before) = told.server.replace(Rc::clone(server)) {
            let again = |tally: &mut Tally| {
                tally.retries += 1;
                tally.redispatches += 1;
            };
            before.account.tell(again);
            if let Some(service) = &told.service {
                service.account.tell(again);
            }
        }
        // What attempts that failed took is a part of connecting.
        told.picked.get_or_insert(now);
        if !told.is_tcp {
            server.account.tell(|tally| tally.request_began(now));
        }
    }

    /// There is a connection to that backend; a new one, or one that was idle.
    pub(crate) fn connected(&self, is_new: bool) {
        let Some((plane, _)) = &self.scene else { return };
        let told = &mut *self.told.borrow_mut();
        let count = |tally: &mut Tally| match is_new {
            true => tally.connections_opened += 1,
            false => tally.connections_reused += 1,
        };
        told.connected = if is_new { Some(plane.elapsed()) } else { told.picked };
        if let Some(server) = &told.server {
            server.account.tell(count);
        }
        if let Some(service) = &told.service {
            service.account.tell(count);
        }
    }

    /// An attempt failed; what becomes of the request is told later.
    pub(crate) fn attempt_failed(&self, end: End) {
        let told = self.told.borrow();
        // A client's fault is none of the backend's, and is counted when the request ends.
        if let (Some(server), Some(fault @ (Fault::Connect | Fault::Response | Fault::BadResponse))) =
            (&told.server, end.fault())
        {
            server.account.tell(|tally| tally.failed(fault));
        }
    }

    /// The response's head has come.
    pub(crate) fn answered(&self, status: u16) {
        let Some((plane, _)) = &self.scene else { return };
        let told = &mut *self.told.borrow_mut();
        told.status = Some(status);
        told.answered = Some(plane.elapsed());
    }

    /// So much of its body went to a backend, or of a connection's bytes.
    pub(crate) fn moved_in(&self, bytes: u64) {
        self.told.borrow_mut().bytes_in += bytes;
    }

    /// So much of its answer went towards the client.
    pub(crate) fn moved_out(&self, bytes: u64) {
        self.told.borrow_mut().bytes_out += bytes;
    }

    /// It has an answer of our own.
    pub(crate) fn page(&self, page: &Page, end: End) {
        let told = &mut *self.told.borrow_mut();
        told.status = Some(page.status());
        told.bytes_out += page.bytes();
        told.end = Some(end);
    }

    /// It does not end well. The first reason is the one that counts.
    pub(crate) fn fail(&self, end: End) {
        self.told.borrow_mut().end.get_or_insert(end);
    }

    /// It is over. Later calls do nothing until another begins.
    pub(crate) fn finish(&self) {
        let Some((plane, client)) = &self.scene else { return };
        let told = &mut *self.told.borrow_mut();
        if !std::mem::take(&mut told.is_open) {
            return;
        }
        let outcome = told.outcome(plane.elapsed());
        if let Some(gate) = client.gate() {
            gate.account.tell(|tally| tally.ended(&outcome));
        }
        if let Some(service) = &told.service {
            service.account.tell(|tally| {
                tally.ended(&outcome);
                tally.session_ended();
            });
        }
        if let Some(server) = &told.server {
            let is_its = told.answered.is_some() || told.is_tcp && told.connected.is_some();
            server.account.tell(|tally| match outcome.fault {
                _ if is_its => tally.ended(&outcome),
                // Attempts that failed were told, and an answer of our own is none of the backend's.
                Some(fault @ Fault::ClientAborted) => tally.failed(fault),
                _ => {}
            });
        }
    }
}

impl Told {
    fn outcome(&self, now: Duration) -> Outcome {
        let between = |from: Option<Duration>, to: Option<Duration>| Some(to?.saturating_sub(from?));
        Outcome {
            status: self.status,
            bytes_in: self.bytes_in,
            bytes_out: self.bytes_out,
            times: Times {
                queue: between(Some(self.began), self.picked),
                connect: between(self.picked, self.connected),
                response: between(self.connected, self.answered),
                total: now.saturating_sub(self.began),
            },
            fault: self.end.and_then(End::fault),
        }
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        self.fail(End::ClientGone);
        self.finish();
    }
}
