//! `muster version`: this binary, asked without an agent.

use crate::build;
use crate::cli::{Format, VersionArgs};
use crate::{json, out};
use muster_wire::Versions;
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(args: VersionArgs) -> ExitCode {
    let ours = Versions::OURS;
    let (version, now, min) = (build::version(), ours.delegate(), ours.delegate_min());
    out::answer(&match args.format {
        // Its second line is Serf's.
        Format::Text => format!("Muster v{version}\nAgent Protocol: {now} (Understands back to: {min})\n"),
        Format::Json => {
            json::pretty(
                &json!({ "version": build::VERSION, "build": version, "protocol": { "version": now, "min": min } }),
            ) + "\n"
        }
    })
}
