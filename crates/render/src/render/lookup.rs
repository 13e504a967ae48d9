//! What a name means where it stands.

use super::{BYTES_A_STEP, Run};
use crate::error::{Error, Quoted};
use crate::tree::Path;
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Names that an error about an unknown one tells.
const KNOWN_NAMES_TOLD: usize = 12;

impl<'t> Run<'t> {
    pub(super) fn path(&mut self, path: &'t Path, quiet: bool) -> Result<Value, Error> {
        let (base, parts) = self.base(path);
        let Some(mut value) = base else {
            return self.unknown(path, 0, None, quiet);
        };
        let skipped = path.parts.len() - parts.len();
        for (index, part) in parts.iter().enumerate() {
            self.charge(value.text_bytes() / BYTES_A_STEP, path.at)?;
            match value.get(part) {
                Some(next) => value = next,
                None => return self.unknown(path, skipped + index, Some(&value), quiet),
            }
        }
        Ok(value)
    }

    /// Where the path begins, and what is left of it.
    fn base(&self, path: &'t Path) -> (Option<Value>, &'t [String]) {
        let parts = path.parts.as_slice();
        if path.data {
            let Some((name, rest)) = parts.split_first() else { return (None, parts) };
            return (self.data(name, path.up), rest);
        }
        if !path.scoped
            && let Some((name, rest)) = parts.split_first()
            && let Some((_, value)) =
                self.locals[self.locals_from..].iter().rev().find(|(known, _)| known == name)
        {
            return (Some(value.clone()), rest);
        }
        let depth = self.contexts.len().checked_sub(path.up + 1);
        (depth.and_then(|depth| self.contexts.get(depth)).cloned(), parts)
    }

    fn data(&self, name: &str, up: usize) -> Option<Value> {
        if name == "root" {
            return Some(self.root.clone());
        }
        let here = self.loops.get(self.loops.len().checked_sub(up + 1)?)?;
        match name {
            "key" => Some(here.key.clone()),
            "index" => Some(here.index.into()),
            "first" => Some(here.first.into()),
            "last" => Some(here.last.into()),
            _ => None,
        }
    }

    /// `{{"any name"}}`, of `this`.
    pub(super) fn by_name(&mut self, name: &str, at: usize) -> Result<Value, Error> {
        let this = self.this();
        match this.get(name) {
            None if self.options.strict => Err(self.error(at, unknown_in(name, &this))),
            found => Ok(found.unwrap_or_default()),
        }
    }

    pub(super) fn this(&self) -> Value {
        self.contexts.last().cloned().unwrap_or_default()
    }

    /// The part of `path` at `index` is nothing in `holder`; without one, the path begins nowhere.
    fn unknown(
        &self,
        path: &Path,
        index: usize,
        holder: Option<&Value>,
        quiet: bool,
    ) -> Result<Value, Error> {
        if !self.options.strict || (quiet && index > 0) {
            return Ok(Value::Null);
        }
        let written = Quoted(&path.written);
        let message = match (holder, path.parts.get(index)) {
            (Some(holder), Some(part)) if path.parts.len() == 1 => unknown_in(part, holder),
            (Some(holder), Some(part)) => format!("in {written}, {}", unknown_in(part, holder)),
            _ if path.data => format!("{written} is not known here"),
            _ => format!("{written} leads out of the data"),
        };
        Err(self.error(path.at, message))
    }
}

fn unknown_in(name: &str, holder: &Value) -> String {
    let Value::Map(map) = holder else { return format!("{} is unknown", Quoted(name)) };
    let mut known: Vec<&str> = map.iter().map(|(name, _)| &**name).take(KNOWN_NAMES_TOLD + 1).collect();
    let more = if known.len() > KNOWN_NAMES_TOLD { ", ..." } else { "" };
    known.truncate(KNOWN_NAMES_TOLD);
    if known.is_empty() {
        return format!("{} is unknown: there is nothing", Quoted(name));
    }
    let known: Vec<_> = known.into_iter().map(|name| format!("{}", Quoted(name))).collect();
    format!("{} is unknown; there are {}{more}", Quoted(name), known.join(", "))
}
