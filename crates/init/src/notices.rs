//! What the supervisor has to tell, in words.

use muster_supervise::{Kind, Notice, ServiceId};

use crate::plan::{Entry, Verbosity};

/// The words, and who wants to hear them; `None`: nobody. `stops`: the container does.
pub(crate) fn text(notice: Notice, entries: &[Entry], stops: bool) -> Option<(Verbosity, String)> {
    let name = |service: ServiceId| &*entries[service.0].service.name;
    let warning = |text: String| Some((Verbosity::Warnings, text));
    match notice {
        Notice::Booted => None,
        Notice::Ended { service, exit, asked } => {
            let is_failure = !asked && !exit.is_success() && !stops;
            let is_longrun = matches!(entries[service.0].service.kind, Kind::Longrun { .. });
            let level = if is_failure { Verbosity::Warnings } else { Verbosity::Info };
            (is_failure || is_longrun).then(|| (level, format!("{} ended with {exit}", name(service))))
        }
        Notice::Killed { service, finish: true } => {
            warning(format!("the finish of {} took too long and was killed", name(service)))
        }
        Notice::Killed { service, finish: false } => {
            warning(format!("{} did not end in time and was killed", name(service)))
        }
        Notice::Late { service } => warning(format!("{} is not ready in time", name(service))),
        Notice::GaveUp { service } => {
            warning(format!("{} ended too often and is not started again", name(service)))
        }
        Notice::HeldBack { service } => {
            warning(format!("{} is not started, since what it waits for failed", name(service)))
        }
        Notice::NotAlive { service } => {
            warning(format!("{} does not answer well any more and is started again", name(service)))
        }
        Notice::NotDrained => {
            warning("not every balancer answered that nothing is in flight here; going on".to_owned())
        }
        Notice::CriticalEnded { service } => {
            Some((Verbosity::Info, format!("{} ended, so the container does", name(service))))
        }
        Notice::OutOfTime => {
            warning("not all services stopped in time; the rest is asked to end now".to_owned())
        }
    }
}
