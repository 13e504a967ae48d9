//! The binary called as `handlebars`: npm's `handlebars-cmd`, as scripts know it.
//!
//! Template on standard input, variables as words, result on standard output. Three things differ on purpose: a plain value
//! stays the text that was typed, an error shows nothing on standard output, and `--out FILE` replaces the file whole or not
//! at all, where `> FILE` empties it first.

use super::{read, variables};
use crate::cli;
use crate::text::printable;
use crate::{exit, out};
use muster_render::{Options, Partials, Template, Value};
use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Is this program `handlebars`? Its name says so, or its first word.
pub(crate) fn run_if_meant(words: &[OsString]) -> Option<ExitCode> {
    let (program, rest) = words.split_first()?;
    let called = Path::new(program).file_name().is_some_and(|name| name == "handlebars");
    match rest.split_first() {
        _ if called => Some(run(rest)),
        // clap has the help.
        Some((first, rest)) if first == "handlebars" && !is_help(rest) => Some(run(rest)),
        _ => None,
    }
}

fn is_help(words: &[OsString]) -> bool {
    matches!(words, [word] if word == "--help" || word == "-h" || word == "-help")
}

/// `muster handlebars`.
pub(crate) fn run(words: &[OsString]) -> ExitCode {
    // The original has no help; a variable of that name alone is not what anybody means.
    if is_help(words) {
        return out::answer(&cli::handlebars_help());
    }
    match render(words) {
        Ok((text, None)) => out::answer(&text),
        Ok((text, Some(path))) => match super::write(&path, &text) {
            Ok(_) => exit::CLEAN,
            Err(why) => fail(&why),
        },
        Err(why) => fail(&why),
    }
}

fn render(words: &[OsString]) -> Result<(String, Option<std::path::PathBuf>), String> {
    let words = variables::read(words)?;
    let mut data = words.variables;
    for path in &words.files {
        let text = read::text(path, read::DATA_BYTES_MAX)?;
        let file: Value =
            serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        let Value::Map(file) = file else { return Err(format!("{}: it is no JSON object", path.display())) };
        for (name, value) in file.iter() {
            data.insert(name.clone(), value.clone());
        }
    }
    let options = Options::handlebars_cmd();
    let text = read::text(Path::new("-"), options.limits.template_bytes)?;
    let template = Template::parse(&text, &options).map_err(|error| error.to_string())?;
    let text = template
        .render(&Value::Map(Arc::new(data)), &Partials::new(), &options)
        .map_err(|error| error.to_string())?;
    Ok((text, words.out))
}

fn fail(why: &dyn Display) -> ExitCode {
    // Nobody can be told when standard error is closed.
    let _ = writeln!(io::stderr(), "handlebars: {}", printable(&why.to_string()));
    exit::FAILED
}
