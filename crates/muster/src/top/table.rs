//! The rows of a table: which there are, filtered, in order.

use super::state::{Panel, State, backends};
use crate::text::printable;
use std::cmp::Ordering;

/// A column's head, its width in a narrow terminal, and whether numbers stand in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Column {
    pub(crate) head: &'static str,
    /// Least characters.
    pub(crate) width: u16,
    /// Its share of what is left; 0: none.
    pub(crate) share: u16,
    /// It explains, and is left out where there is little room.
    pub(crate) explains: bool,
    pub(crate) is_number: bool,
}

const fn text(head: &'static str, width: u16) -> Column {
    Column { head, width, share: 0, explains: false, is_number: false }
}

const fn number(head: &'static str, width: u16) -> Column {
    Column { is_number: true, ..text(head, width) }
}

const BACKENDS: &[Column] = &[
    Column { share: 1, ..text("BACKEND", 14) },
    text("SERVICE", 10),
    text("STATE", 9),
    number("REQ/S", 8),
    number("BUSY", 5),
    number("REQUESTS", 10),
    number("FAILED", 7),
    Column { share: 3, explains: true, ..text("WHY", 10) },
];

const MEMBERS: &[Column] = &[
    Column { share: 1, ..text("MEMBER", 14) },
    text("STATUS", 8),
    text("ADDRESS", 21),
    Column { share: 3, ..text("TAGS", 20) },
];

/// The columns of a table.
pub(crate) fn columns(panel: Panel) -> &'static [Column] {
    match panel {
        Panel::Backends => BACKENDS,
        Panel::Members => MEMBERS,
    }
}

/// A row as it is shown. What came from others is made harmless.
pub(crate) type Row = Vec<String>;

/// All rows that the filter lets through, in order.
pub(crate) fn rows(state: &State) -> Vec<Row> {
    let mut rows: Vec<Row> = match state.panel {
        Panel::Backends => of_backends(state),
        Panel::Members => of_members(state),
    };
    let wanted = state.filter.to_lowercase();
    rows.retain(|row| row.iter().any(|cell| cell.to_lowercase().contains(&wanted)));
    let sorting = state.sorting();
    let is_number = columns(state.panel)[sorting.column].is_number;
    rows.sort_by(|a, b| {
        let (left, right) = (&a[sorting.column], &b[sorting.column]);
        let order = if is_number { by_number(left, right) } else { by_name(left, right) };
        let order = if sorting.descending { order.reverse() } else { order };
        // Rows that are alike there keep their places.
        order.then_with(|| by_name(&a[0], &b[0])).then_with(|| a[1].cmp(&b[1]))
    });
    rows
}

/// Where the chosen row is, now that there are so many.
pub(crate) fn place(state: &State, rows: usize) -> Option<usize> {
    rows.checked_sub(1).map(|last| state.selected.min(last))
}

fn of_backends(state: &State) -> Vec<Row> {
    let many = state.reports.len() > 1;
    let row = |(report, backend): (&muster_fleet::Report, &muster_fleet::BackendReport)| {
        let service =
            if many { format!("{} ({})", backend.service, report.sink) } else { backend.service.clone() };
        let rate = state.rate_of(&report.sink, &backend.service, &backend.node);
        vec![
            clean(&backend.node),
            clean(&service),
            clean(&backend.state),
            format!("{rate:.1}"),
            backend.in_flight.to_string(),
            backend.requests.to_string(),
            backend.failures.to_string(),
            clean(backend.why.as_deref().unwrap_or_default()),
        ]
    };
    backends(&state.reports).map(row).collect()
}

fn of_members(state: &State) -> Vec<Row> {
    let tags = |member: &muster_control::routes::MemberRow| {
        let tags: Vec<String> = member.tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
        clean(&tags.join(" "))
    };
    state
        .members
        .iter()
        .map(|member| vec![clean(&member.name), clean(&member.status), clean(&member.addr), tags(member)])
        .collect()
}

fn clean(text: &str) -> String {
    printable(text).into_owned()
}

fn by_number(a: &str, b: &str) -> Ordering {
    let number = |text: &str| text.parse().unwrap_or(0.0_f64);
    number(a).total_cmp(&number(b))
}

/// `s2` before `s10`.
fn by_name(a: &str, b: &str) -> Ordering {
    let split = |text: &str| {
        let digits = text.len() - text.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (name, number) = text.split_at(text.len() - digits);
        (name.to_owned(), number.parse().unwrap_or(0_u128))
    };
    split(a).cmp(&split(b)).then_with(|| a.cmp(b))
}
