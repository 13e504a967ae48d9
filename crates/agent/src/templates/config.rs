//! A group of files as somebody asked for it, already checked.

use muster_render::{Escape, Pace};
use std::path::PathBuf;
use std::time::Duration;

/// One group: made, checked, put in place and acted upon together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TemplatesConfig {
    /// Unique on this node.
    pub name: String,
    /// Its files.
    pub files: Vec<FileConfig>,
    /// Templates that others include, and their names.
    pub partials: Vec<(String, PathBuf)>,
    /// Unknown names are errors.
    pub strict: bool,
    /// One file per backend.
    pub folder: Option<FolderConfig>,
    /// A program that must accept the new files; where it names a file of the group, it gets the new one.
    pub check: Option<Vec<String>>,
    /// How long that may take.
    pub check_within: Duration,
    /// What follows when the files are others.
    pub action: Action,
    /// How long that may take.
    pub action_within: Duration,
    /// When files are made.
    pub pace: Pace,
}

/// One file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileConfig {
    /// What it is made from.
    pub template: PathBuf,
    /// Where it goes.
    pub target: PathBuf,
    /// What is done to values in it.
    pub escape: Escape,
}

/// A folder with a file for each backend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FolderConfig {
    /// Where.
    pub path: PathBuf,
    /// Template of each file's content, over `host`, `ip` and `port`.
    pub content: String,
}

/// What follows when files changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Nothing.
    None,
    /// A program and its arguments, which is to end with 0.
    Run(Vec<String>),
    /// HAProxy takes over what the first file says, without a reload where it can.
    Haproxy(muster_haproxy_driver::Config),
}

impl TemplatesConfig {
    /// Whether it says what it would do, and touches nothing.
    pub(super) fn is_shadow(&self) -> bool {
        matches!(&self.action, Action::Haproxy(haproxy) if haproxy.is_shadow)
    }
}
