//! Notices for tests.

use crate::Notice;
use alloc::sync::Arc;
use muster_serf::{Announcement, Instant, Member, MemberEvent, QueryId, Status};
use muster_wire::{RawAddr, Versions};

pub(crate) fn member(name: &str, tags: &[(&str, &str)]) -> Member {
    let tags = tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect();
    let announced = Announcement {
        name: name.into(),
        addr: RawAddr::V4([10, 0, 0, 1]),
        port: 7946,
        meta: muster_wire::tags::encode(&tags),
        versions: Versions::OURS,
    };
    Member { announced: announced.into(), status: Status::Alive, status_ltime: 1 }
}

pub(crate) fn members(event: MemberEvent, members: &[Member]) -> Arc<Notice> {
    Arc::new(Notice::Members { event, members: members.to_vec() })
}

pub(crate) fn user(ltime: u64, name: &str, payload: &[u8], coalesce: bool) -> Arc<Notice> {
    Arc::new(Notice::User { ltime, name: name.into(), payload: payload.into(), coalesce })
}

pub(crate) fn query(ltime: u64, name: &str, payload: &[u8]) -> Arc<Notice> {
    let (id, deadline) = (QueryId { ltime, id: 1 }, Instant::default());
    Arc::new(Notice::Query { id, name: name.into(), payload: payload.into(), from: "a".into(), deadline })
}
