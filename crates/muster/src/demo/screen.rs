//! The demo on a terminal: a pure function from a [`View`] to a frame.

use super::plain::{COLUMNS, FIRST_NUMBER, HEADER};
use super::view::{Event, NodeView, Tone, TrafficState, Verdict, View, count, tone_of, traffic_words};
use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style, Stylize};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Cell, HighlightSpacing, Paragraph, Row, Table, TableState};

/// Fewest lines of events kept when many nodes want the room.
const EVENT_LINES_MIN: u16 = 3;
/// Lines that are neither nodes nor events: verdict, two of help, heads, traffic, keys and three empty ones.
const FIXED_LINES: u16 = 9;

/// Draws the whole view.
pub(crate) fn draw(frame: &mut Frame<'_>, view: &View) {
    let area = frame.area();
    let nodes = u16::try_from(view.nodes.len()).unwrap_or(u16::MAX).max(1);
    let nodes = nodes.min(area.height.saturating_sub(FIXED_LINES + EVENT_LINES_MIN).max(1));
    // On a very low screen what comes later gives way.
    let [head, _, table, _, traffic, _, events, keys] = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(1),
        Constraint::Length(1 + nodes),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(head_lines(view)), head);
    draw_nodes(frame, view, table);
    frame.render_widget(labelled("traffic", verdict_spans(&traffic_words(&view.traffic))), traffic);
    frame.render_widget(Paragraph::new(event_lines(&view.events, usize::from(events.height))), events);
    if !view.is_over {
        frame.render_widget(keys_line(view.traffic.state), keys);
    }
}

fn head_lines(view: &View) -> Text<'_> {
    let View { verdict, url, program, .. } = view;
    Text::from(vec![
        labelled("muster", vec![Span::styled(format!("● {}", verdict.text), style(verdict.tone).bold())]),
        labelled("open", vec![Span::from(url.as_str()).bold(), Span::from(format!("  or  curl -i {url}"))]),
        labelled(
            "also",
            vec![Span::from(format!("{program} demo add|stop|kill|status, in a second terminal"))],
        ),
    ])
}

/// Lines that say something when the demo is over and its keys are gone.
pub(crate) fn lines_at_end(view: &View) -> u16 {
    u16::try_from(view.nodes.len() + view.events.len()).unwrap_or(u16::MAX).saturating_add(FIXED_LINES - 1)
}

fn draw_nodes(frame: &mut Frame<'_>, view: &View, area: Rect) {
    // A line's length that the eye can follow, however wide the terminal.
    let area = Rect { width: area.width.min(100), ..area };
    let columns = columns(area.width);
    let header = columns.iter().map(|column| cell(*column, HEADER[*column].to_owned()));
    let widths = columns.iter().map(|column| WIDTHS[*column]);
    let table = Table::new(view.nodes.iter().map(|node| row(node, columns)), widths)
        .header(Row::new(header).style(Style::new().add_modifier(Modifier::DIM)))
        .highlight_symbol("> ")
        .row_highlight_style(Style::new().add_modifier(Modifier::BOLD))
        .highlight_spacing(HighlightSpacing::Always);
    frame.render_stateful_widget(table, area, &mut TableState::new().with_selected(view.selected));
}

const WIDTHS: [Constraint; COLUMNS] = [
    Constraint::Fill(1),
    Constraint::Length(16),
    Constraint::Length(8),
    Constraint::Length(8),
    Constraint::Length(9),
    Constraint::Length(7),
    Constraint::Length(9),
    Constraint::Length(6),
];

/// The columns that have room, the most telling ones first to stay.
fn columns(width: u16) -> &'static [usize] {
    match width {
        78.. => &[0, 1, 2, 3, 4, 5, 6, 7],
        62.. => &[0, 2, 3, 4, 5, 6, 7],
        _ => &[0, 2, 3, 4, 7],
    }
}

fn row<'a>(node: &'a NodeView, columns: &[usize]) -> Row<'a> {
    let backend = if node.backend.is_empty() { "-" } else { &node.backend };
    let failures = if node.failures > 0 { style(Tone::Bad) } else { Style::new() };
    let cells: [Cell<'_>; COLUMNS] = [
        cell(0, node.name.clone()),
        cell(1, node.addr.clone()),
        cell(2, node.agent.clone()).style(style(tone_of(&node.agent))),
        cell(3, backend.to_owned()).style(style(tone_of(backend))),
        cell(4, count(node.requests)),
        cell(5, format!("{:.1}", node.per_second)),
        cell(6, node.in_flight.to_string()),
        cell(7, count(node.failures)).style(failures),
    ];
    columns.iter().map(|column| cells[*column].clone()).collect()
}

fn cell(column: usize, text: String) -> Cell<'static> {
    let alignment = if column < FIRST_NUMBER { Alignment::Left } else { Alignment::Right };
    Cell::new(Text::from(text).alignment(alignment))
}

fn event_lines(events: &[Event], lines: usize) -> Vec<Line<'_>> {
    let first = events.len().saturating_sub(lines);
    events[first..]
        .iter()
        .map(|event| {
            let time = Span::from(format!("{:>7.1} s  ", event.at.as_secs_f64())).dim();
            Line::from(vec![time, Span::styled(event.text.as_str(), style(event.tone))])
        })
        .collect()
}

fn keys_line(traffic: TrafficState) -> Line<'static> {
    let traffic = if traffic == TrafficState::Off { "traffic on" } else { "traffic off" };
    let keys =
        [("a", "add"), ("s", "stop"), ("k", "kill -9"), ("↑↓", "select"), ("t", traffic), ("q", "quit")];
    let mut spans = vec![Span::from("  ")];
    for (key, does) in keys {
        spans.push(Span::from(format!(" {key} ")).reversed());
        spans.push(Span::from(format!(" {does}  ")));
    }
    Line::from(spans)
}

fn labelled<'a>(label: &'static str, mut spans: Vec<Span<'a>>) -> Line<'a> {
    spans.insert(0, Span::from(format!("  {label:<9}")).dim());
    Line::from(spans)
}

fn verdict_spans(verdict: &Verdict) -> Vec<Span<'static>> {
    vec![Span::styled(verdict.text.clone(), style(verdict.tone))]
}

/// Colours of the terminal's own palette, so that they suit dark and light. crossterm leaves them out with `NO_COLOR`.
fn style(tone: Tone) -> Style {
    match tone {
        Tone::Good => Style::new().fg(Color::Green),
        Tone::Waiting => Style::new().fg(Color::Yellow),
        Tone::Bad => Style::new().fg(Color::Red),
        Tone::Plain => Style::new(),
    }
}

#[cfg(test)]
mod tests;
