//! What is wrong with a template, and where.

use crate::Template;
use alloc::string::String;
use core::fmt;

/// Why a template could not be read or rendered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    /// Name of the partial it is in; `None`: the template itself.
    pub partial: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What, in words. Quotes from the template or the data have no control characters.
    pub message: String,
}

impl Error {
    /// At so many bytes from the beginning of `text`.
    pub(crate) fn at(text: &str, at: usize, message: String) -> Self {
        let before = &text[..text.floor_char_boundary(at)];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            partial: None,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message,
        }
    }

    pub(crate) fn of(template: &Template, at: usize, message: String) -> Self {
        Self { partial: template.name.clone(), ..Self::at(&template.text, at, message) }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.partial {
            write!(out, "partial {}, ", Quoted(name))?;
        }
        write!(out, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl core::error::Error for Error {}

/// Characters of a foreign text that a message repeats.
const QUOTED_CHARS_MAX: usize = 64;

/// A text from a template or from data in a message: in backquotes, control characters escaped, length bounded.
pub(crate) struct Quoted<'a>(pub(crate) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("`")?;
        for char in self.0.chars().take(QUOTED_CHARS_MAX) {
            if char.is_control() {
                write!(out, "{}", char.escape_debug())?;
            } else {
                write!(out, "{char}")?;
            }
        }
        if self.0.chars().nth(QUOTED_CHARS_MAX).is_some() {
            out.write_str("...")?;
        }
        out.write_str("`")
    }
}
