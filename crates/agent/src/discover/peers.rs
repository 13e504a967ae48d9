//! The question for others, and what their answers tell. Anybody on the network may answer anything: an answer is an address to
//! ask by gossip, which proves itself there, and nothing more.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use domain::base::iana::Rtype;
use domain::base::message_builder::MessageBuilder;
use domain::base::{Message, Name, ParsedName, ToName};
use domain::rdata::{A, Aaaa, Srv};

use super::zone::OwnedName;

/// Records looked at in one datagram.
const RECORDS_MAX: usize = 256;

/// Asks for all agents of a service. The class says that multicast answers are as good, as Serf's does.
pub(super) fn question(service: &OwnedName) -> Vec<u8> {
    let mut builder = MessageBuilder::new_vec().question();
    // A vector takes any question; without one, nobody answers.
    let _ = builder.push((service, Rtype::PTR));
    builder.finish()
}

/// Where agents of the service are, by an answer.
pub(super) fn told(datagram: &[u8], service: &OwnedName) -> Vec<SocketAddr> {
    let Ok(message) = Message::from_octets(datagram) else { return Vec::new() };
    if !message.header().qr() {
        return Vec::new();
    }
    let (mut ports, mut addresses) = (Vec::new(), BTreeMap::<OwnedName, IpAddr>::new());
    for record in message.iter().take(RECORDS_MAX) {
        let Ok((record, _)) = record else { break };
        let owner: OwnedName = record.owner().to_name();
        if let Ok(Some(srv)) = record.to_record::<Srv<ParsedName<&[u8]>>>() {
            if owner.ends_with(service) {
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
    ports.iter().filter_map(at).filter(|addr| addr.port() != 0).collect()
}
