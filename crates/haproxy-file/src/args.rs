//! The words behind a keyword, taken one by one.

use alloc::format;
use alloc::string::String;

/// The words that are left of a line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args<'l> {
    words: &'l [String],
}

impl<'l> Args<'l> {
    pub(crate) fn new(words: &'l [String]) -> Self {
        Self { words }
    }

    pub(crate) fn next(&mut self) -> Option<&'l str> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    pub(crate) fn peek(&self) -> Option<&'l str> {
        self.words.first().map(String::as_str)
    }

    pub(crate) fn rest(&self) -> &'l [String] {
        self.words
    }

    /// The next word, which must be there and have letters.
    pub(crate) fn value(&mut self, of: &str) -> Result<&'l str, String> {
        self.next().filter(|word| !word.is_empty()).ok_or_else(|| format!("`{of}` needs a value"))
    }

    /// The next word as a number.
    pub(crate) fn number<N: core::str::FromStr + PartialOrd + core::fmt::Display>(
        &mut self,
        of: &str,
        range: core::ops::RangeInclusive<N>,
    ) -> Result<N, String> {
        let word = self.value(of)?;
        let is_digits = word.bytes().all(|byte| byte.is_ascii_digit());
        let number = word.parse::<N>().ok().filter(|number| is_digits && range.contains(number));
        number.ok_or_else(|| {
            format!("`{of} {word}`: {word} is no number from {} to {}", range.start(), range.end())
        })
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.words.first() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` is one word too many here; leave it out")),
        }
    }
}
