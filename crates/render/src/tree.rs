//! A template, read: what the parser makes and the renderer walks.

use crate::Value;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// Statements in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    pub(crate) nodes: Vec<Node>,
    /// It is the rest of a chain: made of `{{else if}}`, not of `{{else}}`.
    pub(crate) chained: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Text(Text),
    /// `{{name}}`, `{{{name}}}`, `{{helper a b=c}}`.
    Mustache {
        call: Call,
        escaped: bool,
        strip: Strip,
    },
    Block(Box<Block>),
    Partial(Box<Partial>),
    /// Nothing to show, but whitespace around it may go.
    Comment(Strip),
    /// `{{#*inline "name"}}`.
    Inline(Box<Inline>),
}

impl Node {
    pub(crate) fn text_mut(&mut self) -> Option<&mut Text> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Text between tags.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    /// As written: what decides whether a tag is alone on its line.
    pub(crate) original: String,
    /// As shown.
    pub(crate) shown: String,
    pub(crate) left_stripped: bool,
    pub(crate) right_stripped: bool,
}

/// The tildes of a tag: whether whitespace before and after it goes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strip {
    pub(crate) open: bool,
    pub(crate) close: bool,
}

/// `{{#name params as |a b|}} program {{else}} inverse {{/name}}`.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) call: Call,
    pub(crate) program: Option<Program>,
    pub(crate) inverse: Option<Program>,
    /// `as |a b|`, of the program.
    pub(crate) names: Vec<String>,
    pub(crate) open_strip: Strip,
    pub(crate) inverse_strip: Strip,
    pub(crate) close_strip: Strip,
}

/// `{{> name context a=b}}`, or with a block.
#[derive(Clone, Debug)]
pub(crate) struct Partial {
    pub(crate) call: Call,
    pub(crate) block: Option<Program>,
    /// What stood before it on its line, when it is alone there.
    pub(crate) indent: String,
    pub(crate) open_strip: Strip,
    pub(crate) close_strip: Strip,
}

#[derive(Clone, Debug)]
pub(crate) struct Inline {
    pub(crate) name: Expression,
    pub(crate) program: Program,
    pub(crate) open_strip: Strip,
    pub(crate) close_strip: Strip,
}

/// A name with arguments; without them, a value or a helper.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) target: Expression,
    pub(crate) params: Vec<Expression>,
    pub(crate) hash: Vec<(String, Expression)>,
    /// Where it stands: bytes from the template's beginning.
    pub(crate) at: usize,
}

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    Path(Path),
    Literal(Value),
    Call(Box<Call>),
}

/// `../a.b`, `@index`, `this`.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    /// It begins with `@`.
    pub(crate) data: bool,
    /// How many `../`.
    pub(crate) up: usize,
    /// It begins with `this`, `.` or `..`: a value for certain, no helper.
    pub(crate) scoped: bool,
    pub(crate) parts: Vec<String>,
    /// As written, without brackets: what a partial is called, and what an error repeats.
    pub(crate) written: String,
    pub(crate) at: usize,
}

impl Path {
    /// The name, if it could be a helper's.
    pub(crate) fn simple(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [name] if !self.data && !self.scoped => Some(name),
            _ => None,
        }
    }
}
