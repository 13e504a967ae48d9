//! From tags to a tree.

use crate::error::{Error, Quoted};
use crate::limits::DEPTH_MAX;
use crate::scan::{Kind, Open, Piece, Reader};
use crate::tree::{Block, Call, Expression, Inline, Node, Partial, Program, Strip, Text};
use crate::whitespace;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Reads a template. With `standalone`, a line that has only a block's tag, a comment or a partial goes whole, as in
/// handlebars.js since version 2.
pub(crate) fn parse(text: &str, standalone: bool) -> Result<Program, Error> {
    let mut parser = Parser { reader: Reader::new(text), depth: 0 };
    let (mut program, end) = parser.program()?;
    if let Some(end) = end {
        let what = if end.kind == Kind::Close { "closes" } else { "belongs to" };
        return Err(parser.reader.error(end.at, format!("this tag {what} a block that was not opened")));
    }
    whitespace::control(&mut program, standalone);
    Ok(program)
}

struct Parser<'t> {
    reader: Reader<'t>,
    depth: usize,
}

impl Parser<'_> {
    /// Statements up to the end or to a tag that ends them.
    fn program(&mut self) -> Result<(Program, Option<Open>), Error> {
        let mut nodes = Vec::new();
        loop {
            match self.reader.piece()? {
                Piece::End => return Ok((Program { nodes, chained: false }, None)),
                Piece::Text(text) => nodes.push(text_node(text)),
                Piece::Tag(open) => match open.kind {
                    Kind::Else { .. } | Kind::ElseChain | Kind::Close => {
                        return Ok((Program { nodes, chained: false }, Some(open)));
                    }
                    _ => nodes.push(self.node(open)?),
                },
            }
        }
    }

    /// The inside of the block that begins at `open`; it must end with a tag.
    fn inside(&mut self, open: Open) -> Result<(Program, Open), Error> {
        if self.depth >= DEPTH_MAX {
            return Err(self.reader.error(open.at, format!("blocks are more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let (program, end) = self.program()?;
        self.depth -= 1;
        let end = end.ok_or_else(|| {
            self.reader.error(open.at, "the block that begins here is not closed".to_string())
        })?;
        Ok((program, end))
    }

    fn node(&mut self, open: Open) -> Result<Node, Error> {
        match open.kind {
            Kind::Comment { close_strip } => {
                Ok(Node::Comment(Strip { open: open.strip, close: close_strip }))
            }
            Kind::Block => self.block(open, false),
            Kind::InverseBlock => self.block(open, true),
            Kind::Raw => self.raw(open),
            Kind::Partial => {
                let call = self.reader.call(open.at, true)?;
                let strip = Strip { open: open.strip, close: self.reader.close(open)? };
                Ok(Node::Partial(Box::new(Partial {
                    call,
                    block: None,
                    indent: String::new(),
                    open_strip: strip,
                    close_strip: strip,
                })))
            }
            Kind::PartialBlock => self.partial_block(open),
            Kind::Decorator => self.inline(open),
            _ => {
                let call = self.reader.call(open.at, false)?;
                let strip = Strip { open: open.strip, close: self.reader.close(open)? };
                Ok(Node::Mustache { call, escaped: open.kind == Kind::Escaped, strip })
            }
        }
    }

    fn block(&mut self, open: Open, inverted: bool) -> Result<Node, Error> {
        let call = self.reader.call(open.at, false)?;
        let names = self.reader.block_names(open.at)?;
        let open_strip = Strip { open: open.strip, close: self.reader.close(open)? };
        let (program, end) = self.inside(open)?;
        let written = written(&call.target);
        let mut block = Block {
            call,
            program: Some(program),
            inverse: None,
            names,
            open_strip,
            inverse_strip: Strip::default(),
            close_strip: Strip::default(),
        };
        block.close_strip = self.rest_of_block(open, end, &mut block, &written, false)?;
        if inverted {
            core::mem::swap(&mut block.program, &mut block.inverse);
        }
        Ok(Node::Block(Box::new(block)))
    }

    /// `{{else}}` and what follows, up to the tag that closes the block; it must have `name`. `is_link`: `block` is itself an
    /// `{{else if}}`.
    fn rest_of_block(
        &mut self,
        open: Open,
        end: Open,
        block: &mut Block,
        name: &str,
        is_link: bool,
    ) -> Result<Strip, Error> {
        match end.kind {
            Kind::Else { close_strip } => {
                block.inverse_strip = Strip { open: end.strip, close: close_strip };
                let (inverse, end) = self.inside(open)?;
                block.inverse = Some(inverse);
                self.close_tag(open, end, Some(name))
            }
            Kind::ElseChain => {
                let call = self.reader.call(end.at, false)?;
                let names = self.reader.block_names(end.at)?;
                let strip = Strip { open: end.strip, close: self.reader.close(end)? };
                block.inverse_strip = strip;
                let (program, next) = self.inside(open)?;
                let mut link = Block {
                    call,
                    program: Some(program),
                    inverse: None,
                    names,
                    open_strip: strip,
                    inverse_strip: Strip::default(),
                    close_strip: Strip::default(),
                };
                // A chain nests as deep as it is long.
                self.depth += 1;
                let close = self.rest_of_block(open, next, &mut link, name, true)?;
                self.depth -= 1;
                // Handlebars.js's own rule, by accident or not.
                link.close_strip = if is_link { strip } else { close };
                let nodes = alloc::vec![Node::Block(Box::new(link))];
                block.inverse = Some(Program { nodes, chained: true });
                Ok(close)
            }
            _ => self.close_tag(open, end, Some(name)),
        }
    }

    fn close_tag(&mut self, open: Open, end: Open, name: Option<&str>) -> Result<Strip, Error> {
        if end.kind != Kind::Close {
            return Err(self.reader.error(end.at, "the block has had its `else` already".to_string()));
        }
        let call = self.reader.call(end.at, true)?;
        let closed = written(&call.target);
        if let Some(name) = name.filter(|name| *name != closed) {
            let (name, closed) = (Quoted(name), Quoted(&closed));
            let line = self.reader.error(open.at, String::new()).line;
            return Err(self
                .reader
                .error(end.at, format!("{closed} is closed, but {name} of line {line} is open")));
        }
        Ok(Strip { open: end.strip, close: self.reader.close(end)? })
    }

    fn partial_block(&mut self, open: Open) -> Result<Node, Error> {
        let call = self.reader.call(open.at, true)?;
        let open_strip = Strip { open: open.strip, close: self.reader.close(open)? };
        let (program, end) = self.inside(open)?;
        let name = match &call.target {
            // The name is not known before it is rendered; any name closes it.
            Expression::Call(_) => None,
            target => Some(written(target)),
        };
        let close_strip = self.close_tag(open, end, name.as_deref())?;
        Ok(Node::Partial(Box::new(Partial {
            call,
            block: Some(program),
            indent: String::new(),
            open_strip,
            close_strip,
        })))
    }

    fn inline(&mut self, open: Open) -> Result<Node, Error> {
        let call = self.reader.call(open.at, false)?;
        let open_strip = Strip { open: open.strip, close: self.reader.close(open)? };
        let (program, end) = self.inside(open)?;
        let close_strip = self.close_tag(open, end, Some(&written(&call.target)))?;
        let is_inline = matches!(&call.target, Expression::Path(path) if path.simple() == Some("inline"));
        let mut params = call.params;
        match (is_inline, params.pop()) {
            (true, Some(name)) if params.is_empty() => {
                Ok(Node::Inline(Box::new(Inline { name, program, open_strip, close_strip })))
            }
            (true, _) => Err(self.reader.error(call.at, "write {{#*inline \"name\"}}".to_string())),
            (false, _) => {
                Err(self.reader.error(call.at, "the only decorator there is, is `inline`".to_string()))
            }
        }
    }

    /// `{{{{name}}}} text {{{{/name}}}}`: what is inside is text.
    fn raw(&mut self, open: Open) -> Result<Node, Error> {
        let call = self.reader.call(open.at, false)?;
        let names = self.reader.block_names(open.at)?;
        self.reader.skip_space();
        if !self.reader.take("}}}}") {
            return Err(self.reader.unexpected(open.at));
        }
        let end = format!("{{{{{{{{/{}}}}}}}}}", written(&call.target));
        let Some(length) = self.reader.rest().find(&end) else {
            return Err(self.reader.error(open.at, "the block that begins here is not closed".to_string()));
        };
        let text = &self.reader.rest()[..length];
        self.reader.at += length + end.len();
        if written(&call.target) == "raw" && call.params.is_empty() && call.hash.is_empty() {
            return Ok(text_node(text));
        }
        let program = Program { nodes: alloc::vec![text_node(text)], chained: false };
        let strip = Strip::default();
        Ok(Node::Block(Box::new(Block {
            call,
            program: Some(program),
            inverse: None,
            names,
            open_strip: strip,
            inverse_strip: strip,
            close_strip: strip,
        })))
    }
}

fn text_node(text: &str) -> Node {
    Node::Text(Text { original: text.into(), shown: text.into(), ..Text::default() })
}

/// What a tag calls, as written, so that the closing tag can be held to it.
pub(crate) fn written(target: &Expression) -> String {
    match target {
        Expression::Path(path) => path.written.clone(),
        Expression::Literal(value) => {
            let mut text = String::new();
            // A literal is shorter than the template.
            let _ = value.write(&mut text, usize::MAX);
            text
        }
        Expression::Call(call) => written(&call.target),
    }
}

/// What is called, for messages.
pub(crate) fn name_of(call: &Call) -> String {
    written(&call.target)
}

#[cfg(test)]
mod tests;
