//! `muster templates`: the files that this node makes of templates, and how that goes.

use super::time;
use crate::cli::{Format, TemplatesArgs};
use crate::text::printable;
use crate::{exit, json, out};
use muster_control::client::Client;
use muster_control::routes::TEMPLATES;
use muster_control::templates::{TemplateRow, Templates};
use std::process::ExitCode;

/// What a group is called that does not succeed.
const FAILING: &str = "failing";

pub(crate) fn run(args: TemplatesArgs) -> ExitCode {
    let format = args.format;
    super::talk(args.configured, "list the templates", async |client: &Client| {
        let answer: Templates = client.get(TEMPLATES).await?;
        let shown = out::answer(&match format {
            Format::Text => text(&answer.templates),
            Format::Json => json::pretty(&answer) + "\n",
        });
        let fails = answer.templates.iter().any(|row| row.state == FAILING);
        Ok(if fails { exit::FAILED } else { shown })
    })
}

/// A paragraph for each.
fn text(rows: &[TemplateRow]) -> String {
    if rows.is_empty() {
        return "no templates; [templates.NAME] in the configuration makes some\n".to_owned();
    }
    rows.iter().map(paragraph).collect::<Vec<_>>().join("\n")
}

fn paragraph(row: &TemplateRow) -> String {
    let mut lines = vec![format!("{}  {}", printable(&row.name), printable(&row.state))];
    let mut line = |name: &str, text: &str| lines.push(format!("  {name:<9} {}", printable(text)));
    for file in &row.files {
        line("file", file);
    }
    if let Some(folder) = &row.folder {
        line("folder", folder);
    }
    line("on change", &row.on_change);
    line(
        "so far",
        &format!(
            "made {} times, changed {}, failed {}, went back {}",
            row.made, row.changed, row.failed, row.restored
        ),
    );
    if let Some(ago) = row.changed_ago_ms {
        line("changed", &format!("{} ago", time(ago)));
    }
    if let Some(told) = &row.told {
        line("haproxy", told);
        line("", &format!("{} changes without a reload, {} reloads", row.without_reload, row.reloads));
    }
    for refusal in &row.refusals {
        line("left out", refusal);
    }
    for waiting in &row.waiting {
        line("waits", waiting);
    }
    let mut why = row.why.iter().flat_map(|why| why.lines());
    if let Some(first) = why.next() {
        line("why", first);
        lines.extend(why.map(|rest| format!("            | {}", printable(rest))));
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paragraph_tells_what_is_made_and_what_is_in_the_way() {
        let row = TemplateRow {
            name: "ha".into(),
            files: vec!["/etc/haproxy/haproxy.cfg".into()],
            folder: Some("/nodes".into()),
            on_change: "run reload".into(),
            state: FAILING.into(),
            made: 7,
            changed: 3,
            failed: 2,
            restored: 1,
            changed_ago_ms: Some(61_234),
            took_ms: Some(1),
            told: Some("add web/s1 at 10.0.0.1:80".into()),
            reloads: 1,
            without_reload: 4,
            why: Some("the check failed:\nline 3\u{1b}[2J".into()),
            refusals: vec!["\"a\\nb\": no".into()],
            waiting: vec!["web/s2 gets nothing".into()],
        };
        let expected = "\
ha  failing
  file      /etc/haproxy/haproxy.cfg
  folder    /nodes
  on change run reload
  so far    made 7 times, changed 3, failed 2, went back 1
  changed   1m 1s ago
  haproxy   add web/s1 at 10.0.0.1:80
            4 changes without a reload, 1 reloads
  left out  \"a\\nb\": no
  waits     web/s2 gets nothing
  why       the check failed:
            | line 3\\u{1b}[2J
";
        assert_eq!(text(&[row]), expected);
    }
}
