//! Text that is cheap: a fleet's data are thousands of short ones, and to ask the allocator for each took half the time.

use alloc::string::String;
use alloc::sync::Arc;
use core::cmp::Ordering;
use core::fmt;
use core::ops::Deref;

/// Longest text that needs no allocation, in bytes: addresses of IPv4 with a port, most names.
const SHORT_BYTES_MAX: usize = 22;

/// A text; cheap to clone.
#[derive(Clone)]
pub struct Text(Kind);

#[derive(Clone)]
enum Kind {
    /// A word of the program.
    Word(&'static str),
    /// The text itself, and its length.
    Short(u8, [u8; SHORT_BYTES_MAX]),
    Shared(Arc<str>),
}

impl Text {
    /// A word of the program.
    pub(crate) const fn word(word: &'static str) -> Self {
        Self(Kind::Word(word))
    }

    /// A copy.
    pub(crate) fn copy(text: &str) -> Self {
        let mut bytes = [0; SHORT_BYTES_MAX];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(place), Ok(length)) => {
                place.copy_from_slice(text.as_bytes());
                Self(Kind::Short(length, bytes))
            }
            _ => Self(Kind::Shared(text.into())),
        }
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Kind::Word(word) => word,
            // It was a text when it was copied.
            Kind::Short(length, bytes) => {
                bytes.get(..usize::from(*length)).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or("")
            }
            Kind::Shared(text) => text,
        }
    }
}

impl From<&'static str> for Text {
    fn from(word: &'static str) -> Self {
        Self::word(word)
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        if text.len() <= SHORT_BYTES_MAX { Self::copy(&text) } else { Self(Kind::Shared(text.into())) }
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, out)
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text {}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl core::borrow::Borrow<str> for Text {
    fn borrow(&self) -> &str {
        self
    }
}
