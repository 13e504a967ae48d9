//! The question for others, and what their answers tell. Anybody on the network may answer anything: an answer is an address to
//! ask by gossip, which proves itself there, and nothing more.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use domain::base::iana::Rtype;
use domain::base::message_builder::MessageBuilder;
use domain::base::{Message, Name, ParsedName, ToName};
use domain::rdata::{A, Aaaa, Srv};

use super::zone::{OwnedName, Zone};

/// Records looked at in one datagram.
const RECORDS_MAX: usize = 256;

/// Asks for all agents of a service. The class says that multicast answers are as good, as Serf's does.
pub(super) fn question(service: &OwnedName) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec().question();
    // A vector takes any question; without one, nobody answers.
    let _ = builder.push((service, Rtype::PTR));
    builder.finish()
}

/// Where others of the zone's service are, by an answer.
pub(super) fn told(datagram: &[u8], zone: &Zone) -> Vec<SocketAddr> {
    let Ok(message) = Message::from_octets(datagram) else { return Vec::new() };
    if !message.header().qr() {
        return Vec::new();
    }
    let (mut ports, mut addresses) = (Vec::new(), BTreeMap::<OwnedName, IpAddr>::new());
    for record in message.iter().take(RECORDS_MAX) {
        let Ok((record, _)) = record else { break };
        let owner: OwnedName = record.owner().to_name();
        if let Ok(Some(srv)) = record.to_record::<Srv<ParsedName<&[u8]>>>() {
            if owner.ends_with(zone.service()) {
                ports.push((srv.data().target().to_name::<Vec<u8>>(), srv.data().port()));
            }
        } else if let Ok(Some(v4)) = record.to_record::<A>() {
            addresses.insert(owner, v4.data().addr().into());
        } else if let Ok(Some(v6)) = record.to_record::<Aaaa>() {
            // Gossip is told one address; of two, the older family is what it is bound to.
            addresses.entry(owner).or_insert(v6.data().addr().into());
        }
    }
    let at = |(host, port): &(Name<Vec<u8>>, u16)| Some(SocketAddr::new(*addresses.get(host)?, *port));
    let found = ports.iter().filter_map(at);
    found.filter(|addr| addr.port() != 0 && can_be_elsewhere(addr.ip(), zone.ip())).collect()
}

/// A stranger cannot have this agent speak to what listens on its own host alone; where agents live on loopback, they may.
fn can_be_elsewhere(ip: IpAddr, own: IpAddr) -> bool {
    let ip = ip.to_canonical();
    !ip.is_unspecified() && !ip.is_multicast() && (!ip.is_loopback() || own.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::base::Ttl;
    use domain::base::iana::Class;

    /// What Serf 0.9.4 answered from a host `vm`, node `node-1`, service `lab`; its names are compressed.
    const SERF: &[u8] = b"\0\0\x84\0\0\0\0\x04\0\0\0\0\x09_serf_lab\x04_tcp\x05local\0\0\x0c\0\x01\0\0\0x\0\x09\x06node-1\xc0\x0c\
        \xc0,\0!\0\x01\0\0\0x\0\x0a\0\x0a\0\x01\x1f\x0a\x02vm\0\xc0G\0\x01\0\x01\0\0\0x\0\x04\x7f\0\0\x01\
        \xc0,\0\x10\0\x01\0\0\0x\0\x13\x12Serf 'lab' cluster";

    fn zone(at: &str) -> Zone {
        Zone::new("lab", "n", "h", at.parse().unwrap()).unwrap()
    }

    /// An answer of any host: who is where.
    fn answer(instance: &str, port: u16, ips: &[&str]) -> Vec<u8> {
        let name = |text: &str| text.parse::<OwnedName>().unwrap();
        let mut answer = MessageBuilder::new_vec();
        answer.header_mut().set_qr(true);
        let mut answer = answer.answer();
        answer
            .push((name(instance), Class::IN, Ttl::from_secs(1), Srv::new(0, 0, port, name("h."))))
            .unwrap();
        for ip in ips {
            match ip.parse().unwrap() {
                IpAddr::V4(ip) => {
                    answer.push((name("h."), Class::IN, Ttl::from_secs(1), A::new(ip))).unwrap();
                }
                IpAddr::V6(ip) => {
                    answer.push((name("h."), Class::IN, Ttl::from_secs(1), Aaaa::new(ip))).unwrap();
                }
            }
        }
        answer.finish()
    }

    #[test]
    fn serf_is_understood() {
        assert_eq!(told(SERF, &zone("127.0.0.2:7946")), ["127.0.0.1:7946".parse().unwrap()]);
        for length in 0..SERF.len() {
            told(&SERF[..length], &zone("127.0.0.2:7946"));
        }
    }

    #[test]
    fn only_whole_answers_of_the_same_service_count() {
        let told = |answer: Vec<u8>| told(&answer, &zone("10.0.0.1:7946"));
        let (lab, at) = ("x._serf_lab._tcp.local.", ["10.0.0.2"]);
        assert_eq!(told(answer(lab, 7, &at)), ["10.0.0.2:7".parse().unwrap()]);
        assert_eq!(told(answer("X._SERF_LAB._TCP.Local.", 7, &at)), ["10.0.0.2:7".parse().unwrap()]);
        assert_eq!(told(answer(lab, 7, &["fd00::2"])), ["[fd00::2]:7".parse().unwrap()]);
        assert_eq!(told(answer(lab, 7, &["fd00::2", "10.0.0.2"])), ["10.0.0.2:7".parse().unwrap()]);
        let none: [SocketAddr; 0] = [];
        assert_eq!(told(answer("x._serf_other._tcp.local.", 7, &at)), none);
        assert_eq!(told(answer(lab, 0, &at)), none);
        assert_eq!(told(answer(lab, 7, &[])), none);
        let mut question = answer(lab, 7, &at);
        question[2] &= 0x7f;
        assert_eq!(told(question), none);
    }

    #[test]
    fn nobody_is_sent_to_its_own_host_by_a_stranger() {
        let told = |ip: &str, own: &str| told(&answer("x._serf_lab._tcp.local.", 22, &[ip]), &zone(own));
        for ip in ["127.0.0.1", "0.0.0.0", "224.0.0.1", "::1", "::", "ff02::1", "::ffff:127.0.0.1"] {
            assert!(told(ip, "10.0.0.1:7946").is_empty(), "{ip}");
        }
        assert_eq!(told("127.0.0.1", "127.0.0.2:7946").len(), 1);
    }
}
