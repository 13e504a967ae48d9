//! Values with variables in them: `https://%host%path`.
//!
//! A value becomes part of a head, so it must hold nothing that ends a line there. The fixed parts are looked at once, when they are
//! read; what a client sent can hold no such byte either, and is looked at all the same when it is written.

use crate::condition::items;
use crate::edits::{EDIT_BYTES_MAX, View};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use core::net::{IpAddr, SocketAddr};

/// Something of the request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Variable {
    /// `%src`: the client's address.
    Source,
    /// `%src_port`
    SourcePort,
    /// `%dst`: the address that the client reached.
    Local,
    /// `%dst_port`
    LocalPort,
    /// `%host`: with its port, if it came with one.
    Host,
    /// `%path`
    Path,
    /// `%query`: without the question mark.
    Query,
    /// `%uri`: path and query.
    Target,
    /// `%method`
    Method,
    /// `%scheme`: `http` or `https`.
    Scheme,
    /// `%{NAME}`: the last value of a field.
    Field(String),
    /// The last item of the list that a field is.
    Item(String),
}

const NAMES: [(&str, Variable); 10] = [
    ("src", Variable::Source),
    ("src_port", Variable::SourcePort),
    ("dst", Variable::Local),
    ("dst_port", Variable::LocalPort),
    ("host", Variable::Host),
    ("path", Variable::Path),
    ("query", Variable::Query),
    ("uri", Variable::Target),
    ("method", Variable::Method),
    ("scheme", Variable::Scheme),
];

/// A part of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// What the request says.
    Variable(Variable),
}

/// A value, checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template(Vec<Part>);

/// Why a text is no value.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Flaw {
    /// A byte that a head cannot hold: it would end the line, and what follows would be another field.
    #[error("it has the control character {:?}, with which it would become another line of the head", *.0)]
    Control(char),
    /// There is no such variable.
    #[error(
        "there is no variable %{0}; there are %src, %src_port, %dst, %dst_port, %host, %path, %query, %uri, %method, %scheme, %{{FIELD}}, and %% for a percent sign"
    )]
    Unknown(String),
    /// `%{` without an end, or with what is no name of a field between.
    #[error("`%{{` is followed by no name of a field and `}}`")]
    Field,
}

impl Template {
    /// Of parts that are known already.
    ///
    /// # Errors
    /// [`Flaw::Control`].
    pub fn new(parts: Vec<Part>) -> Result<Self, Flaw> {
        for part in &parts {
            if let Part::Text(text) = part {
                check_text(text)?;
            }
        }
        Ok(Self(parts))
    }

    /// Of a text without variables.
    ///
    /// # Errors
    /// [`Flaw::Control`].
    pub fn fixed(text: &str) -> Result<Self, Flaw> {
        Self::new(alloc::vec![Part::Text(text.into())])
    }

    /// Reads Muster's own form.
    ///
    /// # Errors
    /// [`Flaw`].
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('%') {
            push_text(&mut parts, before);
            rest = if let Some(behind) = behind.strip_prefix('%') {
                push_text(&mut parts, "%");
                behind
            } else if let Some(behind) = behind.strip_prefix('{') {
                let (name, behind) = behind.split_once('}').ok_or(Flaw::Field)?;
                let name = crate::action::FieldName::token(name).ok_or(Flaw::Field)?;
                parts.push(Part::Variable(Variable::Field(name)));
                behind
            } else {
                let is_name = |char: char| char.is_ascii_lowercase() || char == '_';
                let end = behind.find(|char| !is_name(char)).unwrap_or(behind.len());
                let (name, behind) = behind.split_at(end);
                let found = NAMES.iter().find(|(known, _)| *known == name);
                let (_, variable) = found.ok_or_else(|| Flaw::Unknown(name.into()))?;
                parts.push(Part::Variable(variable.clone()));
                behind
            };
        }
        push_text(&mut parts, rest);
        Self::new(parts)
    }

    /// The parts.
    pub fn parts(&self) -> &[Part] {
        &self.0
    }

    /// Writes the value of `view` behind `out`, which does not grow much beyond [`EDIT_BYTES_MAX`].
    pub(crate) fn write(&self, view: View<'_>, out: &mut Vec<u8>) {
        for part in &self.0 {
            match part {
                Part::Text(text) => out.extend_from_slice(text.as_bytes()),
                Part::Variable(variable) => variable.write(view, out),
            }
            if out.len() > EDIT_BYTES_MAX {
                return;
            }
        }
    }
}

/// As [`Template::parse`] reads it, but for single items of lists, which it has no form for.
impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            match part {
                Part::Text(text) => f.write_str(&text.replace('%', "%%"))?,
                Part::Variable(Variable::Field(name)) => write!(f, "%{{{name}}}")?,
                Part::Variable(Variable::Item(name)) => write!(f, "%{{{name},}}")?,
                Part::Variable(variable) => {
                    let name =
                        NAMES.iter().find(|(_, known)| known == variable).map_or("", |(name, _)| *name);
                    write!(f, "%{name}")?;
                }
            }
        }
        Ok(())
    }
}

fn push_text(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.into())),
    }
}

/// A field's value may hold visible characters, blanks and bytes beyond ASCII (RFC 9110, 5.5).
pub(crate) fn check_text(text: &str) -> Result<(), Flaw> {
    match text.chars().find(|char| char.is_ascii_control() && *char != '\t') {
        Some(char) => Err(Flaw::Control(char)),
        None => Ok(()),
    }
}

impl Variable {
    fn write(&self, view: View<'_>, out: &mut Vec<u8>) {
        let connection = view.head.connection;
        match self {
            Self::Source => write_ip(connection.source, out),
            Self::SourcePort => write_display(connection.source.port(), out),
            Self::Local => write_ip(connection.local, out),
            Self::LocalPort => write_display(connection.local.port(), out),
            Self::Host => write_bytes(view.host().unwrap_or_default(), out),
            Self::Path => write_bytes(view.path(), out),
            Self::Query => write_bytes(view.query().unwrap_or_default(), out),
            Self::Target => write_bytes(view.target(), out),
            Self::Method => write_bytes(view.head.method.as_bytes(), out),
            Self::Scheme => out.extend_from_slice(if connection.is_secure { b"https" } else { b"http" }),
            Self::Field(name) => write_last(view, name, |value| value, out),
            Self::Item(name) => write_last(view, name, |value| items(value).last().unwrap_or_default(), out),
        }
    }
}

/// Writes the client's address.
pub(crate) fn write_client(view: View<'_>, out: &mut Vec<u8>) {
    Variable::Source.write(view, out);
}

fn write_last(view: View<'_>, name: &str, part: impl Fn(&[u8]) -> &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    view.any_value(name, &mut |value| {
        out.truncate(start);
        write_bytes(part(value), out);
        false
    });
}

/// An IPv4 client of a dual-stack listener is written as IPv4.
fn write_ip(addr: SocketAddr, out: &mut Vec<u8>) {
    match addr.ip().to_canonical() {
        IpAddr::V4(ip) => write_display(ip, out),
        IpAddr::V6(ip) => write_display(ip, out),
    }
}

fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend(bytes.iter().filter(|byte| !byte.is_ascii_control() || **byte == b'\t'));
}

fn write_display(value: impl fmt::Display, out: &mut Vec<u8>) {
    struct Bytes<'o>(&'o mut Vec<u8>);
    impl fmt::Write for Bytes<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0.extend_from_slice(text.as_bytes());
            Ok(())
        }
    }
    // Writing to memory cannot fail.
    let _ = write!(Bytes(out), "{value}");
}

#[cfg(test)]
mod tests;
