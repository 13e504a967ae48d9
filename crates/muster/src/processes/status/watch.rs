//! `muster status --watch`: the table, drawn anew every two seconds; elsewhere than on a terminal, one after the other.

use super::rows::{self, Row};
use crate::cli::Format;
use crate::processes::places::{Place, Trouble};
use crate::{exit, out};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// The first share of a processor is known after this.
const FIRST_LOOK: Duration = Duration::from_millis(500);

pub(super) fn watch(look: &dyn Fn() -> Result<Vec<Place>, Trouble>, format: Format) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return out::fail(&format_args!("cannot watch the services: {error}")),
    };
    runtime.block_on(async {
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        let is_drawn = format == Format::Text && std::io::stdout().is_terminal();
        let (mut before, mut pause) = (Sample::default(), FIRST_LOOK);
        loop {
            let mut rows = match look().and_then(|places| super::rows(&places)) {
                Ok(rows) => rows,
                Err(trouble) => return out::fail(&trouble),
            };
            let sample = Sample::of(&rows);
            before.shares(&sample, &mut rows);
            before = sample;
            let now = SystemTime::now();
            let shown = match format {
                Format::Json => rows::json_line(&rows, now),
                Format::Text if is_drawn => screen(&rows::text(&rows, now)),
                Format::Text => rows::text(&rows, now) + "\n",
            };
            if let Err(end) = out::part(&shown) {
                return end;
            }
            tokio::select! {
                biased;
                _ = &mut interrupted => return exit::CLEAN,
                () = tokio::time::sleep(std::mem::replace(&mut pause, LOOK_EVERY)) => {}
            }
        }
    })
}

/// What each service had used when it was looked.
#[derive(Debug, Default)]
struct Sample {
    at: Option<Instant>,
    used: BTreeMap<String, (u32, Duration)>,
}

impl Sample {
    fn of(rows: &[Row]) -> Self {
        let used = rows.iter().filter_map(|row| Some((row.name.clone(), (row.pid?, row.used?.cpu))));
        Self { at: Some(Instant::now()), used: used.collect() }
    }

    /// The shares of a processor from here to `now`.
    fn shares(&self, now: &Self, rows: &mut [Row]) {
        let (Some(from), Some(to)) = (self.at, now.at) else { return };
        for row in rows {
            let (before, after) = (self.used.get(&row.name), now.used.get(&row.name));
            if let (Some((pid, before)), Some((same, after)), Some(used)) = (before, after, &mut row.used)
                && pid == same
            {
                used.percent = share(*before, *after, to - from);
            }
        }
    }
}

/// In hundredths of one processor. A process that ends takes its time along; then it seems to be less than none.
fn share(before: Duration, after: Duration, passed: Duration) -> Option<f64> {
    (!passed.is_zero()).then(|| after.saturating_sub(before).as_secs_f64() / passed.as_secs_f64() * 100.0)
}

/// The whole screen: from its upper left corner, each line cleared behind its text, and all below.
fn screen(table: &str) -> String {
    // Some terminals say that they have no rows, which means that they do not know.
    let known = |size: u16| if size == 0 { usize::MAX } else { usize::from(size) };
    let (columns, rows) = crossterm::terminal::size()
        .map_or((usize::MAX, usize::MAX), |(columns, rows)| (known(columns), known(rows)));
    let room = rows.saturating_sub(2).max(1);
    let mut screen = "\u{1b}[H(Ctrl-C ends)\u{1b}[K\n".to_owned();
    for line in table.lines().take(room) {
        // A line that goes on below would be left there.
        screen.extend(line.chars().take(columns));
        screen.push_str("\u{1b}[K\n");
    }
    screen + "\u{1b}[J"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_what_was_used_of_the_time_that_passed() {
        let seconds = Duration::from_secs;
        assert_eq!(share(seconds(1), seconds(2), seconds(4)), Some(25.0));
        assert_eq!(share(seconds(2), seconds(1), seconds(4)), Some(0.0));
        assert_eq!(share(seconds(1), seconds(2), seconds(0)), None);
    }
}
