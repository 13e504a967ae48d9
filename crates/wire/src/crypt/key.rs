//! One shared key.

use super::{NONCE_BYTES, Nonce, TAG_BYTES};
use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::aes::Aes192;
use aes_gcm::aes::cipher::consts::U12;
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use zeroize::Zeroizing;

/// A key of 16, 24 or 32 bytes, which select AES-128, AES-192 or AES-256. Never shown, wiped when dropped.
#[derive(Clone)]
pub struct Key {
    bytes: Zeroizing<Vec<u8>>,
    /// The expanded key; it wipes itself.
    cipher: Box<Cipher>,
}

/// Why something is no key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    /// In memberlist's words, which operators search for.
    #[error("key size must be 16, 24 or 32 bytes, but this one has {bytes}")]
    Size {
        /// How many bytes it has.
        bytes: usize,
    },
    /// Not standard base64 with its padding (RFC 4648, 4).
    #[error("a key is written in base64, and this is none")]
    Base64,
}

#[derive(Clone)]
enum Cipher {
    Aes128(Aes128Gcm),
    Aes192(AesGcm<Aes192, U12>),
    Aes256(Aes256Gcm),
}

impl Key {
    /// # Errors
    /// Any other length than 16, 24 or 32.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let cipher = match bytes.len() {
            16 => Aes128Gcm::new_from_slice(bytes).map(Cipher::Aes128),
            24 => AesGcm::new_from_slice(bytes).map(Cipher::Aes192),
            _ => Aes256Gcm::new_from_slice(bytes).map(Cipher::Aes256),
        };
        let cipher = cipher.map_err(|_| KeyError::Size { bytes: bytes.len() })?;
        Ok(Self { bytes: Zeroizing::new(bytes.to_vec()), cipher: Box::new(cipher) })
    }

    /// As people and files write it; space around it is ignored.
    ///
    /// # Errors
    /// Not base64, or not of a key's length.
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let bytes = STANDARD.decode(text.trim_ascii()).map_err(|_| KeyError::Base64)?;
        Self::from_bytes(&Zeroizing::new(bytes))
    }

    /// The secret, as people and files write it.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(STANDARD.encode(&*self.bytes))
    }

    /// The secret.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Encrypts in place.
    pub(super) fn encrypt(&self, nonce: &Nonce, aad: &[u8], buffer: &mut [u8]) -> [u8; TAG_BYTES] {
        let (nonce, buffer) = (nonce.into(), buffer.into());
        let tag = match &*self.cipher {
            Cipher::Aes128(cipher) => cipher.encrypt_inout_detached(nonce, aad, buffer),
            Cipher::Aes192(cipher) => cipher.encrypt_inout_detached(nonce, aad, buffer),
            Cipher::Aes256(cipher) => cipher.encrypt_inout_detached(nonce, aad, buffer),
        };
        tag.expect("AES-GCM takes 64 GiB, which no message has").into()
    }

    /// Decrypts `text` in place, if it was sealed with this key: the tag is compared first, and where it is another's,
    /// nothing changes.
    pub(super) fn decrypt(
        &self,
        nonce: &[u8; NONCE_BYTES],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_BYTES],
    ) -> bool {
        let (nonce, text, tag) = (nonce.into(), text.into(), tag.into());
        let opened = match &*self.cipher {
            Cipher::Aes128(cipher) => cipher.decrypt_inout_detached(nonce, aad, text, tag),
            Cipher::Aes192(cipher) => cipher.decrypt_inout_detached(nonce, aad, text, tag),
            Cipher::Aes256(cipher) => cipher.decrypt_inout_detached(nonce, aad, text, tag),
        };
        opened.is_ok()
    }
}

/// Says nothing of the secret: keys end up in structures that are logged.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} bits)", self.bytes.len() * 8)
    }
}
