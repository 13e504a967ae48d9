//! What a text has to look like.

use crate::glob;
use crate::regex::Regex;
use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

/// How a pattern is laid on a text.
#[derive(Clone, PartialEq, Debug)]
pub enum How {
    /// All of it.
    Exact,
    /// Its beginning.
    Prefix,
    /// Its end.
    Suffix,
    /// Somewhere in it.
    Contains,
    /// Somewhere in it, between two of these bytes or its ends. HAProxy's `dir` (`/?`) and `dom` (`/?.:`).
    Between(&'static [u8]),
    /// All of it, with `*`, `**` and `?`.
    Glob(Regex),
    /// A regular expression, somewhere in it.
    Regex(Regex),
}

/// A pattern over bytes.
#[derive(Clone, PartialEq)]
pub struct Pattern {
    how: How,
    text: Box<str>,
    ignore_case: bool,
}

impl Pattern {
    /// `text`, laid on as `how` says; letters of ASCII have no case if `ignore_case`.
    pub fn new(how: How, text: &str, ignore_case: bool) -> Self {
        let text = match ignore_case {
            true => text.to_ascii_lowercase().into(),
            false => text.into(),
        };
        Self { how, text, ignore_case }
    }

    /// A regular expression.
    ///
    /// # Errors
    /// In words; see [`Regex::new`].
    pub fn regex(text: &str, ignore_case: bool) -> Result<Self, String> {
        Ok(Self { how: How::Regex(Regex::new(text, ignore_case)?), text: text.into(), ignore_case })
    }

    /// A glob: `*` is anything within a segment, `**` anything at all, `?` one byte that is no slash.
    ///
    /// # Errors
    /// In words; see [`Regex::new`].
    pub fn glob(text: &str, ignore_case: bool) -> Result<Self, String> {
        let regex = Regex::new(&glob::regex(text), ignore_case)?;
        let text = if ignore_case { text.to_ascii_lowercase().into() } else { text.into() };
        Ok(Self { how: How::Glob(regex), text, ignore_case })
    }

    /// Whether `text` looks like it.
    pub fn matches(&self, text: &[u8]) -> bool {
        let wanted = self.text.as_bytes();
        let same = |part: &[u8]| match self.ignore_case {
            true => part.eq_ignore_ascii_case(wanted),
            false => part == wanted,
        };
        match &self.how {
            How::Exact => same(text),
            How::Prefix => text.get(..wanted.len()).is_some_and(same),
            How::Suffix => text.len().checked_sub(wanted.len()).is_some_and(|start| same(&text[start..])),
            How::Contains => wanted.is_empty() || text.windows(wanted.len()).any(same),
            How::Between(bounds) => self.is_between(bounds, text),
            How::Glob(regex) | How::Regex(regex) => regex.is_match(text),
        }
    }

    /// HAProxy takes the bounds off both ends of the pattern first, so that `/a/` and `a` are the same (`match_word`).
    fn is_between(&self, bounds: &[u8], text: &[u8]) -> bool {
        let is_bound = |byte: &u8| bounds.contains(byte);
        let mut wanted = self.text.as_bytes();
        while let [first, rest @ ..] = wanted
            && is_bound(first)
        {
            wanted = rest;
        }
        while let [rest @ .., last] = wanted
            && is_bound(last)
        {
            wanted = rest;
        }
        if wanted.is_empty() {
            return false;
        }
        text.windows(wanted.len()).enumerate().any(|(at, part)| {
            let same = if self.ignore_case { part.eq_ignore_ascii_case(wanted) } else { part == wanted };
            let before = at.checked_sub(1).and_then(|at| text.get(at)).is_none_or(is_bound);
            let behind = text.get(at + wanted.len()).is_none_or(is_bound);
            same && before && behind
        })
    }

    /// Whether it surely fits whatever `other` fits.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        if self == other {
            return true;
        }
        // The other's text is in lower case when it stands for all cases.
        if other.ignore_case && !self.ignore_case {
            return false;
        }
        let text = other.text.as_bytes();
        match (&self.how, &other.how) {
            (_, How::Exact) => self.matches(text),
            (How::Prefix, How::Prefix) | (How::Suffix, How::Suffix) => self.matches(text),
            (How::Contains, How::Prefix | How::Suffix | How::Contains) => self.matches(text),
            (How::Prefix, How::Glob(_)) => {
                let fixed = text.iter().position(|byte| matches!(byte, b'*' | b'?')).unwrap_or(text.len());
                self.matches(&text[..fixed])
            }
            _ => false,
        }
    }
}

/// `prefix "/api"`, and `any case` behind it.
impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match &self.how {
            How::Exact => "exact",
            How::Prefix => "prefix",
            How::Suffix => "suffix",
            How::Contains => "contains",
            How::Between(_) => "between bounds",
            How::Glob(_) => "glob",
            How::Regex(_) => "regex",
        };
        write!(f, "{how} {:?}{}", self.text, if self.ignore_case { " any case" } else { "" })
    }
}

#[cfg(test)]
mod tests;
