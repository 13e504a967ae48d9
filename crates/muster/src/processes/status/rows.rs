//! What `muster status` shows of a service, as a table and as JSON. Pure.

use crate::json;
use crate::processes::history::{Exit, History};
use crate::processes::places::{Place, is_up};
use crate::processes::table::table;
use crate::processes::{signal, units};
use muster_init::status::Status;
use serde::Serialize;
use std::time::{Duration, SystemTime};

/// Where a service stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::processes) enum State {
    Ready,
    /// It runs; whether it is ready it did not say, or does not tell.
    Up,
    /// It was stopped by a signal for the time being.
    Paused,
    /// Its `finish` runs.
    Finishing,
    Down,
    /// Nobody supervises it; what its status says is of the past.
    Unsupervised,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Up => "up",
            Self::Paused => "paused",
            Self::Finishing => "finishing",
            Self::Down => "down",
            Self::Unsupervised => "unsupervised",
        }
    }
}

/// What the processes of a service have used.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(in crate::processes) struct Use {
    pub(in crate::processes) cpu: Duration,
    /// Of one processor, since it was last looked.
    pub(in crate::processes) percent: Option<f64>,
    /// Resident bytes.
    pub(in crate::processes) memory: u64,
    pub(in crate::processes) processes: usize,
}

/// One service.
#[derive(Clone, PartialEq, Debug)]
pub(in crate::processes) struct Row {
    pub(in crate::processes) name: String,
    pub(in crate::processes) state: State,
    /// Whether it is to be up; `None`: nobody wants anything.
    pub(in crate::processes) wanted_up: Option<bool>,
    normally_up: bool,
    since: Option<SystemTime>,
    ready_since: Option<SystemTime>,
    pub(in crate::processes) pid: Option<u32>,
    pub(in crate::processes) used: Option<Use>,
    history: History,
    /// How it ended the last time, where that is known.
    last_exit: Option<Exit>,
}

impl Row {
    pub(in crate::processes) fn unsupervised(place: &Place) -> Self {
        Self {
            name: place.name.clone(),
            state: State::Unsupervised,
            wanted_up: None,
            normally_up: place.is_normally_up(),
            since: None,
            ready_since: None,
            pid: None,
            used: None,
            history: History::default(),
            last_exit: None,
        }
    }

    pub(in crate::processes) fn of(place: &Place, status: &Status, history: History) -> Self {
        let up = is_up(status);
        let state = match status {
            Status { pid: Some(_), finishing: true, .. } => State::Finishing,
            Status { pid: Some(_), paused: true, .. } => State::Paused,
            Status { pid: Some(_), ready: true, .. } => State::Ready,
            Status { pid: Some(_), .. } => State::Up,
            Status { pid: None, .. } => State::Down,
        };
        // Of one that runs, the status cannot say whether it ended before.
        let told = (!up).then(|| Exit { at: None, how: exit_words(status) });
        Self {
            name: place.name.clone(),
            state,
            wanted_up: Some(status.wanted_up),
            normally_up: place.is_normally_up(),
            since: Some(status.since),
            ready_since: (state == State::Ready).then_some(status.ready_since),
            pid: status.pid,
            used: None,
            // One that never ran has no end.
            last_exit: history.exits.last().cloned().or(told.filter(|_| history.starts != Some(0))),
            history,
        }
    }

    fn restarts(&self) -> Option<u64> {
        self.history.starts.map(|starts| starts.saturating_sub(1))
    }
}

/// How it ended the last time.
pub(in crate::processes) fn exit_words(status: &Status) -> String {
    match status.exit.for_finish() {
        (256, signal) => format!("signal {}", signal::name(i32::from(signal))),
        (code, _) => format!("exit code {code}"),
    }
}

fn age(since: Option<SystemTime>, now: SystemTime) -> Option<Duration> {
    since.map(|since| now.duration_since(since).unwrap_or_default())
}

/// The table.
pub(in crate::processes) fn text(rows: &[Row], now: SystemTime) -> String {
    let with_percent = rows.iter().any(|row| row.used.is_some_and(|used| used.percent.is_some()));
    let cells = |row: &Row| {
        let or_dash = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
        let wanted = row.wanted_up.map(|up| if up { "up" } else { "down" }.to_owned());
        let mut cells = vec![
            row.name.clone(),
            row.state.word().to_owned(),
            or_dash(wanted),
            or_dash(age(row.since, now).map(units::age)),
            or_dash(row.pid.map(|pid| pid.to_string())),
        ];
        if with_percent {
            let percent = row.used.and_then(|used| used.percent);
            cells.push(or_dash(percent.map(|percent| format!("{percent:.1}"))));
        }
        cells.extend([
            or_dash(row.used.map(|used| units::cpu(used.cpu))),
            or_dash(row.used.map(|used| units::memory(used.memory))),
            or_dash(row.restarts().map(|restarts| restarts.to_string())),
            or_dash(row.last_exit.as_ref().map(|exit| match age(exit.at, now) {
                Some(age) => format!("{}, {} ago", exit.how, units::age(age)),
                None => exit.how.clone(),
            })),
        ]);
        cells
    };
    let mut titles = vec!["SERVICE", "STATE", "WANTED", "SINCE", "PID"];
    titles.extend(with_percent.then_some("CPU %"));
    titles.extend(["CPU", "MEMORY", "RESTARTS", "LAST EXIT"]);
    table(&titles, &rows.iter().map(cells).collect::<Vec<_>>())
}

/// For programs.
pub(in crate::processes) fn json(rows: &[Row], now: SystemTime) -> String {
    json::pretty(&Answer { services: rows.iter().map(|row| Told::of(row, now)).collect() }) + "\n"
}

/// The same on one line.
pub(in crate::processes) fn json_line(rows: &[Row], now: SystemTime) -> String {
    json::line(&Answer { services: rows.iter().map(|row| Told::of(row, now)).collect() })
}

#[derive(Serialize)]
struct Answer<'a> {
    services: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    name: &'a str,
    state: State,
    wanted: Option<&'static str>,
    normally: &'static str,
    since: Option<String>,
    seconds: Option<u64>,
    ready_since: Option<String>,
    pid: Option<u32>,
    processes: Option<usize>,
    cpu_seconds: Option<f64>,
    cpu_percent: Option<f64>,
    memory_bytes: Option<u64>,
    restarts: Option<u64>,
    last_exit: Option<&'a str>,
    exits: Vec<ToldExit<'a>>,
}

#[derive(Serialize)]
struct ToldExit<'a> {
    at: Option<String>,
    how: &'a str,
}

fn rfc3339(time: Option<SystemTime>) -> Option<String> {
    time.map(|time| humantime::format_rfc3339_seconds(time).to_string())
}

impl<'a> Told<'a> {
    fn of(row: &'a Row, now: SystemTime) -> Self {
        let word = |up: bool| if up { "up" } else { "down" };
        Self {
            name: &row.name,
            state: row.state,
            wanted: row.wanted_up.map(word),
            normally: word(row.normally_up),
            since: rfc3339(row.since),
            seconds: age(row.since, now).map(|age| age.as_secs()),
            ready_since: rfc3339(row.ready_since),
            pid: row.pid,
            processes: row.used.map(|used| used.processes),
            cpu_seconds: row.used.map(|used| used.cpu.as_secs_f64()),
            cpu_percent: row.used.and_then(|used| used.percent),
            memory_bytes: row.used.map(|used| used.memory),
            restarts: row.restarts(),
            last_exit: row.last_exit.as_ref().map(|exit| exit.how.as_str()),
            exits: row
                .history
                .exits
                .iter()
                .map(|exit| ToldExit { at: rfc3339(exit.at), how: &exit.how })
                .collect(),
        }
    }
}

#[cfg(test)]
pub(in crate::processes) mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    const NOW: Duration = Duration::from_secs(1_700_000_000);

    /// Wanted up, and told nothing of readiness; its exit code, if it is down, was 0.
    pub(in crate::processes) fn status(pid: Option<u32>) -> Status {
        let mut bytes = [0; muster_init::status::SIZE];
        bytes[34] = 4;
        let read = Status::from_bytes(&bytes).unwrap();
        let since = UNIX_EPOCH + NOW - Duration::from_secs(90);
        Status { since, ready_since: since, pid, ..read }
    }

    fn row(status: &Status, history: &str) -> Row {
        let place = Place { name: "web".into(), folder: "/nonexistent".into() };
        Row::of(&place, status, super::super::history::parse(history))
    }

    #[test]
    fn a_state_is_one_word() {
        let up = status(Some(7));
        let state = |status: Status| row(&status, "").state;
        assert_eq!(state(up), State::Up);
        assert_eq!(state(Status { ready: true, ..up }), State::Ready);
        assert_eq!(state(Status { ready: true, paused: true, ..up }), State::Paused);
        assert_eq!(state(Status { finishing: true, ..up }), State::Finishing);
        assert_eq!(state(Status { ready: true, ..status(None) }), State::Down);
    }

    #[test]
    fn the_last_exit_is_what_is_known() {
        let last = |status: &Status, history: &str| row(status, history).last_exit.map(|exit| exit.how);
        assert_eq!(last(&status(Some(7)), ""), None);
        assert_eq!(last(&status(None), "").as_deref(), Some("exit code 0"));
        assert_eq!(last(&status(None), "starts=0"), None);
        assert_eq!(
            last(&status(Some(7)), "exit=exit code 1\nexit=signal KILL").as_deref(),
            Some("signal KILL")
        );
    }

    #[test]
    fn the_table_tells_all_and_a_dash_is_what_nobody_knows() {
        let mut web =
            row(&Status { ready: true, ..status(Some(7)) }, "starts=3\nexit=1699999940 exit code 1");
        let cpu = Duration::from_millis(1250);
        web.used = Some(Use { cpu, percent: None, memory: 4_300_000, processes: 2 });
        let db = Row { name: "db".into(), ..row(&Status { wanted_up: false, ..status(None) }, "") };
        let gone = Row::unsupervised(&Place { name: "x\u{1b}".into(), folder: "/nonexistent".into() });
        let expected = "\
SERVICE  STATE         WANTED  SINCE  PID  CPU    MEMORY   RESTARTS  LAST EXIT
web      ready         up      1m30s  7    1.25s  4.1 MiB  2         exit code 1, 1m00s ago
db       down          down    1m30s  -    -      -        -         exit code 0
x\\u{1b}  unsupervised  -       -      -    -      -        -         -
";
        assert_eq!(text(&[web, db, gone], UNIX_EPOCH + NOW), expected);
    }

    #[test]
    fn shares_of_a_processor_have_a_column_when_they_were_measured() {
        let mut web = row(&status(Some(7)), "");
        web.used = Some(Use { percent: Some(12.34), ..Use::default() });
        let text = text(&[web], UNIX_EPOCH + NOW);
        assert!(text.lines().next().unwrap().contains("PID  CPU %  CPU    MEMORY"), "{text}");
        assert!(text.contains("  12.3   0.00s"), "{text}");
    }

    #[test]
    fn programs_get_the_same_with_units_in_the_names() {
        let mut web = row(&status(Some(7)), "starts=2\nexit=0 signal 9");
        web.used = Some(Use { cpu: Duration::from_secs(2), percent: None, memory: 10, processes: 1 });
        let line = json_line(&[web], UNIX_EPOCH + NOW);
        let expected = r#"{"services":[{"name":"web","state":"up","wanted":"up","normally":"up","since":"2023-11-14T22:11:50Z","seconds":90,"ready_since":null,"pid":7,"processes":1,"cpu_seconds":2.0,"cpu_percent":null,"memory_bytes":10,"restarts":1,"last_exit":"signal KILL","exits":[{"at":"1970-01-01T00:00:00Z","how":"signal KILL"}]}]}"#;
        assert_eq!(line, format!("{expected}\n"));
    }
}
