//! Blocks: loops, conditions, other contexts.

use super::{BYTES_A_STEP, Loop, Run};
use crate::error::Error;
use crate::helpers;
use crate::tree::{Block, Expression, Program};
use crate::value::{Text, Value};
use alloc::string::String;

impl<'t> Run<'t> {
    pub(super) fn render_block(&mut self, block: &'t Block, out: &mut String) -> Result<(), Error> {
        let arguments = !block.call.params.is_empty() || !block.call.hash.is_empty();
        let name = match &block.call.target {
            Expression::Path(path) => path.simple(),
            _ => None,
        };
        match name {
            Some("each") => {
                let list = self.one_argument(block, false)?;
                self.each(&list, block, out)
            }
            Some("with") => {
                let value = self.one_argument(block, true)?;
                self.with(value, block, out)
            }
            Some(word @ ("if" | "unless")) => {
                let value = self.one_argument(block, true)?;
                let zero = self.includes_zero(block)?;
                let is_true = if zero { !value.is_empty() || is_zero(&value) } else { value.is_true() };
                self.choose(is_true == (word == "if"), block, out)
            }
            Some("log") => Ok(()),
            Some(name) if arguments => match helpers::find(name, self.options.helpers) {
                Some(_) => {
                    let value = self.evaluate(&block.call, true)?;
                    self.choose(value.is_true(), block, out)
                }
                None => Err(self.missing_helper(&block.call)),
            },
            _ if arguments => Err(self.missing_helper(&block.call)),
            _ => {
                let value = self.evaluate(&block.call, true)?;
                self.section(value, block, out)
            }
        }
    }

    /// `{{#name}}`: a loop over a list, a condition on a boolean, else another context.
    fn section(&mut self, value: Value, block: &'t Block, out: &mut String) -> Result<(), Error> {
        match &value {
            Value::Bool(is_true) => self.choose(*is_true, block, out),
            Value::Null => self.choose(false, block, out),
            Value::List(_) => self.each(&value, block, out),
            _ => self.inside(value, block.program.as_ref(), out),
        }
    }

    fn one_argument(&mut self, block: &'t Block, quiet: bool) -> Result<Value, Error> {
        match block.call.params.as_slice() {
            [only] => self.value(only, quiet),
            _ => {
                let name = crate::parse::name_of(&block.call);
                Err(self.error(block.call.at, alloc::format!("`{name}` takes one argument")))
            }
        }
    }

    fn includes_zero(&mut self, block: &'t Block) -> Result<bool, Error> {
        match block.call.hash.iter().find(|(name, _)| name == "includeZero") {
            Some((_, value)) => Ok(self.value(value, true)?.is_true()),
            None => Ok(false),
        }
    }

    fn choose(&mut self, first: bool, block: &'t Block, out: &mut String) -> Result<(), Error> {
        let program = if first { &block.program } else { &block.inverse };
        match program {
            Some(program) => self.program(program, out),
            None => Ok(()),
        }
    }

    fn with(&mut self, value: Value, block: &'t Block, out: &mut String) -> Result<(), Error> {
        if value.is_empty() {
            return self.choose(false, block, out);
        }
        let locals = self.locals.len();
        if let Some(name) = block.names.first() {
            self.locals.push((name, value.clone()));
        }
        self.inside(value, block.program.as_ref(), out)?;
        self.locals.truncate(locals);
        Ok(())
    }

    fn each(&mut self, list: &Value, block: &'t Block, out: &mut String) -> Result<(), Error> {
        match list {
            Value::List(items) if !items.is_empty() => {
                self.loops.push(Loop::default());
                for (index, item) in items.iter().enumerate() {
                    self.round((index, items.len()), index.into(), item, block, out)?;
                }
                self.loops.pop();
                Ok(())
            }
            Value::Map(map) if !map.is_empty() => {
                self.charge(map.len(), block.call.at)?;
                let entries = map.in_javascript_order();
                self.loops.push(Loop::default());
                for (index, (key, value)) in entries.iter().enumerate() {
                    let key = Value::Text(Text::clone(key));
                    self.round((index, entries.len()), key, value, block, out)?;
                }
                self.loops.pop();
                Ok(())
            }
            _ => self.choose(false, block, out),
        }
    }

    fn round(
        &mut self,
        (index, of): (usize, usize),
        key: Value,
        item: &Value,
        block: &'t Block,
        out: &mut String,
    ) -> Result<(), Error> {
        self.charge(1, block.call.at)?;
        let locals = self.locals.len();
        let mut names = block.names.iter();
        if let Some(name) = names.next() {
            self.locals.push((name, item.clone()));
        }
        if let Some(name) = names.next() {
            self.locals.push((name, key.clone()));
        }
        if let Some(here) = self.loops.last_mut() {
            *here = Loop { key, index, first: index == 0, last: index + 1 == of };
        }
        self.inside(item.clone(), block.program.as_ref(), out)?;
        self.locals.truncate(locals);
        Ok(())
    }

    /// With `context` as `this`. The one it is already makes no level for `../`, as in handlebars.js.
    pub(super) fn inside(
        &mut self,
        context: Value,
        program: Option<&'t Program>,
        out: &mut String,
    ) -> Result<(), Error> {
        let Some(program) = program else { return Ok(()) };
        self.charge(context.text_bytes() / BYTES_A_STEP, self.here)?;
        let is_new = self.contexts.last().is_none_or(|this| !this.is_same(&context));
        if is_new {
            self.contexts.push(context);
        }
        self.program(program, out)?;
        if is_new {
            self.contexts.pop();
        }
        Ok(())
    }
}

fn is_zero(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.as_i64() == Some(0))
}
