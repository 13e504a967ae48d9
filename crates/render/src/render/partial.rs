//! Templates in templates.

use super::{PartialBlock, Run};
use crate::error::{Error, Quoted};
use crate::parse::name_of;
use crate::template::Template;
use crate::tree::{Expression, Partial, Program};
use crate::value::{Map, Value};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;

/// Steps for each entry of a map that is copied.
const STEPS_A_COPY: usize = 4;

/// Inline partials that are looked at for one step.
const INLINES_A_STEP: usize = 8;

/// What is included.
struct Included<'t> {
    program: &'t Program,
    source: &'t Template,
    block: Option<usize>,
    locals_from: usize,
}

impl<'t> Run<'t> {
    pub(super) fn render_partial(&mut self, partial: &'t Partial, out: &mut String) -> Result<(), Error> {
        let context = self.partial_context(partial)?;
        let inlines = self.inlines.len();
        let blocks = self.blocks.len();
        let included = self.find(partial)?;
        let before = (self.source, self.block, self.locals_from);
        (self.source, self.block, self.locals_from) = (included.source, included.block, included.locals_from);
        if partial.indent.is_empty() {
            self.inside(context, Some(included.program), out)?;
        } else {
            let mut aside = String::new();
            self.held += out.len();
            self.inside(context, Some(included.program), &mut aside)?;
            self.held -= out.len();
            self.append_indented(&aside, partial, out)?;
        }
        (self.source, self.block, self.locals_from) = before;
        self.blocks.truncate(blocks);
        self.inlines.truncate(inlines);
        Ok(())
    }

    /// Each line with the blanks before it that stand before the tag.
    fn append_indented(&mut self, text: &str, partial: &'t Partial, out: &mut String) -> Result<(), Error> {
        for line in text.split_inclusive('\n') {
            self.append(&partial.indent, partial.call.at, out)?;
            self.append(line, partial.call.at, out)?;
        }
        Ok(())
    }

    /// `{{> name context key=value}}`.
    fn partial_context(&mut self, partial: &'t Partial) -> Result<Value, Error> {
        let call = &partial.call;
        let context = match call.params.as_slice() {
            [] => self.this(),
            [only] => self.value(only, false)?,
            _ => return Err(self.error(call.at, "a partial takes one context")),
        };
        if call.hash.is_empty() {
            return Ok(context);
        }
        let mut map = match &context {
            Value::Map(map) => {
                self.charge(STEPS_A_COPY * map.len(), call.at)?;
                Map::clone(map)
            }
            _ => Map::default(),
        };
        self.charge(call.hash.len(), call.at)?;
        for (name, value) in &call.hash {
            let value = self.value(value, false)?;
            map.insert(name.clone(), value);
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn find(&mut self, partial: &'t Partial) -> Result<Included<'t>, Error> {
        let call = &partial.call;
        if let Expression::Path(path) = &call.target
            && path.data
            && path.parts == ["partial-block"]
        {
            return self.find_block(partial);
        }
        let name = match &call.target {
            Expression::Call(inner) => {
                let name = self.evaluate(inner, false)?;
                self.text_of(&name, call.at)?
            }
            _ => name_of(call),
        };
        self.charge(self.inlines.len() / INLINES_A_STEP, call.at)?;
        let inlined = self.inlines.iter().rev().find(|known| known.name == name);
        let found = match inlined {
            Some(inlined) => Some((inlined.program, inlined.source)),
            None => self.partials.get(&name).map(|template| (&template.program, template)),
        };
        match (found, &partial.block) {
            (Some((program, source)), None) => {
                Ok(Included { program, source, block: self.block, locals_from: self.locals.len() })
            }
            (Some((program, source)), Some(block)) => {
                let (outer, locals_from) = (self.block, self.locals_from);
                self.blocks.push(PartialBlock { program: block, source: self.source, outer, locals_from });
                // What the block defines, the partial may include.
                self.hoist(block)?;
                let block = Some(self.blocks.len() - 1);
                Ok(Included { program, source, block, locals_from: self.locals.len() })
            }
            (None, Some(program)) => Ok(self.here(program)),
            (None, None) => Err(self.error(call.at, format!("there is no partial {}", Quoted(&name)))),
        }
    }

    /// `{{> @partial-block}}`.
    fn find_block(&self, partial: &'t Partial) -> Result<Included<'t>, Error> {
        match (self.block.and_then(|block| self.blocks.get(block)), &partial.block) {
            (Some(block), _) => Ok(Included {
                program: block.program,
                source: block.source,
                block: block.outer,
                locals_from: block.locals_from,
            }),
            (None, Some(program)) => Ok(self.here(program)),
            (None, None) => {
                Err(self
                    .error(partial.call.at, "`@partial-block` is only known in a partial that has a block"))
            }
        }
    }

    /// A block of this template itself.
    fn here(&self, program: &'t Program) -> Included<'t> {
        Included { program, source: self.source, block: self.block, locals_from: self.locals_from }
    }
}
