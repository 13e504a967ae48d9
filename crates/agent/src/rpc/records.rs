//! Members and notices as RPC shows them.

use super::pending::Pending;
use muster_events::Notice;
use muster_rpc::{EventRecord, Member as Row, write};
use muster_serf::Member;
use muster_wire::tags::Tags;

/// Writes a member.
pub(super) fn write_member(member: &Member, out: &mut Vec<u8>) {
    write(&row(member, &member.tags()), out);
}

/// Writes a notice. A query gets a number, under which it can be answered.
pub(super) fn write_event(notice: &Notice, pending: &Pending, out: &mut Vec<u8>) {
    match notice {
        Notice::Members { event, members } => {
            let tags: Vec<Tags> = members.iter().map(Member::tags).collect();
            let members = members.iter().zip(&tags).map(|(member, tags)| row(member, tags)).collect();
            write(&EventRecord::Members { event: event.as_str(), members }, out);
        }
        Notice::User { ltime, name, payload, coalesce } => {
            write(&EventRecord::User { ltime: *ltime, name, payload, coalesce: *coalesce }, out);
        }
        Notice::Query { id, name, payload, .. } => {
            let number = pending.enter(*id);
            write(&EventRecord::Query { id: number, ltime: id.ltime, name, payload }, out);
        }
    }
}

fn row<'m>(member: &'m Member, tags: &'m Tags) -> Row<'m> {
    let versions = member.versions;
    Row {
        name: &member.name,
        addr: member.addr,
        port: member.port,
        tags: tags.iter().map(|(tag, value)| (&**tag, &**value)).collect(),
        status: member.status.as_str(),
        protocol_min: versions.protocol_min(),
        protocol_max: versions.protocol_max(),
        protocol_cur: versions.protocol(),
        delegate_min: versions.delegate_min(),
        delegate_max: versions.delegate_max(),
        delegate_cur: versions.delegate(),
    }
}
