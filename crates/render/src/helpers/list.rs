//! Lists and maps.

mod json;

use super::logic::order;
use super::{Helper, Why, Work, helper};
use crate::value::Value;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// Steps for each item of a list that is made: it stays for as long as the block it is used in.
const STEPS_AN_ITEM: usize = 4;

pub(super) const ALL: &[Helper] = &[
    helper("len", 1, 1, len),
    helper("first", 1, 1, |params, _| Ok(item(params, <[Value]>::first))),
    helper("last", 1, 1, |params, _| Ok(item(params, <[Value]>::last))),
    helper("join", 1, 3, join),
    helper("split", 2, 2, split),
    helper("sort", 1, 2, sort),
    helper("reverse", 1, 1, reverse),
    helper("keys", 1, 1, keys),
    helper("json", 1, 1, json::answer),
];

/// Items, entries or characters.
fn len(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    Ok(match params.first() {
        Some(Value::List(items)) => items.len().into(),
        Some(Value::Map(map)) => map.len().into(),
        Some(value) => work.text(value)?.chars().count().into(),
        None => Value::Null,
    })
}

fn item(params: &[Value], pick: fn(&[Value]) -> Option<&Value>) -> Value {
    match params.first() {
        Some(Value::List(items)) => pick(items).cloned().unwrap_or_default(),
        _ => Value::Null,
    }
}

/// The items of a list, or the values of a map.
fn items(value: Option<&Value>, work: &mut Work) -> Result<Vec<Value>, Why> {
    let items: Vec<Value> = match value {
        Some(Value::List(items)) => {
            work.charge(STEPS_AN_ITEM * items.len())?;
            items.to_vec()
        }
        Some(Value::Map(map)) => {
            work.charge(STEPS_AN_ITEM * map.len())?;
            map.iter().map(|(_, value)| value.clone()).collect()
        }
        Some(Value::Null) | None => Vec::new(),
        Some(_) => return Err(Why::Usage("the first argument is no list".into())),
    };
    Ok(items)
}

/// `{{join list ", "}}`; `{{join addresses "," "ip"}}` takes of each item what it has by that name.
fn join(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let items = items(params.first(), work)?;
    let between = match params.get(1) {
        Some(text) => work.text(text)?,
        None => ",".into(),
    };
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            work.append(&between, &mut out)?;
        }
        let item = by(item, params.get(2), work)?;
        work.write(&item, &mut out)?;
    }
    Ok(out.into())
}

/// What `item` has by this name; itself without a name.
fn by(item: &Value, name: Option<&Value>, work: &mut Work) -> Result<Value, Why> {
    match name {
        None => Ok(item.clone()),
        Some(name) => Ok(item.get(&work.text(name)?).unwrap_or_default()),
    }
}

fn split(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let [text, at] = params else { return Ok(Value::Null) };
    let (text, at) = (work.text(text)?, work.text(at)?);
    if at.is_empty() {
        return Err(Why::Usage("there is nothing to split at".into()));
    }
    if text.is_empty() {
        return Ok([].into_iter().collect::<Vec<Value>>().into_iter().collect());
    }
    let mut parts = Vec::new();
    for part in text.split(at.as_str()) {
        work.charge(STEPS_AN_ITEM + part.len() / crate::render::BYTES_A_STEP)?;
        parts.push(Value::copy(part));
    }
    Ok(Value::List(parts.into()))
}

/// `{{#each (sort members "since")}}`: equal ones keep their order.
fn sort(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    let items = items(params.first(), work)?;
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let key = by(&item, params.get(1), work)?;
        // As text once, and not for each comparison.
        let key = match key {
            Value::Number(_) | Value::Text(_) => key,
            other => work.text(&other)?.into(),
        };
        keyed.push((key, item));
    }
    let comparisons = keyed.len().checked_ilog2().unwrap_or(0) as usize * keyed.len();
    work.charge(2 * comparisons)?;
    // Numbers before texts, each among themselves: a mixed order would be none.
    let numeric = keyed.iter().all(|(key, _)| super::logic::as_number(key).is_some());
    let mut failed = false;
    keyed.sort_by(|(one, _), (two, _)| {
        let order =
            if numeric { order(one, two, work) } else { Ok(one.as_text().cmp(&two.as_text()).into()) };
        match order {
            Ok(order) => order.unwrap_or(Ordering::Equal),
            Err(_) => {
                failed = true;
                Ordering::Equal
            }
        }
    });
    if failed {
        return Err(Why::TooMuch);
    }
    Ok(keyed.into_iter().map(|(_, item)| item).collect())
}

fn reverse(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    Ok(items(params.first(), work)?.into_iter().rev().collect())
}

fn keys(params: &[Value], work: &mut Work) -> Result<Value, Why> {
    match params.first() {
        Some(Value::Map(map)) => {
            work.charge(STEPS_AN_ITEM * map.len())?;
            Ok(map.iter().map(|(name, _)| Value::Text(name.clone())).collect())
        }
        _ => Err(Why::Usage("the argument is no map".into())),
    }
}
