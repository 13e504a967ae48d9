//! The addresses of this host's interfaces.

use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use std::net::IpAddr;

/// Addresses of interfaces that are up, loopback included; empty when the system does not tell.
pub(crate) fn addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else { return Vec::new() };
    interfaces
        .filter(|interface| interface.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in().map(|v4| IpAddr::from(v4.ip()));
            v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::from(v6.ip())))
        })
        .collect()
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
