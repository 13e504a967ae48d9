//! What of the data a template can see, told from its text: what nobody asks for need not be made. Of ten thousand members
//! that is most of the work.

use crate::tree::{Call, Expression, Node, Path, Program};
use crate::value::Value;
use alloc::collections::BTreeSet;
use alloc::string::String;

/// Names that a template may ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// It looks at some context as a whole, which may be all data: `{{#each this}}`, `{{json ..}}`.
    all: bool,
    names: BTreeSet<String>,
}

impl Wanted {
    /// What this template itself may ask for.
    pub(crate) fn by(program: &Program) -> Self {
        let mut wanted = Self::default();
        wanted.program(program);
        wanted
    }

    /// Whether the data's value of this name may be asked for.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }

    fn program(&mut self, program: &Program) {
        for node in &program.nodes {
            match node {
                Node::Text(_) | Node::Comment(_) => {}
                Node::Mustache { call, .. } => self.call(call),
                Node::Block(block) => {
                    self.call(&block.call);
                    block.program.iter().chain(&block.inverse).for_each(|inside| self.program(inside));
                }
                Node::Partial(partial) => {
                    self.call(&partial.call);
                    partial.block.iter().for_each(|inside| self.program(inside));
                }
                Node::Inline(inline) => {
                    self.expression(&inline.name);
                    self.program(&inline.program);
                }
            }
        }
    }

    fn call(&mut self, call: &Call) {
        self.expression(&call.target);
        call.params.iter().for_each(|param| self.expression(param));
        call.hash.iter().for_each(|(_, value)| self.expression(value));
    }

    fn expression(&mut self, expression: &Expression) {
        match expression {
            Expression::Path(path) => self.path(path),
            // `{{"name"}}`, `(lookup @root "name")`.
            Expression::Literal(Value::Text(text)) => {
                self.names.insert((**text).into());
            }
            Expression::Literal(_) => {}
            Expression::Call(call) => self.call(call),
        }
    }

    fn path(&mut self, path: &Path) {
        let names = if path.data { path.parts.get(1..) } else { Some(path.parts.as_slice()) };
        let names = names.unwrap_or_default();
        let is_whole =
            names.is_empty() && (!path.data || path.parts.first().is_some_and(|name| name == "root"));
        self.all |= is_whole;
        self.names.extend(names.first().cloned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn wanted(text: &str, name: &str) -> bool {
        Wanted::by(&parse(text, true).unwrap()).has(name)
    }

    #[test]
    fn every_way_to_a_name_is_seen_and_others_are_not_wanted() {
        for text in [
            "{{#each members}}{{/each}}",
            "{{#members}}{{/members}}",
            "{{^x}}{{else}}{{members.length}}{{/x}}",
            "{{@root.members.0}}",
            "{{../members}}",
            "{{#if (len (sort members \"x\"))}}{{/if}}",
            "{{> p x=members}}",
            "{{#> p}}{{members}}{{/p}}",
            "{{#*inline \"i\"}}{{members}}{{/inline}}",
            "{{lookup @root \"members\"}}",
            "{{\"members\"}}",
            "{{[members]}}",
            "{{#each @root}}{{/each}}",
            "{{#each (keys this)}}{{/each}}",
            "{{{json .}}}",
            "{{> p ..}}",
        ] {
            assert!(wanted(text, "members"), "{text}");
        }
        let original =
            "{{#each addresses as |a i|}}{{a.host}} {{ip}} {{@index}} {{@../key}} members{{/each}}";
        assert!(wanted(original, "addresses") && !wanted(original, "members"));
    }
}
