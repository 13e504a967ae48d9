//! Regular expressions, bounded: matching takes time in the length of the text, whatever the expression.

use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// Most memory that one compiled expression takes, and a bound of the time that it takes per byte.
pub const REGEX_BYTES_MAX: usize = 256 << 10;

/// A regular expression over bytes. Classes such as `\d` are ASCII's. Look-around and back-references do not exist: with them,
/// a short text can take for ever.
#[derive(Clone)]
pub struct Regex(regex::bytes::Regex);

impl Regex {
    /// Compiles `text`.
    ///
    /// # Errors
    /// In words: it is no regular expression, or becomes too large.
    pub fn new(text: &str, ignore_case: bool) -> Result<Self, String> {
        let built = regex::bytes::RegexBuilder::new(text)
            .unicode(false)
            .case_insensitive(ignore_case)
            .size_limit(REGEX_BYTES_MAX)
            .build();
        built.map(Self).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("it takes more than {REGEX_BYTES_MAX} bytes of memory")
            }
            // The text shows the expression again, over several lines; its last line has the reason.
            error => {
                error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_string()
            }
        })
    }

    /// Whether it is found somewhere in `text`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.0.is_match(text)
    }

    /// The groups of the first match in `text`, `None` when there is none.
    pub(crate) fn groups<'t>(&self, text: &'t [u8]) -> Option<regex::bytes::Captures<'t>> {
        self.0.captures(text)
    }
}

impl PartialEq for Regex {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_take_for_ever_is_refused_in_one_line() {
        for (text, words) in [
            ("(?=a)b", "look-around"),
            (r"(a)\1", "backreference"),
            ("(", "unclosed group"),
            ("(a{1000}){1000}", "more than 262144 bytes"),
        ] {
            let refused = Regex::new(text, false).unwrap_err();
            assert!(refused.contains(words) && !refused.contains('\n'), "{text}: {refused}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_matched_too() {
        assert!(Regex::new(r"^/\d+\.php$", false).unwrap().is_match(b"/12.php"));
        assert!(Regex::new("a.c", true).unwrap().is_match(b"A\xffC"));
    }
}
