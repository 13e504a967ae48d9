//! Which address to tell others, and why.
//!
//! A node bound to every address must name one. memberlist guesses from the interfaces, which is often the wrong one on a
//! host with several networks. We know better: the seeds are in the right network, and the kernel knows which of our
//! addresses talks to them.

use crate::interfaces::{addresses, is_link_local, is_private};
use crate::resolve::{Families, Resolver};
use crate::seed::{Host, Seed};
use crate::{Advertise, Error};
use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;
use tokio::net::TcpStream;

/// How long the seeds may take to answer before the agent starts with what it knows.
const SEEDS_TIMEOUT: Duration = Duration::from_secs(1);
/// Addresses of one seed that are tried.
const ADDRESSES_PER_SEED: usize = 4;

/// The address told to others, for the life of the agent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Advertised {
    pub addr: SocketAddr,
    /// Why this one; ends the sentence "advertising ADDR: ".
    pub reason: String,
    /// Set when others may well not reach it.
    pub doubtful: bool,
}

/// Chooses what to advertise for an agent bound to `bound`.
pub(crate) async fn choose(
    configured: Option<Advertise>,
    bound: SocketAddr,
    seeds: &[Seed],
    resolver: &Resolver,
) -> Result<Advertised, Error> {
    let told = |ip: IpAddr, port: u16, reason: String, doubtful: bool| Advertised {
        addr: SocketAddr::new(ip.to_canonical(), port),
        reason,
        doubtful,
    };
    if let Some(Advertise { ip, port }) = configured {
        if ip.is_unspecified() || ip.is_multicast() || port == 0 {
            return Err(Error::Advertise(format!("{ip} port {port} is no address of one node")));
        }
        let doubtful = port != bound.port();
        let reason = if doubtful {
            format!("as configured; others will use port {port}, while gossip listens on {}", bound.port())
        } else {
            "as configured".to_owned()
        };
        return Ok(told(ip, port, reason, doubtful));
    }
    if !bound.ip().is_unspecified() {
        return Ok(told(bound.ip(), bound.port(), "the address it is bound to".into(), false));
    }
    if let Some((ip, reason)) = towards_seeds(seeds, resolver).await {
        return Ok(told(ip, bound.port(), reason, false));
    }
    let families = Families::of_bind(bound.ip());
    let (ip, reason, doubtful) = from_interfaces(&addresses(), default_route_source(families), families)?;
    Ok(told(ip, bound.port(), reason.into(), doubtful))
}

/// Our source address towards the first seed that answers; while none does, towards the first whose address is known.
async fn towards_seeds(seeds: &[Seed], resolver: &Resolver) -> Option<(IpAddr, String)> {
    let mut silent = None;
    let asking = async {
        let mut asked: FuturesOrdered<_> = seeds.iter().map(|seed| ask(seed, resolver)).collect();
        while let Some(asked) = asked.next().await {
            match asked {
                Some(Asked { answers: true, seed, source }) => {
                    return Some((source, format!("the source address towards seed {seed}")));
                }
                Some(found) => silent = silent.take().or(Some(found)),
                None => {}
            }
        }
        None
    };
    if let Ok(Some(found)) = tokio::time::timeout(SEEDS_TIMEOUT, asking).await {
        return Some(found);
    }
    let Asked { seed, source, .. } = silent?;
    Some((source, format!("the source address towards seed {seed}, which does not answer yet")))
}

struct Asked {
    answers: bool,
    /// As typed, with its address where that is another text.
    seed: String,
    source: IpAddr,
}

/// Resolves and connects. `None`: no address, or no route to it.
async fn ask(seed: &Seed, resolver: &Resolver) -> Option<Asked> {
    let ips = match &seed.host {
        Host::Ip(ip) => vec![*ip],
        Host::Name(name) => resolver.resolve(name).await.ok()?,
    };
    let described = |ip: IpAddr| match &seed.host {
        Host::Ip(_) => seed.text.clone(),
        Host::Name(_) => format!("{seed} ({ip})"),
    };
    let mut silent = None;
    for ip in ips.into_iter().take(ADDRESSES_PER_SEED) {
        let addr = SocketAddr::new(ip, seed.port);
        let Some(source) = source_towards(addr) else { continue };
        let connected = tokio::time::timeout(SEEDS_TIMEOUT / 2, TcpStream::connect(addr)).await;
        if matches!(connected, Ok(Ok(_))) {
            return Some(Asked { answers: true, seed: described(ip), source });
        }
        silent = silent.or(Some(Asked { answers: false, seed: described(ip), source }));
    }
    silent
}

/// The address the kernel would send from: connecting a datagram socket looks up the route and sends nothing.
pub(crate) fn source_towards(to: SocketAddr) -> Option<IpAddr> {
    let any: SocketAddr = if to.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip().to_canonical()).filter(|ip| !ip.is_unspecified())
}

/// The source address of the default route, towards addresses kept for documentation (RFC 5737, RFC 3849).
fn default_route_source(families: Families) -> Option<IpAddr> {
    let v4 = || source_towards(SocketAddr::from(([192, 0, 2, 1], 9)));
    let v6 = || source_towards(SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9)));
    families.v4.then(v4).flatten().or_else(|| families.v6.then(v6).flatten())
}

/// memberlist's guess (go-sockaddr `GetPrivateIP`): a private address, that of the default route before others. Beyond it,
/// where memberlist gives up, a public address, and on a host without a network loopback.
fn from_interfaces(
    interfaces: &[IpAddr],
    default_route: Option<IpAddr>,
    families: Families,
) -> Result<(IpAddr, &'static str, bool), Error> {
    let candidates = || {
        let ips = default_route.into_iter().chain(interfaces.iter().copied());
        ips.filter(move |ip| families.contain(*ip) && !is_link_local(*ip))
    };
    if let Some(ip) = candidates().find(|ip| is_private(*ip)) {
        let reason = if Some(ip) == default_route {
            "the private address of the default route"
        } else {
            "a private address of this host"
        };
        return Ok((ip, reason, false));
    }
    if let Some(ip) = candidates().find(|ip| !ip.is_loopback()) {
        return Ok((ip, "a public address of this host, since it has no private one", false));
    }
    if let Some(ip) = candidates().find(IpAddr::is_loopback) {
        return Ok((ip, "this host has no other address; only agents on this host can join", true));
    }
    Err(Error::Advertise(
        "this host has no usable address; bring an interface up or configure `advertise`".into(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const V4: Families = Families { v4: true, v6: false };

    fn guess(interfaces: &[&str], default_route: Option<&str>) -> (String, bool) {
        let interfaces: Vec<_> = interfaces.iter().map(|ip| ip.parse().unwrap()).collect();
        let default_route = default_route.map(|ip| ip.parse().unwrap());
        let (ip, _, doubtful) = from_interfaces(&interfaces, default_route, V4).unwrap();
        (ip.to_string(), doubtful)
    }

    #[test]
    fn a_private_address_is_preferred_that_of_the_default_route_first() {
        let interfaces = ["127.0.0.1", "8.8.8.8", "10.0.0.1", "192.168.0.1"];
        assert_eq!(guess(&interfaces, Some("192.168.0.1")), ("192.168.0.1".into(), false));
        assert_eq!(guess(&interfaces, Some("8.8.8.8")), ("10.0.0.1".into(), false));
        assert_eq!(guess(&interfaces, None), ("10.0.0.1".into(), false));
    }

    #[test]
    fn else_a_public_address_else_loopback_with_a_doubt() {
        assert_eq!(guess(&["127.0.0.1", "169.254.1.1", "8.8.8.8"], None), ("8.8.8.8".into(), false));
        assert_eq!(guess(&["127.0.0.1", "169.254.1.1", "fd00::1"], None), ("127.0.0.1".into(), true));
    }

    #[test]
    fn a_host_without_addresses_is_told_what_to_do() {
        let error = from_interfaces(&[], None, V4).unwrap_err().to_string();
        assert!(error.contains("advertise"), "{error}");
    }

    async fn chosen(configured: Option<Advertise>, bound: &str, seeds: &[&str]) -> Result<Advertised, Error> {
        let bound: SocketAddr = bound.parse().unwrap();
        let seeds: Vec<_> = seeds.iter().map(|seed| Seed::parse(seed).unwrap()).collect();
        choose(configured, bound, &seeds, &Resolver::system(Families::of_bind(bound.ip()))).await
    }

    #[tokio::test]
    async fn a_bound_address_is_advertised_with_its_port() {
        let told = chosen(None, "127.9.8.7:4000", &[]).await.unwrap();
        assert_eq!(told.addr, "127.9.8.7:4000".parse().unwrap());
    }

    #[tokio::test]
    async fn a_configured_address_wins_and_another_port_is_pointed_out() {
        let advertise = Advertise { ip: [10, 0, 0, 1].into(), port: 7946 };
        let told = chosen(Some(advertise), "127.9.8.7:4000", &[]).await.unwrap();
        assert_eq!(told.addr, "10.0.0.1:7946".parse().unwrap());
        assert!(told.doubtful && told.reason.contains("4000"), "{}", told.reason);
        let nobody = Advertise { ip: [0, 0, 0, 0].into(), port: 7946 };
        assert!(matches!(chosen(Some(nobody), "127.9.8.7:4000", &[]).await, Err(Error::Advertise(_))));
    }

    #[tokio::test]
    async fn bound_to_all_the_first_seed_that_answers_decides() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let seed = listener.local_addr().unwrap().to_string();
        let told = chosen(None, "0.0.0.0:4000", &["127.0.0.1:1", &seed]).await.unwrap();
        assert_eq!(told.addr, "127.0.0.1:4000".parse().unwrap());
        assert_eq!(told.reason, format!("the source address towards seed {seed}"));
    }

    #[tokio::test]
    async fn while_no_seed_answers_the_first_known_one_decides() {
        let told = chosen(None, "0.0.0.0:4000", &["127.0.0.1:1"]).await.unwrap();
        assert_eq!(told.addr, "127.0.0.1:4000".parse().unwrap());
        assert_eq!(told.reason, "the source address towards seed 127.0.0.1:1, which does not answer yet");
    }
}
