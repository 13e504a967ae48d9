//! Helpers that make a value of values: `{{upper name}}`, `{{#if (eq a b)}}`.
//!
//! Blocks (`each`, `with`, `if`, `unless`) are the renderer's. A helper of Muster's is only called with arguments, so that
//! `{{len}}` alone is still the value of that name. As a block (`{{#eq a b}}`) it decides between block and `{{else}}`.

mod list;
mod logic;
mod text;

use crate::render::BYTES_A_STEP;
use crate::value::{TooLong, Value, append};
use alloc::format;
use alloc::string::String;

/// A helper.
pub(crate) struct Helper {
    pub(crate) name: &'static str,
    /// Fewest and most arguments.
    pub(crate) least: usize,
    pub(crate) most: usize,
    pub(crate) answer: fn(&[Value], &mut Work) -> Result<Value, Why>,
    /// It asks whether there is a value: what a known name does not have is then no error.
    pub(crate) quiet: bool,
}

/// Why a helper has no answer.
pub(crate) enum Why {
    /// It was called wrongly; in words.
    Usage(String),
    /// A limit was passed.
    TooMuch,
}

impl From<TooLong> for Why {
    fn from(_: TooLong) -> Self {
        Self::TooMuch
    }
}

/// What is left to spend.
pub(crate) struct Work {
    pub(crate) steps: u64,
    /// Longest text.
    pub(crate) bytes: usize,
}

impl Work {
    /// Spends steps.
    fn charge(&mut self, steps: usize) -> Result<(), Why> {
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        self.steps = self.steps.checked_sub(steps).ok_or(Why::TooMuch)?;
        Ok(())
    }

    /// Appends the text of `value`.
    fn write(&mut self, value: &Value, out: &mut String) -> Result<(), Why> {
        let before = out.len();
        let looked_at = value.write(out, self.bytes)?;
        self.charge(looked_at + (out.len() - before) / BYTES_A_STEP)
    }

    fn append(&mut self, text: &str, out: &mut String) -> Result<(), Why> {
        self.charge(text.len() / BYTES_A_STEP)?;
        Ok(append(out, text, self.bytes)?)
    }

    /// The text of `value`.
    fn text(&mut self, value: &Value) -> Result<String, Why> {
        let mut out = String::new();
        self.write(value, &mut out)?;
        Ok(out)
    }
}

/// The helper of this name; `ours`: Muster's too.
pub(crate) fn find(name: &str, ours: bool) -> Option<&'static Helper> {
    let handlebars = HANDLEBARS.iter();
    let ours = ours.then(|| logic::ALL.iter().chain(text::ALL).chain(list::ALL)).into_iter().flatten();
    handlebars.chain(ours).find(|helper| helper.name == name)
}

/// Those that are no blocks.
const HANDLEBARS: &[Helper] =
    &[helper("lookup", 2, 2, lookup), helper("log", 0, usize::MAX, |_, _| Ok(Value::Null))];

const fn helper(
    name: &'static str,
    least: usize,
    most: usize,
    answer: fn(&[Value], &mut Work) -> Result<Value, Why>,
) -> Helper {
    Helper { name, least, most, answer, quiet: false }
}

/// `{{lookup map name}}`; nothing where there is none, that is what it is for.
fn lookup(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let [holder, name] = params else { return Ok(Value::Null) };
    if !holder.is_true() {
        return Ok(holder.clone());
    }
    let name = work.text(name)?;
    work.charge(holder.text_bytes() / BYTES_A_STEP)?;
    Ok(holder.get(&name).unwrap_or_default())
}

impl Helper {
    /// How many arguments, in words.
    pub(crate) fn takes(&self) -> String {
        let least = self.least;
        match self.most {
            most if most == least => format!("{least} arguments"),
            usize::MAX => format!("{least} arguments or more"),
            most => format!("{least} to {most} arguments"),
        }
    }
}

#[cfg(test)]
mod tests;
