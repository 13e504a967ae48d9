//! The log of a role: one event per line on standard error; of an agent also in a book, for those who ask it.
//!
//! What others sent may be part of an event. It stays on its line and never steers the terminal: tracing-subscriber escapes
//! escape sequences in texts, [`OneLine`] the line breaks and all other control characters; [`serf_form`] escapes both.

mod queue;
mod serf_form;
mod syslog;

pub(crate) use queue::Queue;
pub(crate) use serf_form::level as level_in_serfs_words;
pub(crate) use syslog::{Syslog, facility};

use crate::config::views::Log;
use crate::text::is_dangerous;
use muster_agent::{LogBook, LogLevel};
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;

/// Sets the level of a log that runs.
#[derive(Clone)]
pub(crate) struct LevelSwitch(Arc<dyn Fn(Level) + Send + Sync>);

impl LevelSwitch {
    /// From now on events of this level and above are told.
    pub(crate) fn set(&self, level: Level) {
        (self.0)(level);
    }
}

/// Starts logging for the rest of the process; into `book` and the system's log too, if the role has one.
pub(crate) fn start(log: Log, book: Option<LogBook>, system: Option<Syslog>) -> LevelSwitch {
    let layer = tracing_subscriber::fmt::layer();
    let queue = Queue::start(|line| {
        // Nobody can be told when standard error is closed.
        let _ = io::stderr().write_all(line);
    });
    flushed_at_end(&queue);
    let layer = if log.json {
        layer.json().flatten_event(true).with_writer(move || Queued(queue.clone())).boxed()
    } else {
        let colour = colour();
        layer.with_ansi(colour).with_writer(move || OneLine { to: Queued(queue.clone()), colour }).boxed()
    };
    let (shown, shown_handle) = reload::Layer::new(targets(log.level));
    let (kept, kept_handle) = reload::Layer::new(finely(log.level));
    let book = book.map(|book| {
        let put = move |level, line: &str| {
            book.put(level, line);
            if let Some(system) = &system {
                system.put(level, line);
            }
        };
        InSerfsForm(put).with_filter(kept)
    });
    tracing_subscriber::registry().with(layer.with_filter(shown)).with(book).init();
    LevelSwitch(Arc::new(move |level| {
        // They err only when the log is gone, which it never is.
        let _ = shown_handle.reload(targets(level));
        let _ = kept_handle.reload(finely(level));
    }))
}

/// Starts logging for the rest of the process, each line in Serf's form, with its level, to `put`.
pub(crate) fn start_in_serfs_form(
    level: Level,
    put: impl Fn(LogLevel, &str) + Send + Sync + 'static,
) -> LevelSwitch {
    let (kept, handle) = reload::Layer::new(finely(level));
    tracing_subscriber::registry().with(InSerfsForm(put).with_filter(kept)).init();
    // As above.
    LevelSwitch(Arc::new(move |level| _ = handle.reload(finely(level))))
}

/// DEBUG in any case, so that whoever asks for it later finds it, as with Serf. What that costs is bounded: at DEBUG an agent
/// tells a line per exchange or oddity of a peer, never one per datagram that is in order. TRACE only when asked.
fn finely(level: Level) -> Targets {
    targets(level.max(Level::DEBUG))
}

/// Our crates at the level asked for; libraries only when something is wrong.
fn targets(level: Level) -> Targets {
    Targets::new().with_default(LevelFilter::WARN.min(level.into())).with_target("muster", level)
}

/// Hands each event on as a line of Serf.
struct InSerfsForm<F>(F);

impl<S: Subscriber, F: Fn(LogLevel, &str) + Send + Sync + 'static> Layer<S> for InSerfsForm<F> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = serf_form::level(*event.metadata().level());
        (self.0)(level, &serf_form::line(event, SystemTime::now()));
    }
}

/// Colour is for eyes: a terminal, and nobody who asked for none (no-color.org).
fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The queue that has something to say until the process ends.
static QUEUES: OnceLock<Queue> = OnceLock::new();
/// How long the end waits for whoever reads the log.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// What is in this queue is written before the process ends.
pub(crate) fn flushed_at_end(queue: &Queue) {
    // A process starts one log.
    let _ = QUEUES.set(queue.clone());
}

/// Writes what there is still to be written. `main` does it last.
pub(crate) fn flush() {
    if let Some(queue) = QUEUES.get() {
        queue.flush(LAST_WORDS_WITHIN);
    }
}

/// Puts each event into the queue. The formatter writes each with one call.
struct Queued(Queue);

impl Write for Queued {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        self.0.put(event.to_vec());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Escapes control characters inside of an event. The formatter writes each event with one call.
struct OneLine<W> {
    to: W,
    /// The formatter's own escape sequences pass.
    colour: bool,
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        let mut safe = String::with_capacity(line.len() + 1);
        for c in line.chars() {
            match c {
                '\u{1b}' if self.colour => safe.push(c),
                c if is_dangerous(c) => safe.extend(c.escape_default()),
                c => safe.push(c),
            }
        }
        safe.push('\n');
        self.to.write_all(safe.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(event: &str, colour: bool) -> String {
        let mut to = OneLine { to: Vec::new(), colour };
        to.write_all(event.as_bytes()).unwrap();
        String::from_utf8(to.to).unwrap()
    }

    #[test]
    fn an_event_is_one_line_whatever_a_peer_put_into_it() {
        assert_eq!(
            written("INFO joined a\nERROR forged\r\u{1b}[2J\n", false),
            "INFO joined a\\nERROR forged\\r\\u{1b}[2J\n"
        );
    }

    #[test]
    fn colours_pass_on_a_terminal() {
        assert_eq!(written("\u{1b}[32mINFO\u{1b}[0m a\tb\n", true), "\u{1b}[32mINFO\u{1b}[0m a\\tb\n");
    }
}
