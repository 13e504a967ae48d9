//! Who can become a member through this agent's gossip.
//!
//! What counts is where gossip listens, not what is advertised: whoever reaches an address that is bound to can join, also
//! where others were told of loopback. So a wildcard is never local, not even on a host that has no network yet.

use muster_fleet::Gossip;
use std::net::SocketAddr;

/// Of an agent that listens on `bound`, sealing gossip or not.
pub(crate) fn of(is_sealing: bool, bound: SocketAddr) -> Gossip {
    match (is_sealing, bound.ip().to_canonical().is_loopback()) {
        (true, _) => Gossip::Sealed,
        (false, true) => Gossip::Local,
        (false, false) => Gossip::Open,
    }
}

/// For `info`.
pub(crate) fn words(gossip: Gossip, bound: SocketAddr) -> String {
    match gossip {
        Gossip::Sealed => "encrypted".to_owned(),
        Gossip::Local => "plaintext, on loopback only".to_owned(),
        Gossip::Open | Gossip::Untold => {
            format!("plaintext: whoever reaches {bound} can become a member and get traffic")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_key_or_loopback_keeps_strangers_out() {
        for bound in ["0.0.0.0:7946", "[::]:7946", "10.0.0.1:7946", "[::ffff:10.0.0.1]:7946"] {
            let bound = bound.parse().unwrap();
            assert_eq!(of(false, bound), Gossip::Open, "{bound}");
            assert_eq!(of(true, bound), Gossip::Sealed, "{bound}");
        }
        for bound in ["127.0.0.1:7946", "127.9.9.9:1", "[::1]:7946", "[::ffff:127.0.0.1]:7946"] {
            assert_eq!(of(false, bound.parse().unwrap()), Gossip::Local, "{bound}");
        }
    }
}
