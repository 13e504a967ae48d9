//! Where a host is: its number as an address of 10.0.0.0/8, so that one gives the other by arithmetic.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Everyone's port.
pub const PORT: u16 = 7946;
/// Most hosts of a world: what fits 10.0.0.0/8, network and broadcast address aside.
pub const HOSTS_MAX: usize = (1 << 24) - 2;

/// The address of host `at`.
pub fn of(at: usize) -> SocketAddr {
    let number = u32::try_from(at + 1).unwrap_or(u32::MAX);
    let [_, b, c, d] = number.to_be_bytes();
    SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, b, c, d)), PORT)
}

/// The host at an address, if it is one that [`of`] gives.
pub fn host_at(addr: SocketAddr) -> Option<usize> {
    let IpAddr::V4(ip) = addr.ip() else { return None };
    let [10, b, c, d] = ip.octets() else { return None };
    let number = u32::from_be_bytes([0, b, c, d]);
    (addr.port() == PORT && number > 0).then(|| number as usize - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_gives_its_host_and_others_give_none() {
        for at in [0, 1, 254, 255, 256, 70_000, HOSTS_MAX - 1] {
            assert_eq!(host_at(of(at)), Some(at));
        }
        assert_eq!(of(0).to_string(), "10.0.0.1:7946");
        for stranger in ["10.0.0.0:7946", "10.0.0.1:7947", "192.168.0.1:7946", "[::1]:7946"] {
            assert_eq!(host_at(stranger.parse().unwrap()), None);
        }
    }
}
