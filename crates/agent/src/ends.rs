//! Which signals leave the cluster, and which end the agent at once.

use crate::{Config, Reloaded};

/// What the signals that ask for the end do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    leave_on_terminate: bool,
    skip_leave_on_interrupt: bool,
}

impl Ends {
    pub(crate) fn of(config: &Config) -> Self {
        let Config { leave_on_terminate, skip_leave_on_interrupt, .. } = *config;
        Self { leave_on_terminate, skip_leave_on_interrupt }
    }

    pub(crate) fn reloaded(reloaded: &Reloaded) -> Self {
        let Reloaded { leave_on_terminate, skip_leave_on_interrupt, .. } = *reloaded;
        Self { leave_on_terminate, skip_leave_on_interrupt }
    }

    pub(crate) fn leave_on(self, signal: &str) -> bool {
        if signal == "INT" { !self.skip_leave_on_interrupt } else { self.leave_on_terminate }
    }
}
