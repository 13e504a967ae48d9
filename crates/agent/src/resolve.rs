//! Names to addresses, without the C library: a static binary cannot load its name service modules (`getaddrinfo`).
//!
//! As with `hosts: files dns`, `/etc/hosts` is asked first, then the servers of `/etc/resolv.conf`. Both files are read
//! anew each time, since container runtimes rewrite them.

mod hosts;
mod resolv_conf;

use domain::base::iana::{Rcode, Rtype};
use domain::base::{Message, Name};
use domain::rdata::{A, Aaaa};
use domain::resolv::StubResolver;
use domain::resolv::stub::conf::{ResolvConf as StubConf, ServerConf, Transport};
use resolv_conf::ResolvConf;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// Docker's own name server, present in every network but the default bridge.
const DOCKER_DNS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 11));
/// Addresses of one name that are used.
const ADDRESSES_MAX: usize = 256;

/// Which addresses our sockets can reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Families {
    pub v4: bool,
    pub v6: bool,
}

impl Families {
    /// A socket bound to `ip` reaches these.
    pub(crate) fn of_bind(ip: IpAddr) -> Self {
        Self { v4: ip.is_ipv4() || ip.is_unspecified(), v6: ip.is_ipv6() }
    }

    pub(crate) fn contain(self, ip: IpAddr) -> bool {
        if ip.is_ipv4() { self.v4 } else { self.v6 }
    }
}

/// All addresses of `name` on this host's word, `/etc/hosts` first, then DNS; or why there are none.
///
/// # Errors
/// In words: nobody knows the name, or nobody could be asked.
pub async fn addresses_of(name: &str) -> Result<Vec<IpAddr>, String> {
    Resolver::system(Families { v4: true, v6: true }).resolve(name).await
}

/// Asks files, then DNS.
#[derive(Clone, Debug)]
pub(crate) struct Resolver {
    hosts: PathBuf,
    resolv_conf: PathBuf,
    port: u16,
    in_container: bool,
    families: Families,
}

impl Resolver {
    /// With the system's files.
    pub(crate) fn system(families: Families) -> Self {
        Self {
            hosts: "/etc/hosts".into(),
            resolv_conf: "/etc/resolv.conf".into(),
            port: 53,
            in_container: ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists()),
            families,
        }
    }

    /// All addresses of `name` that our sockets can reach, at least one; or why there are none, in words.
    pub(crate) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let hosts = std::fs::read_to_string(&self.hosts).unwrap_or_default();
        let mut found: Vec<_> = hosts::lookup(&hosts, name).filter(|ip| self.families.contain(*ip)).collect();
        if found.is_empty() && name.trim_end_matches('.') == "localhost" {
            found = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
                .into_iter()
                .filter(|ip| self.families.contain(*ip))
                .collect();
        }
        if found.is_empty() {
            found = self.ask_dns(name).await?;
        }
        Ok(found)
    }

    async fn ask_dns(&self, name: &str) -> Result<Vec<IpAddr>, String> {
        let conf = match std::fs::read_to_string(&self.resolv_conf) {
            Ok(text) => ResolvConf::parse(&text),
            Err(cause) => {
                return Err(format!(
                    "the name {name:?} is not in {}, and {} cannot be read ({cause}), so there is no DNS server to ask: \
                     use an address, or mount that file",
                    self.hosts.display(),
                    self.resolv_conf.display(),
                ));
            }
        };
        let stub = self.stub(&conf);
        let mut failure = None;
        for candidate in conf.candidates(name) {
            let Ok(qname) = Name::<Vec<u8>>::vec_from_str(&candidate) else { continue };
            match self.ask_for(&stub, &qname).await {
                Ok(found) if !found.is_empty() => return Ok(found),
                Ok(_) => failure = failure.or(Some("has no address".to_owned())),
                // What one search domain says is less telling than that a server does not answer.
                Err(reason) => failure = Some(reason),
            }
        }
        let servers = conf.servers.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(", ");
        let failure = failure.unwrap_or_else(|| "is no name for DNS".to_owned());
        Err(format!("the name {name:?} {failure} (DNS server {servers}){}", self.hint(name, &conf)))
    }

    fn stub(&self, conf: &ResolvConf) -> StubResolver {
        let mut stub = StubConf::new();
        stub.options.timeout = conf.timeout;
        stub.servers = conf
            .servers
            .iter()
            .map(|ip| ServerConf::new(SocketAddr::new(*ip, self.port), Transport::UdpTcp))
            .collect();
        stub.finalize();
        StubResolver::from_conf(stub)
    }

    /// Addresses of one absolute name. An unknown name has none; an error says what hinders, as the rest of a sentence.
    async fn ask_for(&self, stub: &StubResolver, name: &Name<Vec<u8>>) -> Result<Vec<IpAddr>, String> {
        let v4 =
            async { if self.families.v4 { stub.query((name, Rtype::A)).await.map(Some) } else { Ok(None) } };
        let v6 = async {
            if self.families.v6 { stub.query((name, Rtype::AAAA)).await.map(Some) } else { Ok(None) }
        };
        let (v4, v6) = tokio::join!(v4, v6);
        let mut found = Vec::new();
        let mut failure = None;
        for answer in [v4, v6] {
            match answer {
                Ok(Some(answer)) if matches!(answer.header().rcode(), Rcode::NOERROR | Rcode::NXDOMAIN) => {
                    addresses(&answer.into_message(), &mut found);
                }
                Ok(Some(answer)) => failure = Some(format!("was refused with {}", answer.header().rcode())),
                Ok(None) => {}
                Err(cause) => failure = Some(format!("was not answered for: {cause}")),
            }
        }
        found.truncate(ADDRESSES_MAX);
        match failure {
            Some(failure) if found.is_empty() => Err(failure),
            _ => Ok(found),
        }
    }

    /// What to do about an unknown name, where the surroundings say it.
    fn hint(&self, name: &str, conf: &ResolvConf) -> &'static str {
        if !self.in_container || name.contains('.') {
            ""
        } else if conf.servers.contains(&DOCKER_DNS) {
            "; is that container running, and in one network with this one?"
        } else {
            "; on Docker's default bridge network containers have no names: create a network (`docker network create \
             NET`, then `docker run --network NET ...` for every container), or join by address"
        }
    }
}

/// The address records of an answer, whichever name an alias led to.
fn addresses(message: &Message<bytes::Bytes>, found: &mut Vec<IpAddr>) {
    let Ok(section) = message.answer() else { return };
    let v4 = section.limit_to_in::<A>().flatten().map(|record| IpAddr::from(record.data().addr()));
    let v6 = section.limit_to_in::<Aaaa>().flatten().map(|record| IpAddr::from(record.data().addr()));
    for ip in v4.chain(v6) {
        if !found.contains(&ip) {
            found.push(ip);
        }
    }
}

#[cfg(test)]
mod tests;
