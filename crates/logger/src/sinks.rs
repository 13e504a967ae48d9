//! Who gets which line, and who is waited for.

use std::io;
use std::path::Path;
use std::time::Duration;

use muster_logs::{
    Form, Instant, Message, Part, Queue, Record, Rule, Stream, Targets, Timestamp, octet_counted, rfc5424,
};
use rustix::event::PollFd;

use crate::Config;
use crate::complaints::Complaints;
use crate::files::Files;
use crate::forward::Forward;
use crate::readers::Readers;
use crate::stdout::Stdout;

/// How long somebody may take nothing before services go on without him.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);
/// Most bytes that wait in memory for one sink that is slow or away.
pub(crate) const WAITING_BYTES_MAX: usize = 1 << 20;
/// A round ends when it has put so many bytes into sinks: it must fit into what waits, whatever forms make of it.
pub(crate) const ROUND_BYTES_MAX: usize = WAITING_BYTES_MAX / 4;

/// Now, in both kinds of time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) now: Instant,
    pub(crate) stamp: Timestamp,
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Sinks {
    outlets: Outlets,
    rules: Vec<Rule>,
    readers: Option<Readers>,
    pub(crate) complaints: Complaints,
}

#[derive(Debug)]
struct Outlets {
    form: Form,
    host: String,
    stdout: Option<Stdout>,
    files: Option<Files>,
    forward: Option<Forward>,
    /// Bytes put since the round began.
    put: usize,
}

impl Sinks {
    pub(crate) fn open(config: &Config) -> io::Result<Self> {
        let files = |folder: &Path| Files::new(folder.to_owned(), config.limits);
        let outlets = Outlets {
            form: config.form,
            host: config.host.clone(),
            stdout: config.stdout.then(Stdout::open).transpose()?,
            files: config.folder.as_deref().map(files),
            forward: config.collector.clone().map(Forward::new),
            put: 0,
        };
        let mut complaints = Complaints::new();
        let services = || config.pipes.iter().map(|pipe| pipe.service.clone());
        let readers = config.readers.as_deref().and_then(|path| {
            // Logs go on without anybody who reads them here.
            Readers::open(path, services())
                .inspect_err(|error| {
                    complaints.note(&format!("`muster logs` at {}", path.display()), &error.to_string());
                })
                .ok()
        });
        Ok(Self { outlets, rules: config.rules.clone(), readers, complaints })
    }

    /// A line of a service: to everybody.
    pub(crate) fn line(&mut self, record: &Record<'_>, now: Instant) {
        let targets = Targets { stdout: true, collector: true, files: vec![record.service] };
        self.keep(record);
        self.outlets.put(record, &targets, now, &mut self.complaints);
    }

    /// A message from a socket: where the rules say.
    pub(crate) fn message(&mut self, bytes: &[u8], moment: Moment) {
        let message = Message::read(bytes);
        let record = Record {
            time: moment.stamp,
            service: message.service,
            process: message.process,
            stream: Stream::Syslog,
            priority: message.priority,
            text: &message.text,
            part: message.part,
        };
        self.keep(&record);
        // Not to a file of its own: the name is whatever somebody wrote.
        let unruled = || Targets { stdout: true, collector: true, files: Vec::new() };
        let targets = Targets::of(&self.rules, record.priority).unwrap_or_else(unruled);
        self.outlets.put(&record, &targets, moment.now, &mut self.complaints);
    }

    fn keep(&mut self, record: &Record<'_>) {
        if let Some(readers) = &mut self.readers {
            readers.keep(record);
        }
    }

    /// Whoever reads the last lines gets them.
    pub(crate) fn serve_readers(&mut self, now: Instant) {
        if let Some(readers) = &mut self.readers {
            readers.serve(now);
        }
    }

    /// A round begins.
    pub(crate) fn begin_round(&mut self) {
        self.outlets.put = 0;
    }

    /// Has the round put as much as it may?
    pub(crate) fn has_enough(&self) -> bool {
        self.outlets.put >= ROUND_BYTES_MAX
    }

    /// Writes as much as is taken now.
    pub(crate) fn push(&mut self, moment: Moment) {
        let Outlets { form, host, stdout, files, forward, .. } = &mut self.outlets;
        if let Some(files) = files {
            files.push(&mut self.complaints);
        }
        if let Some(stdout) = stdout {
            stdout.push(moment.now, &mut self.complaints, |dropped| {
                in_form(*form, &notice(moment.stamp, &text_of_notice(dropped)), false)
            });
        }
        if let Some(forward) = forward {
            forward.push(moment.now, &mut self.complaints, |dropped| {
                octet_counted(&rfc5424(&notice(moment.stamp, &text_of_notice(dropped)), host))
            });
        }
    }

    /// Until when somebody is worth waiting for; `None`: all have what they were given, or are not waited for.
    pub(crate) fn waits_until(&mut self, now: Instant) -> Option<Instant> {
        let stdout = self.outlets.stdout.as_mut().and_then(|stdout| stdout.waits_until(now));
        let forward = self.outlets.forward.as_mut().and_then(|forward| forward.waits_until(now));
        stdout.into_iter().chain(forward).min()
    }

    /// When something is to be done without being told.
    pub(crate) fn due(&self) -> Option<Instant> {
        let forward = self.outlets.forward.as_ref().and_then(Forward::due);
        let readers = self.readers.as_ref().and_then(Readers::due);
        forward.into_iter().chain(readers).chain(self.complaints.due()).min()
    }

    pub(crate) fn poll_fds(&self) -> impl Iterator<Item = PollFd<'_>> {
        let stdout = self.outlets.stdout.as_ref().and_then(Stdout::poll_fd);
        let forward = self.outlets.forward.as_ref().and_then(Forward::poll_fd);
        stdout.into_iter().chain(forward).chain(self.readers.iter().flat_map(Readers::poll_fds))
    }

    /// Files may have been moved away.
    pub(crate) fn reopen(&mut self) {
        self.outlets.files.iter_mut().for_each(Files::reopen);
    }

    /// The last thing: what nobody took is told.
    pub(crate) fn end(&mut self, now: Instant) {
        let why = "it did not take them before the end";
        if let Some(forward) = &self.outlets.forward {
            self.complaints.lost(forward.name(), why, forward.left());
        }
        if let Some(stdout) = &self.outlets.stdout {
            self.complaints.lost("standard output", why, stdout.left());
        }
        self.complaints.tell(now, true);
    }
}

impl Outlets {
    fn put(&mut self, record: &Record<'_>, targets: &Targets<'_>, now: Instant, complaints: &mut Complaints) {
        let Self { form, host, stdout, files, forward, put } = self;
        let (form, stamp) = (*form, record.time);
        if let Some(files) = files {
            for file in &targets.files {
                let line = in_form(form, record, true);
                *put += line.len();
                files.put(file, &line, now, complaints, |dropped| {
                    in_form(form, &notice(stamp, &text_of_notice(dropped)), true)
                });
            }
        }
        if let Some(stdout) = stdout.as_mut().filter(|_| targets.stdout) {
            let line = in_form(form, record, false);
            *put += line.len();
            stdout.put(line, now, complaints, |dropped| {
                in_form(form, &notice(stamp, &text_of_notice(dropped)), false)
            });
        }
        if let Some(forward) = forward.as_mut().filter(|_| targets.collector) {
            let frame = octet_counted(&rfc5424(record, host));
            *put += frame.len();
            forward.put(frame, now, complaints, |dropped| {
                octet_counted(&rfc5424(&notice(stamp, &text_of_notice(dropped)), host))
            });
        }
    }
}

fn in_form(form: Form, record: &Record<'_>, timed: bool) -> Vec<u8> {
    let mut line = Vec::with_capacity(record.text.len() + 64);
    form.write(record, timed, &mut line);
    line
}

fn text_of_notice(dropped: u64) -> String {
    match dropped {
        1 => "a line was dropped here".to_owned(),
        _ => format!("{dropped} lines were dropped here"),
    }
}

/// What we say ourselves in the place of lines that are missing.
fn notice(time: Timestamp, text: &str) -> Record<'_> {
    Record {
        time,
        service: "muster",
        process: None,
        stream: Stream::Stderr,
        priority: Stream::Stderr.priority(),
        text: text.as_bytes(),
        part: Part::Whole,
    }
}

/// The items that wait, as many as fit whole into so many bytes; the first in any case.
pub(crate) fn gather(queue: &Queue, most: usize, chunk: &mut Vec<u8>) {
    chunk.clear();
    for item in queue.waiting() {
        if !chunk.is_empty() && chunk.len() + item.len() > most {
            return;
        }
        chunk.extend_from_slice(item);
    }
}
