//! Comparing and choosing.

use super::{Helper, Why, Work, helper};
use crate::value::{Number, Value};
use alloc::format;
use core::cmp::Ordering;

pub(super) const ALL: &[Helper] = &[
    helper("eq", 2, 2, |params, work| Ok(same(params, work)?.into())),
    helper("ne", 2, 2, |params, work| Ok((!same(params, work)?).into())),
    helper("lt", 2, 2, |params, work| compare(params, work, Ordering::is_lt)),
    helper("le", 2, 2, |params, work| compare(params, work, Ordering::is_le)),
    helper("gt", 2, 2, |params, work| compare(params, work, Ordering::is_gt)),
    helper("ge", 2, 2, |params, work| compare(params, work, Ordering::is_ge)),
    Helper {
        quiet: true,
        ..helper("and", 2, usize::MAX, |params, _| Ok(params.iter().all(Value::is_true).into()))
    },
    Helper {
        quiet: true,
        ..helper("or", 2, usize::MAX, |params, _| Ok(params.iter().any(Value::is_true).into()))
    },
    Helper {
        quiet: true,
        ..helper("not", 1, 1, |params, _| Ok((!params.iter().all(Value::is_true)).into()))
    },
    Helper { quiet: true, ..helper("default", 2, 2, default) },
    helper("add", 2, usize::MAX, |params, work| calculate(params, work, i64::checked_add, |a, b| a + b)),
    helper("sub", 2, 2, |params, work| calculate(params, work, i64::checked_sub, |a, b| a - b)),
    helper("mul", 2, usize::MAX, |params, work| calculate(params, work, i64::checked_mul, |a, b| a * b)),
    helper("div", 2, 2, |params, work| calculate(params, work, i64::checked_div, |a, b| libm::trunc(a / b))),
    helper("mod", 2, 2, |params, work| calculate(params, work, i64::checked_rem, |a, b| a % b)),
];

/// Tags are text, so `(eq tags.n 1)` compares a text with a number: then by their text.
fn same(params: &[Value], work: &mut Work) -> Result<bool, Why> {
    let bytes = params.iter().map(Value::text_bytes).min();
    work.charge(bytes.unwrap_or(0) / crate::render::BYTES_A_STEP)?;
    Ok(match params {
        [Value::Text(text), Value::Number(number)] | [Value::Number(number), Value::Text(text)] => {
            format!("{number}") == **text
        }
        [one, two] => one.is_same(two),
        _ => false,
    })
}

/// Numbers by size, a text that is a number too; other texts by their code points.
fn compare(params: &[Value], work: &mut Work, wanted: fn(Ordering) -> bool) -> Result<Value, Why> {
    let [one, two] = params else { return Ok(false.into()) };
    let order = order(one, two, work)?;
    Ok(order.is_some_and(wanted).into())
}

pub(super) fn order(one: &Value, two: &Value, work: &mut Work) -> Result<Option<Ordering>, Why> {
    if let (Some(one), Some(two)) = (as_number(one), as_number(two)) {
        return Ok(one.partial_cmp(&two));
    }
    Ok(Some(work.text(one)?.cmp(&work.text(two)?)))
}

pub(super) fn as_number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(*number),
        // Not what Rust's parser takes beyond digits: `inf`, `1e5`.
        Value::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit() || b"-.".contains(&byte)) => {
            text.parse::<i64>().map(Number::from).or_else(|_| text.parse::<f64>().map(Number::from)).ok()
        }
        _ => None,
    }
}

/// The first that is something.
fn default(params: &[Value], _: &mut Work) -> Result<Value, Why> {
    Ok(params.iter().find(|value| !value.is_empty()).or(params.last()).cloned().unwrap_or_default())
}

fn calculate(
    params: &[Value],
    work: &mut Work,
    whole: fn(i64, i64) -> Option<i64>,
    float: fn(f64, f64) -> f64,
) -> Result<Value, Why> {
    work.charge(params.len())?;
    let mut numbers = params
        .iter()
        .map(|value| as_number(value).ok_or_else(|| Why::Usage("an argument is no number".into())));
    let mut sum = numbers.next().transpose()?.unwrap_or(Number::from(0));
    for number in numbers {
        let number = number?;
        let exact = sum.as_i64().zip(number.as_i64()).and_then(|(one, two)| whole(one, two));
        sum = match exact {
            Some(exact) => Number::from(exact),
            None => Number::from(float(sum.as_f64(), number.as_f64())),
        };
        if !sum.as_f64().is_finite() {
            return Err(Why::Usage("the result is no number".into()));
        }
    }
    Ok(Value::Number(sum))
}
