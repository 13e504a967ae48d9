//! From text to tags: where a tag begins, of which kind it is, and the words in it.
//!
//! The rules are those of `handlebars.l` of handlebars.js 4.

use crate::error::{Error, Quoted};
use alloc::format;
use alloc::string::{String, ToString};

/// What stands between here and the next tag.
#[derive(Debug)]
pub(crate) enum Piece<'t> {
    Text(&'t str),
    Tag(Open),
    End,
}

/// How a tag begins. The reader then stands behind that beginning.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Open {
    pub(crate) kind: Kind,
    /// `{{~`.
    pub(crate) strip: bool,
    /// Where the tag begins.
    pub(crate) at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// `{{name`.
    Escaped,
    /// `{{{name`; it ends with `}}}`.
    Triple,
    /// `{{&name`.
    Ampersand,
    /// `{{#name`.
    Block,
    /// `{{#*name`.
    Decorator,
    /// `{{#>name`.
    PartialBlock,
    /// `{{>name`.
    Partial,
    /// `{{^name`.
    InverseBlock,
    /// `{{else}}` or `{{^}}`; read whole, and whether it ends with a tilde.
    Else { close_strip: bool },
    /// `{{else name`.
    ElseChain,
    /// `{{/name`.
    Close,
    /// A comment, read whole.
    Comment { close_strip: bool },
    /// `{{{{name`.
    Raw,
}

/// A place in the text.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'t> {
    pub(crate) text: &'t str,
    pub(crate) at: usize,
    /// Behind an escaped `\{{`: those braces are text.
    literal: bool,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { text, at: 0, literal: false }
    }

    pub(crate) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    pub(crate) fn error(&self, at: usize, message: String) -> Error {
        Error::at(self.text, at, message)
    }

    /// The next text or tag.
    pub(crate) fn piece(&mut self) -> Result<Piece<'t>, Error> {
        let rest = self.rest();
        if rest.is_empty() {
            return Ok(Piece::End);
        }
        if core::mem::take(&mut self.literal) {
            return Ok(Piece::Text(self.escaped_text()));
        }
        let Some(braces) = rest.find("{{") else {
            self.at = self.text.len();
            return Ok(Piece::Text(rest));
        };
        let before = &rest[..braces];
        if let Some(shown) = before.strip_suffix('\\') {
            self.at += braces;
            // Two of them are one that is meant.
            self.literal = !shown.ends_with('\\');
            if !shown.is_empty() {
                return Ok(Piece::Text(shown));
            }
            return Ok(Piece::Text(self.escaped_text()));
        }
        self.at += braces;
        if braces > 0 { Ok(Piece::Text(before)) } else { self.open().map(Piece::Tag) }
    }

    /// From braces that are text to the next ones, or to their backslashes.
    fn escaped_text(&mut self) -> &'t str {
        self.literal = false;
        let rest = self.rest();
        let end = rest[2..].find("{{").map_or(rest.len(), |next| {
            let upto = &rest[2..2 + next];
            2 + upto.trim_end_matches('\\').len().max(upto.len().saturating_sub(2))
        });
        self.at += end;
        &rest[..end]
    }

    fn open(&mut self) -> Result<Open, Error> {
        let at = self.at;
        if self.take("{{{{") {
            return Ok(Open { kind: Kind::Raw, strip: false, at });
        }
        self.at += 2;
        let strip = self.take("~");
        let kind = self.kind(at)?;
        Ok(Open { kind, strip, at })
    }

    fn kind(&mut self, at: usize) -> Result<Kind, Error> {
        if self.rest().starts_with('!') {
            return self.comment(at);
        }
        let plain = [
            ("#>", Kind::PartialBlock),
            ("#*", Kind::Decorator),
            ("#", Kind::Block),
            (">", Kind::Partial),
            ("/", Kind::Close),
            ("&", Kind::Ampersand),
            ("{", Kind::Triple),
        ];
        if let Some((_, kind)) = plain.iter().find(|(sign, _)| self.take(sign)) {
            return Ok(*kind);
        }
        let start = self.at;
        if self.take("^") {
            if let Some(close_strip) = self.end_of_else() {
                return Ok(Kind::Else { close_strip });
            }
            return Ok(Kind::InverseBlock);
        }
        self.skip_space();
        if self.rest().strip_prefix("else").is_some_and(|rest| !rest.starts_with(is_word)) {
            self.at += "else".len();
            return Ok(match self.end_of_else() {
                Some(close_strip) => Kind::Else { close_strip },
                None => Kind::ElseChain,
            });
        }
        self.at = start;
        Ok(Kind::Escaped)
    }

    /// The end of `{{else` or `{{^`, when nothing stands before it.
    fn end_of_else(&mut self) -> Option<bool> {
        let start = self.at;
        self.skip_space();
        let strip = self.take("~");
        if self.take("}}") {
            return Some(strip);
        }
        self.at = start;
        None
    }

    fn comment(&mut self, at: usize) -> Result<Kind, Error> {
        let body = self.rest();
        let end = if body.starts_with("!--") {
            // One pass: a search for each of the two ends would read the whole template for each comment.
            body.match_indices("--").find_map(|(dashes, _)| {
                let behind = &body[dashes + 2..];
                let end = |sign: &str| behind.starts_with(sign).then_some(dashes + 2 + sign.len());
                end("}}").map(|end| (end, false)).or_else(|| end("~}}").map(|end| (end, true)))
            })
        } else {
            body.find("}}").map(|end| (end + 2, body[..end].ends_with('~')))
        };
        let Some((length, close_strip)) = end else {
            return Err(self.error(at, "the comment that begins here does not end".to_string()));
        };
        self.at += length;
        Ok(Kind::Comment { close_strip })
    }

    /// Steps over `sign` if it is next.
    pub(crate) fn take(&mut self, sign: &str) -> bool {
        let is_next = self.rest().starts_with(sign);
        if is_next {
            self.at += sign.len();
        }
        is_next
    }

    pub(crate) fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// The end of a tag: `}}` (or `}}}`), and whether a tilde is in it.
    pub(crate) fn close(&mut self, open: Open) -> Result<bool, Error> {
        self.skip_space();
        let triple = open.kind == Kind::Triple && !self.take("}");
        let strip = self.take("~");
        if !triple && self.take("}}") {
            return Ok(strip);
        }
        Err(self.unexpected(open.at))
    }

    /// For when something else was expected here in the tag that begins at `tag`.
    pub(crate) fn unexpected(&self, tag: usize) -> Error {
        match self.rest().split_whitespace().next() {
            None => self.error(tag, "the tag that begins here does not end".to_string()),
            Some(word) => {
                let word = word.split("}}").next().filter(|word| !word.is_empty()).unwrap_or("}}");
                self.error(self.at, format!("{} is not expected here", Quoted(word)))
            }
        }
    }
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}
