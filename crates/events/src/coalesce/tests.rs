use super::*;
use crate::testing::{member, members, query, user};
use MemberEvent::{Failed, Join, Leave, Reap, Update};

fn at(millis: u64) -> Instant {
    Instant(Duration::from_millis(millis))
}

/// Everything told, in words: `member-join a,b`, `user deploy@7`.
fn told(coalescer: &mut Coalescer) -> Vec<String> {
    let words = |notice: Arc<Notice>| match &*notice {
        Notice::Members { event, members } => {
            let names: Vec<&str> = members.iter().map(|member| &*member.name).collect();
            format!("{} {}", event.as_str(), names.join(","))
        }
        Notice::User { ltime, name, .. } => format!("user {name}@{ltime}"),
        Notice::Query { name, .. } => format!("query {name}"),
    };
    core::iter::from_fn(|| coalescer.take()).map(words).collect()
}

/// Puts each at its time, and gives the timers their turn in between and afterwards; what is told, and when.
fn played(script: &[(u64, Arc<Notice>)]) -> Vec<(u64, String)> {
    let mut coalescer = Coalescer::new();
    let mut said = Vec::new();
    let mut script = script.iter().peekable();
    loop {
        let timer = coalescer.next_timeout();
        let now = match (script.peek(), timer) {
            (Some((millis, _)), due) if due.is_none_or(|due| at(*millis) < due) => {
                let (millis, notice) = script.next().unwrap();
                coalescer.put(at(*millis), Arc::clone(notice));
                at(*millis)
            }
            (_, Some(due)) => {
                coalescer.tick(due);
                due
            }
            (_, None) => return said,
        };
        let millis = u64::try_from(now.0.as_millis()).unwrap();
        said.extend(told(&mut coalescer).into_iter().map(|words| (millis, words)));
    }
}

fn node(event: MemberEvent, name: &str) -> Arc<Notice> {
    members(event, &[member(name, &[])])
}

#[track_caller]
fn assert_told(script: &[(u64, Arc<Notice>)], expected: &[(u64, &str)]) {
    let said = played(script);
    let said: Vec<(u64, &str)> = said.iter().map(|(millis, words)| (*millis, &**words)).collect();
    assert_eq!(said, expected);
}

#[test]
fn a_single_event_is_told_after_a_second_of_quiet() {
    assert_told(&[(500, node(Join, "a"))], &[(1500, "member-join a")]);
}

#[test]
fn a_burst_is_one_notice_per_kind() {
    let script =
        [(0, node(Join, "b")), (10, node(Failed, "c")), (20, node(Join, "a")), (30, node(Leave, "d"))];
    assert_told(&script, &[(1030, "member-join a,b"), (1030, "member-leave d"), (1030, "member-failed c")]);
}

#[test]
fn a_burst_without_end_is_told_every_three_seconds() {
    let script: Vec<_> = (0..8).map(|nth| (nth * 700, node(Join, &nth.to_string()))).collect();
    assert_told(&script, &[(3000, "member-join 0,1,2,3,4"), (5900, "member-join 5,6,7")]);
}

#[test]
fn of_a_node_only_the_last_event_is_told() {
    assert_told(&[(0, node(Join, "a")), (10, node(Failed, "a"))], &[(1010, "member-failed a")]);
}

#[test]
fn what_was_told_last_is_not_told_again() {
    let script = [(0, node(Failed, "a")), (2000, node(Join, "a")), (2100, node(Failed, "a"))];
    assert_told(&script, &[(1000, "member-failed a")]);
}

#[test]
fn what_was_told_last_of_a_node_elsewhere_is_told_again() {
    let moved = members(Join, &[member("a", &[("role", "b")])]);
    let script = [(0, node(Join, "a")), (2000, node(Failed, "a")), (2100, moved)];
    assert_told(&script, &[(1000, "member-join a"), (3100, "member-join a")]);
}

#[test]
fn an_update_is_told_once_and_again_when_there_is_another() {
    let script = [
        (0, node(Update, "a")),
        (5000, node(Join, "b")),
        (10_000, node(Update, "a")),
        (10_100, node(Update, "a")),
    ];
    assert_told(&script, &[(1000, "member-update a"), (6000, "member-join b"), (11_100, "member-update a")]);
}

#[test]
fn a_join_that_an_update_follows_is_a_join_with_the_new_tags() {
    let mut coalescer = Coalescer::new();
    coalescer.put(at(0), node(Join, "a"));
    let tagged = member("a", &[("role", "web")]);
    coalescer.put(at(1), members(Update, core::slice::from_ref(&tagged)));
    coalescer.tick(at(1001));
    assert_eq!(coalescer.take().as_deref(), Some(&Notice::Members { event: Join, members: [tagged].into() }));
}

#[test]
fn a_reaped_node_is_forgotten() {
    let mut coalescer = Coalescer::new();
    for (millis, event) in [(0, Failed), (2000, Reap)] {
        coalescer.put(at(millis), node(event, "a"));
        coalescer.flush();
    }
    assert_eq!(told(&mut coalescer), ["member-failed a", "member-reap a"]);
    assert!(coalescer.told.is_empty());
}

#[test]
fn of_user_events_that_ask_for_it_the_latest_of_each_name_are_told() {
    let script = [
        (0, user(1, "deploy", b"", true)),
        (10, user(3, "deploy", b"a", true)),
        (20, user(2, "deploy", b"", true)),
        (30, user(3, "deploy", b"b", true)),
        (40, user(1, "other", b"", true)),
    ];
    assert_told(&script, &[(1040, "user deploy@3"), (1040, "user deploy@3"), (1040, "user other@1")]);
}

#[test]
fn user_events_that_do_not_ask_for_it_and_queries_pass_at_once() {
    let script = [
        (0, node(Join, "a")),
        (1, user(1, "deploy", b"", false)),
        (2, user(2, "deploy", b"", false)),
        (3, query(1, "load", b"")),
    ];
    let expected = [(1, "user deploy@1"), (2, "user deploy@2"), (3, "query load"), (1000, "member-join a")];
    assert_told(&script, &expected);
}

#[test]
fn the_two_kinds_have_timers_of_their_own() {
    let script =
        [(0, node(Join, "a")), (500, user(1, "deploy", b"", true)), (1200, user(2, "deploy", b"", true))];
    assert_told(&script, &[(1000, "member-join a"), (2200, "user deploy@2")]);
}

#[test]
fn what_is_gathered_is_bounded() {
    let mut coalescer = Coalescer::new();
    for nth in 0..GATHERED_MAX {
        assert!(coalescer.take().is_none());
        coalescer.put(at(0), user(1, "same", &nth.to_le_bytes(), true));
    }
    assert_eq!(told(&mut coalescer).len(), GATHERED_MAX);
    assert_eq!(coalescer.next_timeout(), None);
}
