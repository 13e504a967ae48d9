//! The border of a cluster: its label and its keys. What goes out is labelled and sealed, what comes in is let through
//! only with the same label and, where there are keys, only when one of them opens it.
//!
//! Outermost first: label, encryption, then what [`packet`](crate::packet) and [`stream`](crate::stream) tell of. With
//! keys everything is sealed, in both directions, and plaintext is refused: memberlist's `GossipVerifyIncoming` and
//! `GossipVerifyOutgoing`, which Serf leaves on. Source: memberlist's net.go, transport.go.

use crate::DecodeError;
use crate::crypt::{self, Keyring, Nonce};
use crate::label::Label;
use crate::memberlist::kind;
use crate::stream::Scanner;
use alloc::vec::Vec;

/// Who is inside. The default is open to all: no label, no keys.
#[derive(Clone, Debug, Default)]
pub struct Border {
    label: Label,
    keys: Option<Keyring>,
}

/// Direction of a message on a stream. Only the side that connected writes its label; what either side seals is bound to
/// it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leg {
    /// From the side that connected.
    Request,
    /// Back to it.
    Reply,
}

/// Before a sealed body on a stream: the type byte and the length.
pub(crate) const FRAME_BYTES: usize = 1 + size_of::<u32>();

impl Border {
    /// Without keys nothing is sealed, and nothing that is sealed gets in.
    pub fn new(label: Label, keys: Option<Keyring>) -> Self {
        Self { label, keys }
    }

    /// The same border with other keys.
    #[must_use]
    pub fn with_keys(&self, keys: Keyring) -> Self {
        Self { label: self.label.clone(), keys: Some(keys) }
    }

    /// Is everything sealed?
    pub fn is_sealed(&self) -> bool {
        self.keys.is_some()
    }

    /// The keys that seal and open, if any.
    pub fn keys(&self) -> Option<&Keyring> {
        self.keys.as_ref()
    }

    /// Bytes a datagram grows by on its way out.
    pub fn packet_overhead(&self) -> usize {
        self.label.header_bytes() + if self.is_sealed() { crypt::OVERHEAD } else { 0 }
    }

    /// A datagram on its way out. The nonce is used where there are keys, and never twice with one key.
    pub fn seal_packet(&self, nonce: &Nonce, mut plain: Vec<u8>) -> Vec<u8> {
        if self.is_open() {
            return plain;
        }
        let label: Vec<u8> = self.label.header().collect();
        match &self.keys {
            Some(keys) => crypt::seal(keys.primary(), nonce, self.label.as_bytes(), &label, &mut plain),
            None => _ = plain.splice(..0, label),
        }
        plain
    }

    /// A datagram on its way in. `plain` is scratch space.
    ///
    /// # Errors
    /// From another cluster, or damaged. The reference drops it without an answer.
    pub fn open_packet<'a>(&self, bytes: &'a [u8], plain: &'a mut Vec<u8>) -> Result<&'a [u8], DecodeError> {
        let body = self.label.strip(bytes)?.ok_or(DecodeError::Truncated)?;
        let Some(keys) = &self.keys else { return Ok(body) };
        plain.clear();
        plain.extend_from_slice(body);
        crypt::open(keys, self.label.as_bytes(), plain, 0)?;
        Ok(plain)
    }

    /// A message on its way into a stream. The nonce is as for datagrams.
    pub fn seal_stream(&self, leg: Leg, nonce: &Nonce, mut plain: Vec<u8>) -> Vec<u8> {
        if self.is_open() {
            return plain;
        }
        let mut before: Vec<u8> = self.label_on(leg).header().collect();
        match &self.keys {
            Some(keys) => {
                // What does not fit 32 bits no peer takes anyway: the reference stops at 20 MiB.
                let length = u32::try_from(crypt::OVERHEAD + plain.len()).unwrap_or(u32::MAX);
                let mut frame = Vec::from([kind::ENCRYPT]);
                frame.extend_from_slice(&length.to_be_bytes());
                before.extend_from_slice(&frame);
                crypt::seal(keys.primary(), nonce, &self.stream_aad(&frame), &before, &mut plain);
            }
            None => _ = plain.splice(..0, before),
        }
        plain
    }

    /// Finds the end of the first message of a stream.
    pub fn scanner(&self, leg: Leg) -> Scanner {
        Scanner::behind(self.label_on(leg), self.is_sealed())
    }

    /// The message that [`Self::scanner`] found on a stream, as it was before it was sealed; in the same buffer.
    ///
    /// # Errors
    /// From another cluster, or damaged. The reference says so in an `err` reply.
    pub fn open_stream(&self, leg: Leg, mut bytes: Vec<u8>) -> Result<Vec<u8>, DecodeError> {
        if self.is_open() {
            return Ok(bytes);
        }
        let message = self.label_on(leg).strip(&bytes)?.ok_or(DecodeError::Truncated)?;
        let label_bytes = bytes.len() - message.len();
        let Some(keys) = &self.keys else {
            bytes.drain(..label_bytes);
            return Ok(bytes);
        };
        if message.first() != Some(&kind::ENCRYPT) {
            return Err(DecodeError::NotEncrypted);
        }
        let (frame, _) = message.split_at_checked(FRAME_BYTES).ok_or(DecodeError::Truncated)?;
        let aad = self.stream_aad(frame);
        crypt::open(keys, &aad, &mut bytes, label_bytes + FRAME_BYTES)?;
        Ok(bytes)
    }

    /// Nothing to add and nothing to take off; what is not for us is refused where it is read.
    fn is_open(&self) -> bool {
        self.packet_overhead() == 0
    }

    fn label_on(&self, leg: Leg) -> Label {
        match leg {
            Leg::Request => self.label.clone(),
            Leg::Reply => Label::default(),
        }
    }

    /// A sealed body on a stream is bound to its frame and the label.
    fn stream_aad(&self, frame: &[u8]) -> Vec<u8> {
        let mut aad = frame.to_vec();
        aad.extend_from_slice(self.label.as_bytes());
        aad
    }
}

#[cfg(test)]
mod tests;
