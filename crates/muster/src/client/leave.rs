//! `muster leave`.

use crate::cli::{Format, LeaveArgs};
use crate::json;
use muster_control::routes::LEAVE;
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(args: LeaveArgs) -> ExitCode {
    let question = async |client: &muster_control::client::Client| client.post(LEAVE, &()).await;
    super::ask(args.configured, "leave", question, |()| match args.format {
        Format::Text => "Graceful leave complete\n".to_owned(),
        Format::Json => json::pretty(&json!({ "left": true })) + "\n",
    })
}
