//! The log on standard output, held back until the start is complete, so that it does not mix with what the start says.

use super::super::ui::Ui;
use super::INFO_PREFIX;
use crate::logging::{self, Queue};
use muster_agent::LogLevel;
use std::sync::{Mutex, PoisonError};

/// Lines held back. A start that says more has been told what there is to know.
const HELD_MAX: usize = 1024;

/// Where log lines pass, once it is open.
#[derive(Debug)]
pub(super) struct Gate {
    out: Queue,
    least: Mutex<LogLevel>,
    /// None once it is open.
    held: Mutex<Option<Vec<String>>>,
}

impl Gate {
    /// Closed. Lines below `least` never pass.
    pub(super) fn new(ui: Ui, least: LogLevel) -> Self {
        let out = Queue::start(move |line| ui.line(line.strip_suffix(b"\n").unwrap_or(line)));
        logging::flushed_at_end(&out);
        Self { out, least: Mutex::new(least), held: Mutex::new(Some(Vec::new())) }
    }

    pub(super) fn put(&self, level: LogLevel, line: &str) {
        if level < *self.least.lock().unwrap_or_else(PoisonError::into_inner) {
            return;
        }
        // Written under the lock, so that lines stay in their order.
        match &mut *self.held.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(held) if held.len() < HELD_MAX => held.push(line.to_owned()),
            Some(_) => {}
            None => self.write(line),
        }
    }

    /// From now on lines below `least` do not pass.
    pub(super) fn set_least(&self, least: LogLevel) {
        *self.least.lock().unwrap_or_else(PoisonError::into_inner) = least;
    }

    /// Lets go what was held, and everything from now on.
    pub(super) fn open(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.take().unwrap_or_default().iter().for_each(|line| self.write(line));
    }

    fn write(&self, line: &str) {
        self.out.put(format!("{INFO_PREFIX}{line}").into_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(gate: &Gate) -> Option<usize> {
        gate.held.lock().unwrap().as_ref().map(Vec::len)
    }

    #[test]
    fn lines_are_held_until_the_gate_opens_and_no_more_than_so_many() {
        let gate = Gate::new(Ui::of_process(), LogLevel::Info);
        gate.put(LogLevel::Debug, "too fine");
        assert_eq!(held(&gate), Some(0));
        (0..HELD_MAX + 1).for_each(|_| gate.put(LogLevel::Warn, "x"));
        assert_eq!(held(&gate), Some(HELD_MAX));
    }
}
