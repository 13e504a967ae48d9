//! The addresses of this host's interfaces.

use crate::Error;
use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::InterfaceFlags;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

/// Addresses of interfaces that are up, loopback included; empty when the system does not tell.
pub(crate) fn addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else { return Vec::new() };
    interfaces
        .filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|interface| ip(&interface))
        .collect()
}

fn ip(interface: &InterfaceAddress) -> Option<IpAddr> {
    let address = interface.address?;
    let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
}

/// Where to gossip when an interface is named: `bind` itself if the interface has its address, or, in the place of 0.0.0.0,
/// the interface's first address that is not link-local. Rules and words are Serf's (command/agent/command.go).
pub fn bind_on(interface: &str, bind: SocketAddr) -> Result<SocketAddr, Error> {
    let refuse = |text: String| Err(Error::Interface(text));
    let all: Vec<InterfaceAddress> = match getifaddrs() {
        Ok(all) => all.collect(),
        Err(cause) => return refuse(format!("Failed to get interface addresses: {cause}")),
    };
    let is_named = |other: &&InterfaceAddress| other.interface_name == interface;
    if !all.iter().any(|other| is_named(&other)) {
        let names: BTreeSet<&str> = all.iter().map(|other| other.interface_name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        return refuse(format!(
            "Invalid network interface: no such network interface: '{interface}'; this host has {}",
            names.join(", ")
        ));
    }
    let ips: Vec<IpAddr> = all.iter().filter(is_named).filter_map(ip).collect();
    if ips.is_empty() {
        return refuse(format!("Interface '{interface}' has no addresses"));
    }
    if bind.ip() == IpAddr::from([0, 0, 0, 0]) {
        return match ips.iter().find(|ip| !is_link_local(**ip)) {
            Some(ip) => Ok(SocketAddr::new(*ip, bind.port())),
            None => refuse(format!("Failed to find usable address for interface '{interface}'")),
        };
    }
    if ips.contains(&bind.ip()) {
        return Ok(bind);
    }
    let ips: Vec<String> = ips.iter().map(ToString::to_string).collect();
    refuse(format!("Interface '{interface}' has no '{}' address; it has {}", bind.ip(), ips.join(", ")))
}

/// Addresses for use within a site: RFC 1918, RFC 6598 (shared, behind carriers' NAT) and RFC 4193 (unique local), as
/// memberlist prefers them.
pub(crate) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] & 0xc0 == 64),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// Addresses that mean nothing beyond one link.
pub(crate) fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_host_has_loopback() {
        assert!(addresses().contains(&IpAddr::from([127, 0, 0, 1])));
    }

    fn bound(interface: &str, bind: &str) -> Result<String, String> {
        let bound = bind_on(interface, bind.parse().unwrap());
        bound.map(|addr| addr.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_named_interface_lends_its_first_address_or_must_have_the_given_one() {
        assert_eq!(bound("lo", "0.0.0.0:7999").as_deref(), Ok("127.0.0.1:7999"));
        assert_eq!(bound("lo", "127.0.0.1:1").as_deref(), Ok("127.0.0.1:1"));
        let other = bound("lo", "127.99.1.1:1").unwrap_err();
        assert!(other.starts_with("Interface 'lo' has no '127.99.1.1' address; it has 127.0.0.1"), "{other}");
        let none = bound("nope0", "0.0.0.0:1").unwrap_err();
        assert!(none.starts_with("Invalid network interface: ") && none.contains("lo"), "{none}");
    }

    #[test]
    fn kinds_of_addresses_are_told_apart() {
        for private in ["10.1.2.3", "172.18.0.3", "192.168.1.1", "100.64.0.1", "fd00::1"] {
            assert!(is_private(private.parse().unwrap()), "{private}");
        }
        for other in ["8.8.8.8", "100.128.0.1", "127.0.0.1", "2001:db8::1", "fe80::1"] {
            assert!(!is_private(other.parse().unwrap()), "{other}");
        }
        assert!(is_link_local("169.254.1.1".parse().unwrap()) && is_link_local("fe80::1".parse().unwrap()));
    }
}
