//! The loop: looks at pipes, hears sockets, lets sinks write, and takes from pipes what was written.

use std::time::{Duration, SystemTime};

use muster_logs::{Instant, LINE_BYTES_MAX, Record, Rest, Timestamp};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::OwnedFd;

use crate::ears::Ears;
use crate::sinks::{Moment, Sinks};
use crate::tap::{LOOK_BYTES_MAX, Look, Tap};
use crate::{Config, Error, inherited};

/// How long the end may take after TERM: well within Docker's ten seconds.
const ENDS_WITHIN: Duration = Duration::from_secs(4);
/// A pipe with an unfinished line is looked at so often without being told. Linux 5.5 to 5.13 do not always tell (mended in 5.14
/// by 3a34b13a88ca, and in stable kernels).
const LOOKS_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Runs until TERM, or until there is nothing left to read.
///
/// # Errors
/// Why it could not start; once it runs, it goes on whatever happens.
pub fn run(config: &Config) -> Result<(), Error> {
    if config.pipes.is_empty() && config.listen.is_empty() {
        return Err(Error::Nothing);
    }
    // First of all: nothing of ours may have one of these numbers.
    let pipes: Vec<_> = config.pipes.iter().map(|spec| (spec, inherited::adopt(spec.fd))).collect();
    let mut logger = Logger::new(config)?;
    for (spec, pipe) in pipes {
        let tap = pipe.and_then(|pipe| Tap::new(pipe, spec));
        let tap = tap.map_err(|source| Error::Pipe { fd: spec.fd, service: spec.service.clone(), source })?;
        logger.add(tap)?;
    }
    logger.run();
    Ok(())
}

/// Lines of this pipe were put into sinks, and when those have written them, so many bytes are taken.
#[derive(Clone, Copy, Debug)]
struct Round {
    tap: usize,
    bytes: usize,
}

struct Logger {
    taps: Vec<Tap>,
    /// Tells which taps are ready.
    news: OwnedFd,
    ears: Ears,
    sinks: Sinks,
    signals: SignalFd,
    started: std::time::Instant,
    round: Option<Round>,
    /// The tap that is looked at next, so that each has its turn.
    next: usize,
    stops_by: Option<Instant>,
    /// Nothing was heard since the stop.
    is_silent: bool,
    buffer: Vec<u8>,
}

impl Logger {
    fn new(config: &Config) -> Result<Self, Error> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP] {
            mask.add(signal);
        }
        mask.thread_block().map_err(std::io::Error::from)?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .map_err(std::io::Error::from)?;
        Ok(Self {
            taps: Vec::new(),
            news: epoll::create(epoll::CreateFlags::CLOEXEC).map_err(std::io::Error::from)?,
            ears: Ears::open(&config.listen)?,
            sinks: Sinks::open(config)?,
            signals,
            started: std::time::Instant::now(),
            round: None,
            next: 0,
            stops_by: None,
            is_silent: false,
            buffer: vec![0; LOOK_BYTES_MAX],
        })
    }

    fn add(&mut self, tap: Tap) -> Result<(), Error> {
        // Told once per write, not for as long as an unfinished line stands there.
        let data = EventData::new_u64(self.taps.len() as u64);
        epoll::add(&self.news, tap.fd(), data, EventFlags::IN | EventFlags::ET)
            .map_err(std::io::Error::from)?;
        self.taps.push(tap);
        Ok(())
    }

    fn run(mut self) {
        while !self.is_over() {
            self.wait();
            self.take_signals();
            self.take_news();
            self.sinks.push(self.moment());
            self.finish_round();
            self.read();
            self.sinks.serve_readers(self.now());
            let refused = self.ears.take_refused();
            if refused > 0 {
                let why =
                    format!("{refused} connections were refused: there are too many, or no more descriptors");
                self.sinks.complaints.note("syslog over TCP", &why);
            }
            self.sinks.complaints.tell(self.now(), false);
        }
        self.sinks.end(self.now());
    }

    fn now(&self) -> Instant {
        Instant(self.started.elapsed())
    }

    fn moment(&self) -> Moment {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Moment { now: self.now(), stamp: Timestamp(u64::try_from(since.as_micros()).unwrap_or(u64::MAX)) }
    }

    /// Everything was read and written, or there is no more time for it.
    fn is_over(&mut self) -> bool {
        let now = self.now();
        let Some(by) = self.stops_by else {
            let is_all = self.ears.are_none() && self.taps.iter().all(|tap| tap.has_ended);
            return is_all && self.sinks.waits_until(now).is_none();
        };
        let is_all = self.round.is_none() && self.is_silent && self.taps.iter().all(|tap| !tap.is_ready);
        now >= by || is_all && self.sinks.waits_until(now).is_none()
    }

    /// Sinks have what they were given, or are not waited for.
    fn may_read(&mut self) -> bool {
        let now = self.now();
        self.round.is_none() && self.sinks.waits_until(now).is_none()
    }

    fn wait(&mut self) {
        let (now, may_read) = (self.now(), self.may_read());
        let has_more =
            self.taps.iter().any(|tap| tap.is_ready) || self.ears.have_more() || self.stops_by.is_some();
        let until = match may_read {
            true if has_more => Some(now),
            true => self
                .taps
                .iter()
                .filter_map(|tap| tap.unfinished_since)
                .min()
                .map(|since| since + LOOKS_AGAIN_AFTER),
            false => self.sinks.waits_until(now),
        };
        let until = [until, self.sinks.due(), self.stops_by].into_iter().flatten().min();
        let mut fds = vec![PollFd::new(&self.signals, PollFlags::IN)];
        fds.extend(self.sinks.poll_fds());
        if may_read {
            fds.push(PollFd::new(&self.news, PollFlags::IN));
            fds.extend(self.ears.poll_fds());
        }
        let timeout = until.and_then(|until| Timespec::try_from(until - now).ok());
        // Interrupted or failed, everything is looked at without waiting; signals are blocked, so it cannot spin.
        let _ = poll(&mut fds, timeout.as_ref());
    }

    fn take_signals(&mut self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            if info.ssi_signo == Signal::SIGHUP as u32 {
                self.sinks.reopen();
            } else if self.stops_by.is_none() {
                self.stops_by = Some(self.now() + ENDS_WITHIN);
                // Each is looked at once more, for unfinished lines too.
                self.taps.iter_mut().for_each(|tap| tap.is_ready = !tap.has_ended);
            }
        }
    }

    fn take_news(&mut self) {
        let mut events = Vec::with_capacity(64);
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        while epoll::wait(&self.news, rustix::buffer::spare_capacity(&mut events), Some(&now))
            .is_ok_and(|count| count > 0)
        {
            for event in events.drain(..) {
                let tap = usize::try_from(event.data.u64()).ok().and_then(|tap| self.taps.get_mut(tap));
                if let Some(tap) = tap.filter(|tap| !tap.has_ended) {
                    tap.is_ready = true;
                }
            }
        }
        let again = self.now();
        for tap in &mut self.taps {
            tap.is_ready |= tap.unfinished_since.is_some_and(|since| again - since >= LOOKS_AGAIN_AFTER);
        }
    }

    /// Takes what was written, once it is.
    fn finish_round(&mut self) {
        let now = self.now();
        if let Some(Round { tap, bytes }) = self.round
            && self.sinks.waits_until(now).is_none()
        {
            self.round = None;
            let tap = &mut self.taps[tap];
            if let Err(error) = tap.take(bytes, &mut self.buffer) {
                let (name, why) = (format!("the pipe of {}", tap.service), error.to_string());
                tap.end();
                self.sinks.complaints.note(&name, &why);
            }
        }
    }

    /// A turn for each pipe and each socket, as long as sinks take what comes.
    fn read(&mut self) {
        for _ in 0..self.taps.len() {
            let tap = self.next;
            self.next = (tap + 1) % self.taps.len();
            if !self.taps[tap].is_ready {
                continue;
            }
            if !self.may_read() {
                self.next = tap;
                return;
            }
            self.look(tap);
            self.sinks.push(self.moment());
            self.finish_round();
        }
        if self.may_read() {
            self.hear();
        }
    }

    fn look(&mut self, index: usize) {
        let (moment, is_stopping) = (self.moment(), self.stops_by.is_some());
        let tap = &mut self.taps[index];
        tap.is_ready = false;
        tap.unfinished_since = None;
        let (seen, rest) = match tap.look(&mut self.buffer) {
            Ok(Look::Seen { bytes, rest }) => (bytes, rest),
            Ok(Look::Nothing) => return,
            Ok(Look::Ended) => return tap.end(),
            Err(error) => {
                let (name, why) = (format!("the pipe of {}", tap.service), error.to_string());
                tap.end();
                return self.sinks.complaints.note(&name, &why);
            }
        };
        // The end does not wait for the end of a line.
        let rest = if is_stopping && seen < self.buffer.len() { Rest::Ended } else { rest };
        self.sinks.begin_round();
        let mut told = 0;
        loop {
            // Taking whole lines makes room enough.
            let rest = if told > 0 && rest == Rest::Full { Rest::Waits } else { rest };
            let Some(piece) = tap.cutter.next(&self.buffer[told..seen], rest) else { break };
            let record = Record {
                time: moment.stamp,
                service: &tap.service,
                process: None,
                stream: tap.stream,
                priority: tap.stream.priority(),
                text: piece.text,
                part: piece.part,
            };
            self.sinks.line(&record, moment.now);
            told += piece.bytes;
            if self.sinks.has_enough() {
                break;
            }
        }
        if told > 0 {
            self.round = Some(Round { tap: index, bytes: told });
            tap.is_ready = true;
        } else {
            tap.unfinished_since = Some(moment.now);
        }
    }

    fn hear(&mut self) {
        let moment = self.moment();
        self.sinks.begin_round();
        let sinks = &mut self.sinks;
        let heard = self.ears.hear(&mut self.buffer, |message| {
            sinks.message(message, moment);
            !sinks.has_enough()
        });
        self.is_silent = self.stops_by.is_some() && !heard;
        if heard {
            self.sinks.push(moment);
        }
    }
}

// What is heard goes through the same buffer as what is looked at.
const _: () = assert!(LOOK_BYTES_MAX >= 2 * LINE_BYTES_MAX);
