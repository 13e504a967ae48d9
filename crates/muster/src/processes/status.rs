//! `muster status`: where the services stand.

pub(super) mod rows;
mod watch;

use super::family::{self, Known};
use super::places::{Place, Places, Trouble};
use super::{control, history, procfs};
use crate::cli::{Format, StatusArgs};
use crate::{exit, out};
use rows::{Row, State, Use};
use std::process::ExitCode;
use std::time::SystemTime;

/// Exit code when a service that was named does not run.
const NOT_UP: u8 = 3;

pub(crate) fn run(args: StatusArgs) -> ExitCode {
    let StatusArgs { names, format, watch, controlled } = args;
    let dir = controlled.dir();
    let look = || Places::look(dir.clone())?.named(&names);
    if watch {
        return watch::watch(&look, format);
    }
    let rows = look().and_then(|places| rows(&places));
    let rows = match rows {
        Ok(rows) => rows,
        Err(trouble) => return out::fail(&trouble),
    };
    let now = SystemTime::now();
    let end = out::answer(&match format {
        Format::Text => rows::text(&rows, now),
        Format::Json => rows::json(&rows, now),
    });
    if end == exit::CLEAN && !names.is_empty() && rows.iter().any(|row| !row.state.is_up()) {
        return ExitCode::from(NOT_UP);
    }
    end
}

/// All of them as they stand now.
fn rows(places: &[Place]) -> Result<Vec<Row>, Trouble> {
    let mut rows = places.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    measure(&mut rows);
    Ok(rows)
}

fn row(place: &Place) -> Result<Row, Trouble> {
    let status = match place.status() {
        Err(Trouble::Unsupervised(_)) => return Ok(Row::unsupervised(place)),
        status => status?,
    };
    if !control::is_supervised(place)? {
        return Ok(Row::unsupervised(place));
    }
    let history = place.read("history").unwrap_or_default();
    let history = history::parse(&String::from_utf8_lossy(&history));
    Ok(Row::of(place, &status, history))
}

/// Processor time and memory of all processes of each service.
fn measure(rows: &mut [Row]) {
    let mains = rows.iter().enumerate().filter_map(|(index, row)| Some((row.pid?, index)));
    let mains: Known = Known { mains: mains.collect(), ..Known::default() };
    if mains.mains.is_empty() {
        return;
    }
    let processes = procfs::all();
    let owners = family::owners(&processes, &mains);
    for stat in &processes {
        if let Some(family::Owner::Service(index)) = owners.get(&stat.pid) {
            let used = rows[*index].used.get_or_insert_with(Use::default);
            used.cpu += procfs::ticks(stat.ticks.saturating_add(stat.children_ticks));
            used.memory = used.memory.saturating_add(procfs::memory(stat));
            used.processes += 1;
        }
    }
}

/// Whether all is as it should be: nothing that is wanted up is down.
impl State {
    fn is_up(self) -> bool {
        matches!(self, Self::Up | Self::Ready)
    }
}
