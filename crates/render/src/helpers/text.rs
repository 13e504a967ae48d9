//! Texts.

use super::{Helper, Why, Work, helper};
use crate::value::Value;
use alloc::string::String;

pub(super) const ALL: &[Helper] = &[
    helper("upper", 1, 1, |params, work| mapped(params, work, char::to_uppercase)),
    helper("lower", 1, 1, |params, work| mapped(params, work, char::to_lowercase)),
    helper("trim", 1, 1, |params, work| Ok(Value::copy(first(params, work)?.trim()))),
    helper("concat", 1, usize::MAX, concat),
    helper("replace", 3, 3, replace),
    helper("contains", 2, 2, contains),
    helper("starts_with", 2, 2, |params, work| two(params, work, |text, part| text.starts_with(part))),
    helper("ends_with", 2, 2, |params, work| two(params, work, |text, part| text.ends_with(part))),
];

fn first(params: &[Value], work: &mut Work) -> Result<String, Why> {
    params.first().map_or(Ok(String::new()), |value| work.text(value))
}

fn two(params: &[Value], work: &mut Work, ask: fn(&str, &str) -> bool) -> Result<Value, Why> {
    let [text, part] = params else { return Ok(false.into()) };
    let (text, part) = (work.text(text)?, work.text(part)?);
    Ok(ask(&text, &part).into())
}

fn mapped<C: Iterator<Item = char>>(
    params: &[Value],
    work: &mut Work,
    change: fn(char) -> C,
) -> Result<Value, Why> {
    // One character becomes three at most.
    let text = first(params, work)?;
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        out.extend(change(char));
    }
    work.charge(out.len())?;
    if out.len() > work.bytes { Err(Why::TooMuch) } else { Ok(out.into()) }
}

fn concat(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let mut out = String::new();
    for value in params {
        work.write(value, &mut out)?;
    }
    Ok(out.into())
}

/// All occurrences; of an empty text none.
fn replace(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let [text, from, to] = params else { return Ok(Value::Null) };
    let (text, from, to) = (work.text(text)?, work.text(from)?, work.text(to)?);
    if from.is_empty() {
        return Ok(text.into());
    }
    work.charge(text.len() / 4)?;
    let mut out = String::new();
    for (index, part) in text.split(from.as_str()).enumerate() {
        if index > 0 {
            work.append(&to, &mut out)?;
        }
        work.append(part, &mut out)?;
    }
    Ok(out.into())
}

/// A part of a text, an item of a list, a name of a map.
fn contains(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let [holder, part] = params else { return Ok(false.into()) };
    let found = match holder {
        Value::List(items) => {
            work.charge(items.len().saturating_mul(1 + part.text_bytes() / crate::render::BYTES_A_STEP))?;
            items.iter().any(|item| item.is_same(part))
        }
        Value::Map(map) => map.get(&work.text(part)?).is_some(),
        _ => return two(params, work, |text, part| text.contains(part)),
    };
    Ok(found.into())
}
