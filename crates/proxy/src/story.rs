//! What is remembered of a request while it goes on, and told at its end to whoever took part.
//!
//! It is told by what happens: `serve` begins and finishes it, `forward` says who gets it, `attempt` when there is a connection,
//! `exchange` what moves, and whoever gives it up says why ([`End`]). One that nobody finishes was given up by its client. A connection
//! in TCP mode is one, too.

use crate::access::{self, Heard};
use crate::client::Client;
use crate::counters::Server;
use crate::end::End;
use crate::pages::Page;
use crate::plane::Plane;
use crate::service::Service;
use muster_access_log::{Load, Record, Stage, Termination, Timestamp};
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
    /// What the client said, if it is logged.
    heard: RefCell<Heard>,
    is_logged: bool,
}

/// One request's. All times are the plane's.
#[derive(Debug, Default)]
struct Told {
    is_open: bool,
    is_tcp: bool,
    /// When its first byte came, by the clock; known only where it is logged.
    time: Timestamp,
    /// From then to the end of its head; `None`: it is no request.
    head: Option<Duration>,
    /// The head has come.
    began: Duration,
    /// It waits for no place any more.
    picked: Option<Duration>,
    connected: Option<Duration>,
    answered: Option<Duration>,
    status: Option<u16>,
    bytes_in: u64,
    bytes_out: u64,
    /// Of those, heads.
    head_bytes_out: u64,
    retries: u32,
    is_uploading: bool,
    service: Option<Rc<Service>>,
    server: Option<Rc<Server>>,
    end: Option<End>,
}

impl Story {
    /// For the requests of `client`.
    pub(crate) fn new(plane: &Rc<Plane>, client: &Rc<Client>) -> Self {
        let is_logged = plane.access.is_wanted(client.entry.spec().frontend);
        let scene = Some((Rc::clone(plane), Rc::clone(client)));
        Self { scene, is_logged, told: RefCell::default(), heard: RefCell::default() }
    }

    /// For a connection in TCP mode, which begins now.
    pub(crate) fn of_connection(plane: &Rc<Plane>, client: &Rc<Client>) -> Self {
        let story = Self::new(plane, client);
        *story.told.borrow_mut() = Told {
            is_open: true,
            is_tcp: true,
            began: plane.elapsed(),
            time: story.now(),
            ..Told::default()
        };
        story
    }

    fn now(&self) -> Timestamp {
        if self.is_logged { access::timestamp() } else { Timestamp::default() }
    }

    /// Whether to [`hear`](Self::hear) what a request says.
    pub(crate) fn is_logged(&self) -> bool {
        self.is_logged
    }

    /// The next request's head: as it came, or as HTTP/1.1 would say it; its host and its fields.
    pub(crate) fn hear<'h>(
        &self,
        head: &[u8],
        host: Option<&[u8]>,
        fields: impl Iterator<Item = (&'h str, &'h [u8])>,
    ) {
        self.heard.borrow_mut().hear(head, host, fields);
    }

    /// A request's head has come, of so many bytes and in so much time since its first; `None`: what came is none.
    pub(crate) fn begin(&self, bytes: usize, took: Option<Duration>) {
        let Some((plane, client)) = &self.scene else { return };
        self.finish();
        let began = plane.elapsed();
        let mut time = self.now();
        time.0 =
            time.0.saturating_sub(u64::try_from(took.unwrap_or_default().as_micros()).unwrap_or_default());
        if took.is_none() {
            self.heard.borrow_mut().clear();
        }
        let bytes_in = bytes as u64;
        *self.told.borrow_mut() =
            Told { is_open: true, began, time, head: took, bytes_in, ..Told::default() };
        if let Some(gate) = client.gate() {
            gate.account.tell(|tally| tally.request_began(began));
        }
    }

    /// A client went away, or was silent for too long, without a request; so much of one had come.
    pub(crate) fn nothing_came(&self, bytes: usize, end: End) {
        let Some((plane, client)) = self.scene.as_ref().filter(|_| self.is_logged) else { return };
        self.heard.borrow_mut().clear();
        let bytes_in = bytes as u64;
        let told = Told { time: client.since, bytes_in, end: Some(end), ..Told::default() };
        let waited = access::timestamp().0.saturating_sub(client.since.0);
        let total = Duration::from_micros(waited);
        self.log(
            plane,
            client,
            &told,
            &Outcome { times: Times { total, ..Times::default() }, ..told.outcome(Duration::ZERO) },
        );
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

    /// It waits for a place, until what is returned is dropped.
    pub(crate) fn queued(&self) -> Queued {
        let service = self.told.borrow().service.clone();
        if let Some(service) = &service {
            service.account.tell(|tally| tally.queue.enter());
        }
        Queued(service)
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
            told.retries += 1;
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

    /// The client gave up while its request's body was on its way.
    pub(crate) fn was_uploading(&self) {
        self.told.borrow_mut().is_uploading = true;
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

    /// A response's head went towards the client.
    pub(crate) fn moved_head(&self, bytes: u64) {
        let told = &mut *self.told.borrow_mut();
        told.bytes_out += bytes;
        told.head_bytes_out += bytes;
    }

    /// It has an answer of our own.
    pub(crate) fn page(&self, page: &Page, end: End) {
        let told = &mut *self.told.borrow_mut();
        told.status = Some(page.status());
        let (head, body) = page.bytes();
        told.bytes_out += head + body;
        told.head_bytes_out += head;
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
        if self.is_logged {
            self.log(plane, client, told, &outcome);
        }
    }

    fn log(&self, plane: &Plane, client: &Client, told: &Told, outcome: &Outcome) {
        let gate = client.gate();
        let sessions = |tally: Tally| tally.sessions.current;
        let of_service = told.service.as_ref().map(|service| service.account.tally()).unwrap_or_default();
        let of_server = told.server.as_ref().map(|server| server.account.tally()).unwrap_or_default();
        let heard = self.heard.borrow();
        let times = outcome.times;
        let record = Record {
            time: told.time,
            client: client.peer,
            local: client.local,
            frontend: gate.as_ref().map_or("", |gate| &gate.name),
            is_tcp: told.is_tcp,
            tls: client.tls.as_ref().map(|tls| tls.version),
            service: told.service.as_ref().map(|service| service.name.as_str()),
            backend: told.server.as_ref().map(|server| server.node.as_str()),
            line: heard.line(),
            host: heard.host(),
            user_agent: heard.user_agent(),
            referer: heard.referer(),
            trace: heard.trace(),
            status: outcome.status,
            bytes_in: outcome.bytes_in,
            bytes_out: outcome.bytes_out,
            head_bytes_out: told.head_bytes_out,
            times: muster_access_log::Times {
                head: told.head,
                queue: times.queue,
                connect: times.connect,
                response: times.response,
                total: times.total + told.head.unwrap_or_default(),
            },
            retries: told.retries,
            redispatched: told.retries > 0,
            termination: told.termination(),
            load: Load {
                process: plane.clients(),
                frontend: gate.as_ref().map_or(0, |gate| sessions(gate.account.tally())),
                service: of_service.sessions.current,
                backend: of_server.sessions.current,
                backend_queue: of_server.queue.current,
                service_queue: of_service.queue.current,
            },
        };
        let is_silent = told.head.is_none() && told.bytes_in + told.bytes_out == 0;
        plane.access.write(client.entry.spec().frontend, &record, is_silent);
    }
}

impl Told {
    fn termination(&self) -> Termination {
        let reached = match (self.answered, self.connected, self.picked, &self.service) {
            (Some(_), ..) => Stage::Data,
            (None, Some(_), ..) if self.is_tcp || self.is_uploading => Stage::Data,
            (None, Some(_), ..) => Stage::Headers,
            (None, None, Some(_), _) => Stage::Connect,
            (None, None, None, Some(_)) => Stage::Queue,
            (None, None, None, None) => Stage::Request,
        };
        self.end.map(|end| end.termination(reached)).unwrap_or_default()
    }

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

/// A request that waits, as it is counted.
#[derive(Debug)]
pub(crate) struct Queued(Option<Rc<Service>>);

impl Drop for Queued {
    fn drop(&mut self) {
        if let Some(service) = &self.0 {
            service.account.tell(|tally| tally.queue.leave());
        }
    }
}
