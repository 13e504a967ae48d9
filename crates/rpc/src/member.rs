//! A member, and the list of them: the one result that may be large, so an agent writes it member by member.

use alloc::vec::Vec;
use muster_wire::msgpack::{Dialect, Writer};
use muster_wire::{RawAddr, record};

/// A member as RPC shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member<'a> {
    /// Node name.
    pub name: &'a str,
    /// Advertised address: its bytes, not its text.
    pub addr: RawAddr,
    /// Advertised port.
    pub port: u16,
    /// Tags, in any order.
    pub tags: Vec<(&'a str, &'a str)>,
    /// `alive`, `leaving`, `left`, `failed` or `none`.
    pub status: &'a str,
    /// Lowest memberlist version understood.
    pub protocol_min: u8,
    /// Highest memberlist version understood.
    pub protocol_max: u8,
    /// Memberlist version spoken.
    pub protocol_cur: u8,
    /// Lowest Serf version understood.
    pub delegate_min: u8,
    /// Highest Serf version understood.
    pub delegate_max: u8,
    /// Serf version spoken.
    pub delegate_cur: u8,
}
record!(Member<'a> {
    Name => name,
    Addr => addr,
    Port => port,
    Tags => tags,
    Status => status,
    ProtocolMin => protocol_min,
    ProtocolMax => protocol_max,
    ProtocolCur => protocol_cur,
    DelegateMin => delegate_min,
    DelegateMax => delegate_max,
    DelegateCur => delegate_cur,
});

/// Writes the beginning of the result of `members` ([`MembersResult`](crate::MembersResult)); so many members must follow.
pub fn write_members_head(count: usize, out: &mut Vec<u8>) {
    let mut writer = Writer::new(Dialect::Rpc, out);
    writer.map(1);
    writer.str("Members");
    writer.array(count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MembersResult, write};

    #[test]
    fn a_list_written_member_by_member_is_the_same_list() {
        let member = Member {
            name: "a",
            addr: RawAddr::V4([127, 0, 0, 1]),
            port: 7946,
            tags: vec![("role", "web")],
            status: "alive",
            protocol_min: 1,
            protocol_max: 5,
            protocol_cur: 2,
            delegate_min: 2,
            delegate_max: 5,
            delegate_cur: 5,
        };
        for count in [0, 1, 20] {
            let members = vec![member.clone(); count];
            let (mut whole, mut pieces) = (Vec::new(), Vec::new());
            write(&MembersResult { members: members.clone() }, &mut whole);
            write_members_head(count, &mut pieces);
            members.iter().for_each(|member| write(member, &mut pieces));
            assert_eq!(whole, pieces);
        }
    }
}
