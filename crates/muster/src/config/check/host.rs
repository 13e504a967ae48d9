//! Asks the system whether an address can be listened on, by doing it for a moment.

use super::port_owner::{self, Protocol};
use super::{Findings, Purpose};
use crate::config::origin::Problem;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, UdpSocket};

/// What gossip listens with.
pub(super) const GOSSIP: &[Protocol] = &[Protocol::Tcp, Protocol::Udp];
/// What clients connect to.
pub(super) const TRAFFIC: &[Protocol] = &[Protocol::Tcp];

/// Binds `address` once per protocol and tells what the system said.
pub(super) fn check(
    address: SocketAddr,
    protocols: &[Protocol],
    purpose: Purpose,
    findings: &mut Findings,
    problem: impl Fn(String) -> Problem,
) {
    if purpose == Purpose::Reload {
        return;
    }
    for protocol in protocols {
        let bound = match protocol {
            Protocol::Tcp => TcpListener::bind(address).map(drop),
            Protocol::Udp => UdpSocket::bind(address).map(drop),
        };
        let Err(error) = bound else { continue };
        let owner = match error.kind() {
            ErrorKind::AddrInUse => port_owner::find(*protocol, address),
            _ => None,
        };
        // Serf, by whichever binary, is what this agent is to replace.
        let ours = owner.as_ref().is_some_and(|owner| matches!(&*owner.name, "muster" | "serf"));
        let problem = problem(words(*protocol, address, &error, owner.as_ref()));
        if ours && purpose == Purpose::Look {
            findings.notes.push(problem);
        } else {
            findings.problems.push(problem);
        }
        if error.kind() != ErrorKind::AddrInUse {
            // The other protocol would say the same.
            return;
        }
    }
}

fn words(
    protocol: Protocol,
    address: SocketAddr,
    error: &io::Error,
    owner: Option<&port_owner::Owner>,
) -> String {
    match error.kind() {
        ErrorKind::AddrNotAvailable => {
            format!("{} is not an address of this host; `ip addr` shows those it has", address.ip())
        }
        ErrorKind::AddrInUse => match owner {
            Some(owner) => {
                format!("{protocol} port {address} is in use by {} (pid {})", owner.name, owner.pid)
            }
            None => format!("{protocol} port {address} is in use"),
        },
        ErrorKind::PermissionDenied => {
            format!("port {} needs root or the capability CAP_NET_BIND_SERVICE", address.port())
        }
        _ => format!("cannot listen on {address}: {error}"),
    }
}
