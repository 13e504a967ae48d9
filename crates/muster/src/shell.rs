//! `muster completions` and `muster man`: the command line itself, for shells and for readers, from the same definitions as
//! `--help`.

use crate::cli::{CompletionsArgs, ManArgs, definitions};
use crate::{build, exit, out};
use clap::Command;
use std::io;
use std::path::Path;
use std::process::ExitCode;

pub(crate) fn completions(args: CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    // Not straight to standard output: it panics when that is closed.
    clap_complete::generate(args.shell, &mut definitions(), "muster", &mut script);
    out::answer(&String::from_utf8_lossy(&script))
}

pub(crate) fn man(args: ManArgs) -> ExitCode {
    let mut all = definitions();
    all.build();
    match args.dir {
        None => match page(&all) {
            Ok(page) => out::answer(&page),
            Err(error) => out::fail(&format_args!("cannot write the manual page: {error}")),
        },
        Some(dir) => match pages(&dir, "muster", &all) {
            Ok(()) => exit::CLEAN,
            Err((path, error)) => out::fail(&format_args!("cannot write {path}: {error}")),
        },
    }
}

/// Pages of `command` and of all that are below it, but for hidden ones.
fn pages(dir: &Path, name: &str, command: &Command) -> Result<(), (String, io::Error)> {
    let path = dir.join(format!("{name}.1"));
    page(command)
        .and_then(|page| std::fs::write(&path, page))
        .map_err(|error| (path.display().to_string(), error))?;
    for below in shown_below(command) {
        pages(dir, &format!("{name}-{}", below.get_name()), below)?;
    }
    Ok(())
}

/// `help` is no page of its own.
fn shown_below(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
}

fn page(command: &Command) -> io::Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().disable_help_subcommand(true))
        .source(format!("muster {}", build::VERSION))
        .manual("Muster")
        .render(&mut page)?;
    String::from_utf8(page).map_err(io::Error::other)
}
