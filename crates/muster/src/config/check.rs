//! Does a configuration that can be read also make sense on this host?

mod host;
mod listen;
mod port_owner;

use super::access;
use super::family::Family;
use super::frontends;
use super::handlers;
use super::key::Key;
use super::keys;
use super::origin::{Origin, Problem};
use super::settings::Settings;
use super::suggest;
use super::templates;
use super::views;
use muster_agent::{RpcConfig, TagsFile, tags_note};
use muster_fleet::{DrawOptions, Member, Rules, Status, draw};
use muster_logs::{Listen, Target};
use muster_wire::tags::{META_BYTES_MAX, encode};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

/// What would run with this configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Role {
    Agent,
    Proxy,
    Log,
}

/// Why the question is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// The role is about to start and needs its ports now.
    Start,
    /// Somebody wants to know; a port may be in use by the very role that is running.
    Look,
    /// The role runs, and reads its configuration again: its ports are its own.
    Reload,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Reasons not to start.
    pub(crate) problems: Vec<Problem>,
    /// Worth knowing.
    pub(crate) notes: Vec<Problem>,
}

impl Findings {
    /// All reasons not to start, after those found by reading. A default is not blamed as long as a source could not be
    /// read, since that source may replace it.
    pub(crate) fn problems_after<'a>(&'a self, read: &'a [Problem]) -> impl Iterator<Item = &'a Problem> {
        let blamed = |found: &&Problem| read.is_empty() || !found.is_of_default();
        read.iter().chain(self.problems.iter().filter(blamed))
    }
}

/// `sun_path` of unix(7), less its final zero byte.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// The agent's limit: a name is in every datagram about its node.
const NODE_NAME_BYTES_MAX: usize = 255;

/// Everything wrong with `settings` for `roles` on this host.
pub(crate) fn check(settings: &Settings, roles: &[Role], purpose: Purpose) -> Findings {
    let mut findings = Findings::default();
    socket(settings, &mut findings.problems);
    but_for_the_socket(settings, roles, purpose, findings)
}

/// The same, for an agent without a control socket.
pub(crate) fn without_socket(settings: &Settings, roles: &[Role], purpose: Purpose) -> Findings {
    but_for_the_socket(settings, roles, purpose, Findings::default())
}

/// Adds what is wrong with all else.
fn but_for_the_socket(
    settings: &Settings,
    roles: &[Role],
    purpose: Purpose,
    mut findings: Findings,
) -> Findings {
    let problems = &mut findings.problems;
    if purpose == Purpose::Look {
        // Whoever runs them reads them, and tells the same.
        problems.extend(crate::supervision::problems(settings));
    }
    if roles.contains(&Role::Agent) {
        node(settings, problems);
        advertise(settings, problems);
        let tags = tags(settings, &mut findings);
        claims(settings, tags, &mut findings.notes);
        gossip_keys(settings, &mut findings);
        handlers::check(settings, &mut findings.problems);
        templates::check(settings, &mut findings.problems, &mut findings.notes);
    }
    let problems = &mut findings.problems;
    if roles.contains(&Role::Proxy) {
        listen::twice(settings, problems);
        if let Err(words) = access::place(settings) {
            problems.push(problem(settings, &keys::proxy::ACCESS_LOG_TO, words));
        }
        listen::stats(settings, problems);
        frontends::check(settings, problems, &mut findings.notes);
        rules_without_sink(settings, &mut findings.notes);
    }
    if roles.contains(&Role::Agent) {
        let facility = settings.text(&keys::serf::SYSLOG_FACILITY);
        if settings.bool(&keys::serf::ENABLE_SYSLOG) && views::syslog(settings).is_none() {
            problems.push(problem(
                settings,
                &keys::serf::SYSLOG_FACILITY,
                format!("there is no facility {facility:?}: DAEMON, USER, LOCAL0 to LOCAL7, and so on"),
            ));
        }
        match views::bind_on_interface(settings) {
            Ok(bind) => {
                if roles.contains(&Role::Proxy) {
                    listen::on_gossip(settings, bind, &mut findings.problems);
                    plaintext(settings, bind, &mut findings.notes);
                }
                let is_held = |name| SocketAddr::try_from(name).is_ok_and(|held| held == bind);
                if !muster_inherited::addresses().any(is_held) {
                    host::check(bind, host::GOSSIP, purpose, &mut findings, |text| {
                        problem(settings, &keys::BIND, text)
                    });
                }
                rpc(settings, bind, purpose, &mut findings);
            }
            Err(error) => findings.problems.push(problem(settings, &keys::INTERFACE, error.to_string())),
        }
    }
    if roles.contains(&Role::Proxy) {
        listen::check(settings, purpose, &mut findings);
    }
    if roles.contains(&Role::Log) {
        logs(settings, &mut findings.notes);
    }
    findings
}

/// Whoever reaches a listener can write whatever he likes into the logs, and fill the disk with it.
fn logs(settings: &Settings, notes: &mut Vec<Problem>) {
    let logs = views::logs(settings);
    for on in &logs.listen {
        if let Listen::Udp(at) | Listen::Tcp(at) = on
            && !at.ip().to_canonical().is_loopback()
        {
            let text = format!(
                "whoever reaches {on} can write into these logs; listen on 127.0.0.1 if only this host is to"
            );
            notes.push(problem(settings, &keys::logs::LISTEN, text));
        }
    }
    let is_for = |target: &dyn Fn(&Target) -> bool| logs.rules.iter().any(|rule| target(&rule.target));
    if logs.collector.is_none() && is_for(&|target| *target == Target::Collector) {
        let text = "a rule sends messages to the collector, and there is none: name one with `collector`";
        notes.push(problem(settings, &keys::logs::RULES, text));
    }
    if logs.folder.is_none() && is_for(&|target| matches!(target, Target::File(_))) {
        let text = "a rule sends messages to a file, and there is no folder for it: name one with `folder`";
        notes.push(problem(settings, &keys::logs::RULES, text));
    }
}

/// A problem with the value of `key`, at whoever set it.
fn problem(settings: &Settings, key: &'static Key, text: impl Into<String>) -> Problem {
    match settings.origin(key) {
        Origin::Default => Problem::of_default(format!("{} (its default): {}", key.path(), text.into())),
        origin => Problem::at(origin, text),
    }
}

fn socket(settings: &Settings, problems: &mut Vec<Problem>) {
    let path = settings.text(&keys::SOCKET);
    if path.is_empty() {
        let text = "there is no place for the control socket: /run/muster is not writable and XDG_RUNTIME_DIR is not \
                    set; name one with `socket`, --socket or MUSTER_SOCKET";
        problems.push(Problem::of_default(text));
    } else if path.len() > SOCKET_PATH_BYTES_MAX {
        let text = format!(
            "the path of the control socket has {} bytes; the system takes at most {SOCKET_PATH_BYTES_MAX}",
            path.len()
        );
        problems.push(problem(settings, &keys::SOCKET, text));
    }
}

fn node(settings: &Settings, problems: &mut Vec<Problem>) {
    let name = settings.text(&keys::NODE);
    let text = if name.is_empty() {
        "this host has no name; set `node`".to_owned()
    } else if name.len() > NODE_NAME_BYTES_MAX {
        format!("the node name has {} bytes; at most {NODE_NAME_BYTES_MAX} are allowed", name.len())
    } else if name.contains(char::is_control) {
        format!("the node name `{name}` has control characters")
    } else {
        return;
    };
    problems.push(problem(settings, &keys::NODE, text));
}

/// The tags the node would begin with, from wherever they come.
fn tags(settings: &Settings, findings: &mut Findings) -> BTreeMap<String, String> {
    let mut tags = views::tags(settings);
    let mut key = &keys::TAGS;
    if let Some(path) = views::tags_file(settings) {
        if !tags.is_empty() {
            let by = if settings.text(&keys::ROLE).is_empty() { key } else { &keys::ROLE };
            let text = format!(
                "Tags config not allowed while using tag files: there are tags by {} too; remove one of the two",
                settings.origin(by)
            );
            findings.problems.push(problem(settings, &keys::TAGS_FILE, text));
            return tags;
        }
        key = &keys::TAGS_FILE;
        match TagsFile::new(path).load() {
            Ok(loaded) => tags = loaded,
            Err(error) => findings.problems.push(problem(settings, key, error.to_string())),
        }
    }
    let bytes = encode(&tags).len();
    if bytes > META_BYTES_MAX {
        let text = format!("the tags take {bytes} bytes in gossip; at most {META_BYTES_MAX} fit");
        findings.problems.push(problem(settings, key, text));
    } else if let Some(note) = tags_note(&tags) {
        findings.notes.push(problem(settings, key, note));
    }
    tags
}

/// Tags are free text, as in Serf, so one that makes no service is worth knowing and no more.
fn claims(settings: &Settings, tags: BTreeMap<String, String>, notes: &mut Vec<Problem>) {
    let member = Member {
        name: settings.text(&keys::NODE).to_owned(),
        // The real one is not known yet, and nothing is wrong with this one.
        addr: IpAddr::from([192, 0, 2, 1]),
        port: keys::GOSSIP_PORT,
        status: Status::Alive,
        tags,
    };
    let options = DrawOptions {
        default_port: settings.count(&keys::DEFAULT_PORT),
        allow_loopback: false,
        // They are about the addresses of others, and this node's own is not known yet.
        rules: Rules::new(),
    };
    let (_, refusals) = draw([&member].into_iter(), &options);
    notes.extend(refusals.into_iter().map(|refusal| {
        problem(settings, &keys::TAGS, format!("balancers will not believe this: {}", refusal.reason))
    }));
}

fn advertise(settings: &Settings, problems: &mut Vec<Problem>) {
    let Some(advertise) = settings.address(&keys::ADVERTISE) else { return };
    if advertise.ip().is_unspecified() || advertise.ip().is_multicast() || advertise.port() == 0 {
        let text =
            format!("nobody can reach {advertise}; advertise an address of this host as others see it");
        problems.push(problem(settings, &keys::ADVERTISE, text));
    }
}

/// One source of keys, and it has some.
fn gossip_keys(settings: &Settings, findings: &mut Findings) {
    let is_set = |key: &&'static Key| !settings.text(key).is_empty();
    let mut set = [&keys::ENCRYPT, &keys::ENCRYPT_FILE, &keys::KEYRING_FILE].into_iter().filter(is_set);
    let Some(key) = set.next() else { return };
    for other in set {
        let text = format!(
            "gossip keys come from one place, and `{}` ({}) names one already; remove one of the two",
            key.name,
            settings.origin(key)
        );
        findings.problems.push(problem(settings, other, text));
    }
    match views::gossip_keys(settings).map(|source| source.load()) {
        Some(Ok(keys)) => {
            findings.notes.extend(keys.warning.map(|text| problem(settings, key, text)));
        }
        Some(Err(error)) => findings.problems.push(problem(settings, key, error.to_string())),
        None => {}
    }
}

/// An address that nobody asked for is no reason not to start: the agent then goes on without RPC.
fn rpc(settings: &Settings, bind: SocketAddr, purpose: Purpose, findings: &mut Findings) {
    let Some(RpcConfig { addr, asked, auth }) = views::rpc(settings) else { return };
    let say = |text: String| problem(settings, &keys::serf::RPC_ADDR, text);
    if overlap(addr, bind) {
        findings.problems.push(say(format!("RPC would listen on {addr}, where this node gossips ({bind})")));
        return;
    }
    if auth.is_empty() && !addr.ip().is_loopback() {
        let text = format!(
            "RPC on {addr} asks for no token: whoever reaches it can make this node leave, and change tags and keys; set \
             `rpc_auth`, or listen on 127.0.0.1"
        );
        findings.notes.push(say(text));
    }
    let mut found = Findings::default();
    host::check(addr, host::TRAFFIC, purpose, &mut found, say);
    findings.notes.append(&mut found.notes);
    if asked {
        findings.problems.append(&mut found.problems);
    } else {
        findings.notes.append(&mut found.problems);
    }
}

/// A rule for a name that is not quite that of the service protects nothing.
fn rules_without_sink(settings: &Settings, notes: &mut Vec<Problem>) {
    let served = frontends::served(settings);
    let all = served.iter().map(|service| format!("`{service}`")).collect::<Vec<_>>().join(", ");
    for (service, set) in settings.named(Family::Services).filter(|(service, _)| !served.contains(*service)) {
        let Some(setting) = set.iter().find(|setting| setting.origin != Origin::Default) else { continue };
        let text = format!(
            "[services.{service}] restricts nothing that the proxy of this node does: it serves {all}{}",
            suggest::hint(service, served.iter().map(String::as_str))
        );
        notes.push(Problem::at(&setting.origin, text));
    }
}

/// A note only: `check` names both roles when nobody does, also on a backend that has no proxy, and the key may come by a
/// flag or variable that the agent alone is given.
fn plaintext(settings: &Settings, bind: SocketAddr, notes: &mut Vec<Problem>) {
    let is_open = views::gossip_keys(settings).is_none() && !bind.ip().to_canonical().is_loopback();
    if is_open && !settings.bool(&keys::proxy::PLAINTEXT) {
        let text = "without a key the agent gossips in plaintext, and `muster proxy` will not follow it; make a key with \
                    `muster keygen`, or set `plaintext` in [proxy]";
        notes.push(problem(settings, &keys::ENCRYPT, text));
    }
}

/// Would the second of two TCP listeners fail? Unspecified IPv6 also takes IPv4 unless told otherwise (ipv6(7)).
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let any = |address: SocketAddr, other: SocketAddr| {
        address.ip().is_unspecified() && (address.is_ipv6() || other.is_ipv4())
    };
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || any(a, b) || any(b, a))
}

#[cfg(test)]
mod tests;
