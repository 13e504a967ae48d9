//! Our own listening addresses: a backend there would be ourselves, and each request to it a loop.

use muster_fleet::Picture;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Where this proxy listens.
#[derive(Debug)]
pub(crate) struct OwnAddresses {
    bound: RefCell<Vec<SocketAddr>>,
    /// Addresses already complained about.
    told: RefCell<BTreeSet<SocketAddr>>,
}

impl OwnAddresses {
    /// The addresses that listeners were bound to, with their real ports.
    pub(crate) fn new(bound: &[SocketAddr]) -> Self {
        Self { bound: RefCell::new(bound.to_vec()), told: RefCell::default() }
    }

    /// Other listeners take their place.
    pub(crate) fn set(&self, bound: Vec<SocketAddr>) {
        self.bound.replace(bound);
    }

    /// Takes backends out that are ourselves, with one line of log each.
    pub(crate) fn remove_from(&self, picture: &mut Picture) {
        for (name, service) in &mut picture.services {
            service.backends.retain(|node, backend| {
                let is_own = self.contains(backend.addr);
                if is_own && self.told.borrow_mut().insert(backend.addr) {
                    tracing::warn!(
                        service = %name.escape_default(),
                        node = %node.escape_default(),
                        addr = %backend.addr,
                        "this backend is our own listener and is left out: requests to it would come back for ever",
                    );
                }
                !is_own
            });
        }
    }

    fn contains(&self, addr: SocketAddr) -> bool {
        let ip = addr.ip().to_canonical();
        self.bound.borrow().iter().filter(|own| own.port() == addr.port()).any(|own| {
            let own = own.ip().to_canonical();
            own == ip || (own.is_unspecified() && is_local(ip))
        })
    }
}

/// Whether `ip` is an address of this host: only then can a socket be bound to it.
fn is_local(ip: IpAddr) -> bool {
    ip.is_unspecified() || ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(addrs: &[&str]) -> OwnAddresses {
        OwnAddresses::new(&addrs.iter().map(|addr| addr.parse().unwrap()).collect::<Vec<_>>())
    }

    #[test]
    fn a_listener_is_its_own_address_and_no_other() {
        let own = own(&["127.0.0.1:8080"]);
        assert!(own.contains("127.0.0.1:8080".parse().unwrap()));
        assert!(own.contains("[::ffff:127.0.0.1]:8080".parse().unwrap()));
        assert!(!own.contains("127.0.0.1:8081".parse().unwrap()));
        assert!(!own.contains("127.0.0.2:8080".parse().unwrap()));
    }

    #[test]
    fn a_wildcard_listener_is_every_address_of_this_host_at_its_port() {
        for own in [own(&["0.0.0.0:8080"]), own(&["[::]:8080"])] {
            assert!(own.contains("127.9.9.9:8080".parse().unwrap()));
            assert!(!own.contains("127.9.9.9:8081".parse().unwrap()));
            // TEST-NET-1 (RFC 5737) is nobody's address.
            assert!(!own.contains("192.0.2.1:8080".parse().unwrap()));
        }
    }
}
