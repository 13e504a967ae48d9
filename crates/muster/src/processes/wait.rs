//! Waiting until services stand as wanted. Their status files are watched, which whoever supervises them puts in place anew with
//! each change; nothing is polled, but that somebody supervises them still.

use super::control::is_supervised;
use super::places::{Place, Trouble, is_up};
use muster_init::status::Status;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use std::time::{Duration, Instant};

/// How often it is looked whether the supervisors live; their end changes no status.
const LOOK_AFTER_SUPERVISORS: Duration = Duration::from_secs(1);

/// Who waits for so long is told for what: a service that cannot be executed is tried again and again, and never up.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is waited for, of one service.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Wanted {
    /// It runs.
    Up,
    /// It runs, and said that it is ready.
    Ready,
    /// Neither it nor its `finish` runs, and nobody starts it.
    Down,
    /// It runs as another process than this one, and is ready if `ready`.
    Another { before: (Option<u32>, std::time::SystemTime), ready: bool },
}

/// Where the way to what is wanted has come to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Met,
    NotYet,
    /// It will not be met, or not by itself, if what was asked for was heard; why.
    Lost(&'static str),
}

impl Wanted {
    pub(super) fn of(self, status: &Status) -> Way {
        let up = is_up(status);
        let (met, lost) = match self {
            Self::Up => (up, (!status.wanted_up && !up).then_some("somebody stopped it")),
            Self::Ready => (up && status.ready, (!status.wanted_up && !up).then_some("somebody stopped it")),
            Self::Down => (status.pid.is_none() && !status.wanted_up, None),
            Self::Another { before, ready } => {
                let another = before != (status.pid, status.since);
                let stopped = status.pid.is_none() && !status.wanted_up;
                (up && another && (status.ready || !ready), stopped.then_some("somebody stopped it"))
            }
        };
        match lost {
            _ if met => Way::Met,
            Some(why) => Way::Lost(why),
            None => Way::NotYet,
        }
    }
}

/// How waiting ended.
#[derive(Debug)]
pub(super) enum Waited {
    /// All are as wanted; this is where they stood then.
    Met(Vec<Status>),
    /// This one will not be, and why.
    Lost(String, &'static str),
    /// These are not, after all the time that there was.
    TimedOut(Vec<String>),
}

/// Waits until all are as wanted, for `limit` at most. After a while `tell` is called once, for each that is not.
pub(super) fn wait(
    all: &[(Place, Wanted)],
    limit: Option<Duration>,
    mut tell: impl FnMut(&Place, &Status),
) -> Result<Waited, Trouble> {
    let begun = Instant::now();
    let mut is_patient = true;
    let until = limit.and_then(|limit| begun.checked_add(limit));
    let system = |place: &Place, cause: rustix::io::Errno| Trouble::of(&place.folder, cause.into());
    let Some((first, _)) = all.first() else { return Ok(Waited::Met(Vec::new())) };
    let inotify = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)
        .map_err(|cause| system(first, cause))?;
    for (place, _) in all {
        // A new status is renamed into its place.
        inotify::add_watch(&inotify, place.folder.join("supervise"), inotify::WatchFlags::MOVED_TO)
            .map_err(|cause| system(place, cause))?;
    }
    // What was asked for may not have come to the supervisor yet, and then nothing can be said of others.
    let mut heard = vec![false; all.len()];
    loop {
        let (mut met, mut missing) = (Vec::new(), Vec::new());
        let is_told = is_patient && begun.elapsed() >= PATIENCE;
        is_patient &= !is_told;
        for ((place, wanted), heard) in all.iter().zip(&mut heard) {
            let status = place.status()?;
            *heard |= status.wanted_up;
            match wanted.of(&status) {
                Way::Met => met.push(status),
                Way::Lost(why) if *heard => return Ok(Waited::Lost(place.name.clone(), why)),
                Way::NotYet | Way::Lost(_) => {
                    if !is_supervised(place)? {
                        return Err(Trouble::Unsupervised(place.name.clone()));
                    }
                    if is_told {
                        tell(place, &status);
                    }
                    missing.push(place.name.clone());
                }
            }
        }
        if missing.is_empty() {
            return Ok(Waited::Met(met));
        }
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Waited::TimedOut(missing));
        }
        let pause = left.unwrap_or(LOOK_AFTER_SUPERVISORS).min(LOOK_AFTER_SUPERVISORS);
        let _ = poll(&mut [PollFd::new(&inotify, PollFlags::IN)], Timespec::try_from(pause).ok().as_ref());
        let _ = rustix::io::read(&inotify, &mut [0_u8; 4096]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::status::rows::tests::status;

    #[test]
    fn what_is_met_and_what_is_not_yet() {
        let (up, down) = (status(Some(7)), status(None));
        assert_eq!(Wanted::Up.of(&up), Way::Met);
        assert_eq!(Wanted::Up.of(&down), Way::NotYet);
        assert_eq!(Wanted::Ready.of(&up), Way::NotYet);
        assert_eq!(Wanted::Ready.of(&Status { ready: true, ..up }), Way::Met);
        assert_eq!(Wanted::Down.of(&Status { finishing: true, wanted_up: false, ..up }), Way::NotYet);
        assert_eq!(Wanted::Down.of(&down), Way::NotYet, "between two runs it is down, and will be up");
        assert_eq!(Wanted::Down.of(&Status { wanted_up: false, ..down }), Way::Met);
    }

    #[test]
    fn a_restart_is_another_process_and_not_the_same_again() {
        let before = status(Some(7));
        let wanted = |ready| Wanted::Another { before: (before.pid, before.since), ready };
        assert_eq!(wanted(false).of(&before), Way::NotYet);
        assert_eq!(wanted(false).of(&status(None)), Way::NotYet);
        assert_eq!(wanted(false).of(&status(Some(8))), Way::Met);
        assert_eq!(wanted(true).of(&status(Some(8))), Way::NotYet);
        assert_eq!(wanted(true).of(&Status { ready: true, ..status(Some(8)) }), Way::Met);
        let stopped = Status { wanted_up: false, ..status(None) };
        assert_eq!(wanted(false).of(&stopped), Way::Lost("somebody stopped it"));
    }
}
