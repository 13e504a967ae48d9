//! Where a value comes from, and what is wrong with it.

use crate::text::printable;
use std::fmt;
use std::path::PathBuf;

/// Who said so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// Nobody; the key table's default.
    Default,
    /// A configuration file; lines count from 1.
    File { path: PathBuf, line: usize },
    /// One of Serf's JSON files.
    SerfFile { path: PathBuf, line: usize },
    /// A variable of the environment.
    Env(String),
    /// A flag, without dashes.
    Flag(&'static str),
}

impl Origin {
    /// One word for the kind of source.
    pub(crate) fn source(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::SerfFile { .. } => "serf file",
            Self::Env(_) => "env",
            Self::Flag(_) => "flag",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } | Self::SerfFile { path, line } => {
                write!(f, "{}:{line}", printable(&path.to_string_lossy()))
            }
            Self::Env(name) => write!(f, "env {}", printable(name)),
            Self::Flag(name) => write!(f, "flag --{name}"),
        }
    }
}

/// Something that keeps the configuration from being used, in words for whoever wrote it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    /// Where to look; `None` when no one place is to blame.
    origin: Option<Origin>,
    text: String,
}

impl Problem {
    /// A problem at `origin`.
    pub(crate) fn at(origin: &Origin, text: impl Into<String>) -> Self {
        Self { origin: Some(origin.clone()), text: text.into() }
    }

    /// The line of a file to look at; 0 when it is not in a file.
    pub(crate) fn line(&self) -> usize {
        match self.origin {
            Some(Origin::File { line, .. } | Origin::SerfFile { line, .. }) => line,
            _ => 0,
        }
    }

    /// A problem with a default: nobody's choice.
    pub(crate) fn of_default(text: impl Into<String>) -> Self {
        Self::at(&Origin::Default, text)
    }

    /// Nobody chose what is wrong.
    pub(crate) fn is_of_default(&self) -> bool {
        self.origin == Some(Origin::Default)
    }

    /// A problem that has no single place.
    pub(crate) fn anywhere(text: impl Into<String>) -> Self {
        Self { origin: None, text: text.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            None | Some(Origin::Default) => {}
            Some(origin) => write!(f, "{origin}: ")?,
        }
        f.write_str(&printable(&self.text))
    }
}
