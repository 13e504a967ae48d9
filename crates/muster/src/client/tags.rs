//! `muster tags`: changes the tags of this node while its agent runs.

use crate::cli::{Format, TagsArgs};
use crate::{json, out};
use muster_control::routes::{TAGS, TagsRequest, TagsResponse};
use std::process::ExitCode;

pub(crate) fn run(args: TagsArgs) -> ExitCode {
    let request = TagsRequest { set: args.set.into_iter().collect(), delete: args.delete };
    let question = async |client: &muster_control::client::Client| client.post(TAGS, &request).await;
    super::ask(args.configured, "change the tags", question, |response: &TagsResponse| {
        if args.format == Format::Json {
            return json::pretty(response) + "\n";
        }
        if let Some(note) = &response.note {
            out::say(&format_args!("note: {note}"));
        }
        "Successfully updated agent tags\n".to_owned()
    })
}
