//! Which process listens on a port, from /proc (proc(5)). Only processes that we may look into are found.

use std::fmt;
use std::fs;
use std::net::{IpAddr, SocketAddr};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Protocol {
    Tcp,
    Udp,
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

/// A process.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Owner {
    pub(super) pid: u32,
    pub(super) name: String,
}

/// The process whose socket keeps us from `address`.
pub(super) fn find(protocol: Protocol, address: SocketAddr) -> Option<Owner> {
    let tables = match protocol {
        Protocol::Tcp => ["/proc/net/tcp", "/proc/net/tcp6"],
        Protocol::Udp => ["/proc/net/udp", "/proc/net/udp6"],
    };
    let inode = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| table.lines().skip(1).find_map(|line| inode_of(line, protocol, address)))?;
    let wanted = format!("socket:[{inode}]");
    fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        let mut files = fs::read_dir(entry.path().join("fd")).ok()?.flatten();
        files
            .find(|file| fs::read_link(file.path()).is_ok_and(|link| link.as_os_str() == wanted.as_str()))?;
        let name = fs::read_to_string(entry.path().join("comm")).ok()?;
        Some(Owner { pid, name: name.trim_end().to_owned() })
    })
}

/// The inode in one line of /proc/net/{tcp,udp}, when that socket listens on our port.
fn inode_of(line: &str, protocol: Protocol, address: SocketAddr) -> Option<u64> {
    const LISTEN: &str = "0A";
    let mut fields = line.split_ascii_whitespace().skip(1);
    let (local, _remote, state) = (fields.next()?, fields.next()?, fields.next()?);
    let (ip, port) = local.split_once(':')?;
    let listens = protocol == Protocol::Udp || state == LISTEN;
    let same_port = u16::from_str_radix(port, 16) == Ok(address.port());
    let any = |ip: &str| ip.bytes().all(|digit| digit == b'0');
    let same_ip = address.ip().is_unspecified() || any(ip) || ip == hex(address.ip());
    (listens && same_port && same_ip).then(|| fields.nth(5)?.parse().ok()).flatten()
}

/// As the kernel prints addresses: 32-bit words in the order of the host's bytes.
fn hex(ip: IpAddr) -> String {
    let octets = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let words = octets.as_chunks::<4>().0.iter();
    words.map(|word| format!("{:08X}", u32::from_ne_bytes(*word))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, UdpSocket};

    #[test]
    fn the_owner_of_a_tcp_and_of_a_udp_port_is_found() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let udp = UdpSocket::bind("[::1]:0").or_else(|_| UdpSocket::bind("127.0.0.1:0")).unwrap();
        for (protocol, address) in
            [(Protocol::Tcp, tcp.local_addr().unwrap()), (Protocol::Udp, udp.local_addr().unwrap())]
        {
            let owner = find(protocol, address).expect("our own sockets are ours to see");
            assert_eq!(owner.pid, std::process::id());
        }
    }

    #[test]
    fn a_connection_does_not_own_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connection = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        assert_eq!(find(Protocol::Tcp, connection.local_addr().unwrap()), None);
    }

    #[test]
    fn a_free_port_has_no_owner() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(find(Protocol::Tcp, address), None);
    }
}
