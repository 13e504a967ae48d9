//! What Serf adds to a push/pull: clocks, who left, recent events (delegate.go, `LocalState` and `MergeRemoteState`).

use super::{body, kind, write};
use crate::DecodeError;
use crate::msgpack::{Decode, Encode, NilIfEmpty, Reader, Writer, record};
use alloc::vec::Vec;

/// What Serf adds to a push/pull.
///
/// Lists of a hostile length are never allocated ahead: they are read as they come.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PushPullState<'a> {
    /// Member clock.
    pub ltime: u64,
    /// Per member, the Lamport time of its last accepted intent.
    pub status_ltimes: Vec<(&'a str, u64)>,
    /// Members known as left.
    pub left_members: Vec<&'a str>,
    /// Event clock.
    pub event_ltime: u64,
    /// Recent events; holes are skipped. Written as nil when empty, which the reference accepts.
    pub events: Vec<RecentEvents<'a>>,
    /// Query clock.
    pub query_ltime: u64,
}

/// The events of one Lamport time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecentEvents<'a> {
    /// Their time.
    pub ltime: u64,
    /// (name, payload) of each.
    pub events: Vec<(&'a str, Option<&'a [u8]>)>,
}

impl<'a> PushPullState<'a> {
    /// Reads the user state of a push/pull, Serf's type byte 2 first.
    ///
    /// A name that is not UTF-8 is left out alone: it is known to other nodes, and must not cost us the rest of theirs.
    ///
    /// # Errors
    /// Unreadable as a whole.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut state = Self::default();
        // In Go's order of declaration: messages.go, `messagePushPull`.
        let keys = ["LTime", "StatusLTimes", "LeftMembers", "EventLTime", "Events", "QueryLTime"];
        body(bytes, kind::PUSH_PULL)?.record(&keys, |key, reader| {
            match key {
                "LTime" => state.ltime = reader.field("LTime")?,
                "StatusLTimes" => state.status_ltimes = in_field("StatusLTimes", read_status_ltimes(reader))?,
                "LeftMembers" => state.left_members = in_field("LeftMembers", read_names(reader))?,
                "EventLTime" => state.event_ltime = reader.field("EventLTime")?,
                "Events" => state.events = in_field("Events", read_slots(reader))?,
                "QueryLTime" => state.query_ltime = reader.field("QueryLTime")?,
                _ => _ = reader.skip()?,
            }
            Ok(())
        })?;
        Ok(state)
    }

    /// The user state, type byte first.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write(kind::PUSH_PULL, self, &mut out);
        out
    }
}

impl Encode for PushPullState<'_> {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.record(&mut [
            ("LTime", &self.ltime),
            ("StatusLTimes", &self.status_ltimes),
            ("LeftMembers", &self.left_members),
            ("EventLTime", &self.event_ltime),
            ("Events", &NilIfEmpty(&self.events)),
            ("QueryLTime", &self.query_ltime),
        ]);
    }
}

fn in_field<T>(field: &'static str, result: Result<T, DecodeError>) -> Result<T, DecodeError> {
    result.map_err(|error| error.in_field(field))
}

fn read_status_ltimes<'a>(reader: &mut Reader<'a>) -> Result<Vec<(&'a str, u64)>, DecodeError> {
    let mut ltimes = Vec::new();
    for _ in 0..reader.map()? {
        reader.count_element()?;
        let (name, ltime) = (reader.value()?, reader.value()?);
        ltimes.extend(str::from_utf8(name).map(|name| (name, ltime)));
    }
    Ok(ltimes)
}

fn read_names<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a str>, DecodeError> {
    let mut names = Vec::new();
    for _ in 0..reader.array()? {
        reader.count_element()?;
        names.extend(str::from_utf8(reader.value()?));
    }
    Ok(names)
}

/// Serf's ring of 512 slots, most of them nil. Where in the ring an event stands tells nothing: each slot says its time.
fn read_slots<'a>(reader: &mut Reader<'a>) -> Result<Vec<RecentEvents<'a>>, DecodeError> {
    let mut slots = Vec::new();
    for _ in 0..reader.array()? {
        if !reader.take_nil() {
            reader.count_element()?;
            slots.push(reader.value()?);
        }
    }
    Ok(slots)
}

/// Serf serf.go, `userEvents`.
impl<'a> Decode<'a> for RecentEvents<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut recent = Self::absent()?;
        reader.record(&["LTime", "Events"], |key, reader| {
            match key {
                "LTime" => recent.ltime = reader.field("LTime")?,
                "Events" => {
                    for _ in 0..reader.array()? {
                        reader.count_element()?;
                        let RawEvent { name, payload } = reader.value()?;
                        recent.events.extend(str::from_utf8(name).map(|name| (name, payload)));
                    }
                }
                _ => _ = reader.skip()?,
            }
            Ok(())
        })?;
        Ok(recent)
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(Self { ltime: 0, events: Vec::new() })
    }
}

impl Encode for RecentEvents<'_> {
    fn encode(&self, writer: &mut Writer<'_>) {
        let events: Vec<_> =
            self.events.iter().map(|&(name, payload)| RawEvent { name: name.as_bytes(), payload }).collect();
        writer.record(&mut [("LTime", &self.ltime), ("Events", &events)]);
    }
}

/// Serf serf.go, `userEvent`. The name is bytes here, so that one that is not text can be left out.
struct RawEvent<'a> {
    name: &'a [u8],
    payload: Option<&'a [u8]>,
}
record!(RawEvent<'a> { Name => name, Payload => payload });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_text_is_left_out_alone() {
        let bytes = b"\x02\x83\xacStatusLTimes\x82\xa1\xff\x01\xa1b\x02\xabLeftMembers\x92\xa1\xff\xa1b\
            \xa6Events\x93\xc0\x82\xa5LTime\x04\xa6Events\x92\x81\xa4Name\xa1\xff\x81\xa4Name\xa1e\xc0";
        let state = PushPullState::decode(bytes).unwrap();
        assert_eq!(state.status_ltimes, [("b", 2)]);
        assert_eq!(state.left_members, ["b"]);
        assert_eq!(state.events, [RecentEvents { ltime: 4, events: vec![("e", None)] }]);
    }

    #[test]
    fn nil_stands_for_any_empty_part() {
        let bytes = b"\x02\x83\xacStatusLTimes\xc0\xabLeftMembers\xc0\xa6Events\xc0";
        assert_eq!(PushPullState::decode(bytes), Ok(PushPullState::default()));
        assert_eq!(PushPullState::decode(b"\x02\xc0"), Ok(PushPullState::default()));
    }

    #[test]
    fn another_type_byte_is_another_message() {
        assert_eq!(PushPullState::decode(b"\x01\x80"), Err(DecodeError::UnknownType(1)));
        assert_eq!(PushPullState::decode(b""), Err(DecodeError::Truncated));
    }

    #[test]
    fn empty_slots_cost_nothing_and_full_ones_are_bounded() {
        let slots = |slot: &[u8], count: u32| {
            let mut bytes = b"\x02\x81\xa6Events\xdd".to_vec();
            bytes.extend_from_slice(&count.to_be_bytes());
            bytes.extend(slot.iter().copied().cycle().take(slot.len() * count as usize));
            bytes
        };
        assert_eq!(PushPullState::decode(&slots(b"\xc0", 3 << 20)), Ok(PushPullState::default()));
        let full = slots(b"\x80", 3 << 20);
        assert!(matches!(
            PushPullState::decode(&full),
            Err(DecodeError::TooLarge { what: "list elements", .. })
        ));
    }
}
