//! What went wrong, told on standard error: at once, and then in sums, so that a full disk does not fill whoever reads it.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use muster_logs::Instant;

use crate::nonblocking::NonBlocking;

/// How often one thing is told.
const INTERVAL: Duration = Duration::from_secs(10);

#[derive(Debug, Default)]
struct Complaint {
    why: String,
    lost: u64,
    is_new: bool,
    told: Option<Instant>,
}

/// See the module's page.
#[derive(Debug)]
pub(crate) struct Complaints {
    stream: Option<NonBlocking>,
    /// By what is broken: a sink, a socket.
    by_name: BTreeMap<String, Complaint>,
}

impl Complaints {
    pub(crate) fn new() -> Self {
        Self { stream: NonBlocking::of(2, io::stderr()).ok(), by_name: BTreeMap::new() }
    }

    /// So many lines for `name` were dropped.
    pub(crate) fn lost(&mut self, name: &str, why: &str, lines: u64) {
        if lines == 0 {
            return;
        }
        let complaint = self.about(name);
        complaint.lost += lines;
        complaint.is_new = true;
        if complaint.why != why {
            why.clone_into(&mut complaint.why);
        }
    }

    /// Something is wrong with `name`, and nothing was dropped yet.
    pub(crate) fn note(&mut self, name: &str, why: &str) {
        let complaint = self.about(name);
        complaint.is_new = true;
        why.clone_into(&mut complaint.why);
    }

    fn about(&mut self, name: &str) -> &mut Complaint {
        if !self.by_name.contains_key(name) {
            self.by_name.insert(name.to_owned(), Complaint::default());
        }
        self.by_name.entry(name.to_owned()).or_default()
    }

    /// When there is next something to tell.
    pub(crate) fn due(&self) -> Option<Instant> {
        let due = |complaint: &Complaint| complaint.told.map_or(Instant::default(), |told| told + INTERVAL);
        self.by_name.values().filter(|complaint| complaint.is_new).map(due).min()
    }

    /// Tells what is due; all there is, when it is the `last` time.
    pub(crate) fn tell(&mut self, now: Instant, last: bool) {
        for (name, complaint) in &mut self.by_name {
            let is_due = complaint.told.is_none_or(|told| now >= told + INTERVAL);
            if !complaint.is_new || !(is_due || last) {
                continue;
            }
            let line = match complaint.lost {
                0 => format!("muster log: {name}: {}\n", complaint.why),
                1 => format!("muster log: {name}: a line was dropped: {}\n", complaint.why),
                lost => format!("muster log: {name}: {lost} lines were dropped: {}\n", complaint.why),
            };
            // A service may have any name.
            let line = line.trim_end().replace(char::is_control, "?") + "\n";
            complaint.told = Some(now);
            complaint.is_new = false;
            let is_told = self.stream.as_ref().is_some_and(|stream| stream.write(line.as_bytes()).is_ok());
            if is_told {
                complaint.lost = 0;
            } else {
                // Nobody reads it now; the sum is told with the next one.
                complaint.is_new = complaint.lost > 0;
            }
        }
    }
}
