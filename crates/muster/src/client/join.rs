//! `muster join`.

use crate::cli::{Format, JoinArgs};
use crate::{json, out};
use muster_control::routes::{JOIN, JoinRequest, JoinResponse};
use std::process::ExitCode;

pub(crate) fn run(args: JoinArgs) -> ExitCode {
    let request = JoinRequest { addresses: args.addresses, replay: args.replay };
    let show = match args.format {
        Format::Text => text,
        Format::Json => |response: &JoinResponse| json::pretty(response) + "\n",
    };
    super::ask(args.configured, "join", async |client| client.post(JOIN, &request).await, show)
}

fn text(response: &JoinResponse) -> String {
    for error in &response.errors {
        out::say(&format_args!("note: {error}"));
    }
    format!("Successfully joined cluster by contacting {} nodes.\n", response.joined)
}
