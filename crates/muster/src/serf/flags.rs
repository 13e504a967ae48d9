//! Go's `flag` package: what `serf` makes of the words behind a command.
//!
//! One dash or two; `-x=v` or `-x v`; a switch takes its value only behind `=`; flags end at the first word that is none, at
//! a lone `-`, or behind `--`. The last of several wins, but for flags that collect. Words are bytes, as they are in Go:
//! a payload need not be UTF-8.

use crate::config::go_duration;
use std::fmt::Write;

/// What a flag takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Takes {
    /// Nothing, or `=true`, `=false` and their short forms.
    Switch,
    Text,
    /// Text; each one counts.
    Texts,
    Integer,
    /// Go's `1m30s`.
    Duration,
}

/// A flag that a command knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
}

/// Shorthand for tables of flags.
pub(super) const fn flag(name: &'static str, takes: Takes) -> Flag {
    Flag { name, takes }
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Value {
    Switch(bool),
    Text(Vec<u8>),
    Integer(i64),
    /// Nanoseconds.
    Duration(i64),
}

/// The words of a command, understood.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    values: Vec<(&'static str, Value)>,
    /// What follows the flags.
    pub(super) rest: Vec<Vec<u8>>,
}

/// Why the words make no sense.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Refused {
    /// `--h`, which asks for the usage.
    Help,
    /// In the words of Go.
    Wrong(Vec<u8>),
}

/// Reads `words` with the flags of a command.
pub(super) fn parse(flags: &[Flag], words: &[Vec<u8>]) -> Result<Parsed, Refused> {
    let mut parsed = Parsed::default();
    let mut words = words.iter();
    loop {
        let before = words.clone();
        let Some(word) = words.next() else { return Ok(parsed) };
        let name = match word.as_slice() {
            b"--" => {
                parsed.rest = words.cloned().collect();
                return Ok(parsed);
            }
            [b'-', b'-', name @ ..] => name,
            [b'-', name @ ..] if !name.is_empty() => name,
            _ => {
                parsed.rest = before.cloned().collect();
                return Ok(parsed);
            }
        };
        if name.is_empty() || matches!(name[0], b'-' | b'=') {
            return Err(wrong(&[b"bad flag syntax: ", word]));
        }
        let (name, value) = match name.iter().position(|byte| *byte == b'=') {
            Some(at) => (&name[..at], Some(name[at + 1..].to_vec())),
            None => (name, None),
        };
        let Some(flag) = flags.iter().find(|flag| flag.name.as_bytes() == name) else {
            return Err(match name {
                b"h" | b"help" => Refused::Help,
                _ => wrong(&[b"flag provided but not defined: -", name]),
            });
        };
        let value = match (flag.takes, value) {
            (Takes::Switch, None) => Value::Switch(true),
            (_, Some(value)) => read(flag, value)?,
            (_, None) => match words.next() {
                Some(value) => read(flag, value.clone())?,
                None => return Err(wrong(&[b"flag needs an argument: -", name])),
            },
        };
        parsed.values.push((flag.name, value));
    }
}

fn read(flag: &Flag, value: Vec<u8>) -> Result<Value, Refused> {
    let text = std::str::from_utf8(&value).ok();
    let read = match flag.takes {
        Takes::Text | Takes::Texts => return Ok(Value::Text(value)),
        Takes::Switch => switch(text).map(Value::Switch),
        Takes::Integer => integer(text).map(Value::Integer),
        Takes::Duration => text.and_then(nanoseconds).map(Value::Duration).ok_or("parse error"),
    };
    read.map_err(|why| {
        let (quoted, name) = (quote(&value), flag.name);
        let text = match flag.takes {
            Takes::Switch => format!("invalid boolean value {quoted} for -{name}: {why}"),
            _ => format!("invalid value {quoted} for flag -{name}: {why}"),
        };
        Refused::Wrong(text.into_bytes())
    })
}

fn wrong(parts: &[&[u8]]) -> Refused {
    Refused::Wrong(parts.concat())
}

/// Go's `strconv.ParseBool`.
fn switch(text: Option<&str>) -> Result<bool, &'static str> {
    match text {
        Some("1" | "t" | "T" | "true" | "TRUE" | "True") => Ok(true),
        Some("0" | "f" | "F" | "false" | "FALSE" | "False") => Ok(false),
        _ => Err("parse error"),
    }
}

/// Go's `strconv.ParseInt(text, 0, 64)`: a sign, `0x`, `0o`, `0b` or `0` for the base. Without its underscores.
fn integer(text: Option<&str>) -> Result<i64, &'static str> {
    let text = text.ok_or("parse error")?;
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let prefixed = |prefixes: [&str; 2]| prefixes.iter().find_map(|prefix| digits.strip_prefix(prefix));
    let (radix, digits) = if let Some(digits) = prefixed(["0x", "0X"]) {
        (16, digits)
    } else if let Some(digits) = prefixed(["0b", "0B"]) {
        (2, digits)
    } else if let Some(digits) = prefixed(["0o", "0O"]) {
        (8, digits)
    } else if let Some(digits) = digits.strip_prefix('0').filter(|digits| !digits.is_empty()) {
        (8, digits)
    } else {
        (10, digits)
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return Err("parse error");
    }
    let size = i128::from_str_radix(digits, radix).map_err(|_| "value out of range")?;
    i64::try_from(if negative { -size } else { size }).map_err(|_| "value out of range")
}

/// Go's `time.ParseDuration`, which also knows negative ones.
fn nanoseconds(text: &str) -> Option<i64> {
    let (negative, size) = text.strip_prefix('-').map_or((false, text), |size| (true, size));
    if negative && size.starts_with('+') {
        return None;
    }
    let size = i64::try_from(go_duration(size)?.as_nanos()).ok()?;
    Some(if negative { -size } else { size })
}

/// Go's `%q`: a string literal, with escapes for what cannot be seen.
pub(super) fn quote(bytes: &[u8]) -> String {
    let mut quoted = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            // A `String` takes everything.
            let _ = match c {
                '"' | '\\' => write!(quoted, "\\{c}"),
                '\u{7}' => write!(quoted, "\\a"),
                '\u{8}' => write!(quoted, "\\b"),
                '\u{c}' => write!(quoted, "\\f"),
                '\n' => write!(quoted, "\\n"),
                '\r' => write!(quoted, "\\r"),
                '\t' => write!(quoted, "\\t"),
                '\u{b}' => write!(quoted, "\\v"),
                c if c < ' ' || c == '\u{7f}' => write!(quoted, "\\x{:02x}", u32::from(c)),
                c if crate::text::is_dangerous(c) => write!(quoted, "\\u{:04x}", u32::from(c)),
                c => write!(quoted, "{c}"),
            };
        }
        for byte in chunk.invalid() {
            let _ = write!(quoted, "\\x{byte:02x}");
        }
    }
    quoted.push('"');
    quoted
}

impl Parsed {
    fn last(&self, name: &str) -> Option<&Value> {
        self.values.iter().rev().find(|(flag, _)| *flag == name).map(|(_, value)| value)
    }

    /// Was it on the command line?
    pub(super) fn has(&self, name: &str) -> bool {
        self.last(name).is_some()
    }

    pub(super) fn switch(&self, name: &str, default: bool) -> bool {
        match self.last(name) {
            Some(Value::Switch(on)) => *on,
            _ => default,
        }
    }

    pub(super) fn integer(&self, name: &str) -> i64 {
        match self.last(name) {
            Some(Value::Integer(number)) => *number,
            _ => 0,
        }
    }

    /// Nanoseconds.
    pub(super) fn duration(&self, name: &str) -> i64 {
        match self.last(name) {
            Some(Value::Duration(nanoseconds)) => *nanoseconds,
            _ => 0,
        }
    }

    /// The last text; empty without one.
    pub(super) fn text(&self, name: &str) -> String {
        self.texts(name).pop().unwrap_or_default()
    }

    /// All texts in order. What is not UTF-8 has replacement characters: names and tags are text here.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        self.texts_of([name, name])
    }

    /// The texts of several flags together, in the order of the command line.
    pub(super) fn texts_of(&self, names: [&str; 2]) -> Vec<String> {
        let of_names = self.values.iter().filter(|(flag, _)| names.contains(flag));
        of_names
            .filter_map(|(_, value)| match value {
                Value::Text(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
                _ => None,
            })
            .collect()
    }

    /// The `nth` word behind the flags, as text.
    pub(super) fn word(&self, nth: usize) -> String {
        self.rest.get(nth).map(|word| String::from_utf8_lossy(word).into_owned()).unwrap_or_default()
    }

    /// All words behind the flags, as text.
    pub(super) fn words(&self) -> Vec<String> {
        (0..self.rest.len()).map(|nth| self.word(nth)).collect()
    }
}

#[cfg(test)]
mod tests;
