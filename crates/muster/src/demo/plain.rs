//! The demo without a terminal: a line per event, a summary now and then, a table on demand.

use super::view::{Event, View, count, traffic_words};
use std::time::Duration;

/// `  12.3 s  s3 joined`.
pub(crate) fn line(event: &Event) -> String {
    format!("{}  {}", time(event.at), event.text)
}

/// One line on how things stand.
pub(crate) fn summary(at: Duration, view: &View) -> String {
    let shares: Vec<String> = view
        .nodes
        .iter()
        .filter(|node| !node.is_balancer && !node.backend.is_empty())
        .map(|node| format!("{} {} {}", node.name, node.backend, count(node.requests)))
        .collect();
    let shares = if shares.is_empty() { String::new() } else { format!(" [{}]", shares.join(", ")) };
    format!("{}  {}{shares}", time(at), view.verdict.text)
}

/// The whole view, for `muster demo status`.
pub(crate) fn table(view: &View) -> String {
    let mut rows = vec![HEADER.map(str::to_owned)];
    rows.extend(view.nodes.iter().map(|node| {
        let state = if node.backend.is_empty() { "-" } else { &node.backend };
        [
            node.name.clone(),
            node.addr.clone(),
            node.agent.clone(),
            state.to_owned(),
            count(node.requests),
            format!("{:.1}", node.per_second),
            node.in_flight.to_string(),
            count(node.failures),
        ]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut text = format!("{}\n{}\n\n", view.verdict.text, view.url);
    for row in &rows {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            0..FIRST_NUMBER => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        text += cells.collect::<Vec<_>>().join("  ").trim_end();
        text.push('\n');
    }
    text += &format!("\ntraffic  {}\n", traffic_words(&view.traffic).text);
    text
}

/// Columns of the table, here and on the screen.
pub(crate) const COLUMNS: usize = 8;
/// The columns from this one on are numbers.
pub(crate) const FIRST_NUMBER: usize = 4;
/// Their heads.
pub(crate) const HEADER: [&str; COLUMNS] =
    ["NODE", "ADDRESS", "AGENT", "BACKEND", "REQUESTS", "REQ/S", "IN FLIGHT", "FAILED"];

fn time(at: Duration) -> String {
    format!("{:>6.1} s", at.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::view::example;

    #[test]
    fn an_event_is_a_line_with_its_time() {
        assert_eq!(line(&example().events[2]), "  61.0 s  s3 left");
    }

    #[test]
    fn a_summary_is_one_line() {
        assert_eq!(
            summary(Duration::from_secs(5), &example()),
            "   5.0 s  serving with 1 of 2 backends; none of 12,345 requests failed [s1 ejected 4,117, s2 up 8,230]"
        );
    }

    #[test]
    fn the_table_has_a_row_per_node() {
        assert_eq!(
            table(&example()),
            "\
serving with 1 of 2 backends; none of 12,345 requests failed
http://127.0.0.1:8080/

NODE      ADDRESS           AGENT   BACKEND  REQUESTS  REQ/S  IN FLIGHT  FAILED
balancer  127.77.0.1:7946   alive   -          12,345   50.0          1       0
s1        127.77.0.11:3000  failed  ejected     4,117    0.0          0       2
s2        127.77.0.12:3000  alive   up          8,230   50.0          1       0
s3        127.77.0.13:3000  left    -              17    0.0          0       0

traffic  50 GET/s: 12,344 answered, 0 failed; median 640 µs, slowest 3.2 ms
"
        );
    }
}
