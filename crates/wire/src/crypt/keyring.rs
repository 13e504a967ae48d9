//! The keys of a cluster while they are exchanged (memberlist's keyring.go).
//!
//! A new key is added everywhere, then made the primary one everywhere, then the old one is removed: at no moment does a
//! member receive what it cannot open.

use super::Key;
use alloc::vec;
use alloc::vec::Vec;

/// Keys in order: the first, the primary one, seals; all open. Never empty.
#[derive(Clone, Debug)]
pub struct Keyring(Vec<Key>);

/// Why a ring was not changed. In the words of memberlist 0.2.2, which members answer each other with; later ones begin them
/// in lower case.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyringError {
    /// Only a key of the ring can become the primary one.
    #[error("Requested key is not in the keyring")]
    Unknown,
    /// Another key must become the primary one first.
    #[error("Removing the primary key is not allowed")]
    Primary,
}

impl Keyring {
    /// A ring of one key.
    pub fn new(primary: Key) -> Self {
        Self(vec![primary])
    }

    /// A ring of these keys, the primary one first; repeated ones count once. `None` without any.
    pub fn of(keys: impl IntoIterator<Item = Key>) -> Option<Self> {
        let mut keys = keys.into_iter();
        let mut ring = Self::new(keys.next()?);
        keys.for_each(|key| ring.add(key));
        Some(ring)
    }

    /// The key that seals.
    pub fn primary(&self) -> &Key {
        self.0.first().expect("no ring is made empty, and the primary key is never removed")
    }

    /// All keys, the primary one first.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.0.iter()
    }

    /// Adds a key behind the others; one that is there already stays where it is.
    pub fn add(&mut self, key: Key) {
        if self.position(key.as_bytes()).is_none() {
            self.0.push(key);
        }
    }

    /// Makes `key` the primary one; the others keep their order.
    ///
    /// # Errors
    /// It is not in the ring.
    pub fn make_primary(&mut self, key: &[u8]) -> Result<(), KeyringError> {
        let position = self.position(key).ok_or(KeyringError::Unknown)?;
        let key = self.0.remove(position);
        self.0.insert(0, key);
        Ok(())
    }

    /// Removes `key`; one that is not there is removed already.
    ///
    /// # Errors
    /// It is the primary one.
    pub fn remove(&mut self, key: &[u8]) -> Result<(), KeyringError> {
        match self.position(key) {
            Some(0) => return Err(KeyringError::Primary),
            Some(position) => _ = self.0.remove(position),
            None => {}
        }
        Ok(())
    }

    fn position(&self, key: &[u8]) -> Option<usize> {
        self.0.iter().position(|known| known.as_bytes() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(keys: &[u8]) -> Keyring {
        Keyring::of(keys.iter().map(|&byte| Key::from_bytes(&[byte; 16]).unwrap())).unwrap()
    }

    fn order(ring: &Keyring) -> Vec<u8> {
        ring.iter().map(|key| key.as_bytes()[0]).collect()
    }

    #[test]
    fn a_key_is_in_the_ring_once() {
        let mut ring = ring(&[1, 2, 1, 3, 2]);
        assert_eq!(order(&ring), [1, 2, 3]);
        ring.add(Key::from_bytes(&[2; 16]).unwrap());
        assert_eq!(order(&ring), [1, 2, 3]);
        assert!(Keyring::of([]).is_none());
    }

    #[test]
    fn a_new_primary_key_moves_to_the_front_and_the_rest_keeps_its_order() {
        let mut ring = ring(&[1, 2, 3, 4]);
        assert_eq!(ring.make_primary(&[3; 16]), Ok(()));
        assert_eq!(order(&ring), [3, 1, 2, 4]);
        assert_eq!(ring.primary().as_bytes(), [3; 16]);
        let unknown = ring.make_primary(&[9; 16]).unwrap_err();
        assert_eq!(unknown.to_string(), "Requested key is not in the keyring");
        assert_eq!(order(&ring), [3, 1, 2, 4]);
    }

    #[test]
    fn any_key_but_the_primary_one_can_go() {
        let mut ring = ring(&[1, 2, 3]);
        let primary = ring.remove(&[1; 16]).unwrap_err();
        assert_eq!(primary.to_string(), "Removing the primary key is not allowed");
        assert_eq!(ring.remove(&[2; 16]), Ok(()));
        assert_eq!(ring.remove(&[2; 16]), Ok(()));
        assert_eq!(order(&ring), [1, 3]);
    }
}
