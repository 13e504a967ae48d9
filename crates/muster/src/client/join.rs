//! `muster join`.

use crate::cli::JoinArgs;
use crate::out;
use muster_control::routes::{JOIN, JoinRequest, JoinResponse};
use std::process::ExitCode;

pub(crate) fn run(args: JoinArgs) -> ExitCode {
    let request = JoinRequest { addresses: args.addresses, replay: args.replay };
    super::ask(args.configured, "join", async |client| client.post(JOIN, &request).await, show)
}

fn show(response: &JoinResponse) -> String {
    for error in &response.errors {
        out::say(&format_args!("note: {error}"));
    }
    format!("Successfully joined cluster by contacting {} nodes.\n", response.joined)
}
