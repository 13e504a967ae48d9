//! Does a configuration that can be read also make sense on this host?

mod host;
mod port_owner;

use super::keys;
use super::origin::Problem;
use super::settings::Settings;
use super::views;
use muster_wire::tags::{META_BYTES_MAX, encode};
use std::net::SocketAddr;

/// What would run with this configuration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Role {
    Agent,
    Proxy,
}

/// Why the question is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    /// The role is about to start and needs its ports now.
    Start,
    /// Somebody wants to know; a port may be in use by the very role that is running.
    Look,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    /// Reasons not to start.
    pub(crate) problems: Vec<Problem>,
    /// Worth knowing.
    pub(crate) notes: Vec<Problem>,
}

/// `sun_path` of unix(7), less its final zero byte.
const SOCKET_PATH_BYTES_MAX: usize = 107;
/// Serf's own limit where it validates names ("MaxNodeNameLength" in serf.go).
const NODE_NAME_BYTES_MAX: usize = 128;

/// Everything wrong with `settings` for `roles` on this host.
pub(crate) fn check(settings: &Settings, roles: &[Role], purpose: Purpose) -> Findings {
    let mut findings = Findings::default();
    let problems = &mut findings.problems;
    socket(settings, problems);
    if roles.contains(&Role::Agent) {
        node(settings, problems);
        tags(settings, problems);
        advertise(settings, problems);
    }
    if roles.contains(&Role::Proxy) {
        listen_twice(settings, problems);
    }
    if roles.contains(&Role::Agent) && roles.contains(&Role::Proxy) {
        listen_on_gossip(settings, problems);
    }
    if roles.contains(&Role::Agent) {
        let bind = views::bind(settings);
        host::check(bind, host::GOSSIP, settings.origin(&keys::BIND), purpose, &mut findings);
    }
    if roles.contains(&Role::Proxy) {
        for listen in settings.addresses(&keys::LISTEN) {
            host::check(*listen, host::TRAFFIC, settings.origin(&keys::LISTEN), purpose, &mut findings);
        }
    }
    findings
}

fn socket(settings: &Settings, problems: &mut Vec<Problem>) {
    let path = settings.text(&keys::SOCKET);
    let origin = settings.origin(&keys::SOCKET);
    if path.is_empty() {
        let text = "there is no place for the control socket: /run/muster is not writable and XDG_RUNTIME_DIR is not \
                    set; name one with `socket`, --socket or MUSTER_SOCKET";
        problems.push(Problem::anywhere(text));
    } else if path.len() > SOCKET_PATH_BYTES_MAX {
        let text = format!(
            "the path of the control socket has {} bytes; the system takes at most {SOCKET_PATH_BYTES_MAX}",
            path.len()
        );
        problems.push(Problem::at(origin, text));
    }
}

fn node(settings: &Settings, problems: &mut Vec<Problem>) {
    let name = settings.text(&keys::NODE);
    let text = if name.is_empty() {
        "this host has no name; set `node`".to_owned()
    } else if name.len() > NODE_NAME_BYTES_MAX {
        format!("the node name has {} bytes; at most {NODE_NAME_BYTES_MAX} are wise", name.len())
    } else if name.contains(char::is_control) {
        format!("the node name `{name}` has control characters")
    } else {
        return;
    };
    problems.push(Problem::at(settings.origin(&keys::NODE), text));
}

fn tags(settings: &Settings, problems: &mut Vec<Problem>) {
    let bytes = encode(&settings.tags(&keys::TAGS)).len();
    if bytes > META_BYTES_MAX {
        let text = format!("the tags take {bytes} bytes in gossip; at most {META_BYTES_MAX} fit");
        problems.push(Problem::at(settings.origin(&keys::TAGS), text));
    }
}

fn advertise(settings: &Settings, problems: &mut Vec<Problem>) {
    let Some(advertise) = settings.address(&keys::ADVERTISE) else { return };
    if advertise.ip().is_unspecified() || advertise.ip().is_multicast() || advertise.port() == 0 {
        let text =
            format!("nobody can reach {advertise}; advertise an address of this host as others see it");
        problems.push(Problem::at(settings.origin(&keys::ADVERTISE), text));
    }
}

fn listen_twice(settings: &Settings, problems: &mut Vec<Problem>) {
    let listen = settings.addresses(&keys::LISTEN);
    if listen.is_empty() {
        problems.push(Problem::at(settings.origin(&keys::LISTEN), "the proxy has no address to listen on"));
    }
    for (nth, address) in listen.iter().enumerate() {
        if let Some(earlier) = listen[..nth].iter().find(|earlier| overlap(**earlier, *address)) {
            let text = match earlier == address {
                true => format!("{address} is there twice"),
                false => format!("{address} and {earlier} overlap"),
            };
            problems.push(Problem::at(settings.origin(&keys::LISTEN), text));
        }
    }
}

fn listen_on_gossip(settings: &Settings, problems: &mut Vec<Problem>) {
    let bind = views::bind(settings);
    for address in settings.addresses(&keys::LISTEN).iter().filter(|address| overlap(**address, bind)) {
        let text = format!(
            "the proxy would listen on {address}, where this node's agent gossips ({bind}, {})",
            settings.origin(&keys::BIND)
        );
        problems.push(Problem::at(settings.origin(&keys::LISTEN), text));
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
