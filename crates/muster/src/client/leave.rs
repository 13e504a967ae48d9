//! `muster leave`.

use crate::cli::LeaveArgs;
use muster_control::routes::LEAVE;
use std::process::ExitCode;

pub(crate) fn run(args: LeaveArgs) -> ExitCode {
    let question = async |client: &muster_control::client::Client| client.post(LEAVE, &()).await;
    super::ask(args.configured, "leave", question, |()| "Graceful leave complete\n".to_owned())
}
