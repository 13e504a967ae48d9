//! Where the first message of a stream ends.

use super::{MESSAGE_BYTES_MAX, PushPullHeader, UserHeader};
use crate::border::FRAME_BYTES;
use crate::memberlist::{kind, refusal};
use crate::msgpack::{Extent, Reader};
use crate::{DecodeError, Label, crypt};

/// Finds the end of the first message of a stream, in steps.
///
/// Each step goes on where the last one stopped: however a peer cuts its bytes, the work is linear in them, and so is the
/// answer the same. Nothing is allocated.
#[derive(Debug, Default)]
pub struct Scanner {
    /// What must stand before the message.
    label: Label,
    /// Whether the message must be an encrypted frame, or must not.
    sealed: bool,
    stage: Stage,
}

/// What is looked for.
#[derive(Clone, Copy, Debug, Default)]
enum Stage {
    #[default]
    TypeByte,
    /// The one map that is the whole message.
    Only(Extent),
    PushPullHeader(Extent),
    Nodes {
        nodes: Extent,
        user_state_bytes: usize,
    },
    UserHeader(Extent),
    /// The length of a sealed body.
    Frame,
    /// Raw bytes up to this offset, the end of the message.
    Raw(usize),
}

impl Scanner {
    /// A scanner at the start of a stream that is open to all: see [`Border::scanner`](crate::Border::scanner).
    pub fn new() -> Self {
        Self::default()
    }

    /// A scanner at the start of a stream that may be labelled or encrypted.
    pub(crate) fn behind(label: Label, sealed: bool) -> Self {
        Self { label, sealed, stage: Stage::TypeByte }
    }

    /// Looks at `buffer`, which holds everything received so far. `Ok(Some(n))`: the first `n` bytes are one whole
    /// message. `Ok(None)`: read more. Errors are final.
    ///
    /// # Errors
    /// The bytes can no longer become a message, or not one within [`MESSAGE_BYTES_MAX`]; known from the first bytes that
    /// say so, not after waiting for the rest.
    pub fn scan(&mut self, buffer: &[u8]) -> Result<Option<usize>, DecodeError> {
        let Some(message) = self.label.strip(buffer)? else { return Ok(None) };
        let end = self.scan_message(message)?;
        Ok(end.map(|end| buffer.len() - message.len() + end))
    }

    fn scan_message(&mut self, buffer: &[u8]) -> Result<Option<usize>, DecodeError> {
        loop {
            self.stage = match &mut self.stage {
                Stage::TypeByte => {
                    let Some(&first) = buffer.first() else { return Ok(None) };
                    let one_map = Extent::new(1, 1, MESSAGE_BYTES_MAX);
                    match first {
                        kind::ENCRYPT if self.sealed => Stage::Frame,
                        _ if self.sealed => return Err(DecodeError::NotEncrypted),
                        kind::PING | kind::ACK | kind::ERR | kind::COMPRESS => Stage::Only(one_map),
                        kind::PUSH_PULL => Stage::PushPullHeader(one_map),
                        kind::USER => Stage::UserHeader(one_map),
                        other => return Err(refusal(other)),
                    }
                }
                Stage::Only(map) => return map.advance(buffer),
                Stage::PushPullHeader(map) => {
                    let Some(end) = map.advance(buffer)? else { return Ok(None) };
                    let header: PushPullHeader = Reader::new(header_bytes(buffer, end)).value()?;
                    Stage::Nodes {
                        nodes: Extent::new(end, header.nodes()? as u64, MESSAGE_BYTES_MAX),
                        user_state_bytes: header.user_state_bytes()?,
                    }
                }
                Stage::Nodes { nodes, user_state_bytes } => {
                    let Some(end) = nodes.advance(buffer)? else { return Ok(None) };
                    Stage::Raw(end_of_raw(end, *user_state_bytes)?)
                }
                Stage::UserHeader(map) => {
                    let Some(end) = map.advance(buffer)? else { return Ok(None) };
                    let header: UserHeader = Reader::new(header_bytes(buffer, end)).value()?;
                    Stage::Raw(end_of_raw(end, header.message_bytes()?)?)
                }
                Stage::Frame => {
                    let Some(&[_, ref length @ ..]) = buffer.first_chunk::<FRAME_BYTES>() else {
                        return Ok(None);
                    };
                    let bytes = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
                    if bytes < crypt::OVERHEAD {
                        return Err(DecodeError::Encryption("too short"));
                    }
                    Stage::Raw(end_of_raw(FRAME_BYTES, bytes)?)
                }
                Stage::Raw(end) => return Ok((*end <= buffer.len()).then_some(*end)),
            };
        }
    }
}

/// The map between the type byte and `end`.
fn header_bytes(buffer: &[u8], end: usize) -> &[u8] {
    buffer.get(1..end).unwrap_or_default()
}

fn end_of_raw(start: usize, bytes: usize) -> Result<usize, DecodeError> {
    start
        .checked_add(bytes)
        .filter(|&end| end <= MESSAGE_BYTES_MAX)
        .ok_or(DecodeError::TooLarge { what: "message bytes", limit: MESSAGE_BYTES_MAX })
}
