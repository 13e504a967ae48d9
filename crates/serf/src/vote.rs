//! Two nodes of one name: the others say whose it is.
//!
//! Whoever finds its own name claimed elsewhere asks everyone for the address they know (serf.go, resolveNodeConflict).
//! In the reference a node stops when fewer than half of the answers name its own address; with no answers at all, one
//! forged packet stops a lone agent. Here a node stops only on evidence for the other: somebody there answers to the name
//! (or there would be no vote), members answer, and most of them know the name as present there. So a newcomer gives way
//! to the living holder, as in the reference, and whoever has the members behind it is never displaced.

use crate::QueryId;
use core::net::SocketAddr;
use muster_wire::serf::{ConflictResponse, Member};

/// Serf's numbers for alive and leaving.
const PRESENT: core::ops::RangeInclusive<u8> = 1..=2;

/// A vote under way, or its outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Vote {
    pub(crate) query: QueryId,
    us: SocketAddr,
    pub(crate) claimant: SocketAddr,
    /// Members that answered, that know us by the name, and that know the claimant by it.
    pub(crate) answers: usize,
    pub(crate) for_us: usize,
    pub(crate) for_claimant: usize,
}

impl Vote {
    /// Nobody has answered yet.
    pub(crate) fn new(query: QueryId, us: SocketAddr, claimant: SocketAddr) -> Self {
        Self { query, us, claimant, answers: 0, for_us: 0, for_claimant: 0 }
    }

    /// A member's answer. One that does not know the name, or knows it as gone, speaks for nobody.
    pub(crate) fn count(&mut self, payload: &[u8]) {
        let Ok(ConflictResponse { member }) = ConflictResponse::decode(payload) else { return };
        self.answers += 1;
        let at = member
            .filter(|member| PRESENT.contains(&member.status))
            .map(|Member { addr, port, .. }| SocketAddr::new(addr.ip(), port));
        self.for_us += usize::from(at == Some(self.us));
        self.for_claimant += usize::from(at == Some(self.claimant));
    }

    /// Whether the name is the claimant's.
    pub(crate) fn is_lost(&self) -> bool {
        self.for_claimant > self.answers / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_wire::RawAddr;

    const US: [u8; 4] = [10, 0, 0, 1];
    const CLAIMANT: [u8; 4] = [10, 0, 0, 2];

    fn answer(ip: [u8; 4], status: u8) -> Vec<u8> {
        let member = Member {
            name: "a",
            addr: RawAddr::V4(ip),
            port: 7946,
            tags: vec![],
            status,
            protocol_min: 1,
            protocol_max: 5,
            protocol_cur: 2,
            delegate_min: 2,
            delegate_max: 5,
            delegate_cur: 5,
        };
        ConflictResponse { member: Some(member) }.encode()
    }

    fn is_lost(answers: &[Vec<u8>]) -> bool {
        let at = |ip| SocketAddr::from((ip, 7946));
        let mut vote = Vote::new(QueryId { ltime: 1, id: 1 }, at(US), at(CLAIMANT));
        answers.iter().for_each(|answer| vote.count(answer));
        vote.is_lost()
    }

    #[test]
    fn only_a_majority_that_knows_the_claimant_present_decides_against_us() {
        let (us, claimant) = (answer(US, 1), answer(CLAIMANT, 1));
        let (failed, elsewhere) = (answer(CLAIMANT, 4), answer([10, 0, 0, 3], 1));
        let unknown = b"\x06\xc0".to_vec();
        let unreadable = b"\x06".to_vec();
        assert!(!is_lost(&[]), "silence is no evidence");
        assert!(is_lost(std::slice::from_ref(&claimant)));
        assert!(!is_lost(&[claimant.clone(), us.clone()]), "a tie");
        assert!(is_lost(&[claimant.clone(), us.clone(), claimant.clone()]));
        assert!(!is_lost(&[claimant.clone(), us, unknown.clone()]));
        assert!(!is_lost(&[claimant.clone(), unknown.clone()]));
        assert!(!is_lost(&[unknown.clone(), unknown, elsewhere]), "nobody there to give way to");
        assert!(!is_lost(&[failed]), "known there, and not present");
        assert!(is_lost(&[claimant, unreadable]), "not an answer");
    }

    #[test]
    fn both_forms_of_an_address_are_one() {
        let at = |ip| SocketAddr::from((ip, 7946));
        let mut vote = Vote::new(QueryId { ltime: 1, id: 1 }, at(US), at(CLAIMANT));
        let mapped = std::net::Ipv4Addr::from(US).to_ipv6_mapped().octets();
        let four_bytes = answer(US, 1);
        let member = ConflictResponse::decode(&four_bytes).unwrap().member.unwrap();
        let member = Member { addr: RawAddr::V16(mapped), ..member };
        vote.count(&ConflictResponse { member: Some(member) }.encode());
        assert_eq!((vote.for_us, vote.for_claimant), (1, 0));
    }
}
