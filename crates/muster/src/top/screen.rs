//! The cluster on a terminal: a pure function from a [`State`] to a frame.

use super::state::{Panel, State};
use super::table::{self, Column};
use crate::text::printable;
use muster_control::history::Fact;
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, HighlightSpacing, Paragraph, Row, Sparkline, Table, TableState};
use std::time::{Duration, UNIX_EPOCH};

/// Of the lines below the head, so many parts of ten are events.
const EVENTS_IN_TEN: u16 = 3;
/// Narrower than this, columns that explain are left out.
const WIDE: u16 = 100;

/// Draws everything, `at` this time since the start.
pub(crate) fn draw(frame: &mut Frame<'_>, state: &State, at: Duration) {
    let [head, counts, graph, tabs, rest, keys] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(frame.area());
    let [rows, events] =
        Layout::vertical([Constraint::Fill(10 - EVENTS_IN_TEN), Constraint::Fill(EVENTS_IN_TEN)]).areas(rest);
    frame.render_widget(verdict(state, at), head);
    frame.render_widget(totals(state), counts);
    let samples: Vec<u64> = newest(state, usize::from(graph.width));
    frame.render_widget(Sparkline::default().data(samples).style(Style::new().fg(Color::Cyan)), graph);
    frame.render_widget(heads(state), tabs);
    draw_table(frame, state, rows);
    frame.render_widget(Paragraph::new(event_lines(state, usize::from(events.height))), events);
    frame.render_widget(key_line(state), keys);
}

fn newest(state: &State, most: usize) -> Vec<u64> {
    state.samples.iter().skip(state.samples.len().saturating_sub(most)).copied().collect()
}

fn verdict(state: &State, at: Duration) -> Line<'_> {
    let node = Span::from(format!(" {} ", printable(&state.node))).bold().reversed();
    let (tone, text) = match (&state.lost, &state.health) {
        (Some(why), _) => (Color::Red, format!("no answer, what is shown is old: {}", printable(why))),
        (None, Some(health)) if !health.well => {
            let wrong = health.checks.iter().filter_map(|check| Some((&check.name, check.wrong.as_ref()?)));
            let words: Vec<String> = wrong.map(|(name, wrong)| format!("{name}: {wrong}")).collect();
            (Color::Red, printable(&words.join("; ")).into_owned())
        }
        (None, Some(_)) => (Color::Green, "well".to_owned()),
        (None, None) => (Color::Yellow, "starting".to_owned()),
    };
    let time = Span::from(format!("  {} s", at.as_secs())).dim();
    Line::from(vec![node, Span::from(" "), Span::styled(format!("● {text}"), Style::new().fg(tone)), time])
}

fn totals(state: &State) -> Line<'static> {
    let members = |status: &str| state.members.iter().filter(|member| member.status == status).count();
    let sum = |figure: fn(&muster_fleet::Report) -> u64| state.reports.iter().map(figure).sum::<u64>();
    let failed = sum(|report| report.failed);
    let failed_style = if failed > 0 { Style::new().fg(Color::Red) } else { Style::new() };
    let gone = members("failed");
    let gone_style = if gone > 0 { Style::new().fg(Color::Red) } else { Style::new() };
    Line::from(vec![
        Span::from(format!("members {} alive, {} left, ", members("alive"), members("left"))),
        Span::styled(format!("{gone} failed"), gone_style),
        Span::from(format!(
            "   requests {:.1}/s, {} retried, ",
            state.per_second(),
            sum(|report| report.retried)
        )),
        Span::styled(format!("{failed} failed"), failed_style),
    ])
}

fn heads(state: &State) -> Line<'_> {
    let head = |name: &'static str, panel: Panel| {
        let span = Span::from(format!(" {name} "));
        if state.panel == panel { span.bold().underlined() } else { span.dim() }
    };
    let filter = match &*state.filter {
        "" => Span::from(""),
        filter => Span::from(format!("  only: {}", printable(filter))).yellow(),
    };
    Line::from(vec![head("Backends", Panel::Backends), head("Members", Panel::Members), filter])
}

fn draw_table(frame: &mut Frame<'_>, state: &State, area: Rect) {
    let columns: Vec<(usize, &Column)> = table::columns(state.panel)
        .iter()
        .enumerate()
        .filter(|(_, column)| area.width >= WIDE || !column.explains)
        .collect();
    let rows = table::rows(state);
    let (selected, sorting) = (table::place(state, rows.len()), state.sorting());
    let shown = rows.iter().map(|row| {
        Row::new(columns.iter().map(|(place, column)| {
            let cell = cell(column, row[*place].clone());
            cell.style(tone(column.head, &row[*place]))
        }))
    });
    let header = columns.iter().map(|(place, column)| {
        let mark = match (*place == sorting.column, sorting.descending) {
            (true, true) => "▼",
            (true, false) => "▲",
            (false, _) => "",
        };
        cell(column, format!("{}{mark}", column.head))
    });
    let widths = columns.iter().map(|(_, column)| match column.share {
        0 => Constraint::Length(column.width),
        share => Constraint::Fill(share),
    });
    let table = Table::new(shown, widths)
        .header(Row::new(header).style(Style::new().add_modifier(Modifier::DIM)))
        .highlight_symbol("> ")
        .row_highlight_style(Style::new().add_modifier(Modifier::BOLD))
        .highlight_spacing(HighlightSpacing::Always);
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(selected));
    if rows.is_empty() {
        let words = match (state.panel, &*state.filter) {
            (_, filter) if !filter.is_empty() => "  nothing matches; Esc shows all",
            (Panel::Backends, _) => {
                "  no balancer reports to this node: look on one that runs `muster proxy`, or press Tab"
            }
            (Panel::Members, _) => "  no member is known",
        };
        let below = Rect { y: area.y.saturating_add(1), height: area.height.saturating_sub(1), ..area };
        frame.render_widget(Line::from(words).dim(), below);
    }
}

fn cell(column: &Column, text: String) -> Cell<'static> {
    let alignment = if column.is_number { Alignment::Right } else { Alignment::Left };
    Cell::new(Text::from(text).alignment(alignment))
}

/// Always beside the word that says the same.
fn tone(head: &str, text: &str) -> Style {
    match (head, text) {
        ("STATE" | "STATUS", "up" | "alive") => Style::new().fg(Color::Green),
        ("STATE" | "STATUS", "ejected" | "failed") => Style::new().fg(Color::Red),
        ("STATE" | "STATUS", "left" | "withdrawn") | ("WHY" | "TAGS", _) => Style::new().dim(),
        ("STATE" | "STATUS", _) => Style::new().fg(Color::Yellow),
        ("FAILED", text) if text != "0" => Style::new().fg(Color::Red),
        _ => Style::new(),
    }
}

fn event_lines(state: &State, lines: usize) -> Vec<Line<'_>> {
    let first = state.facts.len().saturating_sub(lines);
    state.facts.iter().skip(first).map(event_line).collect()
}

fn event_line(fact: &Fact) -> Line<'_> {
    let time = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_millis(fact.at_ms)).to_string();
    // The day is known to whoever looks.
    let time = time.get(11..19).unwrap_or_default().to_owned();
    let style = match &*fact.what {
        "failed" | "ejected" => Style::new().fg(Color::Red),
        "alive" | "ready" | "up" | "back" => Style::new().fg(Color::Green),
        _ => Style::new(),
    };
    let service = if fact.service.is_empty() { String::new() } else { format!(" {}", fact.service) };
    let words = format!("{} {}{service} {}", fact.node, fact.kind, fact.what);
    Line::from(vec![
        Span::from(format!("{time}  ")).dim(),
        Span::styled(printable(&words).into_owned(), style),
        Span::from(format!("  {}", printable(&fact.why))).dim(),
    ])
}

fn key_line(state: &State) -> Line<'static> {
    if let Some(prompt) = state.prompt() {
        return Line::from(printable(&prompt).into_owned()).bold();
    }
    let keys = [
        ("Tab", "table"),
        ("←→", "sort"),
        ("o", "turn"),
        ("/", "filter"),
        ("d", "drain"),
        ("r", "ready"),
        ("q", "quit"),
    ];
    let spans = keys
        .iter()
        .flat_map(|(key, does)| [Span::from(format!(" {key} ")).reversed(), Span::from(format!(" {does} "))]);
    Line::from(spans.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests;
