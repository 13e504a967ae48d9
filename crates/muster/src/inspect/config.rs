//! `muster config`.

use super::check::refuse;
use crate::cli::{ConfigArgs, ConfigCommand, PrintArgs, PrintFormat};
use crate::config::{load, print, reference};
use crate::out;
use std::process::ExitCode;

pub(crate) fn run(args: ConfigArgs) -> ExitCode {
    match args.command {
        ConfigCommand::Print(args) => print(args),
        ConfigCommand::Reference => out::answer(&reference::markdown()),
    }
}

/// Values that nobody could read are not in force, so nothing is printed as if they were.
fn print(args: PrintArgs) -> ExitCode {
    let format = args.format;
    let loaded = load(&args.sources());
    for warning in &loaded.warnings {
        out::say(&format_args!("note: {warning}"));
    }
    if let Some(end) = refuse(loaded.problems.iter()) {
        return end;
    }
    out::answer(&match format {
        PrintFormat::Toml => print::toml(&loaded.settings),
        PrintFormat::Json => print::json(&loaded.settings),
    })
}
