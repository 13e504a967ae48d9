//! What a template reads and helpers make: JSON, with the order of its keys kept, and cheap to clone.
//!
//! Not `serde_json`'s: its maps keep their order only when every program of the workspace takes that too.

mod map;
mod number;
mod read;
mod text;

pub use map::Map;
pub use number::Number;
pub use text::Text;

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt::Write;

/// A value. Clones share what they hold.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// JSON's `null`.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text.
    Text(Text),
    /// A list.
    List(Arc<[Value]>),
    /// Names with values, in order.
    Map(Arc<Map>),
}

impl Value {
    /// A map of these fields.
    pub fn record<const N: usize>(fields: [(&'static str, Self); N]) -> Self {
        Self::Map(Arc::new(Map::of_distinct(
            fields.into_iter().map(|(name, value)| (Text::word(name), value)),
        )))
    }

    /// A copy of this text.
    pub fn copy(text: &str) -> Self {
        Self::Text(Text::copy(text))
    }

    /// The text, if it is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What `name` is in it: of a map the value, of a list an item by its number or its `length`, of text its `length`, as
    /// in JavaScript.
    pub fn get(&self, name: &str) -> Option<Self> {
        match self {
            Self::Map(map) => map.meaning(name).cloned(),
            Self::List(items) if name == "length" => Some(items.len().into()),
            Self::List(items) => items.get(name.parse::<usize>().ok()?).cloned(),
            Self::Text(text) if name == "length" => Some(text.encode_utf16().count().into()),
            _ => None,
        }
    }

    /// Whether `{{#if}}` takes it for true: not null, false, zero, and neither an empty text nor an empty list.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Number(number) => !number.is_zero_or_nan(),
            other => !other.is_empty(),
        }
    }

    /// Handlebars's own notion of empty: as [`is_true`](Self::is_true), but a zero is something.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(value) => !value,
            Self::Number(number) => number.is_nan(),
            Self::Text(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Map(_) => false,
        }
    }

    /// Whether they are the same in the sense of JavaScript's `===`: lists and maps are themselves only. So it costs the
    /// same whatever they hold.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one == two,
            (Self::Text(one), Self::Text(two)) => one == two,
            (Self::List(one), Self::List(two)) => Arc::ptr_eq(one, two),
            (Self::Map(one), Self::Map(two)) => Arc::ptr_eq(one, two),
            _ => false,
        }
    }

    /// Appends the text that `{{value}}` shows, as JavaScript writes it. `Err` when `out` would pass `most` bytes. How many
    /// items of lists were looked at.
    pub(crate) fn write(&self, out: &mut String, most: usize) -> Result<usize, TooLong> {
        let mut looked_at = 0;
        match self {
            Self::Null => {}
            Self::Bool(value) => append(out, if *value { "true" } else { "false" }, most)?,
            Self::Number(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Text(text) => append(out, text, most)?,
            Self::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        append(out, ",", most)?;
                    }
                    looked_at += 1 + item.write(out, most)?;
                }
            }
            Self::Map(_) => append(out, "[object Object]", most)?,
        }
        if out.len() > most { Err(TooLong) } else { Ok(looked_at) }
    }

    /// Bytes of the text, if it is one: what looking at it as a whole costs.
    pub(crate) fn text_bytes(&self) -> usize {
        self.as_text().map_or(0, str::len)
    }
}

/// A text that would be longer than allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooLong;

/// `out` with `text`, unless that is too much.
pub(crate) fn append(out: &mut String, text: &str, most: usize) -> Result<(), TooLong> {
    if out.len().saturating_add(text.len()) > most {
        return Err(TooLong);
    }
    out.push_str(text);
    Ok(())
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&'static str> for Value {
    fn from(word: &'static str) -> Self {
        Self::Text(word.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        // No text or list has more bytes than that.
        Self::Number(Number::from(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl FromIterator<Value> for Value {
    fn from_iter<I: IntoIterator<Item = Value>>(items: I) -> Self {
        Self::List(items.into_iter().collect())
    }
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        Self::Map(Arc::new(entries.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests;
