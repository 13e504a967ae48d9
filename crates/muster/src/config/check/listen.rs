//! The proxy's listeners: do they go together, and can this host have them?

use super::{Findings, Purpose, host, overlap, problem};
use crate::config::keys;
use crate::config::origin::Problem;
use crate::config::settings::Settings;
use crate::config::views;
use muster_proxy::{At, Listen};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Two of them for one place.
pub(super) fn twice(settings: &Settings, problems: &mut Vec<Problem>) {
    let listen = views::listen(settings);
    if listen.is_empty() {
        problems.push(problem(settings, &keys::proxy::LISTEN, "the proxy has no address to listen on"));
    }
    for (nth, one) in listen.iter().enumerate() {
        let clash = |earlier: &&Listen| match (&earlier.at, &one.at) {
            (At::Tcp(earlier), At::Tcp(one)) => overlap(*earlier, *one),
            (At::Unix { path: earlier, .. }, At::Unix { path, .. }) => earlier == path,
            (At::Tcp(_), At::Unix { .. }) | (At::Unix { .. }, At::Tcp(_)) => false,
        };
        if let Some(earlier) = listen[..nth].iter().find(clash) {
            let text = match earlier.at.to_string() == one.at.to_string() {
                true => format!("{} is there twice", one.at),
                false => format!("{} and {} overlap", one.at, earlier.at),
            };
            problems.push(problem(settings, &keys::proxy::LISTEN, text));
        }
    }
}

/// One of them where the agent gossips.
pub(super) fn on_gossip(settings: &Settings, bind: SocketAddr, problems: &mut Vec<Problem>) {
    let addresses = views::listen(settings).into_iter().filter_map(|listen| listen.tcp());
    for address in addresses.filter(|address| overlap(*address, bind)) {
        let text = format!(
            "the proxy would listen on {address}, where this node's agent gossips ({bind}, {})",
            settings.origin(&keys::BIND)
        );
        problems.push(problem(settings, &keys::proxy::LISTEN, text));
    }
}

/// What this host says of them.
pub(super) fn check(settings: &Settings, purpose: Purpose, findings: &mut Findings) {
    let say = |text: String| problem(settings, &keys::proxy::LISTEN, text);
    for listen in views::listen(settings).iter().filter(|listen| !muster_proxy::is_handed_over(&listen.at)) {
        match &listen.at {
            At::Tcp(address) => host::check(*address, host::TRAFFIC, purpose, findings, say),
            At::Unix { path, .. } => findings.problems.extend(place(path).map(say)),
        }
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
