//! The part of an address after `?`.

/// Grows by one `KEY=VALUE` at a time.
#[derive(Debug)]
pub(crate) struct QueryString(String);

impl QueryString {
    /// `path` without any.
    pub(crate) fn of(path: &str) -> Self {
        Self(path.to_owned())
    }

    /// Adds one; an absent value adds nothing.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.push(if self.0.contains('?') { '&' } else { '?' });
            self.0.push_str(key);
            self.0.push('=');
            percent_encode(value, &mut self.0);
        }
        self
    }

    /// The whole.
    pub(crate) fn done(self) -> String {
        self.0
    }
}

/// RFC 3986, 2.3: everything but the unreserved characters.
fn percent_encode(text: &str, out: &mut String) {
    use std::fmt::Write;
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
