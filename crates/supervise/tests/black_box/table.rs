//! The table itself: every pair of state and event is there, and does what its name says.

use muster_supervise::State;
use muster_supervise::table::{Act, EVENTS, Event, STATES, longrun, markdown, oneshot};

fn has_process(state: State) -> bool {
    !matches!(state, State::Down | State::Waiting | State::Failed)
}

#[test]
fn a_second_process_is_never_started_beside_the_first() {
    for state in STATES {
        for event in EVENTS {
            let starts = longrun(state, event) == Act::Start;
            assert!(!(starts && has_process(state)), "{state:?} {event:?}");
            let starts = oneshot(state, event) == Act::Start;
            assert!(!(starts && has_process(state)), "{state:?} {event:?}");
        }
    }
}

#[test]
fn every_state_with_a_process_hears_of_its_end() {
    for state in STATES.into_iter().filter(|state| has_process(*state)) {
        assert!(matches!(longrun(state, Event::Ended), Act::Finish | Act::Settle), "{state:?}");
    }
}

#[test]
fn whoever_was_told_to_end_is_killed_when_its_time_is_over() {
    for state in [State::Stopping, State::Killing, State::Finishing, State::Clearing] {
        assert_eq!(longrun(state, Event::Timeout), Act::Kill, "{state:?}");
    }
    for state in [State::Starting, State::Stopping, State::Killing] {
        assert_eq!(oneshot(state, Event::Timeout), Act::Kill, "{state:?}");
    }
}

#[test]
fn what_people_ask_is_never_ignored() {
    for state in STATES {
        for event in [Event::Up, Event::Once, Event::Down] {
            assert!(!matches!(longrun(state, event), Act::Ignore | Act::Never), "{state:?} {event:?}");
        }
    }
}

#[test]
fn the_documentation_shows_these_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/supervision.md");
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let wanted = format!(
        "## A longrun\n\n{}\n## A oneshot\n\n{}\n<!-- end of the tables -->",
        markdown(longrun),
        markdown(oneshot)
    );
    if std::env::var_os("MEND").is_some() && !text.contains(&wanted) {
        let start = text.find("## A longrun").expect("docs/supervision.md has its tables");
        let end = text.find("<!-- end of the tables -->").expect("and their end")
            + "<!-- end of the tables -->".len();
        let mended = format!("{}{wanted}{}", &text[..start], &text[end..]);
        std::fs::write(path, mended).expect("docs/ can be written");
        return;
    }
    assert!(
        text.contains(&wanted),
        "docs/supervision.md has other tables; mend it with: MEND=1 cargo test -p muster-supervise"
    );
}
