//! Which process belongs to which service: by its parents, and by its session, since a supervisor gives each service one of its
//! own. Pure.
//!
//! A child whose parent ended is adopted by PID 1 (or by `muster init`, where that is another). When its session is that of a
//! service that runs, it is part of that still: its `run` put it in the background. When the one who made its session is gone,
//! it was left behind by an earlier life. s6 does not end such processes, nor do we: some hand their work over that way.

use super::proc_stat::Stat;
use std::collections::{BTreeMap, BTreeSet};

/// What a process belongs to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Owner {
    /// It supervises.
    Supervisor,
    /// The service with this index.
    Service(usize),
    /// None: a command of the container, or one that was brought in, or a daemon that detached itself.
    NoService,
    /// A service's earlier life.
    LeftBehind,
}

/// Supervisors and main processes, as far as they are known.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Known {
    /// The main process of each service that runs, and the index of that.
    pub(super) mains: BTreeMap<u32, usize>,
    /// Who supervises: `muster init`, or each `s6-supervise`.
    pub(super) supervisors: BTreeSet<u32>,
}

/// The owner of each process that is below a supervisor, or beside it in a container.
pub(super) fn owners(processes: &[Stat], known: &Known) -> BTreeMap<u32, Owner> {
    let by_pid: BTreeMap<u32, &Stat> = processes.iter().map(|stat| (stat.pid, stat)).collect();
    let adopters = adopters(&by_pid, known);
    let owner = |stat: &&Stat| Some((stat.pid, owner(stat, &by_pid, known, &adopters)?));
    by_pid.values().filter_map(owner).collect()
}

/// Who adopts: above each `s6-supervise` that is `s6-svscan`, as far as it is PID 1; `muster init` does it wherever it is.
fn adopters(by_pid: &BTreeMap<u32, &Stat>, known: &Known) -> BTreeSet<u32> {
    let of = |pid: &u32| {
        let stat = by_pid.get(pid)?;
        Some(if stat.name == "s6-supervise" { stat.parent } else { stat.pid })
    };
    known.supervisors.iter().filter_map(of).collect()
}

fn owner(
    stat: &Stat,
    by_pid: &BTreeMap<u32, &Stat>,
    known: &Known,
    adopters: &BTreeSet<u32>,
) -> Option<Owner> {
    if known.supervisors.contains(&stat.pid) || adopters.contains(&stat.pid) {
        return Some(Owner::Supervisor);
    }
    let mut at = stat;
    // Looked at one after the other, they may seem to be in a circle.
    for _ in 0..by_pid.len() {
        let service = known.mains.get(&at.pid).or_else(|| known.mains.get(&at.session));
        if let Some(service) = service {
            return Some(Owner::Service(*service));
        }
        if adopters.contains(&at.parent) || known.supervisors.contains(&at.parent) {
            return Some(if by_pid.contains_key(&at.session) { Owner::NoService } else { Owner::LeftBehind });
        }
        match by_pid.get(&at.parent) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    // With a supervisor as PID 1, all that there is is in its container.
    adopters.contains(&1).then_some(Owner::NoService)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::processes) fn stat(pid: u32, parent: u32, session: u32, name: &str) -> Stat {
        Stat { pid, name: name.into(), state: 'S', parent, session, ticks: 10, children_ticks: 5, pages: 100 }
    }

    fn known(mains: &[u32], supervisors: &[u32]) -> Known {
        Known {
            mains: mains.iter().enumerate().map(|(index, pid)| (*pid, index)).collect(),
            supervisors: supervisors.iter().copied().collect(),
        }
    }

    #[test]
    fn children_belong_to_their_service_and_so_do_those_it_put_in_the_background() {
        let processes = [
            stat(1, 0, 1, "muster"),
            stat(10, 1, 10, "web"),
            stat(11, 10, 10, "worker"),
            stat(12, 11, 12, "session of its own"),
            stat(20, 1, 10, "in the background"),
            stat(21, 20, 10, "its child"),
            stat(30, 1, 30, "db"),
        ];
        let owners = owners(&processes, &known(&[10, 30], &[1]));
        let expected = [
            (1, Owner::Supervisor),
            (10, Owner::Service(0)),
            (11, Owner::Service(0)),
            (12, Owner::Service(0)),
            (20, Owner::Service(0)),
            (21, Owner::Service(0)),
            (30, Owner::Service(1)),
        ];
        assert_eq!(owners, expected.into());
    }

    #[test]
    fn what_an_earlier_life_left_is_told_from_the_containers_command() {
        let processes = [
            stat(1, 0, 1, "muster"),
            stat(10, 1, 10, "web"),
            stat(5, 1, 4, "of the web before"),
            stat(6, 5, 4, "its child"),
            stat(40, 1, 40, "command"),
            stat(41, 1, 40, "what that put in the background"),
            stat(50, 0, 50, "brought in by exec"),
        ];
        let owners = owners(&processes, &known(&[10], &[1]));
        for (pid, owner) in [
            (5, Owner::LeftBehind),
            (6, Owner::LeftBehind),
            (40, Owner::NoService),
            (41, Owner::NoService),
            (50, Owner::NoService),
        ] {
            assert_eq!(owners[&pid], owner, "{pid}");
        }
    }

    #[test]
    fn s6_has_a_supervisor_for_each_and_adopts_above_them() {
        let processes = [
            stat(1, 0, 1, "s6-svscan"),
            stat(2, 1, 1, "s6-supervise"),
            stat(10, 2, 10, "web"),
            stat(20, 1, 9, "left"),
        ];
        let owners = owners(&processes, &known(&[10], &[2]));
        assert_eq!(owners[&1], Owner::Supervisor);
        assert_eq!(owners[&2], Owner::Supervisor);
        assert_eq!(owners[&10], Owner::Service(0));
        assert_eq!(owners[&20], Owner::LeftBehind);
    }

    #[test]
    fn on_a_host_only_what_is_below_the_supervisor_is_shown() {
        let processes = [
            stat(1, 0, 1, "systemd"),
            stat(7, 1, 7, "sshd"),
            stat(100, 7, 7, "muster"),
            stat(110, 100, 110, "web"),
            stat(120, 100, 119, "left"),
        ];
        let owners = owners(&processes, &known(&[110], &[100]));
        let expected = [(100, Owner::Supervisor), (110, Owner::Service(0)), (120, Owner::LeftBehind)];
        assert_eq!(owners, expected.into());
    }

    #[test]
    fn a_circle_ends() {
        let processes = [stat(5, 6, 1, "a"), stat(6, 5, 1, "b")];
        assert!(owners(&processes, &known(&[10], &[100])).is_empty());
    }
}
