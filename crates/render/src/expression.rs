//! What stands in a tag: paths, literals, calls with arguments.

use crate::error::{Error, Quoted};
use crate::limits::DEPTH_MAX;
use crate::scan::Reader;
use crate::tree::{Call, Expression, Path};
use crate::value::{Number, Value};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Most names in `as |a b|`.
const BLOCK_NAMES_MAX: usize = 8;

impl<'t> Reader<'t> {
    /// `name param key=value`, up to the end of the tag that begins at `tag`. A partial's name may be a subexpression.
    pub(crate) fn call(&mut self, tag: usize, is_partial: bool) -> Result<Call, Error> {
        self.skip_space();
        let at = self.at;
        if self.rest().starts_with('(') && !is_partial {
            return Err(self.error(at, "a subexpression cannot be what a tag calls".to_string()));
        }
        let target = self.expression(tag, 0)?;
        self.arguments(target, at, tag, 0)
    }

    fn arguments(&mut self, target: Expression, at: usize, tag: usize, depth: usize) -> Result<Call, Error> {
        let mut call = Call { target, params: Vec::new(), hash: Vec::new(), at };
        loop {
            self.skip_space();
            if self.rest().is_empty() || self.rest().starts_with(['}', ')', '~', '|']) || self.is_as() {
                return Ok(call);
            }
            if let Some(key) = self.hash_key() {
                self.skip_space();
                call.hash.push((key, self.expression(tag, depth)?));
            } else if call.hash.is_empty() {
                call.params.push(self.expression(tag, depth)?);
            } else {
                return Err(self.error(self.at, "arguments with a name come last".to_string()));
            }
        }
    }

    /// `as |a b|`, when it is next.
    pub(crate) fn block_names(&mut self, tag: usize) -> Result<Vec<String>, Error> {
        let mut names = Vec::new();
        self.skip_space();
        if !self.is_as() {
            return Ok(names);
        }
        self.at += "as".len();
        self.skip_space();
        self.take("|");
        loop {
            self.skip_space();
            if !names.is_empty() && self.take("|") {
                return Ok(names);
            }
            let name = self.identifier();
            if name.is_empty() || names.len() >= BLOCK_NAMES_MAX {
                return Err(self.unexpected(tag));
            }
            names.push(name.to_string());
        }
    }

    fn is_as(&self) -> bool {
        let behind = self.rest().strip_prefix("as").filter(|rest| rest.starts_with(char::is_whitespace));
        behind.is_some_and(|rest| rest.trim_start().starts_with('|'))
    }

    /// `key=`, when it is next.
    fn hash_key(&mut self) -> Option<String> {
        let start = self.at;
        let bracketed = self.bracketed();
        let key = bracketed.unwrap_or_else(|| self.identifier());
        if !key.is_empty() {
            let key = key.to_string();
            self.skip_space();
            if self.take("=") {
                return Some(key);
            }
        }
        self.at = start;
        None
    }

    pub(crate) fn expression(&mut self, tag: usize, depth: usize) -> Result<Expression, Error> {
        let at = self.at;
        if self.take("(") {
            if depth >= DEPTH_MAX {
                return Err(self.error(at, format!("subexpressions are more than {DEPTH_MAX} deep")));
            }
            self.skip_space();
            let target = self.expression(tag, depth + 1)?;
            let call = self.arguments(target, at, tag, depth + 1)?;
            self.skip_space();
            if !self.take(")") {
                return Err(self.unexpected(tag));
            }
            return Ok(Expression::Call(Box::new(call)));
        }
        if let Some(quote) = self.rest().chars().next().filter(|char| matches!(char, '"' | '\'')) {
            return self.quoted(quote).map(|text| Expression::Literal(text.into()));
        }
        if let Some(literal) = self.literal() {
            return Ok(Expression::Literal(literal));
        }
        self.path(tag).map(Expression::Path)
    }

    fn quoted(&mut self, quote: char) -> Result<String, Error> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find(quote) else {
                return Err(self.error(start, "the text that begins here has no closing quote".to_string()));
            };
            self.at += end + 1;
            match rest[..end].strip_suffix('\\') {
                Some(before) => {
                    text.push_str(before);
                    text.push(quote);
                }
                None => {
                    text.push_str(&rest[..end]);
                    return Ok(text);
                }
            }
        }
    }

    /// `true`, `null`, `12`: only when the word ends there.
    fn literal(&mut self) -> Option<Value> {
        let word = self.rest();
        let word = &word[..word.find(ends_literal).unwrap_or(word.len())];
        let value = match word {
            "true" => true.into(),
            "false" => false.into(),
            "null" | "undefined" => Value::Null,
            _ => {
                let digits = word.strip_prefix('-').unwrap_or(word);
                let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
                let number = [whole, part]
                    .iter()
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
                if !number {
                    return None;
                }
                let whole = word.parse::<i64>().ok().filter(|_| word != "-0").map(Number::from);
                Value::Number(whole.or_else(|| word.parse::<f64>().ok().map(Number::from))?)
            }
        };
        self.at += word.len();
        Some(value)
    }

    fn path(&mut self, tag: usize) -> Result<Path, Error> {
        let at = self.at;
        let mut path = Path {
            data: self.take("@"),
            up: 0,
            scoped: false,
            parts: Vec::new(),
            written: String::new(),
            at,
        };
        if path.data {
            path.written.push('@');
        }
        let mut first = true;
        loop {
            let here = self.at;
            let (part, is_plain) = match self.bracketed() {
                Some(part) => (part, false),
                None if self.take("..") => ("..", true),
                // Not the separator of nothing: `.` alone is `this`.
                None if first && self.take(".") => (".", true),
                None => (self.identifier(), true),
            };
            if part.is_empty() && is_plain {
                self.at = here;
                return Err(self.unexpected(tag));
            }
            path.written.push_str(part);
            match part {
                "." | ".." | "this" if is_plain => {
                    if !path.parts.is_empty() {
                        return Err(self.error(at, format!("{} is no path", Quoted(&path.written))));
                    }
                    path.scoped = true;
                    path.up += usize::from(part == "..");
                }
                _ => path.parts.push(part.to_string()),
            }
            first = false;
            match self.rest().chars().next() {
                Some(separator @ ('.' | '/')) => {
                    self.at += 1;
                    path.written.push(separator);
                }
                _ => return Ok(path),
            }
        }
    }

    /// `[any text]`, when it is next.
    fn bracketed(&mut self) -> Option<&'t str> {
        let inside = self.rest().strip_prefix('[')?;
        let end = inside.find(']')?;
        self.at += end + 2;
        Some(&inside[..end])
    }

    /// A name; empty when none is next.
    pub(crate) fn identifier(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|char: char| char.is_whitespace() || NOT_IN_NAMES.contains(char));
        let name = &rest[..end.unwrap_or(rest.len())];
        self.at += name.len();
        name
    }
}

/// What no name has, unless it is in brackets.
const NOT_IN_NAMES: &str = "!\"#%&'()*+,./;<=>@[\\]^`{|}~";

/// The end of a number or a word like `true`.
fn ends_literal(char: char) -> bool {
    char.is_whitespace() || matches!(char, '~' | '}' | ')' | ']')
}
