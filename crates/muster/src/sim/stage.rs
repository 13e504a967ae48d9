//! Showing a play: plain lines, or on a terminal coloured ones at the pace of virtual time, over a row of who sees whom.

use crate::exit;
use crate::text::printable;
use anstyle::{AnsiColor, Style};
use muster_sim::play::{Audience, Kind, Line, Views};
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Erases the current line, and goes to its beginning.
const ERASE: &str = "\r\x1b[2K";
/// Columns of a terminal that does not say.
const COLUMNS: usize = 80;
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
        let columns = match crossterm::terminal::size() {
            Ok((columns @ 1.., _)) => usize::from(columns),
            _ => COLUMNS,
        };
        let row = row(at, &views.rows(), columns);
        self.write(&format!("{ERASE}{row}"));
    }
}

/// Who sees whom, as far as it fits: a line that wraps is not erased whole, and leaves a piece of itself every second.
fn row(at: Duration, views: &[(String, String)], columns: usize) -> String {
    const MORE: &str = " ...";
    let mut row = format!("{:6}.{:03} ", at.as_secs(), at.subsec_millis());
    let mut left = columns.saturating_sub(1 + row.chars().count());
    for (nth, (name, marks)) in views.iter().enumerate() {
        let view = format!(" {}:{marks}", printable(name));
        let width = view.chars().count();
        let rest = if nth + 1 == views.len() { 0 } else { MORE.len() };
        if left < width + rest {
            row.push_str(if left < MORE.len() { "" } else { MORE });
            break;
        }
        left -= width;
        row.push_str(&view);
    }
    row
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_as_many_views_as_fit_and_says_that_there_are_more() {
        let views: Vec<(String, String)> = (1..=8).map(|n| (format!("n{n}"), "+".repeat(8))).collect();
        let at = Duration::from_millis(12_500);
        for columns in [0, 1, 11, 15, 16, 27, 79, 80, 81, 107, 108, 109, 400] {
            let row = row(at, &views, columns);
            assert!(row.chars().count() < columns.max(12), "{columns}: {row}");
            let shown = row.matches(':').count();
            assert_eq!(row.ends_with(" ..."), shown < 8 && columns > 15, "{columns}: {row}");
        }
        assert_eq!(row(at, &views, 40), "    12.500  n1:++++++++ n2:++++++++ ...");
        assert_eq!(row(at, &views[..2], 36), "    12.500  n1:++++++++ n2:++++++++");
    }
}
