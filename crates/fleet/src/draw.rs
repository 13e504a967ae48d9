//! From members to services: the tag contract.
//!
//! | tag | form | absent means |
//! |---|---|---|
//! | `role`, `port` | one service named by the role | no such service |
//! | `services` | `web:3000,api:8080/20` (name:port/weight) | see `role` |
//! | `notready` | service names not to be sent to, `*` for all | ready |

use crate::{Member, Service};
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

/// What the drawing node knows of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DrawOptions {
    /// Port of a member that has a role and no `port` tag.
    pub default_port: u16,
    /// Loopback backends are believed only when we ourselves are reached over loopback, since then every member is on
    /// this host.
    pub allow_loopback: bool,
}

/// A member's claim that was not believed, and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal {
    /// Who claims.
    pub node: String,
    /// In words, for the log.
    pub reason: String,
}

/// Services of these members. Left members contribute nothing; failed ones only demoted backends.
pub fn draw<'a>(
    members: impl Iterator<Item = &'a Member>,
    options: &DrawOptions,
) -> (BTreeMap<String, Service>, Vec<Refusal>) {
    let _ = (members.count(), options);
    todo!()
}
