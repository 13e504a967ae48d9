//! One replica of a process, made entries of PID 1's plan: itself, and where its output is watched, whoever watches.

use super::replica::Replica;
use super::wants::{Probe, Readiness};
use crate::config::key::Key;
use crate::config::keys::process as keys;
use crate::config::{Named, Problem};
use muster_init::accounts;
use muster_init::folders::parse_signal;
use muster_init::plan::{Account, Entry, Exec, Limit, Resource, Speaker, Word};
use muster_supervise::{Condition, Dependency, Kind, Pace, Pauses, Restart, Service, ServiceId, Whom};
use std::path::Path;
use std::time::Duration;

/// The entries of one replica, the process itself last. References among them count from the first.
pub(super) fn make(process: &Named<'_>, replica: &Replica, etc: &Path) -> Result<Vec<Entry>, Vec<Problem>> {
    let mut making = Making { process, replica, problems: Vec::new() };
    let entries = making.entries(etc);
    if making.problems.is_empty() { Ok(entries) } else { Err(making.problems) }
}

struct Making<'a> {
    process: &'a Named<'a>,
    replica: &'a Replica,
    problems: Vec<Problem>,
}

impl Making<'_> {
    fn problem(&mut self, key: &'static Key, why: &str) {
        let text = format!("[processes.{}] {}: {why}", self.process.name, key.name);
        self.problems.push(Problem::at(self.process.origin(key), text));
    }

    /// The value, or its default and a problem.
    fn check<T: Default>(&mut self, key: &'static Key, value: Result<T, String>) -> T {
        value.unwrap_or_else(|why| {
            self.problem(key, &why);
            T::default()
        })
    }

    fn entries(&mut self, etc: &Path) -> Vec<Entry> {
        let process = self.process;
        let once = process.bool(&keys::ONCE);
        let exec = self.exec(etc);
        let main = self.command(&keys::COMMAND, &exec);
        if process.texts(&keys::COMMAND).is_empty() {
            self.problem(&keys::COMMAND, "it is not set, so there is nothing to run");
        }
        self.contradictions(once);
        let after = self.command(if once { &keys::UNDO } else { &keys::FINISH }, &exec);
        let readiness = self.readiness(once);
        let alive = self.alive(once);
        let kind = match once {
            true => Kind::Oneshot { up: main.is_some(), down: after.is_some() },
            false => Kind::Longrun { finish: after.is_some() },
        };
        let ready_probe = match &readiness {
            Readiness::Probe(probe) => Some(self.probe(probe, &exec)),
            _ => None,
        };
        let service = self.service(kind, &readiness, alive.is_some());
        let mut entry = Entry {
            main,
            after,
            ready_probe,
            alive_probe: alive.map(|probe| self.probe(&probe, &exec)),
            offers: process.text(&keys::SERVICE).map(str::to_owned),
            logged_as: Some(self.replica.name.clone()),
            ..Entry::new(service)
        };
        match readiness {
            Readiness::Fd(fd) => entry.notification_fd = Some(fd),
            Readiness::Notify => entry.notify_socket = Some(Speaker::Itself),
            Readiness::Log(pattern) => return watched(entry, &pattern),
            Readiness::Started | Readiness::Probe(_) => {}
        }
        vec![entry]
    }

    fn contradictions(&mut self, once: bool) {
        let set = |key| self.process.text(key).is_some() || !self.process.texts(key).is_empty();
        let wrong = [
            (once && set(&keys::READY), &keys::READY, "what runs once is ready when it has succeeded"),
            (once && set(&keys::ALIVE), &keys::ALIVE, "what runs once cannot be asked"),
            (once && set(&keys::FINISH), &keys::FINISH, "for what runs once, write `undo`"),
            (!once && set(&keys::UNDO), &keys::UNDO, "only what runs `once` is undone; write `finish`"),
            (once && set(&keys::SERVICE), &keys::SERVICE, "what runs once serves nobody"),
            (
                set(&keys::SERVICE)
                    && self.process.count(&keys::REPLICAS).is_some_and(|count: u16| count > 1),
                &keys::REPLICAS,
                "a node offers a service at one address so far, so not all could be reached; leave `service` out",
            ),
            (
                set(&keys::SERVICE) && self.replica.port.is_none(),
                &keys::SERVICE,
                "`port` is not set, or too high for so many replicas, so nobody could reach it",
            ),
        ];
        for (is_wrong, key, why) in wrong {
            if is_wrong {
                self.problem(key, why);
            }
        }
    }

    /// What all its commands have in common.
    fn exec(&mut self, etc: &Path) -> Exec {
        let directory = self.process.text(&keys::DIRECTORY).map(|text| self.replica.fill(text));
        let directory = directory.transpose();
        let directory = self.check(&keys::DIRECTORY, directory).map(Into::into);
        let mut environment: Vec<(Word, Word)> = Vec::new();
        for (name, value) in self.process.tags(&keys::ENVIRONMENT) {
            let value = self.replica.fill(&value);
            let value = self.check(&keys::ENVIRONMENT, value);
            if name.contains(['=', '\0']) || value.contains('\0') {
                self.problem(&keys::ENVIRONMENT, &format!("`{name}` can be no variable"));
            } else {
                environment.push((name.into(), value.into()));
            }
        }
        if let Some(port) = self.replica.port
            && environment.iter().all(|(name, _)| name != "PORT")
        {
            environment.push(("PORT".into(), port.to_string().into()));
        }
        let limits = self.process.tags(&keys::LIMITS).into_iter().map(|(name, text)| limit(&name, &text));
        let limits = limits.collect::<Result<_, _>>();
        let limits = self.check(&keys::LIMITS, limits);
        Exec { directory, environment, account: self.account(etc), limits, ..Exec::default() }
    }

    fn account(&mut self, etc: &Path) -> Option<Account> {
        let wanted = self.process.texts(&keys::GROUPS);
        let Some(user) = self.process.text(&keys::USER) else {
            if !wanted.is_empty() {
                self.problem(&keys::GROUPS, "`user` is not set, whose groups they are");
            }
            return None;
        };
        let account = accounts::find(user, etc).map(Some);
        let mut account = self.check(&keys::USER, account)?;
        if !wanted.is_empty() {
            let groups = wanted.iter().map(|name| accounts::find_group(name, etc)).collect();
            account.groups = self.check(&keys::GROUPS, groups);
        }
        Some(account)
    }

    fn command(&mut self, key: &'static Key, like: &Exec) -> Option<Exec> {
        let words = self.process.texts(key).iter().map(|word| self.replica.fill(word).map(Word::from));
        let words: Vec<Word> = self.check(key, words.collect());
        (!words.is_empty()).then(|| Exec { words, ..like.clone() })
    }

    fn readiness(&mut self, once: bool) -> Readiness {
        match (self.process.text(&keys::READY), self.replica.port) {
            (Some(text), _) => {
                let read = self.replica.fill(text).and_then(|text| text.parse()).map(Some);
                self.check(&keys::READY, read).unwrap_or(Readiness::Started)
            }
            (None, Some(port)) if !once => Readiness::Probe(Probe::Tcp(format!("127.0.0.1:{port}"))),
            (None, _) => Readiness::Started,
        }
    }

    fn alive(&mut self, once: bool) -> Option<Probe> {
        let text = self.process.text(&keys::ALIVE).filter(|_| !once)?;
        let read = self.replica.fill(text).and_then(|text| text.parse()).map(Some);
        self.check(&keys::ALIVE, read)
    }

    /// A command of the process runs as it does; our own probes need nothing of it.
    fn probe(&self, probe: &Probe, like: &Exec) -> Exec {
        let own = |kind: &str, of: &str| own_program(["probe", kind, of].map(Word::from));
        match probe {
            Probe::Tcp(address) => own("tcp", address),
            Probe::Http(url) => own("http", url),
            Probe::Command(words) => Exec { words: words.iter().map(Word::from).collect(), ..like.clone() },
        }
    }

    fn service(&mut self, kind: Kind, readiness: &Readiness, asks_alive: bool) -> Service {
        let process = self.process;
        let is_longrun = matches!(kind, Kind::Longrun { .. });
        let time = |key: &'static Key, otherwise: Duration| process.duration(key).unwrap_or(otherwise);
        let count = |key: &'static Key| process.count(key).unwrap_or(1);
        let ready_probe = matches!(readiness, Readiness::Probe(_)).then(|| Pace {
            every: time(&keys::READY_EVERY, Duration::from_millis(200)),
            steady: time(&keys::READY_STEADY, Duration::from_secs(5)),
            within: time(&keys::READY_TIMEOUT, Duration::from_secs(2)),
            rise: count(&keys::READY_RISE),
            fall: count(&keys::READY_FALL),
        });
        let alive_every = time(&keys::ALIVE_EVERY, Duration::from_secs(10));
        let alive_probe = asks_alive.then(|| Pace {
            every: alive_every,
            steady: alive_every,
            within: time(&keys::ALIVE_TIMEOUT, Duration::from_secs(5)),
            rise: 1,
            fall: count(&keys::ALIVE_FALL),
        });
        let stop_signal = process.text(&keys::STOP_SIGNAL).unwrap_or("TERM");
        let stop_signal =
            parse_signal(stop_signal).ok_or_else(|| format!("there is no signal `{stop_signal}`"));
        let defaults = Service::longrun(&self.replica.name);
        Service {
            kind,
            wanted: process.bool(&keys::START),
            readiness: match readiness {
                Readiness::Started => muster_supervise::Readiness::Started,
                _ => muster_supervise::Readiness::Told,
            },
            ready_probe,
            alive_probe,
            restart: match process.text(&keys::RESTART) {
                _ if !is_longrun => Restart::Never,
                Some("never") => Restart::Never,
                Some("on-failure") => Restart::OnFailure,
                _ => Restart::Always,
            },
            pauses: Pauses {
                first: time(&keys::PAUSE, Duration::from_secs(1)),
                longest: time(&keys::PAUSE_MAX, Duration::from_secs(30)),
                steady_after: time(&keys::STEADY_AFTER, Duration::from_secs(10)),
                jitter: true,
                give_up_after: process.count(&keys::GIVE_UP_AFTER).filter(|times| *times > 0),
            },
            stop_signal: self.check(&keys::STOP_SIGNAL, stop_signal),
            kill_after: process.duration(&keys::STOP_WITHIN),
            up_within: process.duration(&keys::READY_WITHIN),
            whom: if process.text(&keys::KILL) == Some("group") { Whom::Group } else { Whom::Process },
            critical: process.bool(&keys::CRITICAL),
            ..defaults
        }
    }
}

/// Our own program, with these words.
pub(crate) fn own_program(words: impl IntoIterator<Item = Word>) -> Exec {
    // Only a program whose file was replaced since has none; then the name is as good as any.
    let program = std::env::current_exe().map_or_else(|_| "muster".into(), Into::into);
    Exec::of([program].into_iter().chain(words).collect())
}

/// The process, and before it whoever reads its output, passes it on and says when it is ready.
fn watched(mut entry: Entry, pattern: &str) -> Vec<Entry> {
    const WATCHER: ServiceId = ServiceId(0);
    let watcher =
        Service { ends_with_input: true, ..Service::longrun(&format!("{}/output", entry.service.name)) };
    let watcher = Entry {
        main: Some(own_program(["probe", "log", pattern].map(Word::from))),
        is_public: false,
        logged_as: entry.logged_as.clone(),
        ..Entry::new(watcher)
    };
    entry.stdout_to = Some(WATCHER);
    entry.notify_socket = Some(Speaker::Another(WATCHER));
    entry.service.after.push(Dependency { on: WATCHER, until: Condition::Settled });
    vec![watcher, entry]
}

fn limit(name: &str, text: &str) -> Result<Limit, String> {
    let resource = match name {
        "as" => Resource::As,
        "core" => Resource::Core,
        "cpu" => Resource::Cpu,
        "data" => Resource::Data,
        "fsize" => Resource::Fsize,
        "memlock" => Resource::Memlock,
        "nofile" => Resource::Nofile,
        "nproc" => Resource::Nproc,
        "stack" => Resource::Stack,
        _ => {
            return Err(format!(
                "`{name}` is none of as, core, cpu, data, fsize, memlock, nofile, nproc, stack"
            ));
        }
    };
    let value = |text: &str| match text {
        "unlimited" => Ok(u64::MAX),
        text => text.parse().map_err(|_| format!("`{text}` is neither a number nor unlimited")),
    };
    let (soft, hard) = text.split_once(':').unwrap_or((text, text));
    let (soft, hard) = (value(soft)?, value(hard)?);
    match soft <= hard {
        true => Ok(Limit { resource, soft, hard }),
        false => Err(format!("`{text}`: the soft limit is above the hard one")),
    }
}
