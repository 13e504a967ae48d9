//! The log of a role: one event per line on standard error.
//!
//! What others sent may be part of an event. It stays on its line and never steers the terminal: tracing-subscriber escapes
//! escape sequences in texts, [`OneLine`] the line breaks and all other control characters.

use crate::config::views::Log;
use crate::text::is_dangerous;
use std::io::{self, IsTerminal, Write};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging for the rest of the process.
pub(crate) fn start(log: Log) {
    // Our crates at the level asked for; libraries only when something is wrong.
    let targets =
        Targets::new().with_default(LevelFilter::WARN.min(log.level.into())).with_target("muster", log.level);
    let layer = tracing_subscriber::fmt::layer();
    let layer = if log.json {
        layer.json().flatten_event(true).with_writer(io::stderr).boxed()
    } else {
        layer.with_ansi(colour()).with_writer(Stderr { colour: colour() }).boxed()
    };
    tracing_subscriber::registry().with(layer.with_filter(targets)).init();
}

/// Colour is for eyes: a terminal, and nobody who asked for none (no-color.org).
fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

struct Stderr {
    colour: bool,
}

impl<'a> MakeWriter<'a> for Stderr {
    type Writer = OneLine<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        OneLine { to: io::stderr(), colour: self.colour }
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
