//! `{{{json value}}}`: a value as JSON, on one line.

use crate::escape::Escape;
use crate::escape::Refused;
use crate::helpers::{Why, Work};
use crate::value::Value;
use alloc::string::String;

pub(super) fn answer(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let mut out = String::new();
    match params.first() {
        Some(value) => write(value, work, &mut out)?,
        None => return Ok(Value::Null),
    }
    Ok(out.into())
}

/// As deep as the data are: what reads them bounds that.
fn write(value: &Value, work: &mut Work, out: &mut String) -> Result<(), Why> {
    work.charge(1)?;
    match value {
        Value::Null => work.append("null", out),
        // JSON has no word for it.
        Value::Number(number) if !number.as_f64().is_finite() => work.append("null", out),
        Value::Bool(_) | Value::Number(_) => work.write(value, out),
        Value::Text(text) => quoted(text, work, out),
        Value::List(items) => {
            work.append("[", out)?;
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    work.append(",", out)?;
                }
                write(item, work, out)?;
            }
            work.append("]", out)
        }
        Value::Map(map) => {
            work.append("{", out)?;
            for (index, (name, value)) in map.iter().enumerate() {
                if index > 0 {
                    work.append(",", out)?;
                }
                quoted(name, work, out)?;
                work.append(":", out)?;
                write(value, work, out)?;
            }
            work.append("}", out)
        }
    }
}

fn quoted(text: &str, work: &mut Work, out: &mut String) -> Result<(), Why> {
    work.charge(text.len() / crate::render::BYTES_A_STEP)?;
    work.append("\"", out)?;
    match Escape::Json.write(text, out, work.bytes) {
        Ok(()) => work.append("\"", out),
        Err(Refused::TooLong | Refused::Char(_)) => Err(Why::TooMuch),
    }
}
