//! The six version bytes every member announces.

use crate::DecodeError;
use crate::msgpack::{Decode, Encode, Reader, Writer};

/// `[pmin, pmax, pcur, dmin, dmax, dcur]`: the memberlist range and current version, then Serf's.
///
/// A member announced without all six poisons every later push/pull of the reference, so we always send six and drop
/// announcements that lack them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Versions(pub [u8; 6]);

impl Versions {
    /// What a default agent announces: memberlist 1..=5 speaking 2, Serf 2..=5 speaking 5.
    pub const OURS: Self = Self([1, 5, 2, 2, 5, 5]);

    /// Lowest memberlist version understood.
    pub fn protocol_min(self) -> u8 {
        self.0[0]
    }
    /// Highest memberlist version understood. From 3 it answers TCP pings, from 4 it sends nacks, from 5 it reads CRCs.
    pub fn protocol_max(self) -> u8 {
        self.0[1]
    }
    /// Memberlist version spoken.
    pub fn protocol(self) -> u8 {
        self.0[2]
    }
    /// Lowest Serf version understood.
    pub fn delegate_min(self) -> u8 {
        self.0[3]
    }
    /// Highest Serf version understood.
    pub fn delegate_max(self) -> u8 {
        self.0[4]
    }
    /// Serf version spoken.
    pub fn delegate(self) -> u8 {
        self.0[5]
    }
    /// Whether the memberlist range makes sense; the reference ignores an `alive` for which it does not.
    pub fn is_plausible(self) -> bool {
        self.protocol_min() != 0 && self.protocol_max() != 0 && self.protocol_min() <= self.protocol_max()
    }
}

/// `None` for fewer than six bytes; go-msgpack also takes an array of small integers for them.
impl<'a> Decode<'a> for Option<Versions> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.raw() {
            Ok(bytes) => return Ok(bytes.first_chunk().copied().map(Versions)),
            Err(DecodeError::Msgpack(_)) => {}
            Err(error) => return Err(error),
        }
        let elements = reader.array()?;
        let mut versions = [0; 6];
        for index in 0..elements {
            let version = reader.value()?;
            if let Some(slot) = versions.get_mut(index) {
                *slot = version;
            }
        }
        Ok((elements >= versions.len()).then_some(Versions(versions)))
    }
    fn absent() -> Result<Self, DecodeError> {
        Ok(None)
    }
}

impl Encode for Versions {
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.bytes(&self.0);
    }
}
