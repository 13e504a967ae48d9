//! Arguments of the commands that make files from templates.

use clap::Args;
use muster_render::Escape;
use std::ffi::OsString;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// Template; `-` is standard input.
    #[arg(value_name = "TEMPLATE")]
    pub(crate) template: PathBuf,
    /// Render once and end.
    #[arg(long, required = true)]
    once: bool,
    /// Fleet to render, JSON; `-` is standard input. What `muster members --format json` prints will do.
    #[arg(long, value_name = "FILE")]
    pub(crate) with: PathBuf,
    /// File to write, whole or not at all; without it, standard output.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// Write nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Show what changes in the file, as `diff -u` does.
    #[arg(long, requires = "out")]
    pub(crate) diff: bool,
    /// How values are escaped: haproxy, nginx, json, shell, html or none. [default: by the name of the file]
    #[arg(long, value_name = "MODE")]
    pub(crate) escape: Option<Escape>,
    /// A name that means nothing is an error.
    #[arg(
        long, value_name = "true|false", num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = true, action = clap::ArgAction::Set
    )]
    pub(crate) strict: bool,
    /// Template that `{{> NAME}}` includes; repeat for more.
    #[arg(long, value_name = "NAME=FILE", value_parser = partial)]
    pub(crate) partial: Vec<(String, PathBuf)>,
}

fn partial(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((name.to_owned(), file.into())),
        _ => Err("write NAME=FILE".to_owned()),
    }
}

/// They are read elsewhere: any flag is a variable.
#[derive(Debug, Args)]
pub(crate) struct HandlebarsArgs {
    /// Variables, JSON files of variables, and --out FILE.
    #[arg(value_name = "--NAME VALUE | FILE", trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) words: Vec<OsString>,
}
