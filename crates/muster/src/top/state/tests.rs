use super::*;
use crate::top::table;
use muster_control::routes::Protocol;
use muster_fleet::BackendReport;

pub(crate) fn backend(node: &str, state: &str, requests: u64) -> BackendReport {
    BackendReport {
        service: "web".to_owned(),
        node: node.to_owned(),
        state: state.to_owned(),
        in_flight: 1,
        requests,
        failures: 0,
        why: (state == "ejected").then(|| "connection refused".to_owned()),
    }
}

pub(crate) fn look(backends: Vec<BackendReport>, facts: Vec<Fact>) -> Look {
    let member = |name: &str, status: &str| MemberRow {
        name: name.to_owned(),
        addr: "10.0.0.1:7946".to_owned(),
        port: 7946,
        tags: [("role".to_owned(), "backend".to_owned())].into(),
        status: status.to_owned(),
        protocol: Protocol { max: 5, min: 2, version: 5 },
    };
    let requests = backends.iter().map(|backend| backend.requests).sum();
    let report = Report {
        sink: "proxy".to_owned(),
        epoch: 1,
        version: 1,
        requests,
        failed: 0,
        failed_unsafe: 0,
        retried: 0,
        backends,
        services: Vec::new(),
        log_lines_lost: 0,
    };
    Look {
        members: vec![member("lb", "alive"), member("s1", "alive"), member("s2", "failed")],
        reports: vec![report],
        health: Some(Health { well: true, checks: Vec::new() }),
        next: facts.last().map_or(0, |fact| fact.id),
        facts,
    }
}

pub(crate) fn fact(id: u64, node: &str, what: &str) -> Fact {
    let (kind, node, what) = ("member".to_owned(), node.to_owned(), what.to_owned());
    Fact { id, at_ms: 1_795_000_000_000, kind, node, what, ..Fact::default() }
}

fn typed(state: &mut State, text: &str) {
    for c in text.chars() {
        assert_eq!(state.press(Key::Char(c)), None);
    }
}

fn first_cells(state: &State) -> Vec<String> {
    table::rows(state).into_iter().map(|row| row[0].clone()).collect()
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_rate_is_of_the_last_time_the_figure_moved_and_ends_when_it_stands_still() {
    let mut state = State::new("lb".to_owned());
    state.see(look(vec![backend("s1", "up", 1_000)], Vec::new()), SECOND);
    assert_eq!(state.per_second(), 0.0, "what was before nobody saw");
    state.see(look(vec![backend("s1", "up", 1_100)], Vec::new()), SECOND * 2);
    assert!((state.rate_of("proxy", "web", "s1") - 100.0).abs() < 0.1);
    // Between two reports it stands still and is the same.
    state.see(look(vec![backend("s1", "up", 1_100)], Vec::new()), SECOND * 3);
    assert!((state.per_second() - 100.0).abs() < 0.1);
    state.see(look(vec![backend("s1", "up", 1_100)], Vec::new()), SECOND * 6);
    assert_eq!(state.per_second(), 0.0);
    // A proxy that was started again counts from zero.
    state.see(look(vec![backend("s1", "up", 5)], Vec::new()), SECOND * 7);
    assert_eq!(state.per_second(), 0.0);
}

#[test]
fn facts_are_shown_once_and_those_of_another_agent_begin_anew() {
    let mut state = State::new("lb".to_owned());
    state.see(look(Vec::new(), vec![fact(1, "s1", "alive"), fact(2, "s2", "alive")]), SECOND);
    state.see(look(Vec::new(), vec![fact(1, "s1", "alive"), fact(2, "s2", "alive")]), SECOND);
    state.see(look(Vec::new(), vec![fact(3, "s2", "failed")]), SECOND);
    assert_eq!(state.facts.iter().map(|fact| fact.id).collect::<Vec<_>>(), [1, 2, 3]);
    state.see(look(Vec::new(), vec![fact(1, "lb", "alive")]), SECOND);
    assert_eq!(state.facts.iter().map(|fact| fact.id).collect::<Vec<_>>(), [1]);
}

#[test]
fn rows_are_sorted_by_the_chosen_column_and_names_by_their_numbers() {
    let mut state = State::new("lb".to_owned());
    let backends = vec![backend("s10", "up", 5), backend("s2", "up", 50), backend("s1", "ejected", 9)];
    state.see(look(backends, Vec::new()), SECOND);
    assert_eq!(first_cells(&state), ["s1", "s2", "s10"]);
    state.press(Key::Char('o'));
    assert_eq!(first_cells(&state), ["s10", "s2", "s1"]);
    for _ in 0..5 {
        state.press(Key::Right);
    }
    assert_eq!(table::columns(state.panel)[state.sorting().column].head, "REQUESTS");
    assert_eq!(first_cells(&state), ["s2", "s1", "s10"], "most first");
    // The other table has an order of its own, and no column behind its last.
    state.press(Key::Tab);
    for _ in 0..50 {
        state.press(Key::Right);
    }
    assert_eq!(first_cells(&state).len(), 3);
}

#[test]
fn a_filter_is_typed_kept_and_forgotten_and_q_is_a_letter_of_it() {
    let mut state = State::new("lb".to_owned());
    state.see(look(vec![backend("s1", "up", 5), backend("q2", "ejected", 5)], Vec::new()), SECOND);
    typed(&mut state, "/q");
    assert_eq!(first_cells(&state), ["q2"]);
    state.press(Key::Back);
    typed(&mut state, "REFUSED");
    assert_eq!(first_cells(&state), ["q2"], "in any column, however written");
    state.press(Key::Enter);
    assert_eq!(state.prompt(), None);
    state.press(Key::Escape);
    assert_eq!(first_cells(&state).len(), 2);
    typed(&mut state, "/");
    typed(&mut state, &"x".repeat(1_000));
    assert!(state.filter.len() <= FILTER_CHARS_MAX);
    assert_eq!(state.press(Key::End), Some(Order::Quit));
}

#[test]
fn this_node_is_drained_only_when_it_was_meant() {
    let mut state = State::new("lb".to_owned());
    assert_eq!(state.press(Key::Char('d')), None);
    assert!(state.prompt().is_some_and(|prompt| prompt.contains("take lb out of rotation?")));
    assert_eq!(state.press(Key::Char('n')), None);
    assert_eq!(state.press(Key::Char('y')), None, "nobody asked");
    state.press(Key::Char('d'));
    assert_eq!(state.press(Key::Char('y')), Some(Order::Drain(true)));
    state.press(Key::Char('r'));
    assert_eq!(state.press(Key::Char('y')), Some(Order::Drain(false)));
}

#[test]
fn the_chosen_row_is_one_that_is_there() {
    let mut state = State::new("lb".to_owned());
    for _ in 0..9 {
        state.press(Key::Down);
    }
    assert_eq!(table::place(&state, 0), None);
    assert_eq!(table::place(&state, 3), Some(2));
}
