//! `muster force-leave`. As in Serf, success is silent.

use crate::cli::{ForceLeaveArgs, Format};
use crate::json;
use muster_control::routes::{FORCE_LEAVE, ForceLeaveRequest};
use std::process::ExitCode;

pub(crate) fn run(args: ForceLeaveArgs) -> ExitCode {
    let request = ForceLeaveRequest { node: args.node, prune: args.prune };
    let question = async |client: &muster_control::client::Client| client.post(FORCE_LEAVE, &request).await;
    super::ask(args.configured, "force the member to leave", question, |()| match args.format {
        Format::Text => String::new(),
        Format::Json => json::pretty(&request) + "\n",
    })
}
