//! Files made of templates, and the HAProxy that takes them.

use super::Writer;
use muster_control::templates::TemplateRow;
use std::fmt::Error;

pub(super) fn write(writer: &mut Writer<'_>, rows: &[TemplateRow]) -> Result<(), Error> {
    let each = |value: fn(&TemplateRow) -> u64| {
        rows.iter().map(move |row| ([("group", row.name.as_str())], value(row)))
    };
    writer.gauges(
        "templates_right",
        "1 when the last attempt on a group of files succeeded; 0 when it did not and the last good files are in force",
        each(|row| u64::from(row.state != "failing")),
    )?;
    writer.counters("renders", "Times that a group's files were made", each(|row| row.made))?;
    writer.counters("renders_failed", "Attempts that failed", each(|row| row.failed))?;
    writer.counters("template_changes", "Times that new files came into force", each(|row| row.changed))?;
    writer.counters(
        "template_restores",
        "Times that old files came back into force after a failed action",
        each(|row| row.restored),
    )?;
    let refused = |row: &TemplateRow| u64::try_from(row.refusals.len()).unwrap_or(u64::MAX);
    writer.gauges("template_refusals", "Members that could not be written into the files", each(refused))?;
    let seconds = |millis: u64| std::time::Duration::from_millis(millis).as_secs_f64();
    let took = rows.iter().filter_map(|row| Some(([("group", row.name.as_str())], seconds(row.took_ms?))));
    writer.fractions("render_duration_seconds", "How long the last making of the files took", took)?;

    let haproxy = || rows.iter().filter(|row| row.on_change.starts_with("haproxy"));
    let each = |value: fn(&TemplateRow) -> u64| {
        haproxy().map(move |row| ([("group", row.name.as_str())], value(row)))
    };
    writer.counters("reloads", "Reloads of HAProxy", each(|row| row.reloads))?;
    writer.counters(
        "reloads_avoided",
        "Changes of servers that HAProxy took without a reload",
        each(|row| row.without_reload),
    )
}
