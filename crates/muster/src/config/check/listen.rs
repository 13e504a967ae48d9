//! The proxy's listeners: do they go together, and can this host have them?

use super::{Findings, Purpose, host, overlap, problem};
use crate::config::frontends::{self, Listener};
use crate::config::keys;
use crate::config::origin::{Origin, Problem};
use crate::config::settings::Settings;
use crate::config::views;
use muster_proxy::At;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Two of them for one place.
pub(super) fn twice(settings: &Settings, problems: &mut Vec<Problem>) {
    let listeners = frontends::listeners(settings);
    if listeners.is_empty() && !frontends::are_named(settings) {
        problems.push(problem(settings, &keys::proxy::LISTEN, "the proxy has no address to listen on"));
    }
    for (nth, Listener { listen: one, .. }) in listeners.iter().enumerate() {
        let clash = |earlier: &&Listener| match (&earlier.listen.at, &one.at) {
            (At::Tcp(earlier), At::Tcp(one)) => overlap(*earlier, *one),
            (At::Unix { path: earlier, .. }, At::Unix { path, .. }) => earlier == path,
            (At::Tcp(_), At::Unix { .. }) | (At::Unix { .. }, At::Tcp(_)) => false,
        };
        if let Some(Listener { listen: earlier, origin }) = listeners[..nth].iter().find(clash) {
            let mut text = match earlier.at.to_string() == one.at.to_string() {
                true => format!("{} is there twice", one.at),
                false => format!("{} and {} overlap", one.at, earlier.at),
            };
            if *origin != listeners[nth].origin {
                text.push_str(&format!("; the other is at {origin}"));
            }
            problems.push(of(settings, &listeners[nth], text));
        }
    }
}

/// One of them where the agent gossips.
pub(super) fn on_gossip(settings: &Settings, bind: SocketAddr, problems: &mut Vec<Problem>) {
    for listener in frontends::listeners(settings) {
        let Some(address) = listener.listen.tcp().filter(|address| overlap(*address, bind)) else { continue };
        let text = format!(
            "the proxy would listen on {address}, where this node's agent gossips ({bind}, {})",
            settings.origin(&keys::BIND)
        );
        problems.push(of(settings, &listener, text));
    }
}

/// A problem with a listener.
fn of(settings: &Settings, listener: &Listener, text: impl Into<String>) -> Problem {
    match &listener.origin {
        Origin::Default => problem(settings, &keys::proxy::LISTEN, text),
        origin => Problem::at(origin, text),
    }
}

/// What this host says of them.
pub(super) fn check(settings: &Settings, purpose: Purpose, findings: &mut Findings) {
    options(settings, findings);
    for listener in frontends::listeners(settings) {
        let say = |text: String| of(settings, &listener, text);
        if muster_proxy::is_handed_over(&listener.listen.at) {
            continue;
        }
        match &listener.listen.at {
            At::Tcp(address) => host::check(*address, host::TRAFFIC, purpose, findings, say),
            At::Unix { path, .. } => findings.problems.extend(place(path).map(say)),
        }
    }
}

/// Places for tools: what they are, and who reaches them.
pub(super) fn stats(settings: &Settings, problems: &mut Vec<Problem>) {
    let mut reached = Vec::new();
    let page = settings.address(&keys::proxy::STATS);
    reached.extend(page.map(|addr| (addr, &keys::proxy::STATS)));
    for found in views::stats_sockets(settings) {
        match found {
            Ok(At::Tcp(addr)) => reached.push((addr, &keys::proxy::STATS_SOCKET)),
            Ok(At::Unix { .. }) => {}
            Err(why) => problems.push(problem(settings, &keys::proxy::STATS_SOCKET, why)),
        }
    }
    let is_exposed = settings.bool(&keys::proxy::STATS_EXPOSED);
    for (addr, key) in reached.into_iter().filter(|(addr, _)| !addr.ip().is_loopback() && !is_exposed) {
        let text = format!(
            "others reach {addr} without a password: use 127.0.0.1, or allow it with `stats_exposed = true`"
        );
        problems.push(problem(settings, key, text));
    }
}

/// What their options need, and what is there for none of them.
fn options(settings: &Settings, findings: &mut Findings) {
    let listen = views::listen(settings);
    let certificates = views::tls(settings).certificates;
    let (wants_tls, wants_header) =
        (listen.iter().any(|one| one.tls), listen.iter().any(|one| one.proxy_protocol));
    if !certificates.is_empty() {
        let say = |text: String| problem(settings, &keys::proxy::CERTIFICATES, text);
        let found = muster_proxy::load_certificates(&certificates);
        findings.problems.extend(found.problems.into_iter().map(say));
        findings.notes.extend(found.notes.into_iter().map(say));
        if !wants_tls {
            findings
                .notes
                .push(say("no listener speaks TLS: write `tls` behind an address of `listen`".into()));
        }
    } else if wants_tls {
        let text = "`tls` needs a certificate with its key: name files or a folder with `certificates`";
        let wanting = frontends::listeners(settings).into_iter().find(|listener| listener.listen.tls);
        findings.problems.extend(wanting.map(|listener| of(settings, &listener, text)));
    }
    let from = &keys::proxy::PROXY_PROTOCOL_FROM;
    if !settings.texts(from).is_empty() && !wants_header {
        let text = "no listener reads a header of the PROXY protocol: write `proxy-protocol` behind an address of `listen`";
        findings.notes.push(problem(settings, from, text));
    }
}

/// Why no socket can be made there. (Whether somebody listens is found when it is.)
fn place(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    if !folder.is_dir() {
        return Some(format!(
            "there is no folder {} for the socket unix:{}: make it",
            folder.display(),
            path.display()
        ));
    }
    let in_the_way = fs::symlink_metadata(path).is_ok_and(|file| !file.file_type().is_socket());
    in_the_way
        .then(|| format!("{} is there and is no socket: remove it or choose another path", path.display()))
}
