//! Encryption: AES-GCM with a key that the whole cluster shares (memberlist's security.go).
//!
//! A sealed body is the same on UDP and TCP:
//!
//! | offset | bytes | content |
//! |---|---|---|
//! | 0 | 1 | version: 1; or 0, where the plaintext was padded to blocks of 16 (PKCS7) |
//! | 1 | 12 | nonce, random for each body |
//! | 13 | n | ciphertext |
//! | 13 + n | 16 | tag |
//!
//! Only version 1 is written, as Serf does since its protocol 2; both are read. No secret is made here: keys and nonces
//! come from the caller, who has a source of randomness.

mod key;
mod keyring;

pub use key::{Key, KeyError};
pub use keyring::{Keyring, KeyringError};

use crate::DecodeError;
use alloc::vec::Vec;

/// Bytes a body of version 1 has beyond its plaintext.
pub const OVERHEAD: usize = 1 + NONCE_BYTES + TAG_BYTES;

/// Never twice with the same key. Random ones suffice for some 2^32 bodies (NIST SP 800-38D, 8.3).
pub type Nonce = [u8; NONCE_BYTES];

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const BLOCK_BYTES: usize = 16;

/// The plaintext is padded. Written only by those who speak memberlist's protocol 1.
const PADDED: u8 = 0;
const UNPADDED: u8 = 1;

/// Seals `message` where it stands, with `before` in front of the body; whoever opens it must know the same `aad`.
pub fn seal(key: &Key, nonce: &Nonce, aad: &[u8], before: &[u8], message: &mut Vec<u8>) {
    message.reserve_exact(before.len() + OVERHEAD);
    let head = before.iter().chain(&[UNPADDED]).chain(nonce).copied();
    message.splice(..0, head);
    let start = before.len() + 1 + NONCE_BYTES;
    let tag = key.encrypt(nonce, aad, message.get_mut(start..).unwrap_or_default());
    message.extend_from_slice(&tag);
}

/// Opens a sealed body where it stands: what is in the buffer from offset `start` on becomes all that is in it. All keys
/// are tried, the primary one first. In place, since a message on a stream can have megabytes.
///
/// # Errors
/// No key fits, or the body or `aad` was changed, or it is no body at all. What the buffer holds then is of no use.
pub fn open(keys: &Keyring, aad: &[u8], buffer: &mut Vec<u8>, start: usize) -> Result<(), DecodeError> {
    let body = buffer.get_mut(start..).unwrap_or_default();
    let (&mut version, rest) = body.split_first_mut().ok_or(DecodeError::Truncated)?;
    if version > UNPADDED {
        return Err(DecodeError::Encryption("unknown version"));
    }
    let (&mut nonce, rest) = rest.split_first_chunk_mut().ok_or(DecodeError::Truncated)?;
    let (text, &mut tag) = rest.split_last_chunk_mut().ok_or(DecodeError::Truncated)?;
    if version == PADDED && (text.is_empty() || !text.len().is_multiple_of(BLOCK_BYTES)) {
        return Err(DecodeError::Encryption("no whole blocks"));
    }
    if !keys.iter().any(|key| key.decrypt(&nonce, aad, text, &tag)) {
        return Err(DecodeError::Encryption("no key that is installed here opens it"));
    }
    let plain_bytes = match version {
        PADDED => unpadded_bytes(text).ok_or(DecodeError::Encryption("wrong padding"))?,
        _ => text.len(),
    };
    buffer.drain(..start + 1 + NONCE_BYTES);
    buffer.truncate(plain_bytes);
    Ok(())
}

/// RFC 5652, 6.3: as many bytes of padding as the value of each, 1 to 16. memberlist looks only at the last of them.
fn unpadded_bytes(padded: &[u8]) -> Option<usize> {
    let &count = padded.last()?;
    let length = padded.len().checked_sub(usize::from(count))?;
    let padding = padded.get(length..)?;
    let right = (1..=BLOCK_BYTES).contains(&padding.len()) && padding.iter().all(|&byte| byte == count);
    right.then_some(length)
}

#[cfg(test)]
mod tests;
