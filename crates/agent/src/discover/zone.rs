//! What this agent answers to whom: question in, answer out. The records are those that Serf's library makes
//! (hashicorp/mdns, `zone.go`), since its client takes no others.

use std::net::{IpAddr, SocketAddr};

use domain::base::iana::{Class, Opcode, Rcode, Rtype};
use domain::base::message_builder::{AnswerBuilder, MessageBuilder, PushError};
use domain::base::{Message, Name, NameBuilder, ToName, Ttl};
use domain::rdata::{A, Aaaa, Ptr, Srv, Txt};

pub(super) type OwnedName = Name<Vec<u8>>;

/// How long others may remember an answer (`defaultTTL`).
const TTL: Ttl = Ttl::from_secs(120);
/// Questions looked at in one datagram.
const QUESTIONS_MAX: usize = 16;

/// The names of one agent, and where it is.
#[derive(Debug)]
pub(super) struct Zone {
    service: OwnedName,
    instance: OwnedName,
    host: OwnedName,
    /// Under which all services are listed (RFC 6763, 9).
    catalogue: OwnedName,
    at: SocketAddr,
    text: String,
}

impl Zone {
    pub(super) fn new(cluster: &str, node: &str, host: &str, at: SocketAddr) -> Result<Self, String> {
        let service = format!("_serf_{cluster}._tcp.local");
        let instance = name(&format!("{node}.{service}"))?;
        Ok(Self {
            service: name(&service)?,
            // It only ties the address to the port, which any name does; a host's may have one byte more than DNS can carry.
            host: name(host.trim_end_matches('.')).unwrap_or_else(|_| instance.clone()),
            instance,
            catalogue: name("_services._dns-sd._udp.local")?,
            at,
            text: format!("Serf '{cluster}' cluster"),
        })
    }

    pub(super) fn service(&self) -> &OwnedName {
        &self.service
    }

    /// Where this agent is.
    pub(super) fn ip(&self) -> IpAddr {
        self.at.ip()
    }

    /// The answer to a datagram, if it asks for anything that is ours.
    pub(super) fn answer(&self, datagram: &[u8]) -> Option<Vec<u8>> {
        let query = Message::from_octets(datagram).ok()?;
        let header = query.header();
        if header.qr() || header.opcode() != Opcode::QUERY || header.rcode() != Rcode::NOERROR || header.tc()
        {
            return None;
        }
        let mut builder = MessageBuilder::new_vec();
        builder.header_mut().set_id(header.id());
        builder.header_mut().set_qr(true);
        builder.header_mut().set_aa(true);
        let mut answer = builder.answer();
        for question in query.question().take(QUESTIONS_MAX) {
            let question = question.ok()?;
            self.push(&mut answer, &question.qname().to_name::<Vec<u8>>(), question.qtype()).ok()?;
        }
        (answer.counts().ancount() > 0).then(|| answer.finish())
    }

    fn push(&self, to: &mut AnswerBuilder<Vec<u8>>, name: &OwnedName, kind: Rtype) -> Result<(), PushError> {
        let is = |wanted: Rtype| kind == wanted || kind == Rtype::ANY;
        if *name == self.catalogue && is(Rtype::PTR) {
            to.push((name, Class::IN, TTL, Ptr::new(&self.service)))?;
        }
        // The order is what the client counts on: the text comes last, and completes an entry.
        if *name == self.service && is(Rtype::PTR) {
            to.push((name, Class::IN, TTL, Ptr::new(&self.instance)))?;
            self.push(to, &self.instance, Rtype::ANY)?;
        }
        if *name == self.instance {
            if is(Rtype::SRV) {
                to.push((name, Class::IN, TTL, Srv::new(10, 1, self.at.port(), &self.host)))?;
            }
            if is(Rtype::SRV) || matches!(kind, Rtype::A | Rtype::AAAA) {
                self.push_address(to)?;
            }
            if is(Rtype::TXT)
                && let Ok(text) = Txt::<Vec<u8>>::build_from_slice(self.text.as_bytes())
            {
                to.push((name, Class::IN, TTL, text))?;
            }
        }
        if *name == self.host && matches!(kind, Rtype::A | Rtype::AAAA) {
            self.push_address(to)?;
        }
        Ok(())
    }

    fn push_address(&self, to: &mut AnswerBuilder<Vec<u8>>) -> Result<(), PushError> {
        match self.at.ip() {
            IpAddr::V4(ip) => to.push((&self.host, Class::IN, TTL, A::new(ip))),
            IpAddr::V6(ip) => to.push((&self.host, Class::IN, TTL, Aaaa::new(ip))),
        }
    }
}

/// The bytes between dots, as they are: DNS takes any, and so does Serf in the name of a node.
fn name(text: &str) -> Result<OwnedName, String> {
    let refused =
        |why: &str| format!("{text:?} is no name that DNS can carry: {why}; change `node` or `discover`");
    let mut builder = NameBuilder::new_vec();
    for label in text.split('.') {
        if label.is_empty() {
            return Err(refused("nothing stands before or after a dot"));
        }
        builder.append_label(label.as_bytes()).map_err(|error| refused(&error.to_string()))?;
    }
    builder.into_name().map_err(|error| refused(&error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::super::peers;
    use super::*;
    use proptest::prelude::*;

    fn zone() -> Zone {
        Zone::new("lab", "node-1", "host-1", "10.0.0.7:7946".parse().unwrap()).unwrap()
    }

    #[test]
    fn who_asks_for_the_service_is_told_where_we_are() {
        let (zone, asker) = (zone(), Zone::new("lab", "n2", "h2", "10.0.0.8:1".parse().unwrap()).unwrap());
        let answer = zone.answer(&peers::question(asker.service())).unwrap();
        assert_eq!(peers::told(&answer, &asker), ["10.0.0.7:7946".parse().unwrap()]);
        let kinds: Vec<Rtype> = Message::from_octets(&answer)
            .unwrap()
            .answer()
            .unwrap()
            .map(|record| record.unwrap().rtype())
            .collect();
        assert_eq!(kinds, [Rtype::PTR, Rtype::SRV, Rtype::A, Rtype::TXT]);
    }

    #[test]
    fn other_clusters_and_answers_are_not_answered() {
        let other = Zone::new("other", "n2", "h2", "10.0.0.8:1".parse().unwrap()).unwrap();
        assert_eq!(zone().answer(&peers::question(other.service())), None);
        let answer = zone().answer(&peers::question(zone().service())).unwrap();
        assert_eq!(zone().answer(&answer), None, "or two agents answer each other for ever");
    }

    #[test]
    fn names_that_dns_cannot_carry_are_refused_in_words() {
        let refused =
            |cluster: &str| Zone::new(cluster, "n", "h", "10.0.0.8:1".parse().unwrap()).unwrap_err();
        assert!(refused(&"x".repeat(64)).contains("no name that DNS can carry"));
        assert!(refused("a..b").contains("change `node` or `discover`"));
    }

    #[test]
    fn any_node_and_host_name_that_fits_is_found() {
        for (node, host) in
            [("my n\u{f6}de", "h"), ("a\\b\"", "h"), ("n", ""), ("n", &*"h".repeat(64)), ("w.example", "h.")]
        {
            let zone = Zone::new("lab", node, host, "10.0.0.7:7946".parse().unwrap()).unwrap();
            let answer = zone.answer(&peers::question(zone.service())).unwrap();
            assert_eq!(peers::told(&answer, &zone), [zone.at], "{node} {host}");
            let first_label = node.split('.').next().unwrap().as_bytes();
            assert!(answer.windows(first_label.len()).any(|bytes| bytes == first_label));
        }
    }

    proptest! {
        #[test]
        fn no_datagram_is_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..60, byte in any::<u8>()) {
            let zone = zone();
            zone.answer(&bytes);
            peers::told(&bytes, &zone);
            let mut question = peers::question(zone.service());
            let mut answer = zone.answer(&question).unwrap();
            for mutated in [&mut question, &mut answer] {
                let place = at % mutated.len();
                mutated[place] = byte;
                zone.answer(mutated);
                peers::told(mutated, &zone);
            }
        }
    }
}
