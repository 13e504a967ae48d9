//! From members to services: the tag contract.
//!
//! | tag | form | absent means |
//! |---|---|---|
//! | `role`, `port` | one service named by the role, at the port | no such service; [`DrawOptions::default_port`] |
//! | `services` | `web:3000,api:8080/20` (name:port/weight) | see `role` |
//! | `notready` | service names not to be sent to, `*` for all | ready |
//! | `balances` | `1`: a balancer | not one |
//!
//! `services` wins over `role`, even when it is empty: such a member offers nothing. A balancer's role makes no
//! service: it says what the node is for, and a backend that balances would send requests round in circles. A balancer
//! that does serve something says so with `services`.
//!
//! | member | `notready` names it | else |
//! |---|---|---|
//! | alive | withdrawn | ready |
//! | leaving | withdrawn | withdrawn |
//! | failed | withdrawn: it said so itself while it could | demoted |
//! | left | nothing | nothing |
//!
//! What a service's [`Rule`](crate::Rule) does not admit is refused: the agent's configuration has the last word, over all sinks.
//!
//! Tags come from anybody in the cluster. A claim that cannot be believed is refused with words, alone: neither the
//! member's other claims nor other members suffer.

use crate::claim::{self, Claim};
use crate::{Backend, Member, Rules, Service, Standing, Status};
use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use serde::{Deserialize, Serialize};

/// Most backends in one picture. A bound on memory, far above the clusters gossip is made for.
pub const BACKENDS_MAX: usize = 65_536;

/// Most refusals told of at once. Claims beyond it are refused all the same.
pub const REFUSALS_MAX: usize = 256;

/// Longest node name that can be a backend's, in bytes: as long as a DNS name.
pub const NODE_NAME_BYTES_MAX: usize = 255;

/// What the drawing node knows of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DrawOptions {
    /// Port of a member that has a role and no `port` tag.
    pub default_port: u16,
    /// Loopback backends are believed only when we ourselves are reached over loopback, since then every member is on
    /// this host.
    pub allow_loopback: bool,
    /// Who may serve, by service.
    pub rules: Rules,
}

/// A member's claim that was not believed, and why. Displayed, it is safe to log: control characters are escaped, lengths
/// bounded.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Refusal {
    /// Who claims; any text, as it is, but of a name that is too long only the beginning.
    pub node: String,
    /// In words, for the log.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", claim::quoted(&self.node), self.reason)
    }
}

/// Services of these members. Left members contribute nothing; failed ones only demoted backends. At most
/// [`BACKENDS_MAX`] backends, the first in the order given.
pub fn draw<'a>(
    members: impl Iterator<Item = &'a Member>,
    options: &DrawOptions,
) -> (BTreeMap<String, Service>, Vec<Refusal>) {
    let mut drawing = Drawing::default();
    for member in members.filter(|member| member.status != Status::Left) {
        drawing.add(member, options);
    }
    (drawing.services, drawing.refusals)
}

#[derive(Default)]
struct Drawing {
    services: BTreeMap<String, Service>,
    backends: usize,
    refusals: Vec<Refusal>,
}

impl Drawing {
    fn add(&mut self, member: &Member, options: &DrawOptions) {
        let mut claims = claim::of(&member.tags, options.default_port).peekable();
        if claims.peek().is_none() {
            return;
        }
        if member.name.len() > NODE_NAME_BYTES_MAX {
            return self.refuse(member, format!("its name is longer than {NODE_NAME_BYTES_MAX} bytes"));
        }
        let ip = member.addr.to_canonical();
        if let Some(kind) = unbelievable(ip, options) {
            return self.refuse(member, format!("it offers services at {ip}, {kind}"));
        }
        for claim in claims {
            let entered = claim.and_then(|claim| {
                ruled(member, ip, &claim, options)?;
                self.enter(member, ip, &claim)
            });
            if let Err(reason) = entered {
                self.refuse(member, reason);
            }
        }
    }

    fn enter(&mut self, member: &Member, ip: IpAddr, claim: &Claim<'_>) -> Result<(), String> {
        if self.backends >= BACKENDS_MAX {
            return Err(format!("service {} would be one backend more than {BACKENDS_MAX}", claim.service));
        }
        let service = self.services.entry(claim.service.into()).or_default();
        match service.backends.entry(member.name.clone()) {
            Entry::Occupied(_) => {
                Err(format!("service {} is offered twice; the first one holds", claim.service))
            }
            Entry::Vacant(place) => {
                place.insert(Backend {
                    addr: SocketAddr::new(ip, claim.port),
                    weight: claim.weight,
                    standing: standing(member, claim.service),
                });
                self.backends += 1;
                Ok(())
            }
        }
    }

    fn refuse(&mut self, member: &Member, reason: String) {
        if self.refusals.len() < REFUSALS_MAX {
            let node = &member.name[..member.name.floor_char_boundary(NODE_NAME_BYTES_MAX)];
            self.refusals.push(Refusal { node: node.into(), reason });
        }
    }
}

/// Why the rule of the claimed service, if it has one, does not admit this claim.
fn ruled(member: &Member, ip: IpAddr, claim: &Claim<'_>, options: &DrawOptions) -> Result<(), String> {
    let Some(rule) = options.rules.get(claim.service) else { return Ok(()) };
    rule.admits(ip, claim.port, &member.tags).map_err(|why| format!("service {} {why}", claim.service))
}

fn standing(member: &Member, service: &str) -> Standing {
    let not_ready = member
        .tags
        .get("notready")
        .is_some_and(|names| names.split(',').map(str::trim).any(|name| name == "*" || name == service));
    match member.status {
        _ if not_ready => Standing::Withdrawn,
        Status::Alive => Standing::Ready,
        Status::Failed => Standing::Demoted,
        Status::Leaving | Status::Left => Standing::Withdrawn,
    }
}

/// Why requests never go to `ip`, in words.
fn unbelievable(ip: IpAddr, options: &DrawOptions) -> Option<&'static str> {
    let link_local = match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    if ip.is_loopback() && !options.allow_loopback {
        return Some("which is loopback: there it would be this host, not that one");
    }
    if link_local {
        return Some("which is link-local: it has no meaning on another link, and clouds keep secrets there");
    }
    if ip.is_multicast() {
        return Some("which is multicast");
    }
    match ip {
        // All of 0.0.0.0/8 means "this host on this network" (RFC 1122, 3.2.1.3); Linux connects to itself.
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("which is no host's address"),
        IpAddr::V4(v4) if v4.is_broadcast() => Some("which is broadcast"),
        IpAddr::V6(v6) if v6.is_unspecified() => Some("which is no host's address"),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
