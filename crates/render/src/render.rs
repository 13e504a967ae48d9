//! Walks a template's tree and writes the output.

mod block;
mod lookup;
mod partial;

use crate::error::{Error, Quoted};
use crate::escape::Refused;
use crate::helpers;
use crate::limits::DEPTH_MAX;
use crate::parse::name_of;
use crate::template::{Options, Partials, Template};
use crate::tree::{Call, Expression, Node, Program};
use crate::value::Value;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// Bytes that are made for one step.
pub(crate) const BYTES_A_STEP: usize = 16;

/// Parts of a template that are walked over for one step.
const NODES_A_STEP: usize = 8;

/// Values that could not be written of which the places are kept.
const UNWRITABLE_MAX: usize = 64;

/// A value that such a file cannot say. It was left out.
#[derive(Clone, Debug)]
pub(crate) struct Unwritable {
    pub(crate) error: Error,
}

/// One rendering.
pub(crate) struct Run<'t> {
    options: &'t Options,
    partials: &'t Partials,
    /// The template whose text the nodes stand in: for the places of errors.
    source: &'t Template,
    root: Value,
    /// `this`, then what `../` leads to, last first.
    contexts: Vec<Value>,
    loops: Vec<Loop>,
    /// `as |name|`.
    locals: Vec<(&'t str, Value)>,
    /// Those before it belong to the template that includes this one, and are not seen.
    locals_from: usize,
    inlines: Vec<Inlined<'t>>,
    blocks: Vec<PartialBlock<'t>>,
    /// What `{{> @partial-block}}` shows.
    block: Option<usize>,
    depth: usize,
    /// Where the last tag began.
    here: usize,
    steps: u64,
    /// Bytes in the outputs that wait while a partial is rendered aside.
    held: usize,
    unwritable: Vec<Unwritable>,
}

/// `@index` and what goes with it.
#[derive(Default)]
struct Loop {
    key: Value,
    index: usize,
    first: bool,
    last: bool,
}

struct Inlined<'t> {
    name: String,
    program: &'t Program,
    source: &'t Template,
}

#[derive(Clone, Copy)]
struct PartialBlock<'t> {
    program: &'t Program,
    source: &'t Template,
    /// What the same words mean inside of it.
    outer: Option<usize>,
    locals_from: usize,
}

impl<'t> Run<'t> {
    pub(crate) fn new(
        template: &'t Template,
        data: &Value,
        partials: &'t Partials,
        options: &'t Options,
    ) -> Self {
        Self {
            options,
            partials,
            source: template,
            root: data.clone(),
            contexts: alloc::vec![data.clone()],
            loops: Vec::new(),
            locals: Vec::new(),
            locals_from: 0,
            inlines: Vec::new(),
            blocks: Vec::new(),
            block: None,
            depth: 0,
            here: 0,
            steps: options.limits.steps,
            held: 0,
            unwritable: Vec::new(),
        }
    }

    pub(crate) fn run(mut self) -> Result<(String, Vec<Unwritable>), Error> {
        let mut out = String::new();
        self.program(&self.source.program, &mut out)?;
        Ok((out, self.unwritable))
    }

    fn program(&mut self, program: &'t Program, out: &mut String) -> Result<(), Error> {
        let inlines = self.inlines.len();
        self.depth += 1;
        // Comments too are walked over.
        self.charge(program.nodes.len() / NODES_A_STEP, self.here)?;
        self.hoist(program)?;
        for node in &program.nodes {
            self.node(node, out)?;
        }
        self.depth -= 1;
        self.inlines.truncate(inlines);
        Ok(())
    }

    /// Inline partials are known in the whole block they stand in, before their place too.
    fn hoist(&mut self, program: &'t Program) -> Result<(), Error> {
        for node in &program.nodes {
            if let Node::Inline(inline) = node {
                let at = match &inline.name {
                    Expression::Path(path) => path.at,
                    Expression::Call(call) => call.at,
                    Expression::Literal(_) => 0,
                };
                self.charge(1, at)?;
                let name = self.value(&inline.name, false)?;
                let name = self.text_of(&name, at)?;
                self.inlines.push(Inlined { name, program: &inline.program, source: self.source });
            }
        }
        Ok(())
    }

    fn node(&mut self, node: &'t Node, out: &mut String) -> Result<(), Error> {
        match node {
            Node::Text(text) => self.append(&text.shown, 0, out),
            Node::Mustache { call, escaped, .. } => {
                self.enter(call.at)?;
                let value = self.evaluate(call, false)?;
                self.show(&value, *escaped, call.at, out)
            }
            Node::Block(block) => {
                self.enter(block.call.at)?;
                self.render_block(block, out)
            }
            Node::Partial(partial) => {
                self.enter(partial.call.at)?;
                self.render_partial(partial, out)
            }
            Node::Comment(_) | Node::Inline(_) => Ok(()),
        }
    }

    /// A step, and not too deep.
    fn enter(&mut self, at: usize) -> Result<(), Error> {
        if self.depth > 2 * DEPTH_MAX {
            let message = format!("partials and blocks are more than {} deep here", 2 * DEPTH_MAX);
            return Err(self.error(at, message));
        }
        self.here = at;
        self.charge(1, at)
    }

    fn charge(&mut self, steps: usize, at: usize) -> Result<(), Error> {
        // No machine has more.
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => {
                let most = self.options.limits.steps;
                Err(self.error(at, format!("the template takes more than {most} steps of work")))
            }
        }
    }

    /// What the call is: a helper's answer or a value. Where the question is whether there is one (`quiet`), only the first of
    /// its names must be known.
    fn evaluate(&mut self, call: &'t Call, quiet: bool) -> Result<Value, Error> {
        let arguments = !call.params.is_empty() || !call.hash.is_empty();
        self.charge(call.params.len() + call.hash.len(), call.at)?;
        let name = match &call.target {
            Expression::Path(path) => path.simple(),
            Expression::Literal(Value::Text(text)) => Some(&**text),
            _ => None,
        };
        // Without arguments a name of ours is the data's own.
        if let Some(helper) = name.and_then(|name| helpers::find(name, arguments && self.options.helpers)) {
            return self.help(helper, call);
        }
        if arguments {
            return Err(self.missing_helper(call));
        }
        match &call.target {
            // `{{"any name"}}`.
            Expression::Literal(_) => self.by_name(&name_of(call), call.at),
            target => self.value(target, quiet),
        }
    }

    fn missing_helper(&self, call: &Call) -> Error {
        let name = name_of(call);
        self.error(call.at, format!("there is no helper {}", Quoted(&name)))
    }

    fn help(&mut self, helper: &helpers::Helper, call: &'t Call) -> Result<Value, Error> {
        let mut params = Vec::with_capacity(call.params.len());
        for param in &call.params {
            params.push(self.value(param, helper.quiet)?);
        }
        if !(helper.least..=helper.most).contains(&params.len()) {
            let message = format!("{} takes {}", Quoted(helper.name), helper.takes());
            return Err(self.error(call.at, message));
        }
        let mut work = helpers::Work { steps: self.steps, bytes: self.options.limits.output_bytes };
        let answer = (helper.answer)(&params, &mut work);
        self.steps = work.steps;
        answer.map_err(|why| {
            let message = match why {
                helpers::Why::Usage(why) => format!("{}: {why}", helper.name),
                helpers::Why::TooMuch => format!("{}: more work or longer than allowed", helper.name),
            };
            self.error(call.at, message)
        })
    }

    fn value(&mut self, expression: &'t Expression, quiet: bool) -> Result<Value, Error> {
        match expression {
            Expression::Literal(value) => Ok(value.clone()),
            Expression::Path(path) => self.path(path, quiet),
            Expression::Call(call) => {
                self.charge(1, call.at)?;
                self.evaluate(call, quiet)
            }
        }
    }

    fn show(&mut self, value: &Value, escaped: bool, at: usize, out: &mut String) -> Result<(), Error> {
        let most = self.options.limits.output_bytes.saturating_sub(self.held);
        let before = out.len();
        let aside;
        let text: &str = match value {
            Value::Text(text) => text,
            other => {
                aside = self.text_of(other, at)?;
                &aside
            }
        };
        let written = if escaped {
            self.options.escape.write(text, out, most)
        } else {
            crate::value::append(out, text, most).map_err(Refused::from)
        };
        match written {
            Ok(()) => self.charge((out.len() - before) / BYTES_A_STEP, at),
            Err(Refused::TooLong) => Err(self.too_long(at)),
            Err(Refused::Char(char)) => {
                out.truncate(before);
                if self.unwritable.len() < UNWRITABLE_MAX {
                    let error = self.error(at, self.options.escape.cannot_write(char));
                    self.unwritable.push(Unwritable { error });
                }
                Ok(())
            }
        }
    }

    /// The text that `{{value}}` would show, unescaped.
    fn text_of(&mut self, value: &Value, at: usize) -> Result<String, Error> {
        let mut text = String::new();
        let Ok(looked_at) = value.write(&mut text, self.options.limits.output_bytes) else {
            return Err(self.too_long(at));
        };
        self.charge(text.len() / BYTES_A_STEP + looked_at, at)?;
        Ok(text)
    }

    fn append(&mut self, text: &str, at: usize, out: &mut String) -> Result<(), Error> {
        let most = self.options.limits.output_bytes.saturating_sub(self.held);
        if crate::value::append(out, text, most).is_err() {
            return Err(self.too_long(at));
        }
        self.charge(text.len() / BYTES_A_STEP + 1, at)
    }

    fn too_long(&self, at: usize) -> Error {
        let most = self.options.limits.output_bytes;
        self.error(at, format!("the output is longer than {most} bytes"))
    }

    fn error(&self, at: usize, message: impl Into<String>) -> Error {
        Error::of(self.source, at, message.into())
    }
}
