//! `muster why NODE`: one screen for whoever is woken by "NODE failed".

mod page;

use crate::cli::{Format, WhyArgs};
use crate::config::suggest;
use crate::json;
use muster_control::client::{Client, Error};
use muster_control::routes::{MEMBERS, Members, WhyQuery};
use muster_control::why::Why;
use std::process::ExitCode;

pub(crate) fn run(args: WhyArgs) -> ExitCode {
    let show = match args.format {
        Format::Text => page::page,
        Format::Json => |why: &Why| json::pretty(why) + "\n",
    };
    let question =
        async |client: &Client| match client.get(&WhyQuery { node: args.node.clone() }.to_path()).await {
            Err(Error::Refused(mut problem)) if problem.status == 404 => {
                // No list is no hint, and no reason to say something else.
                if let Ok(Members { members }) = client.get(MEMBERS).await {
                    problem.detail += &suggest::hint(&args.node, members.iter().map(|member| &*member.name));
                }
                Err(Error::Refused(problem))
            }
            other => other,
        };
    super::ask(args.configured, "explain", question, show)
}
