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

/// Writes the result of `members` ([`MembersResult`](crate::MembersResult)) of `count` members; `each` is called so often
/// and writes one with what it is given.
pub fn write_members(count: usize, out: &mut Vec<u8>, mut each: impl FnMut(&mut dyn FnMut(&Member<'_>))) {
    let mut writer = Writer::new(Dialect::Rpc, out);
    writer.map(1);
    writer.str("Members");
    writer.array(count);
    let mut written = 0;
    each(&mut |member| {
        writer.value(member);
        written += 1;
    });
    debug_assert_eq!(written, count, "the head has said how many there are");
}
