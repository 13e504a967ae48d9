//! What is said of files: with `-c` all of it, and before a start what keeps from it.

use super::flags::Asked;
use super::shortfall::Shortfall;
use super::{NO_LISTENER, REFUSED, files, say};
use crate::out;
use muster_haproxy_file::{File, Source};
use std::process::ExitCode;

/// Reads what was named. `Err` is how the process ends, once all that is wrong was told.
pub(super) fn read(asked: &Asked) -> Result<File, u8> {
    let texts = files::read(&asked.files).map_err(|why| {
        say(&why);
        REFUSED
    })?;
    let names = texts.iter().map(|text| text.name.as_str()).collect::<Vec<_>>().join(";");
    let env = |name: &str| match name {
        // HAProxy's own (configuration manual, 2.3).
        "HAPROXY_CFGFILES" => Some(names.clone()),
        "HAPROXY_LOCALPEER" => Some(rustix::system::uname().nodename().to_string_lossy().into_owned()),
        "HAPROXY_MWORKER" => asked.master_worker.then(|| "1".to_owned()),
        name => std::env::var(name).ok(),
    };
    let sources: Vec<_> = texts.iter().map(|text| Source { name: &text.name, text: &text.text }).collect();
    let file = muster_haproxy_file::read(&sources, &env).map_err(|refusals| {
        refusals.iter().for_each(|refusal| say(&refusal.to_string()));
        say("Fatal errors found in configuration.");
        REFUSED
    })?;
    let shortfall = Shortfall::of(&file);
    if !shortfall.refused.is_empty() {
        shortfall.refused.iter().for_each(|words| say(words));
        say("Fatal errors found in configuration.");
        return Err(REFUSED);
    }
    let notes: Vec<String> =
        file.plan.notes().iter().map(ToString::to_string).chain(shortfall.noted).collect();
    notes.iter().for_each(|note| say(&format!("note: {note}")));
    if asked.strict && !notes.is_empty() {
        say("Some notes were made, and -dW takes them for errors.");
        return Err(REFUSED);
    }
    if file.plan.frontends().is_empty() {
        say("Configuration file has no error but will not start (no listener) => exit(2).");
        return Err(NO_LISTENER);
    }
    Ok(file)
}

/// The answer to `-c`.
pub(super) fn answer(asked: &Asked, _file: &File) -> ExitCode {
    match asked.quiet {
        true => ExitCode::SUCCESS,
        false => out::answer("Configuration file is valid\n"),
    }
}
