//! Is an address free, and if not, who has it? As far as /proc tells this user.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

/// Processes of a demo killed this very moment may hold their ports a little longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why an address cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Somebody else listens there.
    #[error("{addr} is in use{}; {hint}", .by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default())]
    InUse { addr: SocketAddrV4, by: Option<String>, hint: &'static str },
    /// Only Linux answers on every address of 127.0.0.0/8 without being told to.
    #[error("{0} is no address of this machine: the demo needs all of 127.0.0.0/8, as Linux has it")]
    NoAddress(Ipv4Addr),
    /// Anything else.
    #[error("cannot listen on {addr}: {cause}")]
    System { addr: SocketAddrV4, cause: io::Error },
}

/// What a port is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// Requests: TCP.
    Web,
    /// Gossip: TCP and UDP.
    Gossip,
}

/// Checks that `addr` can be listened on; `hint` says what to do when not.
///
/// # Errors
/// It is taken, and stays so for two seconds, or is not an address of ours.
pub(crate) async fn check(addr: SocketAddrV4, used: Use, hint: &'static str) -> Result<(), Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let cause = match try_listen(addr, used) {
            Ok(()) => return Ok(()),
            Err(cause) => cause,
        };
        match cause.kind() {
            io::ErrorKind::AddrInUse if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            io::ErrorKind::AddrInUse => return Err(Error::InUse { addr, by: owner(addr, used), hint }),
            io::ErrorKind::AddrNotAvailable => return Err(Error::NoAddress(*addr.ip())),
            _ => return Err(Error::System { addr, cause }),
        }
    }
}

fn try_listen(addr: SocketAddrV4, used: Use) -> io::Result<()> {
    drop(TcpListener::bind(addr)?);
    match used {
        Use::Web => Ok(()),
        Use::Gossip => UdpSocket::bind(addr).map(drop),
    }
}

/// `process 123 (nginx)`; `None` when it is another user's or gone.
fn owner(addr: SocketAddrV4, used: Use) -> Option<String> {
    let tables: &[&str] = match used {
        Use::Web => &["tcp", "tcp6"],
        Use::Gossip => &["tcp", "tcp6", "udp", "udp6"],
    };
    let inode = tables.iter().find_map(|table| {
        let text = fs::read_to_string(format!("/proc/net/{table}")).ok()?;
        text.lines().skip(1).find_map(|line| inode_of(line, addr))
    })?;
    let socket = format!("socket:[{inode}]");
    let holds = |pid: &u32| {
        let Ok(fds) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        fds.flatten()
            .any(|fd| fs::read_link(fd.path()).is_ok_and(|target| target.as_os_str() == socket.as_str()))
    };
    let pids =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let pid = pids.into_iter().find(holds)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("process {pid} ({})", super::view::clean(name.trim())))
}

/// The inode in a line of /proc/net/tcp or udp whose local address would stand in the way of `addr`; proc(5).
fn inode_of(line: &str, addr: SocketAddrV4) -> Option<u64> {
    /// TCP_LISTEN, and what an unconnected UDP socket has.
    const LISTENING: [&str; 2] = ["0A", "07"];
    let mut fields = line.split_ascii_whitespace();
    let (local, state) = (fields.nth(1)?, fields.nth(1)?);
    let (ip, port) = local.split_once(':')?;
    if !LISTENING.contains(&state) || u16::from_str_radix(port, 16).ok()? != addr.port() {
        return None;
    }
    let ip = kernel_ip(ip)?;
    (ip.is_unspecified() || ip == IpAddr::V4(*addr.ip())).then(|| fields.nth(5)?.parse().ok())?
}

/// Addresses stand there as 32-bit words in the machine's byte order.
fn kernel_ip(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| u32::from_str_radix(hex.get(at..at + 8)?, 16).ok().map(u32::to_ne_bytes);
    match hex.len() {
        8 => Some(IpAddr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            let bytes: Vec<u8> = words.concat();
            Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::SocketAddr;

    #[test]
    fn who_listens_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(addr) = listener.local_addr().unwrap() else { panic!("asked for IPv4") };
        let me = format!("process {} (", std::process::id());
        assert!(owner(addr, Use::Web).is_some_and(|owner| owner.starts_with(&me)));
        drop(listener);
        assert_eq!(owner(addr, Use::Web), None);
    }

    #[test]
    fn a_listener_on_every_address_stands_in_the_way_too() {
        let listener = UdpSocket::bind("0.0.0.0:0").unwrap();
        let addr = SocketAddrV4::new(Ipv4Addr::LOCALHOST, listener.local_addr().unwrap().port());
        assert_eq!(try_listen(addr, Use::Gossip).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let me = format!("process {} (", std::process::id());
        assert!(owner(addr, Use::Gossip).is_some_and(|owner| owner.starts_with(&me)));
    }

    #[tokio::test]
    async fn a_port_freed_a_moment_later_is_no_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let SocketAddr::V4(addr) = listener.local_addr().unwrap() else { panic!("asked for IPv4") };
        let freed = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            drop(listener);
        });
        check(addr, Use::Web, "").await.unwrap();
        freed.await.unwrap();
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_told_apart() {
        let elsewhere = SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, 1), 3000);
        assert!(matches!(check(elsewhere, Use::Web, "").await, Err(Error::NoAddress(_))));
    }

    #[test]
    fn a_line_that_is_no_line_is_skipped() {
        let addr = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080);
        for line in ["", "1:", "1: x y z", "1: 0100007F:1F90 00000000:0000 0A", "1: é:1F90 0:0 0A"] {
            assert_eq!(inode_of(line, addr), None, "{line:?}");
        }
    }
}
