//! `muster tree`: the processes of the container, below their services.

use super::family::{self, Known, Owner};
use super::places::{Place, Places, Trouble};
use super::proc_stat::Stat;
use super::table::table;
use super::users::Users;
use super::{procfs, units};
use crate::cli::{Format, TreeArgs};
use crate::{json, out};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Flock, FlockType, fcntl_getlk};
use serde::Serialize;
use std::collections::BTreeMap;
use std::process::ExitCode;

pub(crate) fn run(args: TreeArgs) -> ExitCode {
    let TreeArgs { format, controlled } = args;
    let branches = Places::look(controlled.dir()).and_then(|places| look(&places.named(&[])?));
    match branches {
        Ok(branches) => out::answer(&match format {
            Format::Text => text(&branches),
            Format::Json => json::pretty(&Answer { processes: &branches }) + "\n",
        }),
        Err(trouble) => out::fail(&trouble),
    }
}

/// A process, and how deep below the topmost of its service it is.
#[derive(Clone, PartialEq, Debug, Serialize)]
struct Branch {
    /// What it belongs to: `service`, `supervisor`, `left behind` or `no service`.
    kind: &'static str,
    service: Option<String>,
    depth: usize,
    pid: u32,
    parent: u32,
    state: char,
    user: String,
    cpu_seconds: f64,
    memory_bytes: u64,
    command: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    processes: &'a [Branch],
}

fn look(places: &[Place]) -> Result<Vec<Branch>, Trouble> {
    let mut known = Known::default();
    for (index, place) in places.iter().enumerate() {
        // Who holds the lock supervises the service.
        let Some(supervisor) = supervisor(place)? else { continue };
        known.supervisors.insert(supervisor);
        match place.status() {
            Ok(status) => known.mains.extend(status.pid.map(|pid| (pid, index))),
            Err(Trouble::Unsupervised(_)) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    if known.supervisors.is_empty() {
        return Err(Trouble::AllUnsupervised);
    }
    let processes = procfs::all();
    let users = Users::read();
    let branch = |(owner, depth, stat): (Owner, usize, &Stat)| Branch {
        kind: match owner {
            Owner::Service(_) => "service",
            Owner::Supervisor => "supervisor",
            Owner::LeftBehind => "left behind",
            Owner::NoService => "no service",
        },
        service: match owner {
            Owner::Service(index) => places.get(index).map(|place| place.name.clone()),
            _ => None,
        },
        depth,
        pid: stat.pid,
        parent: stat.parent,
        state: stat.state,
        user: procfs::user(stat.pid).map_or_else(|| "-".to_owned(), |user| users.name(user)),
        cpu_seconds: procfs::ticks(stat.ticks).as_secs_f64(),
        memory_bytes: procfs::memory(stat),
        command: procfs::command(stat),
    };
    Ok(ordered(&processes, &known).into_iter().map(branch).collect())
}

/// Who holds the lock of a place; `None`: nobody supervises it.
fn supervisor(place: &Place) -> Result<Option<u32>, Trouble> {
    let path = place.file("lock");
    let lock =
        match rustix::fs::open(&path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty()) {
            Ok(lock) => lock,
            Err(rustix::io::Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(Trouble::of(&path, cause.into())),
        };
    let held = fcntl_getlk(&lock, &Flock::from(FlockType::WriteLock));
    let held = held.map_err(|cause| Trouble::of(&path, cause.into()))?;
    Ok(held.and_then(|held| held.pid).and_then(|pid| u32::try_from(pid.as_raw_pid()).ok()))
}

/// By owner, children behind their parents, with their depth.
fn ordered<'a>(processes: &'a [Stat], known: &Known) -> Vec<(Owner, usize, &'a Stat)> {
    let owners = family::owners(processes, known);
    let mut children: BTreeMap<(Owner, u32), Vec<&Stat>> = BTreeMap::new();
    let mut tops: Vec<(Owner, &Stat)> = Vec::new();
    for stat in processes {
        let Some(owner) = owners.get(&stat.pid) else { continue };
        // Numbers are not ordered by age, but parents have other numbers than their children.
        if owners.get(&stat.parent) == Some(owner) && stat.parent != stat.pid {
            children.entry((*owner, stat.parent)).or_default().push(stat);
        } else {
            tops.push((*owner, stat));
        }
    }
    tops.sort_by_key(|(owner, stat)| (*owner, stat.pid));
    let mut all = Vec::new();
    let mut open: Vec<(Owner, usize, &Stat)> =
        tops.into_iter().rev().map(|(owner, stat)| (owner, 0, stat)).collect();
    while let Some((owner, depth, stat)) = open.pop() {
        all.push((owner, depth, stat));
        let mut below = children.remove(&(owner, stat.pid)).unwrap_or_default();
        below.sort_by_key(|stat| std::cmp::Reverse(stat.pid));
        open.extend(below.into_iter().map(|stat| (owner, depth + 1, stat)));
    }
    all
}

fn text(branches: &[Branch]) -> String {
    let cells = |branch: &Branch| {
        vec![
            branch.service.clone().unwrap_or_else(|| branch.kind.to_owned()),
            branch.pid.to_string(),
            branch.user.clone(),
            units::cpu(std::time::Duration::try_from_secs_f64(branch.cpu_seconds).unwrap_or_default()),
            units::memory(branch.memory_bytes),
            format!("{}{}", "  ".repeat(branch.depth.min(20)), branch.command),
        ]
    };
    let titles = ["SERVICE", "PID", "USER", "CPU", "MEMORY", "COMMAND"];
    table(&titles, &branches.iter().map(cells).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::processes::family::tests::stat;

    #[test]
    fn children_stand_behind_their_parents_and_services_together() {
        let processes = [
            stat(1, 0, 1, "muster"),
            stat(30, 1, 30, "db"),
            stat(10, 1, 10, "web"),
            stat(31, 10, 10, "worker b"),
            stat(11, 31, 10, "its child"),
            stat(12, 10, 10, "worker a"),
            stat(5, 1, 4, "left"),
            stat(40, 1, 40, "command"),
        ];
        let known = Known { mains: [(10, 1), (30, 0)].into(), supervisors: [1].into() };
        let order: Vec<_> =
            ordered(&processes, &known).into_iter().map(|(_, depth, stat)| (depth, stat.pid)).collect();
        assert_eq!(order, [(0, 1), (0, 30), (0, 10), (1, 12), (1, 31), (2, 11), (0, 40), (0, 5)]);
    }

    #[test]
    fn a_command_line_from_hell_stays_on_its_line() {
        let branch = Branch {
            kind: "service",
            service: Some("web".into()),
            depth: 1,
            pid: 7,
            parent: 1,
            state: 'S',
            user: "www".into(),
            cpu_seconds: 1.5,
            memory_bytes: 1 << 20,
            command: "sh -c \u{1b}[2J\nrm".into(),
        };
        let left =
            Branch { kind: "left behind", service: None, depth: 0, command: "x".into(), ..branch.clone() };
        let expected = "\
SERVICE      PID  USER  CPU    MEMORY   COMMAND
web          7    www   1.50s  1.0 MiB    sh -c \\u{1b}[2J\\nrm
left behind  7    www   1.50s  1.0 MiB  x
";
        assert_eq!(text(&[branch, left]), expected);
    }
}
