//! The multicast groups: one socket that hears what the group is asked, one that asks and is answered.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use nix::net::if_::if_nametoindex;
use rustix::net::sockopt::set_ip_multicast_if_with_ifindex;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::Discover;

/// RFC 6762, 3.
const PORT: u16 = 5353;
const GROUP_V4: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 251);
const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);

/// Sockets of the families that work.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pub(super) listening: Vec<UdpSocket>,
    /// With the group to ask.
    pub(super) asking: Vec<(UdpSocket, SocketAddr)>,
}

/// Opens both sockets of each family that is wanted; one family that works is enough, as in Serf.
pub(super) fn open(discover: &Discover) -> Result<Sockets, String> {
    if !discover.v4 && !discover.v6 {
        return Err("both IPv4 and IPv6 are switched off; leave one on".to_owned());
    }
    let interface = match &discover.interface {
        // The system's choice.
        None => 0,
        Some(name) => if_nametoindex(name.as_str())
            .map_err(|error| format!("there is no network interface {name:?}: {error}"))?,
    };
    let (mut sockets, mut failures) = (Sockets::default(), Vec::new());
    let groups = [(discover.v4, IpAddr::V4(GROUP_V4)), (discover.v6, IpAddr::V6(GROUP_V6))];
    for group in groups.into_iter().filter_map(|(wanted, group)| wanted.then_some(group)) {
        match pair(group, interface) {
            Ok((listening, asking)) => {
                sockets.listening.push(listening);
                sockets.asking.push((asking, SocketAddr::new(group, PORT)));
            }
            Err(error) => {
                tracing::info!(%group, "no multicast DNS in this group: {error}");
                failures.push(format!("{group}: {error}"));
            }
        }
    }
    match sockets.listening.is_empty() {
        true => Err(format!(
            "no multicast group can be joined ({}); is there a route for multicast? Else name an interface with `mdns_interface`",
            failures.join("; ")
        )),
        false => Ok(sockets),
    }
}

fn pair(group: IpAddr, interface: u32) -> io::Result<(UdpSocket, UdpSocket)> {
    let listening = socket(listen_at(group, interface))?;
    let any =
        if group.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let asking = socket(SocketAddr::new(any, 0))?;
    match group {
        IpAddr::V4(group) => {
            listening.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface))?;
            if interface != 0 {
                // By number: an interface without an address of this family must not mean the system's choice.
                set_ip_multicast_if_with_ifindex(&asking, &group, &Ipv4Addr::UNSPECIFIED, interface)?;
            }
        }
        IpAddr::V6(group) => {
            listening.join_multicast_v6(&group, interface)?;
            if interface != 0 {
                asking.set_multicast_if_v6(interface)?;
            }
        }
    }
    Ok((UdpSocket::from_std(listening.into())?, UdpSocket::from_std(asking.into())?))
}

/// Bound to the group, a socket hears nothing but the group. Of a group of one link the system has to be told which link; where the
/// choice is its own, all that remains is what Go's library does: hear all that comes to the port.
fn listen_at(group: IpAddr, interface: u32) -> SocketAddr {
    match group {
        IpAddr::V4(_) => SocketAddr::new(group, PORT),
        IpAddr::V6(_) if interface == 0 => SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), PORT),
        IpAddr::V6(group) => SocketAddr::V6(SocketAddrV6::new(group, PORT, 0, interface)),
    }
}

/// Whether who asks is on the link, and not far away and after an answer for somebody else: a question to a group of a link comes from
/// an address of the link (RFC 6724, 5, rule 2), and no router lets one through. Of IPv4 only what was sent to the group is heard.
pub(super) fn is_near(asker: IpAddr) -> bool {
    match asker {
        IpAddr::V4(_) => true,
        IpAddr::V6(ip) => ip.is_unicast_link_local() || ip.is_loopback(),
    }
}

fn socket(bind: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(bind), Type::DGRAM, Some(Protocol::UDP))?;
    if bind.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Others of this host (Serf, Avahi) listen to the same group.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&bind.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_of_one_link_is_listened_to_on_that_link() {
        assert_eq!(listen_at(GROUP_V4.into(), 0).to_string(), "224.0.0.251:5353");
        assert_eq!(listen_at(GROUP_V4.into(), 3).to_string(), "224.0.0.251:5353");
        assert_eq!(listen_at(GROUP_V6.into(), 3).to_string(), "[ff02::fb%3]:5353");
        assert_eq!(listen_at(GROUP_V6.into(), 0).to_string(), "[::]:5353");
    }

    #[test]
    fn who_is_far_away_gets_no_answer() {
        let near = |ip: &str| is_near(ip.parse().unwrap());
        assert!(near("10.0.0.1") && near("fe80::1") && near("::1"));
        assert!(!near("2001:db8::1") && !near("fd00::1") && !near("::ffff:10.0.0.1"));
    }
}
