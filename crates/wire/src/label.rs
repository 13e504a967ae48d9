//! Labels: a name before everything a cluster sends, so that two clusters on one network do not mix by mistake
//! (memberlist's label.go).
//!
//! A label is not a secret, but what is sealed is bound to it. Serf 0.9.4 knows none, and later ones use the empty one.

use crate::DecodeError;
use crate::memberlist::kind;
use alloc::sync::Arc;

/// A cluster's label; the empty one is not sent at all.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Label(Arc<[u8]>);

/// The length is one byte.
const LABEL_BYTES_MAX: usize = u8::MAX as usize;

impl Label {
    /// `None` for more than 255 bytes.
    pub fn new(label: &[u8]) -> Option<Self> {
        (label.len() <= LABEL_BYTES_MAX).then(|| Self(label.into()))
    }

    /// The bytes of the label.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What stands before a datagram, or before the first message of a stream.
    pub(crate) fn header(&self) -> impl Iterator<Item = u8> {
        let length = u8::try_from(self.0.len()).unwrap_or(u8::MAX);
        let start = [kind::HAS_LABEL, length].into_iter().filter(move |_| length > 0);
        start.chain(self.0.iter().copied())
    }

    /// Length of [`Self::header`].
    pub(crate) fn header_bytes(&self) -> usize {
        if self.0.is_empty() { 0 } else { 2 + self.0.len() }
    }

    /// What follows the header. `None`: the bytes end within it, and so far it is ours.
    ///
    /// # Errors
    /// Sent with another label, with one where we have none, or without one.
    pub(crate) fn strip<'a>(&self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, DecodeError> {
        if self.0.is_empty() {
            let labelled = bytes.first() == Some(&kind::HAS_LABEL);
            return if labelled { Err(DecodeError::Labelled) } else { Ok(Some(bytes)) };
        }
        let same = self.header().zip(bytes).take_while(|(ours, theirs)| ours == *theirs).count();
        match bytes.split_at_checked(self.header_bytes()) {
            Some((header, rest)) if same == header.len() => Ok(Some(rest)),
            None if same == bytes.len() => Ok(None),
            _ => Err(DecodeError::OtherLabel),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_at_most_255_bytes() {
        assert_eq!(Label::new(&[b'x'; 255]).unwrap().header_bytes(), 257);
        assert_eq!(Label::new(&[b'x'; 256]), None);
    }

    #[test]
    fn only_the_same_label_is_let_through() {
        let lab = Label::new(b"lab").unwrap();
        assert_eq!(lab.strip(b"\xf4\x03labrest"), Ok(Some(&b"rest"[..])));
        assert_eq!(lab.strip(b"\xf4\x03lab"), Ok(Some(&b""[..])));
        for other in [&b"\0\x80"[..], b"\xf4\x02la", b"\xf4\x03lax", b"\xf4\x04labs", b"\xf4\x00", b"lab"] {
            assert_eq!(lab.strip(other), Err(DecodeError::OtherLabel), "{other:?}");
        }
        for start in [&b""[..], b"\xf4", b"\xf4\x03", b"\xf4\x03la"] {
            assert_eq!(lab.strip(start), Ok(None), "{start:?}");
        }
    }

    #[test]
    fn without_a_label_none_is_sent_and_none_is_taken() {
        let none = Label::default();
        assert_eq!((none.header().count(), none.header_bytes()), (0, 0));
        assert_eq!(none.strip(b"\xf4\x00rest"), Err(DecodeError::Labelled));
        assert_eq!(none.strip(b"rest"), Ok(Some(&b"rest"[..])));
    }
}
