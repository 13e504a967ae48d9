//! `muster run`: a whole node under one PID 1. The agent, the proxy if this node balances, the processes of the configuration, and
//! the container's command.
//!
//! Everything a person wrote is read here, in the fork that hands PID 1 its plan; the roles read it again for themselves.

use super::processes;
use super::processes::own_program;
use crate::cli::RunArgs;
use crate::config::check::{Purpose, Role, check};
use crate::config::haproxy;
use crate::config::key::Section;
use crate::config::keys::haproxy as haproxy_keys;
use crate::config::keys::logs as log_keys;
use crate::config::keys::run as keys;
use crate::config::{Given, Origin, Settings, Sources, load, views};
use crate::processes::logs::SOCKET;
use muster_init::Plan;
use muster_init::plan::{Entry, Exec, Word};
use muster_proxy::Listen;
use muster_supervise::{Condition, Dependency, Pace, Pauses, Readiness, Restart, Retire, Service, ServiceId};
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// Where it stands in the plan.
const AGENT: ServiceId = ServiceId(0);
/// How often a command is asked whether its port answers, until it does and then.
const PORT_PACE: Pace = Pace {
    every: Duration::from_millis(200),
    steady: Duration::from_secs(5),
    within: Duration::from_secs(2),
    rise: 1,
    fall: 2,
};
/// HAProxy's soft stop: no new connections, those that are there are finished.
const USR1: i32 = 10;
/// So long they may take.
const HAPROXY_STOP_WITHIN: Duration = Duration::from_secs(5);
/// A role that ends is back at once, one that ends at once before long: nobody else does its work.
const ROLE_PAUSES: Pauses = Pauses {
    first: Duration::from_millis(200),
    longest: Duration::from_secs(5),
    steady_after: Duration::from_secs(10),
    jitter: true,
    give_up_after: None,
};

pub(crate) fn run(args: RunArgs) -> ExitCode {
    let places = args.places();
    let (sources, command) = args.sources();
    ExitCode::from(muster_init::run(|| {
        let mut plan = plan(&sources, &command, places.as_deref())?;
        plan.places = places;
        Ok(plan)
    }))
}

/// What to run, or everything that is wrong, a line for each.
fn plan(sources: &Sources, command: &[OsString], places: Option<&Path>) -> Result<Plan, String> {
    let loaded = load(sources);
    let settings = &loaded.settings;
    let has_proxy = has_proxy(settings);
    let roles: &[Role] = if has_proxy { &[Role::Agent, Role::Proxy] } else { &[Role::Agent] };
    let findings = check(settings, roles, Purpose::Start);
    let mut problems: Vec<String> =
        findings.problems_after(&loaded.problems).map(ToString::to_string).collect();
    let haproxy = if haproxy::is_managed(settings) { managed_haproxy(settings) } else { Vec::new() };
    let first = roles.len() + haproxy.len();
    let processes = processes::read(settings, first, Path::new("/etc")).unwrap_or_else(|found| {
        problems.extend(found.iter().map(ToString::to_string));
        Vec::new()
    });
    if !problems.is_empty() {
        problems.push("the configuration is invalid; nothing was started".to_owned());
        return Err(problems.join("\n"));
    }
    let mut offers = Offers::of(settings, &processes);
    let mut entries = vec![agent(sources, settings, has_proxy, &offers)];
    if has_proxy {
        entries.push(proxy(sources, settings));
    }
    for mut entry in haproxy {
        // It knows its place among its own.
        entry.moved_by(roles.len());
        entries.push(entry);
    }
    entries.extend(processes);
    if let Some(name) = name_of_two(&entries) {
        return Err(format!("[processes.{name}]: a role of this node is called so; choose another name"));
    }
    let logs = is_said(settings, Section::Logs);
    if !command.is_empty() {
        entries.push(main_command(command, entries.len(), &mut offers));
    }
    if logs {
        keep_logs(&mut entries, sources, settings, places);
    }
    Ok(Plan {
        retire: Some(Retire {
            agent: ServiceId(AGENT.0 + usize::from(logs)),
            within: settings.duration(&keys::STOP_WITHIN),
            plain_wait: settings.duration(&keys::PLAIN_WAIT),
        }),
        offered: offers.by_nobody,
        withheld: views::withheld(),
        warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
        ..Plan::of(entries)
    })
}

fn has_proxy(settings: &Settings) -> bool {
    match settings.origin(&keys::PROXY) {
        Origin::Default => is_said(settings, Section::Proxy),
        _ => settings.bool(&keys::PROXY),
    }
}

/// A name that two have: their control places would be one.
fn name_of_two(entries: &[Entry]) -> Option<&str> {
    let mut names: Vec<&str> = entries.iter().map(|entry| &*entry.service.name).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// HAProxy under its master, behind its first configuration. It ends as its own image does: what is in flight is finished.
fn managed_haproxy(settings: &Settings) -> Vec<Entry> {
    let path = |key| settings.text(key).to_owned();
    let config = path(&haproxy_keys::CONFIG);
    let file = Entry {
        // For as long as nobody mends the template.
        main: Some(own_program(["probe", "file", &config, "--no-timeout"].map(Word::from))),
        is_own: true,
        is_public: false,
        ..Entry::new(Service::oneshot("haproxy-config"))
    };
    let service = Service {
        pauses: ROLE_PAUSES,
        stop_signal: USR1,
        kill_after: Some(HAPROXY_STOP_WITHIN),
        after: vec![Dependency { on: ServiceId(0), until: Condition::Completed }],
        ..Service::longrun("haproxy")
    };
    let words =
        [&path(&haproxy_keys::PROGRAM), "-W", "-db", "-S", &path(&haproxy_keys::MASTER), "-f", &config];
    let haproxy = Entry {
        main: Some(Exec::of(words.map(Into::into).to_vec())),
        logged_as: Some("haproxy".to_owned()),
        ..Entry::new(service)
    };
    vec![file, haproxy]
}

/// Whether anybody says anything about a section.
fn is_said(settings: &Settings, section: Section) -> bool {
    let of_section = settings.iter().filter(|setting| setting.key.section == section);
    of_section.into_iter().any(|setting| setting.origin != Origin::Default)
}

/// Adds whoever keeps the log. All others wait for its start, and it for their end.
fn keep_logs(entries: &mut Vec<Entry>, sources: &Sources, settings: &Settings, places: Option<&Path>) {
    let mut words = vec!["log".into()];
    words.extend(handed_on(sources, &[Section::Node, Section::Logs, Section::Log]));
    if let Some(places) = places.filter(|_| settings.text(&log_keys::READERS).is_empty()) {
        words.extend(["--readers".into(), Word::from(places.join(SOCKET))]);
    }
    // First: those that others wait for stand before them. The agent's place is behind it then.
    let log = Entry { reads_logs: true, ..role("log", words) };
    for entry in entries.iter_mut() {
        entry.moved_by(1);
        entry.service.after.push(Dependency { on: ServiceId(0), until: Condition::Settled });
    }
    entries.insert(0, log);
}

/// What this node offers to the cluster.
struct Offers {
    /// The tag that says so, unless the node's tags do already.
    tag: Option<String>,
    /// Services in the node's tags that no process is known to offer, and where.
    unclaimed: Vec<(String, u16)>,
    /// What is left of them when the command took its own.
    by_nobody: Vec<String>,
}

impl Offers {
    fn of(settings: &Settings, processes: &[Entry]) -> Self {
        let tags = views::tags(settings);
        let by_process = |name: &str| processes.iter().any(|entry| entry.offers.as_deref() == Some(name));
        let default_port = settings.count(&crate::config::keys::DEFAULT_PORT);
        let said: Vec<(String, u16)> = muster_fleet::offered(&tags, default_port).collect();
        let says_nothing = said.is_empty() && !tags.contains_key("services");
        let listed = processes::offered(settings);
        let tag = (says_nothing && !listed.is_empty()).then(|| {
            let entries: Vec<String> = listed.iter().map(|(name, port)| format!("{name}:{port}")).collect();
            entries.join(",")
        });
        let unclaimed: Vec<(String, u16)> = said.into_iter().filter(|(name, _)| !by_process(name)).collect();
        let by_nobody = unclaimed.iter().map(|(name, _)| name.clone()).collect();
        Self { tag, unclaimed, by_nobody }
    }
}

fn role(name: &str, words: Vec<Word>) -> Entry {
    let service = Service { pauses: ROLE_PAUSES, ..Service::longrun(name) };
    Entry {
        main: Some(own_program(words)),
        is_own: true,
        logged_as: Some(name.to_owned()).filter(|name| name != "log"),
        ..Entry::new(service)
    }
}

fn agent(sources: &Sources, settings: &Settings, has_proxy: bool, offers: &Offers) -> Entry {
    let mut words = vec!["agent".into()];
    words.extend(handed_on(
        sources,
        &[Section::Node, Section::Agent, Section::Haproxy, Section::Admin, Section::History, Section::Log],
    ));
    for file in &sources.serf {
        words.extend(["--config-file".into(), file.into()]);
    }
    let tags = has_proxy.then(|| "balances=1".to_owned());
    let tags = tags.into_iter().chain(offers.tag.as_ref().map(|list| format!("services={list}")));
    words.extend(tags.flat_map(|tag| ["--tag".into(), tag.into()]));
    Entry { gossips: views::gossip_to_hold(settings), ..role("agent", words) }
}

fn proxy(sources: &Sources, settings: &Settings) -> Entry {
    let mut words = vec!["proxy".into()];
    words.extend(handed_on(sources, &[Section::Node, Section::Proxy, Section::Log]));
    Entry {
        // Those in the file system it binds itself.
        listens: views::listen(settings).iter().filter_map(Listen::tcp).collect(),
        keeps_picture: true,
        ..role("proxy", words)
    }
}

/// Our own flags, as far as they are a role's. (Files and variables it finds itself.)
fn handed_on(sources: &Sources, sections: &[Section]) -> Vec<Word> {
    let config = sources.config.iter().flat_map(|path| ["--config".into(), Word::from(path)]);
    let given: &Given = &sources.given;
    let flags = given
        .iter()
        .filter(|(key, _)| sections.contains(&key.section))
        .flat_map(|(key, values)| values.iter().map(|value| Word::from(format!("--{}={value}", key.flag))));
    config.chain(flags).collect()
}

/// The container's command. It ends the container; and it is what the node offers, if that is one thing.
fn main_command(command: &[OsString], before: usize, offers: &mut Offers) -> Entry {
    let behind = |id| Dependency { on: ServiceId(id), until: Condition::Settled };
    let mut service = Service {
        critical: true,
        restart: Restart::Never,
        after: (0..before).map(behind).collect(),
        ..Service::longrun("command")
    };
    let mut entry = Entry::new(service.clone());
    if let [(name, port)] = &offers.unclaimed[..] {
        service.readiness = Readiness::Told;
        service.ready_probe = Some(PORT_PACE);
        // Only told: a program that never answers there is worth a line.
        service.up_within = Some(Duration::from_secs(60));
        entry.offers = Some(name.clone());
        entry.ready_probe =
            Some(own_program(["probe".into(), "tcp".into(), format!("127.0.0.1:{port}").into()]));
        offers.by_nobody.clear();
    }
    Entry {
        service,
        main: Some(Exec::of(command.to_vec())),
        is_command: true,
        logged_as: Some("command".to_owned()),
        ..entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_haproxy_waits_for_its_first_file_for_as_long_as_it_takes() {
        let [file, haproxy] = &managed_haproxy(&Settings::defaults())[..] else { panic!("two") };
        let words = file.main.iter().flat_map(|exec| &exec.words);
        let crate::cli::Command::Probe(probe) = crate::cli::parse(words.map(OsString::from)).unwrap() else {
            panic!("no probe")
        };
        assert!(matches!(probe.question, crate::cli::Question::File { no_timeout: true, .. }), "{probe:?}");
        // PID 1 gives it all that time.
        assert_eq!((file.service.up_within, haproxy.service.up_within), (None, None));
    }
}
