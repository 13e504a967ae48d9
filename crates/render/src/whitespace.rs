//! Which whitespace around tags goes: what a tilde says, and lines that have only a tag.
//!
//! This is `whitespace-control.js` of handlebars.js 4, rule by rule: programs written for it expect their files byte by byte.

use crate::tree::{Block, Node, Program, Strip, Text};
use alloc::string::{String, ToString};

/// Takes the whitespace away. Without `standalone`, only where tildes say so.
pub(crate) fn control(program: &mut Program, standalone: bool) {
    Control { standalone }.program(program, true);
}

struct Control {
    standalone: bool,
}

/// What a tag does to what stands around it.
struct Effect {
    strip: Strip,
    /// Alone on its line it takes the line with it.
    inline: bool,
    /// Its opening tag ends its line.
    open: bool,
    /// Its closing tag begins its line.
    close: bool,
}

impl Control {
    fn program(&self, program: &mut Program, is_root: bool) {
        for index in 0..program.nodes.len() {
            let Some(effect) = self.node(&mut program.nodes[index]) else { continue };
            let nodes = &mut program.nodes;
            let before = blank_before(nodes, index, is_root);
            let after = blank_after(nodes, index, is_root);
            let alone = effect.inline && before && after;
            if effect.strip.close {
                trim_start(nodes.get_mut(index + 1), true);
            }
            if effect.strip.open {
                trim_end(before_mut(nodes, index), true);
            }
            if !self.standalone {
                continue;
            }
            if alone {
                trim_start(nodes.get_mut(index + 1), false);
                let indent = indent_before(nodes, index);
                if trim_end(before_mut(nodes, index), false)
                    && let Node::Partial(partial) = &mut nodes[index]
                {
                    partial.indent = indent;
                }
            }
            if effect.open && before {
                trim_start(first_inside(&mut nodes[index]), false);
                trim_end(before_mut(nodes, index), false);
            }
            if effect.close && after {
                trim_start(nodes.get_mut(index + 1), false);
                trim_end(last_inside(&mut nodes[index]), false);
            }
        }
    }

    fn node(&self, node: &mut Node) -> Option<Effect> {
        match node {
            Node::Text(_) => None,
            Node::Mustache { strip, .. } => {
                Some(Effect { strip: *strip, inline: false, open: false, close: false })
            }
            Node::Comment(strip) => Some(Effect { strip: *strip, inline: true, open: false, close: false }),
            Node::Block(block) => Some(self.block(block)),
            Node::Partial(partial) => match &mut partial.block {
                None => Some(Effect { strip: partial.open_strip, inline: true, open: false, close: false }),
                Some(program) => Some(self.simple(program, partial.open_strip, partial.close_strip)),
            },
            Node::Inline(inline) => {
                Some(self.simple(&mut inline.program, inline.open_strip, inline.close_strip))
            }
        }
    }

    /// A block without `{{else}}`.
    fn simple(&self, program: &mut Program, opens: Strip, closes: Strip) -> Effect {
        self.program(program, false);
        let effect = Effect {
            strip: Strip { open: opens.open, close: closes.close },
            inline: false,
            open: blank_at_start(program),
            close: blank_at_end(program),
        };
        if opens.close {
            trim_start(program.nodes.first_mut(), true);
        }
        if closes.open {
            trim_end(program.nodes.last_mut(), true);
        }
        effect
    }

    fn block(&self, block: &mut Block) -> Effect {
        let (opens, closes) = (block.open_strip, block.close_strip);
        let (program, inverse) = match (&mut block.program, &mut block.inverse) {
            (Some(program), None) | (None, Some(program)) => return self.simple(program, opens, closes),
            (Some(program), Some(inverse)) => (program, inverse),
            (None, None) => return Effect { strip: opens, inline: false, open: false, close: false },
        };
        self.program(program, false);
        self.program(inverse, false);
        let effect = Effect {
            strip: Strip { open: opens.open, close: closes.close },
            inline: false,
            open: blank_at_start(program),
            close: first_of_chain(inverse).is_some_and(|first| blank_at_end(first)),
        };
        if opens.close {
            trim_start(program.nodes.first_mut(), true);
        }
        if block.inverse_strip.open {
            trim_end(program.nodes.last_mut(), true);
        }
        if let Some(first) = first_of_chain(inverse) {
            if block.inverse_strip.close {
                trim_start(first.nodes.first_mut(), true);
            }
            // A line that has only the `{{else}}`.
            if self.standalone && blank_at_end(program) && blank_at_start(first) {
                trim_end(program.nodes.last_mut(), false);
                trim_start(first.nodes.first_mut(), false);
            }
        }
        if closes.open
            && let Some(first) = first_of_chain(inverse)
        {
            // The first link's, though it is the last one's text that stands before the tag. That one does it for itself.
            trim_end(first.nodes.last_mut(), true);
        }
        effect
    }
}

/// The statements behind the `{{else}}`; of a chain, those of its first link.
fn first_of_chain(inverse: &mut Program) -> Option<&mut Program> {
    if !inverse.chained {
        return Some(inverse);
    }
    match inverse.nodes.first_mut() {
        Some(Node::Block(link)) => link.program.as_mut(),
        _ => None,
    }
}

fn before_mut(nodes: &mut [Node], index: usize) -> Option<&mut Node> {
    index.checked_sub(1).and_then(|before| nodes.get_mut(before))
}

/// The first node of what a block shows first; for a partial's or inline's block, of that.
fn first_inside(node: &mut Node) -> Option<&mut Node> {
    match node {
        Node::Block(block) => {
            let program = if block.program.is_some() { &mut block.program } else { &mut block.inverse };
            program.as_mut()?.nodes.first_mut()
        }
        Node::Partial(partial) => partial.block.as_mut()?.nodes.first_mut(),
        Node::Inline(inline) => inline.program.nodes.first_mut(),
        _ => None,
    }
}

/// The last node before a block's closing tag.
fn last_inside(node: &mut Node) -> Option<&mut Node> {
    match node {
        Node::Block(block) => {
            let program = if block.inverse.is_some() { &mut block.inverse } else { &mut block.program };
            program.as_mut()?.nodes.last_mut()
        }
        Node::Partial(partial) => partial.block.as_mut()?.nodes.last_mut(),
        Node::Inline(inline) => inline.program.nodes.last_mut(),
        _ => None,
    }
}

/// Whether only whitespace stands before the node on its line.
fn blank_before(nodes: &[Node], index: usize, is_root: bool) -> bool {
    let Some(before) = index.checked_sub(1) else { return is_root };
    let Node::Text(text) = &nodes[before] else { return false };
    let head = text.original.trim_end();
    let reaches_start = head.is_empty() && before == 0 && is_root;
    reaches_start || text.original[head.len()..].contains('\n')
}

/// Whether only whitespace stands after the node on its line.
fn blank_after(nodes: &[Node], index: usize, is_root: bool) -> bool {
    let Some(after) = nodes.get(index + 1) else { return is_root };
    let Node::Text(text) = after else { return false };
    let tail = text.original.trim_start();
    let reaches_end = tail.is_empty() && nodes.len() == index + 2 && is_root;
    reaches_end || text.original[..text.original.len() - tail.len()].contains('\n')
}

fn blank_at_start(program: &Program) -> bool {
    match program.nodes.first() {
        Some(Node::Text(text)) => {
            let tail = text.original.trim_start();
            text.original[..text.original.len() - tail.len()].contains('\n')
        }
        _ => false,
    }
}

fn blank_at_end(program: &Program) -> bool {
    blank_before(&program.nodes, program.nodes.len(), false)
}

/// The blanks that end the text before the node.
fn indent_before(nodes: &[Node], index: usize) -> String {
    match index.checked_sub(1).and_then(|before| nodes.get(before)) {
        Some(Node::Text(Text { original, .. })) => {
            original[original.trim_end_matches([' ', '\t']).len()..].to_string()
        }
        _ => String::new(),
    }
}

/// Takes blanks and a newline away where the text begins; with `all`, all whitespace.
fn trim_start(node: Option<&mut Node>, all: bool) {
    let Some(text) = node.and_then(Node::text_mut) else { return };
    if !all && text.right_stripped {
        return;
    }
    let rest = if all {
        text.shown.trim_start()
    } else {
        let line = text.shown.trim_start_matches([' ', '\t']);
        line.strip_prefix("\r\n").or_else(|| line.strip_prefix('\n')).unwrap_or(
            // `\r?\n?`: each of them may be missing.
            line.strip_prefix('\r').unwrap_or(line),
        )
    };
    text.right_stripped = rest.len() != text.shown.len();
    text.shown = rest.to_string();
}

/// Takes blanks away where the text ends; with `all`, all whitespace. Whether there were any.
fn trim_end(node: Option<&mut Node>, all: bool) -> bool {
    let Some(text) = node.and_then(Node::text_mut) else { return false };
    if !all && text.left_stripped {
        return false;
    }
    let rest = if all { text.shown.trim_end() } else { text.shown.trim_end_matches([' ', '\t']) };
    text.left_stripped = rest.len() != text.shown.len();
    text.shown.truncate(rest.len());
    text.left_stripped
}
