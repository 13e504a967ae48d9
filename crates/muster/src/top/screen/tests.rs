use super::*;
use crate::top::looks::Look;
use crate::top::state::Key;
use crate::top::state::tests::{backend, fact, look};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

fn drawn(state: &State, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, state, Duration::from_secs(7))).unwrap();
    terminal.backend().to_string()
}

fn state() -> State {
    let mut state = State::new("lb".to_owned());
    let backends = || vec![backend("s1", "up", 10), backend("s2\u{1b}[2J", "ejected", 5)];
    state.see(look(backends(), vec![fact(1, "s2", "failed")]), Duration::from_secs(1));
    state.see(Look { next: 1, ..look(backends(), vec![]) }, Duration::from_secs(2));
    state
}

#[test]
fn a_small_terminal_shows_what_matters_and_a_large_one_why() {
    let small = drawn(&state(), 80, 24);
    for words in
        ["lb", "● well", "2 alive", "1 failed", "BACKEND▲", "s1", "up", "ejected", "s2 member failed", "quit"]
    {
        assert!(small.contains(words), "{words:?} in\n{small}");
    }
    assert!(!small.contains("connection refused"));
    let large = drawn(&state(), 200, 50);
    assert!(large.contains("WHY") && large.contains("connection refused"), "{large}");
}

#[test]
fn what_others_are_called_moves_no_cursor() {
    assert!(!drawn(&state(), 200, 50).contains('\u{1b}'));
}

#[test]
fn an_agent_that_is_gone_is_told_of_beside_what_was_seen() {
    let mut state = state();
    state.lose("connection refused");
    let shown = drawn(&state, 80, 24);
    assert!(shown.contains("no answer, what is shown is old: connection refused"), "{shown}");
    assert!(shown.contains("s1"));
}

#[test]
fn an_empty_table_says_why() {
    let mut state = State::new("s1".to_owned());
    assert!(drawn(&state, 120, 24).contains("no balancer reports to this node"));
    state.press(Key::Char('/'));
    state.press(Key::Char('x'));
    assert!(drawn(&state, 120, 24).contains("nothing matches"));
}

#[test]
fn no_size_is_too_small() {
    for (width, height) in [(1, 1), (5, 3), (20, 6), (300, 2)] {
        drawn(&state(), width, height);
    }
}
