//! `muster why NODE`: one screen for whoever is woken by "NODE failed".

mod page;

use super::history;
use crate::cli::{Format, WhyArgs};
use crate::config::suggest;
use crate::paint::Paint;
use crate::{json, out};
use muster_control::client::{Client, Error};
use muster_control::routes::{MEMBERS, Members, WhyQuery};
use muster_control::why::Why;
use std::process::ExitCode;

/// Facts of the history below the page.
const LAST_FACTS: u32 = 5;

pub(crate) fn run(args: WhyArgs) -> ExitCode {
    let (node, format) = (args.node, args.format);
    super::talk(args.configured, "explain", async |client: &Client| {
        let why = ask(client, &node).await?;
        if format == Format::Json {
            return Ok(out::answer(&(json::pretty(&why) + "\n")));
        }
        let mut page = page::page(&why);
        // No history is no reason to say less.
        if let Ok(last) = history::last_about(client, &node, LAST_FACTS).await
            && !last.facts.is_empty()
        {
            page.push_str("\nWhat happened to it last (more: muster history)\n");
            page.push_str(&history::lines(&last.facts, Paint::of_stdout()));
        }
        Ok(out::answer(&page))
    })
}

async fn ask(client: &Client, node: &str) -> Result<Why, Error> {
    match client.get(&WhyQuery { node: node.to_owned() }.to_path()).await {
        Err(Error::Refused(mut problem)) if problem.status == 404 => {
            // No list is no hint, and no reason to say something else.
            if let Ok(Members { members }) = client.get(MEMBERS).await {
                problem.detail += &suggest::hint(node, members.iter().map(|member| &*member.name));
            }
            Err(Error::Refused(problem))
        }
        other => other,
    }
}
