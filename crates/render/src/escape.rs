//! How a value is written so that, in the file it goes into, it is that value and nothing more.
//!
//! | mode | how | what cannot be written |
//! |---|---|---|
//! | `haproxy` | `\xHH` for all but letters, digits and `-_.:/@+=,*[]`: one word outside quotes and within `"` | NUL |
//! | `nginx` | a backslash before what ends or quotes a word; whole inside `"` or outside | `$`, control characters |
//! | `json` | as inside the quotes of a JSON text | - |
//! | `shell` | a backslash before all but letters, digits, `-_./:@%+,=` and what is not ASCII | `'`, control characters |
//! | `html` | the entities of handlebars.js | - |
//! | `none` | as it is | control characters |
//!
//! Node names are held to more in the modes of files that take names as their own: see [`Escape::check_name`].

use crate::value::{TooLong, append};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

/// The kind of file that a template makes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Escape {
    /// A configuration of HAProxy.
    Haproxy,
    /// A configuration of nginx.
    Nginx,
    /// The inside of texts in JSON.
    Json,
    /// A word of a POSIX shell, in quotes or not.
    Shell,
    /// HTML, as handlebars.js has it since version 4.
    Html,
    /// HTML as version 1 has it, which leaves `=` alone.
    Html1,
    /// Text as it is.
    None,
}

/// Why a text was not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refused {
    /// The file has no way to say this character.
    Char(char),
    /// The output would be too long.
    TooLong,
}

impl From<TooLong> for Refused {
    fn from(_: TooLong) -> Self {
        Self::TooLong
    }
}

impl Escape {
    /// Those that can be named.
    pub const ALL: [(&'static str, Self); 6] = [
        ("haproxy", Self::Haproxy),
        ("nginx", Self::Nginx),
        ("json", Self::Json),
        ("shell", Self::Shell),
        ("html", Self::Html),
        ("none", Self::None),
    ];

    /// The mode for a file of this name: what it is called after, then its extension; else `none`.
    pub fn for_file(name: &str) -> Self {
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        let has = |end: &str| name.split('.').skip(1).any(|part| part == end);
        match () {
            () if name.starts_with("haproxy") => Self::Haproxy,
            () if name.starts_with("nginx") => Self::Nginx,
            () if has("json") => Self::Json,
            () if has("sh") || has("env") => Self::Shell,
            () if has("html") => Self::Html,
            () => Self::None,
        }
    }

    /// Appends `text`, escaped.
    pub(crate) fn write(self, text: &str, out: &mut String, most: usize) -> Result<(), Refused> {
        // In runs: most values need nothing.
        let mut rest = text;
        while let Some(at) = rest.find(|char| !self.is_plain(char)) {
            append(out, &rest[..at], most)?;
            let Some(char) = rest[at..].chars().next() else { break };
            if !self.can_write(char) {
                return Err(Refused::Char(char));
            }
            rest = &rest[at + char.len_utf8()..];
            self.write_special(char, out, most)?;
        }
        Ok(append(out, rest, most)?)
    }

    /// Whether the file has a way to say this.
    pub(crate) fn can_write(self, char: char) -> bool {
        match self {
            Self::Haproxy => char != '\0',
            Self::Nginx => char != '$' && !char.is_control(),
            Self::Shell => char != '\'' && !char.is_control(),
            Self::None => !char.is_control(),
            Self::Json | Self::Html | Self::Html1 => true,
        }
    }

    /// Whether it stands for itself.
    fn is_plain(self, char: char) -> bool {
        let word = char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.' | ':' | '/');
        word || match self {
            Self::Haproxy => matches!(char, '@' | '+' | '=' | ',' | '*' | '[' | ']'),
            Self::Nginx => {
                self.can_write(char)
                    && !char.is_whitespace()
                    && !matches!(char, '"' | '\'' | '\\' | ';' | '{' | '}' | '#')
            }
            Self::Json => !char.is_control() && !matches!(char, '"' | '\\' | '\u{2028}' | '\u{2029}'),
            Self::Shell => {
                !char.is_ascii() && self.can_write(char) || matches!(char, '@' | '%' | '+' | ',' | '=')
            }
            Self::Html => !matches!(char, '&' | '<' | '>' | '"' | '\'' | '`' | '='),
            Self::Html1 => !matches!(char, '&' | '<' | '>' | '"' | '\'' | '`'),
            Self::None => self.can_write(char),
        }
    }

    fn write_special(self, char: char, out: &mut String, most: usize) -> Result<(), TooLong> {
        let mut bytes = [0; 4];
        let plain = char.encode_utf8(&mut bytes);
        match self {
            Self::Haproxy => {
                for byte in plain.bytes() {
                    append(out, &format!("\\x{byte:02x}"), most)?;
                }
                Ok(())
            }
            Self::Nginx | Self::Shell => {
                append(out, "\\", most)?;
                append(out, plain, most)
            }
            Self::Json => match char {
                '"' => append(out, "\\\"", most),
                '\\' => append(out, "\\\\", most),
                '\n' => append(out, "\\n", most),
                '\t' => append(out, "\\t", most),
                '\r' => append(out, "\\r", most),
                // Control characters and line separators are all below U+10000.
                _ => append(out, &format!("\\u{:04x}", u32::from(char)), most),
            },
            Self::Html | Self::Html1 => {
                let entity = match char {
                    '&' => "&amp;",
                    '<' => "&lt;",
                    '>' => "&gt;",
                    '"' => "&quot;",
                    '\'' => "&#x27;",
                    '`' => "&#x60;",
                    _ => "&#x3D;",
                };
                append(out, entity, most)
            }
            Self::None => append(out, plain, most),
        }
    }

    /// Why a node of this name cannot stand in such a file, if so. HAProxy's `server` lines refuse other characters even when
    /// they are escaped, and where nothing is escaped (`none`) a name must not be able to say anything.
    ///
    /// # Errors
    /// In words.
    pub fn check_name(self, name: &str) -> Result<(), String> {
        match self {
            Self::Haproxy | Self::Nginx | Self::None => {
                let plain = |char: char| char.is_ascii_alphanumeric() || "-_.:".contains(char);
                if name.is_empty() || name.starts_with(['-', '.']) || !name.chars().all(plain) {
                    return Err(format!(
                        "in {self} files a name has only letters, digits, `-`, `_`, `.` and `:`, and begins with none of `-` and `.`"
                    ));
                }
                Ok(())
            }
            Self::Shell if name.starts_with('-') => {
                Err("in shell files a name does not begin with `-`: it would be an option".into())
            }
            _ => self.check_text(name),
        }
    }

    /// Why this text cannot be written in such a file, if so.
    pub(crate) fn check_text(self, text: &str) -> Result<(), String> {
        match text.chars().find(|char| !self.can_write(*char)) {
            Some(char) => Err(self.cannot_write(char)),
            None => Ok(()),
        }
    }

    pub(crate) fn cannot_write(self, char: char) -> String {
        format!("{char:?} cannot be written in {self} files")
    }
}

impl fmt::Display for Escape {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
            Self::Json => "json",
            Self::Shell => "shell",
            Self::Html | Self::Html1 => "html",
            Self::None => "plain",
        })
    }
}

impl FromStr for Escape {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(name, _)| *name == text);
        found.map(|(_, mode)| *mode).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|(name, _)| *name).collect();
            format!("write one of {}", names.join(", "))
        })
    }
}

#[cfg(test)]
mod tests;
