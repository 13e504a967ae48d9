//! Sealing at the edge of the process: everything gossip sends and receives goes through here, and inside it is plain.
//!
//! What is sealed and what is let in is decided in `muster_wire::Border`; here is only the randomness that the pure crates
//! must not have, and the exchange of keys while gossip goes on: each message is sealed or opened with the border of its
//! moment.

use crate::random::fill;
use muster_wire::crypt::{Keyring, Nonce};
use muster_wire::stream::Scanner;
use muster_wire::{Border, DecodeError, Leg};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

/// Seals and opens with the cluster's keys; without keys, everything passes as it is.
#[derive(Debug, Default)]
pub(crate) struct Sealer {
    /// Locked for as long as it takes to copy or replace the pointer.
    border: Mutex<Arc<Border>>,
}

impl Sealer {
    pub(crate) fn new(border: Border) -> Self {
        Self { border: Mutex::new(Arc::new(border)) }
    }

    pub(crate) fn is_sealing(&self) -> bool {
        self.border().is_sealed()
    }

    /// A copy of the cluster's keys, if there are any.
    pub(crate) fn keys(&self) -> Option<Keyring> {
        self.border().keys().cloned()
    }

    /// From the next message on, these keys seal and open.
    pub(crate) fn rekey(&self, keys: Keyring) {
        let border = Arc::new(self.border().with_keys(keys));
        *self.border.lock().unwrap_or_else(PoisonError::into_inner) = border;
    }

    /// Bytes a datagram grows by.
    pub(crate) fn packet_overhead(&self) -> usize {
        self.border().packet_overhead()
    }

    pub(crate) fn seal_packet(&self, plain: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(self.border().seal_packet(&self.nonce()?, plain))
    }

    /// `plain` is scratch space.
    pub(crate) fn open_packet<'a>(
        &self,
        bytes: &'a [u8],
        plain: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], DecodeError> {
        self.border().open_packet(bytes, plain)
    }

    pub(crate) fn seal_stream(&self, leg: Leg, plain: Vec<u8>) -> io::Result<Vec<u8>> {
        Ok(self.border().seal_stream(leg, &self.nonce()?, plain))
    }

    pub(crate) fn scanner(&self, leg: Leg) -> Scanner {
        self.border().scanner(leg)
    }

    pub(crate) fn open_stream(&self, leg: Leg, bytes: Vec<u8>) -> Result<Vec<u8>, DecodeError> {
        self.border().open_stream(leg, bytes)
    }

    /// As it is now. A panic elsewhere leaves a pointer as whole as it was.
    fn border(&self) -> Arc<Border> {
        Arc::clone(&self.border.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Fresh from the system for each body: a generator of our own could be copied with the process and repeat itself.
    fn nonce(&self) -> io::Result<Nonce> {
        let mut nonce = Nonce::default();
        match self.is_sealing() {
            true => fill(&mut nonce).map(|()| nonce),
            false => Ok(nonce),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_wire::Label;
    use muster_wire::crypt::Key;
    use std::collections::BTreeSet;

    #[test]
    fn each_message_is_sealed_with_the_keys_of_its_moment() {
        let ring = |byte| Keyring::new(Key::from_bytes(&[byte; 16]).unwrap());
        let sealer = Sealer::new(Border::new(Label::default(), Some(ring(1))));
        let before = sealer.seal_packet(b"x".to_vec()).unwrap();
        sealer.rekey(ring(2));
        let mut plain = Vec::new();
        assert!(sealer.open_packet(&before, &mut plain).is_err());
        let after = sealer.seal_packet(b"x".to_vec()).unwrap();
        assert_eq!(sealer.open_packet(&after, &mut plain).unwrap(), b"x");
    }

    #[test]
    fn no_two_bodies_have_the_same_nonce() {
        let keys = Keyring::new(Key::from_bytes(&[1; 16]).unwrap());
        let sealer = Sealer::new(Border::new(Label::default(), Some(keys)));
        let sealed: BTreeSet<_> =
            (0..100).map(|_| sealer.seal_packet(b"same".to_vec()).unwrap()[1..13].to_vec()).collect();
        assert_eq!(sealed.len(), 100);
    }
}
