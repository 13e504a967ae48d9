use super::*;
use crate::demo::view::example;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Cell as Symbol;
use std::time::Duration;

/// The characters of the screen, each line without the blanks at its end.
fn drawn(view: &View, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, view)).unwrap();
    let cells = terminal.backend().buffer().content();
    let lines =
        cells.chunks(usize::from(width)).map(|line| line.iter().map(Symbol::symbol).collect::<String>());
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn everything_fits_an_ordinary_terminal() {
    insta::assert_snapshot!(drawn(&example(), 80, 24));
}

#[test]
fn a_wide_terminal_keeps_its_columns_together() {
    insta::assert_snapshot!(drawn(&example(), 120, 40));
}

#[test]
fn the_selected_node_and_the_newest_event_stay_in_sight_when_there_is_no_room() {
    let mut view = example();
    for number in 4..60 {
        view.nodes.push(NodeView { name: format!("s{number}"), ..view.nodes[2].clone() });
        let text = format!("s{number} gets requests");
        view.events.push(Event { at: Duration::from_secs(200 + number), tone: Tone::Good, text });
    }
    view.selected = Some(view.nodes.len() - 1);
    let text = drawn(&view, 80, 20);
    assert!(text.contains("> s59"), "{text}");
    assert!(text.contains("s59 gets requests"), "{text}");
    assert!(text.contains("quit"), "{text}");
}

#[test]
fn a_narrow_terminal_keeps_names_and_states() {
    for width in [40, 50, 62, 70] {
        let text = drawn(&example(), width, 24);
        assert!(text.contains("> s1 ") && text.contains("failed") && text.contains("ejected"), "{text}");
    }
}

#[test]
fn the_end_of_what_is_said_is_known() {
    let view = View { is_over: true, ..example() };
    let text = drawn(&view, 80, 24);
    assert_eq!(text.trim_end().lines().count(), usize::from(lines_at_end(&view)));
}

#[test]
fn no_size_is_too_small_to_draw() {
    for (width, height) in [(1, 1), (10, 3), (200, 1), (5, 50)] {
        drawn(&example(), width, height);
        drawn(&View::default(), width, height);
    }
}

#[test]
fn a_state_has_its_colour_beside_its_word() {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, &example())).unwrap();
    let buffer = terminal.backend().buffer();
    let line = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let y = (0..24).find(|y| line(*y).contains("ejected  ")).unwrap();
    let x = u16::try_from(line(y).find("ejected").unwrap()).unwrap();
    assert_eq!(buffer[(x, y)].fg, Color::Red);
}
