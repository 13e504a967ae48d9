//! What goes into a supervisor and what comes out of it.

use alloc::collections::VecDeque;

use crate::probe::Question;
use crate::retire::Word;
use crate::{Exit, ServiceId};

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid(pub i32);

/// Which of a service's commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// The process that a longrun is.
    Run,
    /// What follows its end.
    Finish {
        /// How it ended.
        exit: Exit,
        /// Which process it was; its group had the same number. `None`: it was never there.
        pid: Option<Pid>,
    },
    /// What brings a oneshot up.
    Up,
    /// What takes it down.
    Down,
    /// What asks it how it is. Its answer is [`Input::Probing`].
    Probe(Question),
}

/// What somebody asks of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// See that it runs.
    Up,
    /// See that it runs until it ends.
    Once,
    /// See that it does not run.
    Down,
    /// End it, and start it again.
    Restart,
    /// Send its process a signal.
    Signal(i32),
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The container started.
    Boot,
    /// The process asked for was started.
    Spawned {
        /// Whose.
        service: ServiceId,
        /// Which it is.
        pid: Pid,
    },
    /// The probe asked for was started, or could not be.
    Probing {
        /// Who is asked.
        service: ServiceId,
        /// What.
        question: Question,
        /// Which process asks; `None`: it could not be started, which counts as a bad answer.
        pid: Option<Pid>,
    },
    /// It could not be started. It counts as having ended so.
    Refused {
        /// Whose.
        service: ServiceId,
        /// Shells have 127 for "not found", 126 for "not executable".
        exit: Exit,
    },
    /// A process ended; it need not be one of a service.
    Exited {
        /// Which.
        pid: Pid,
        /// How.
        exit: Exit,
    },
    /// A service is ready, or not any more.
    Ready {
        /// Which.
        service: ServiceId,
        /// Whether it is.
        ready: bool,
    },
    /// The agent tells how far the cluster is with letting us go.
    Told(Word),
    /// Somebody asks something of a service.
    Asked {
        /// Of which.
        service: ServiceId,
        /// What.
        command: Command,
    },
    /// The container is to stop. When it is stopping already: at once.
    Stop {
        /// With which exit code; `None`: with that of the critical service that is being stopped, or 0 without one.
        code: Option<u8>,
    },
    /// No process is left but us.
    Alone,
    /// [`Supervisor::next_timeout`] has come.
    Timeout,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Start a process.
    Spawn {
        /// Whose.
        service: ServiceId,
        /// Which of its commands.
        job: Job,
    },
    /// Send a signal.
    Signal {
        /// To this process,
        pid: Pid,
        /// which it is.
        signal: i32,
        /// To the whole group it leads.
        group: bool,
    },
    /// Send everybody but us a signal.
    SignalAll(i32),
    /// Tell the agent that this node retires. Again, when its process is a new one.
    Retire,
    /// Where a service stands changed.
    Changed {
        /// Which.
        service: ServiceId,
    },
    /// A service passed a point that others may wait for.
    Passed {
        /// Which.
        service: ServiceId,
        /// The point.
        milestone: Milestone,
    },
    /// Tell people.
    Say(Notice),
    /// End with this exit code.
    End {
        /// The code.
        code: u8,
    },
}

/// Points in a service's life that others may wait for; s6 tells them in letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Milestone {
    /// Its process was started (`u`).
    Up,
    /// It was told to be ready (`U`).
    Ready,
    /// Its process ended (`d`).
    Down,
    /// It will not be started again by itself: its `finish` said so (`O`).
    ForGood,
    /// And what followed its end, too: it can be started (`D`).
    Clear,
}

/// What people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// All that was to be started is up, or never will be.
    Booted,
    /// A service's process ended.
    Ended {
        /// Whose.
        service: ServiceId,
        /// How.
        exit: Exit,
        /// Somebody asked for it.
        asked: bool,
    },
    /// A process did not end in time and was killed.
    Killed {
        /// Whose.
        service: ServiceId,
        /// It was the `finish` script.
        finish: bool,
    },
    /// A service was not ready in time.
    Late {
        /// Which.
        service: ServiceId,
    },
    /// A service ended too often.
    GaveUp {
        /// Which.
        service: ServiceId,
    },
    /// A service is not started because one it waits for failed.
    HeldBack {
        /// Which.
        service: ServiceId,
    },
    /// A service is started again because it is not right any more.
    NotAlive {
        /// Which.
        service: ServiceId,
    },
    /// The cluster was not told in time that we go, or did not answer.
    NotDrained,
    /// A critical service ended, so the container does.
    CriticalEnded {
        /// Which.
        service: ServiceId,
    },
    /// The services did not stop in time.
    OutOfTime,
}

/// Outputs not yet taken.
pub(crate) type Outbox = VecDeque<Output>;
