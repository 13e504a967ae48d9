//! A template that has been read, and how to render it.

use crate::error::Error;
use crate::escape::Escape;
use crate::limits::Limits;
use crate::parse;
use crate::render::{Run, Unwritable};
use crate::tree::Program;
use crate::value::Value;
use crate::wanted::Wanted;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// How templates are read and rendered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// What is done to each `{{value}}`; `{{{value}}}` shows it as it is.
    pub escape: Escape,
    /// A name that means nothing is an error.
    pub strict: bool,
    /// A line that has only a block's tag, a comment or a partial shows nothing, not even its end.
    pub standalone: bool,
    /// Muster's own helpers, beside those of Handlebars.
    pub helpers: bool,
    /// What it may cost.
    pub limits: Limits,
}

impl Options {
    /// For a file of the fleet.
    pub fn strict(escape: Escape) -> Self {
        Self { escape, strict: true, standalone: true, helpers: true, limits: Limits::default() }
    }

    /// As handlebars.js 4 does.
    pub fn handlebars() -> Self {
        Self { strict: false, helpers: false, ..Self::strict(Escape::Html) }
    }

    /// As `handlebars-cmd` does, which has version 1 of handlebars.js: lines with only a tag stay.
    pub fn handlebars_cmd() -> Self {
        Self { standalone: false, escape: Escape::Html1, ..Self::handlebars() }
    }
}

/// A template, read once and rendered as often as wanted.
#[derive(Clone, Debug)]
pub struct Template {
    /// What it is called, as a partial.
    pub(crate) name: Option<String>,
    pub(crate) text: String,
    pub(crate) program: Program,
    pub(crate) wanted: Wanted,
}

/// Other templates by the name by which `{{> name}}` includes them.
pub type Partials = BTreeMap<String, Template>;

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// It is too long, or no template.
    pub fn parse(text: &str, options: &Options) -> Result<Self, Error> {
        let most = options.limits.template_bytes;
        if text.len() > most {
            return Err(Error::at(text, 0, format!("the template is longer than {most} bytes")));
        }
        let program = parse::parse(text, options.standalone)?;
        let wanted = Wanted::by(&program);
        Ok(Self { name: None, text: text.to_string(), program, wanted })
    }

    /// Reads a template that others include as `name`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_partial(name: &str, text: &str, options: &Options) -> Result<Self, Error> {
        match Self::parse(text, options) {
            Ok(template) => Ok(Self { name: Some(name.to_string()), ..template }),
            Err(error) => Err(Error { partial: Some(name.to_string()), ..error }),
        }
    }

    /// The output for these data.
    ///
    /// # Errors
    /// A name means nothing (strict), a helper is missing or wrongly used, a value cannot be written in such a file, a limit
    /// is passed.
    pub fn render(&self, data: &Value, partials: &Partials, options: &Options) -> Result<String, Error> {
        let (text, unwritable) = self.render_noting(data, partials, options)?;
        match unwritable.into_iter().next() {
            None => Ok(text),
            Some(unwritable) => Err(unwritable.error),
        }
    }

    /// The output, and what of it had to be left out since such a file cannot say it.
    pub(crate) fn render_noting(
        &self,
        data: &Value,
        partials: &Partials,
        options: &Options,
    ) -> Result<(String, Vec<Unwritable>), Error> {
        Run::new(self, data, partials, options).run()
    }
}
