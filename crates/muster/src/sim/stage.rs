//! Showing a play: plain lines, or on a terminal coloured ones at the pace of virtual time, over a row of who sees whom.

use crate::exit;
use crate::text::printable;
use anstyle::{AnsiColor, Style};
use muster_sim::play::{Audience, Kind, Line, Views};
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Erases the current line, and goes to its beginning.
const ERASE: &str = "\r\x1b[2K";
/// Views of larger clusters do not fit a row.
const ROW_NODES_MAX: usize = 10;
/// Slower than this a line looks stuck.
const SPEED_MIN: f64 = 0.01;

/// The terminal, or whatever is in its place.
#[derive(Debug)]
pub(super) struct Stage {
    live: bool,
    coloured: bool,
    /// Virtual seconds a second; none: as fast as it goes.
    speed: Option<f64>,
    begun: Instant,
    broken: Option<io::Error>,
}

impl Stage {
    pub(super) fn new(live: bool, speed: f64) -> Self {
        let coloured = live && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let speed = (speed > 0.0).then(|| speed.max(SPEED_MIN));
        Self { live, coloured, speed, begun: Instant::now(), broken: None }
    }

    /// How the process ends if the output could not be written.
    pub(super) fn end(mut self) -> Result<(), ExitCode> {
        if self.live {
            self.write(ERASE);
        }
        match self.broken {
            None => Ok(()),
            Some(error) if error.kind() == ErrorKind::BrokenPipe => {
                Err(exit::by_signal(rustix::process::Signal::PIPE))
            }
            Some(error) => Err(crate::out::fail(&format_args!("cannot write the trace: {error}"))),
        }
    }

    /// Waits until a virtual moment is reached.
    fn wait(&self, at: Duration) {
        if let Some(speed) = self.speed.filter(|_| self.broken.is_none()) {
            let due = at.div_f64(speed);
            std::thread::sleep(due.saturating_sub(self.begun.elapsed()));
        }
    }

    fn write(&mut self, text: &str) {
        if self.broken.is_none() {
            let mut out = io::stdout().lock();
            self.broken = out.write_all(text.as_bytes()).and_then(|()| out.flush()).err();
        }
    }
}

impl Audience for Stage {
    fn line(&mut self, line: &Line) {
        self.wait(line.at);
        let text = printable(&line.to_string()).to_string();
        let text = text.trim_end();
        let style = style(line.kind);
        match (self.live, self.coloured) {
            (false, _) => self.write(&format!("{text}\n")),
            (true, false) => self.write(&format!("{ERASE}{text}\n")),
            (true, true) => self.write(&format!("{ERASE}{style}{text}{style:#}\n")),
        }
    }

    fn look(&mut self, at: Duration, views: Views<'_>) {
        self.wait(at);
        if !self.live {
            return;
        }
        let mut row = format!("{ERASE}{:6}.{:03} ", at.as_secs(), at.subsec_millis());
        let rows = views.rows();
        if rows.len() <= ROW_NODES_MAX {
            for (name, marks) in rows {
                // Writing to a string cannot fail.
                let _ = write!(row, " {}:{}", printable(&name), marks);
            }
        }
        self.write(&row);
    }
}

fn style(kind: Kind) -> Style {
    match kind {
        Kind::Step => Style::new().bold(),
        Kind::Event => Style::new(),
        Kind::Wire => Style::new().dimmed(),
        Kind::Held => AnsiColor::Green.on_default(),
        Kind::Broken => AnsiColor::Red.on_default().bold(),
    }
}
