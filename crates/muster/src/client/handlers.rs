//! `muster handlers`: what the handlers of this node did; one more, one less, while its agent runs.

use super::time;
use crate::cli::{
    AddHandlerArgs, Format, HandlersArgs, HandlersCommand, ListHandlersArgs, RemoveHandlerArgs,
};
use crate::json;
use crate::text::printable;
use muster_control::client::Client;
use muster_control::handlers::{AddHandler, HandlerRow, Handlers, LastRun, RemoveHandler};
use muster_control::routes::{HANDLERS, HANDLERS_ADD, HANDLERS_REMOVE};
use std::process::ExitCode;

pub(crate) fn run(args: HandlersArgs) -> ExitCode {
    match args.command {
        HandlersCommand::List(args) => list(args),
        HandlersCommand::Add(args) => add(args),
        HandlersCommand::Remove(args) => remove(args),
    }
}

fn list(args: ListHandlersArgs) -> ExitCode {
    let format = args.format;
    let question = async |client: &Client| client.get(HANDLERS).await;
    super::ask(args.configured, "list the handlers", question, |answer: &Handlers| match format {
        Format::Text => text(&answer.handlers),
        Format::Json => json::pretty(answer) + "\n",
    })
}

fn add(args: AddHandlerArgs) -> ExitCode {
    let AddHandlerArgs {
        name,
        on,
        shell,
        webhook,
        timeout,
        concurrency,
        queue,
        coalesce,
        command,
        format,
        configured,
    } = args;
    let request = AddHandler {
        name,
        on: on.iter().flat_map(|words| words.split(',')).map(str::to_owned).collect(),
        shell,
        command: (!command.is_empty()).then_some(command),
        webhook,
        is_serf: false,
        coalesce,
        timeout_ms: timeout.map(|limit| u64::try_from(limit.as_millis()).unwrap_or(u64::MAX)),
        concurrency,
        queue,
    };
    let question = async |client: &Client| client.post(HANDLERS_ADD, &request).await;
    super::ask(configured, "add the handler", question, |()| match format {
        Format::Text => format!("Handler {} added, until the agent ends\n", printable(&request.name)),
        Format::Json => json::pretty(&request) + "\n",
    })
}

fn remove(args: RemoveHandlerArgs) -> ExitCode {
    let (request, format) = (RemoveHandler { name: args.name }, args.format);
    let question = async |client: &Client| client.post(HANDLERS_REMOVE, &request).await;
    super::ask(args.configured, "remove the handler", question, |()| match format {
        Format::Text => format!("Handler {} removed\n", printable(&request.name)),
        Format::Json => json::pretty(&request) + "\n",
    })
}

/// A paragraph for each.
fn text(handlers: &[HandlerRow]) -> String {
    if handlers.is_empty() {
        return "no handlers; `muster handlers add` adds one\n".to_owned();
    }
    let paragraphs: Vec<String> = handlers.iter().map(paragraph).collect();
    paragraphs.join("\n")
}

fn paragraph(row: &HandlerRow) -> String {
    let what = match (&row.shell, &row.command, &row.webhook) {
        (Some(script), ..) => format!("shell    {}", printable(script)),
        (_, Some(words), _) => format!("command  {}", printable(&format!("{words:?}"))),
        (.., url) => format!("webhook  {}", printable(url.as_deref().unwrap_or_default())),
    };
    let limit =
        row.timeout_ms.map_or_else(|| "no timeout".to_owned(), |limit| format!("timeout {}", time(limit)));
    let mut lines = vec![
        format!(
            "{}{}",
            printable(&row.name),
            if row.is_configured { "" } else { "  (until the agent ends)" }
        ),
        format!("  on       {}", printable(&row.on.join(","))),
        format!("  {what}"),
        format!("  limits   {limit}, queue {}, {} at a time", row.queue, row.concurrency),
        format!(
            "  so far   {} runs, {} failed, {} events dropped; {} waiting, {} running",
            row.runs, row.failures, row.dropped, row.queued, row.running
        ),
    ];
    if let Some(LastRun { event, ago_ms, took_ms, end, output, .. }) = &row.last {
        let (ago, took) = (time(*ago_ms), time(*took_ms));
        lines.push(format!("  last     {}, {ago} ago, took {took}: {}", printable(event), printable(end)));
        lines.extend(output.lines().map(|line| format!("           | {}", printable(line))));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_tells_what_it_does_and_how_it_went() {
        let row = HandlerRow {
            name: "reload".into(),
            on: vec!["member-join".into(), "user:x".into()],
            shell: None,
            command: Some(vec!["/bin/reload".into(), "a b".into()]),
            webhook: None,
            is_serf: false,
            coalesce: true,
            timeout_ms: Some(600_000),
            concurrency: 1,
            queue: 4096,
            is_configured: false,
            queued: 2,
            running: 1,
            runs: 7,
            failures: 3,
            dropped: 0,
            last: Some(LastRun {
                event: "user:x\u{1b}".into(),
                ago_ms: 61_234,
                took_ms: 12,
                success: false,
                exit_code: Some(1),
                end: "exit code 1".into(),
                output: "first\nsecond\u{1b}[2J".into(),
            }),
        };
        let expected = "\
reload  (until the agent ends)
  on       member-join,user:x
  command  [\"/bin/reload\", \"a b\"]
  limits   timeout 10m, queue 4096, 1 at a time
  so far   7 runs, 3 failed, 0 events dropped; 2 waiting, 1 running
  last     user:x\\u{1b}, 1m 1s ago, took 12ms: exit code 1
           | first
           | second\\u{1b}[2J
";
        assert_eq!(text(&[row]), expected);
    }
}
