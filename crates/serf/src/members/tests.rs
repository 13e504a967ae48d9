//! The rules of member states, row by row.

use super::*;
use muster_wire::{RawAddr, Versions};

const OWN: &str = "me";
const OTHER: &str = "other";
/// Three times that differ.
const MEMORY: Memory = Memory {
    reconnect_interval: Duration::from_secs(1),
    failed_for: Duration::from_secs(20_000),
    left_for: Duration::from_secs(30_000),
};
const PRUNE_DELAY: Duration = Duration::from_secs(6);

fn at(secs: u64) -> Instant {
    Instant(Duration::from_secs(secs))
}

fn announcement(name: &str) -> Announcement {
    Announcement {
        name: name.into(),
        addr: RawAddr::V4([127, 0, 0, 1]),
        port: 7946,
        meta: b"web".to_vec(),
        versions: Versions::OURS,
    }
}

fn view(name: &str) -> Arc<Announcement> {
    announcement(name).into()
}

fn leave(node: &str, ltime: u64) -> LeaveIntent<'_> {
    LeaveIntent { ltime, node, prune: false }
}

fn prune(node: &str, ltime: u64) -> LeaveIntent<'_> {
    LeaveIntent { ltime, node, prune: true }
}

fn join(node: &str, ltime: u64) -> JoinIntent<'_> {
    JoinIntent { ltime, node }
}

/// A table that has heard nothing yet.
fn empty() -> Members {
    Members::new(OWN.into(), PRUNE_DELAY, MEMORY, 1)
}

/// A table in which `node` is in `status`, with 10 as the time of its last intent, since second 1.
fn with(node: &str, status: Status) -> Members {
    let mut members = empty();
    members.joined(at(1), view(node));
    let slot = members.known.find(node).unwrap();
    members.judge(at(1), slot, status);
    members.known.at_mut(slot).unwrap().status_ltime = 10;
    members.take_events();
    members
}

/// Events as short words, names left out.
fn told(members: &mut Members) -> Vec<&'static str> {
    let word = |event| match event {
        Event::Member(MemberEvent::Join, _) => "join",
        Event::Member(MemberEvent::Leave, _) => "leave",
        Event::Member(MemberEvent::Failed, _) => "failed",
        Event::Member(MemberEvent::Update, _) => "update",
        Event::Member(MemberEvent::Reap, _) => "reap",
        Event::Leaving(_) => "leaving",
        Event::Staying(_) => "staying",
        _ => "something else",
    };
    members.take_events().into_iter().map(word).collect()
}

fn status(members: &Members, node: &str) -> Option<(Status, u64)> {
    members.get(node).map(|member| (member.status, member.status_ltime))
}

use Heard::{AboutUs, New, Old};
use Status::{Alive, Failed, Leaving, Left};

#[test]
fn a_node_that_swim_sees_alive_is_alive_whatever_it_was() {
    for before in [Alive, Leaving, Left, Failed] {
        let mut members = with(OTHER, before);
        let announced = Announcement { port: 1, meta: b"db".to_vec(), ..announcement(OTHER) };
        members.joined(at(5), announced.into());
        assert_eq!(status(&members, OTHER), Some((Alive, 10)), "{before:?}");
        assert_eq!(told(&mut members), ["join"], "{before:?}");
        let member = members.get(OTHER).unwrap();
        assert_eq!((member.port, &*member.tags()["role"]), (1, "db"));
        assert_eq!(members.next_due(), None, "nobody is gone, so nobody is to be forgotten");
    }
}

#[test]
fn a_new_node_is_what_its_newest_intent_says() {
    let mut members = empty();
    members.joined(at(1), view(OTHER));
    assert_eq!(status(&members, OTHER), Some((Alive, 0)));
    assert_eq!(told(&mut members), ["join"]);

    let mut members = empty();
    assert_eq!(members.leave_intent(at(0), leave(OTHER, 4), true), New);
    assert_eq!(members.join_intent(at(0), join(OTHER, 5), true), New);
    members.joined(at(1), view(OTHER));
    assert_eq!(status(&members, OTHER), Some((Alive, 5)));
    assert_eq!(told(&mut members), ["join"]);

    let mut members = empty();
    assert_eq!(members.join_intent(at(0), join(OTHER, 4), true), New);
    assert_eq!(members.leave_intent(at(0), leave(OTHER, 5), true), New);
    members.joined(at(1), view(OTHER));
    assert_eq!(status(&members, OTHER), Some((Leaving, 5)));
    assert_eq!(told(&mut members), ["join"]);
}

#[test]
fn a_kept_intent_is_applied_once() {
    let mut members = empty();
    members.leave_intent(at(0), leave(OTHER, 4), true);
    members.joined(at(1), view(OTHER));
    members.gone(at(2), OTHER, GoneWhy::Left);
    members.leave_intent(at(2), prune(OTHER, 9), true);
    assert_eq!(status(&members, OTHER), None);
    members.joined(at(3), view(OTHER));
    assert_eq!(status(&members, OTHER), Some((Alive, 0)));
}

#[test]
fn an_intent_about_an_unknown_node_is_news_once() {
    let mut members = empty();
    assert_eq!(members.join_intent(at(0), join(OTHER, 4), true), New);
    assert_eq!(members.join_intent(at(0), join(OTHER, 4), true), Old);
    assert_eq!(members.leave_intent(at(0), leave(OTHER, 4), true), Old);
    assert_eq!(members.leave_intent(at(0), leave(OTHER, 5), true), New);
    assert_eq!(members.join_intent(at(0), join(OTHER, 3), true), Old);
    members.forget_due(at(301));
    assert_eq!(members.join_intent(at(301), join(OTHER, 3), true), New, "forgotten after five minutes");
    assert!(told(&mut members).is_empty());
    assert_eq!(members.len(), 0);
}

#[test]
fn why_a_node_is_gone_and_what_it_announced_decide_its_state() {
    for (before, why, after, event) in [
        (Alive, GoneWhy::Failed, Failed, Some("failed")),
        (Alive, GoneWhy::Left, Left, Some("leave")),
        (Leaving, GoneWhy::Failed, Left, Some("leave")),
        (Leaving, GoneWhy::Left, Left, Some("leave")),
        (Failed, GoneWhy::Failed, Failed, None),
        (Failed, GoneWhy::Left, Left, Some("leave")),
        (Left, GoneWhy::Failed, Left, None),
        (Left, GoneWhy::Left, Left, None),
    ] {
        let mut members = with(OTHER, before);
        members.gone(at(5), OTHER, why);
        assert_eq!(status(&members, OTHER), Some((after, 10)), "{before:?} {why:?}");
        assert_eq!(told(&mut members), Vec::from_iter(event), "{before:?} {why:?}");
        let gone = if before == after { at(1) } else { at(5) };
        let remembered_for = if after == Failed { MEMORY.failed_for } else { MEMORY.left_for };
        assert_eq!(members.next_due(), Some(gone + remembered_for), "{before:?} {why:?}");
    }
    let mut members = empty();
    members.gone(at(5), OTHER, GoneWhy::Failed);
    assert!(told(&mut members).is_empty(), "unknown");
}

#[test]
fn an_update_refreshes_what_is_announced_and_nothing_else() {
    for before in [Alive, Leaving] {
        let mut members = with(OTHER, before);
        let versions = Versions([1, 5, 2, 2, 5, 4]);
        let announced = Announcement { port: 2, meta: b"db".to_vec(), versions, ..announcement(OTHER) };
        members.updated(at(5), announced.into());
        let member = members.get(OTHER).unwrap();
        assert_eq!((member.status, member.status_ltime), (before, 10));
        assert_eq!((member.port, &*member.tags()["role"], member.versions), (2, "db", versions));
        assert_eq!(told(&mut members), ["update"]);
    }
    let mut members = empty();
    members.updated(at(5), view(OTHER));
    assert_eq!(told(&mut members), ["join"], "pruned while alive, it shows itself again");
}

#[test]
fn a_join_intent_counts_when_it_is_newer() {
    for (before, ltime, heard, after, event) in [
        (Alive, 10, Old, (Alive, 10), None),
        (Alive, 11, New, (Alive, 11), None),
        (Leaving, 10, Old, (Leaving, 10), None),
        (Leaving, 11, New, (Alive, 11), Some("staying")),
        (Left, 10, Old, (Left, 10), None),
        (Left, 11, New, (Left, 11), None),
        (Failed, 10, Old, (Failed, 10), None),
        (Failed, 11, New, (Failed, 11), None),
    ] {
        let mut members = with(OTHER, before);
        assert_eq!(members.join_intent(at(5), join(OTHER, ltime), true), heard, "{before:?} {ltime}");
        assert_eq!(status(&members, OTHER), Some(after), "{before:?} {ltime}");
        assert_eq!(told(&mut members), Vec::from_iter(event), "{before:?} {ltime}");
    }
}

#[test]
fn a_leave_intent_counts_when_it_is_newer() {
    for (before, ltime, heard, after, event) in [
        (Alive, 10, Old, (Alive, 10), None),
        (Alive, 11, New, (Leaving, 11), Some("leaving")),
        (Leaving, 10, Old, (Leaving, 10), None),
        (Leaving, 11, New, (Leaving, 11), None),
        (Left, 10, Old, (Left, 10), None),
        (Left, 11, New, (Left, 11), None),
        (Failed, 10, Old, (Failed, 10), None),
        (Failed, 11, New, (Left, 11), Some("leave")),
    ] {
        let mut members = with(OTHER, before);
        assert_eq!(members.leave_intent(at(5), leave(OTHER, ltime), true), heard, "{before:?} {ltime}");
        assert_eq!(status(&members, OTHER), Some(after), "{before:?} {ltime}");
        assert_eq!(told(&mut members), Vec::from_iter(event), "{before:?} {ltime}");
    }
}

#[test]
fn a_leave_intent_about_us_is_refuted_unless_it_is_ours() {
    let mut members = with(OWN, Alive);
    assert_eq!(members.leave_intent(at(5), leave(OWN, 9), true), Old);
    assert_eq!(members.leave_intent(at(5), leave(OWN, 10), true), AboutUs, "who says it forgot our word");
    assert_eq!(members.leave_intent(at(5), leave(OWN, 11), true), AboutUs);
    assert_eq!(status(&members, OWN), Some((Alive, 10)), "nothing has changed");
    assert!(told(&mut members).is_empty());
    assert_eq!(members.leave_intent(at(5), leave(OWN, 11), false), New);
    assert_eq!(status(&members, OWN), Some((Leaving, 11)));
    assert_eq!(told(&mut members), ["leaving"]);
}

#[test]
fn whoever_knows_more_of_our_joins_than_we_is_answered() {
    let mut members = with(OWN, Alive);
    assert_eq!(members.join_intent(at(5), join(OWN, 10), true), Old);
    assert_eq!(members.join_intent(at(5), join(OWN, 11), true), AboutUs);
    assert_eq!(status(&members, OWN), Some((Alive, 10)));
    members.we_join(12);
    assert_eq!(members.join_intent(at(5), join(OWN, 12), true), Old, "an echo of our own");
    let mut members = with(OWN, Leaving);
    assert_eq!(members.join_intent(at(5), join(OWN, 11), false), Old, "nobody keeps us from leaving");
    assert_eq!(status(&members, OWN), Some((Leaving, 10)));
    assert!(told(&mut members).is_empty());
}

#[test]
fn that_a_node_left_elsewhere_is_news_only_if_we_saw_it_fail() {
    for (before, ltime, heard, after, event) in [
        (Alive, 11, Old, (Alive, 10), None),
        (Leaving, 11, Old, (Leaving, 10), None),
        (Left, 11, Old, (Left, 10), None),
        (Failed, 10, Old, (Failed, 10), None),
        (Failed, 11, New, (Left, 11), Some("leave")),
    ] {
        let mut members = with(OTHER, before);
        assert_eq!(members.left_elsewhere(at(5), leave(OTHER, ltime), true), heard, "{before:?} {ltime}");
        assert_eq!(status(&members, OTHER), Some(after), "{before:?} {ltime}");
        assert_eq!(told(&mut members), Vec::from_iter(event), "{before:?} {ltime}");
    }
    let mut members = with(OWN, Alive);
    assert_eq!(members.left_elsewhere(at(5), leave(OWN, 9), true), Old);
    assert_eq!(members.left_elsewhere(at(5), leave(OWN, 11), true), AboutUs);
    let mut members = empty();
    assert_eq!(members.left_elsewhere(at(5), leave(OTHER, 4), true), New);
    members.joined(at(6), view(OTHER));
    assert_eq!(status(&members, OTHER), Some((Leaving, 4)));
}

#[test]
fn a_prune_forgets_the_gone_at_once_and_gives_the_leaving_time() {
    for (before, events) in [(Failed, &["leave", "reap"][..]), (Left, &["reap"])] {
        let mut members = with(OTHER, before);
        assert_eq!(members.leave_intent(at(5), prune(OTHER, 10), true), Old);
        assert!(told(&mut members).is_empty(), "an old one prunes nothing");
        assert_eq!(members.leave_intent(at(5), prune(OTHER, 11), true), New);
        assert_eq!(status(&members, OTHER), None);
        assert_eq!(told(&mut members), events);
        assert_eq!(members.next_due(), None);
    }
    for (before, events) in [(Alive, &["leaving"][..]), (Leaving, &[])] {
        let mut members = with(OTHER, before);
        assert_eq!(members.leave_intent(at(5), prune(OTHER, 11), true), New);
        assert_eq!(told(&mut members), events);
        assert_eq!(members.next_due(), Some(at(5) + PRUNE_DELAY));
        members.forget_due(at(10));
        assert_eq!(status(&members, OTHER), Some((Leaving, 11)));
        members.forget_due(at(11));
        assert_eq!(status(&members, OTHER), None);
        assert_eq!(told(&mut members), ["reap"]);
        assert_eq!(members.next_due(), None);
    }
}

#[test]
fn a_member_that_stays_or_returns_is_not_pruned() {
    let mut members = with(OTHER, Alive);
    members.leave_intent(at(5), prune(OTHER, 11), true);
    members.join_intent(at(6), join(OTHER, 12), true);
    members.forget_due(at(60));
    assert_eq!(status(&members, OTHER), Some((Alive, 12)));
    assert_eq!(told(&mut members), ["leaving", "staying"]);

    let mut members = with(OTHER, Alive);
    members.leave_intent(at(5), prune(OTHER, 11), true);
    members.gone(at(6), OTHER, GoneWhy::Left);
    members.joined(at(7), view(OTHER));
    members.forget_due(at(60));
    assert_eq!(status(&members, OTHER), Some((Alive, 11)));
}

#[test]
fn we_are_never_pruned() {
    let mut members = with(OWN, Alive);
    members.leave_intent(at(5), prune(OWN, 11), false);
    members.gone(at(6), OWN, GoneWhy::Left);
    members.leave_intent(at(7), prune(OWN, 12), false);
    members.forget_due(at(60));
    assert_eq!(status(&members, OWN), Some((Left, 12)));
}

#[test]
fn the_failed_and_the_left_are_forgotten_each_after_its_time_and_the_present_never() {
    for (status, word) in
        [(Failed, Some("reap")), (Left, Some("reap")), (Alive, None), (Leaving, Some("staying"))]
    {
        let forgotten = word == Some("reap");
        let mut members = with(OTHER, status);
        let remembered_for = if status == Failed { MEMORY.failed_for } else { MEMORY.left_for };
        members.forget_due(Instant(remembered_for));
        assert_eq!(members.len(), 1, "{status:?}");
        members.forget_due(at(1) + remembered_for);
        assert_eq!(members.len(), usize::from(!forgotten), "{status:?}");
        assert_eq!(told(&mut members), Vec::from_iter(word), "{status:?}");
    }
}

#[test]
fn a_clock_jump_prolongs_the_time_to_leave() {
    let mut members = with(OTHER, Alive);
    members.leave_intent(at(5), prune(OTHER, 11), true);
    members.slept(Duration::from_secs(100));
    members.forget_due(at(110));
    assert_eq!(members.len(), 1);
    members.forget_due(at(111));
    assert_eq!(members.len(), 0);
}

#[test]
fn who_is_alive_a_minute_after_it_was_to_leave_stays() {
    let mut members = with(OTHER, Alive);
    members.leave_intent(at(5), leave(OTHER, 11), true);
    members.forget_due(at(64));
    assert_eq!(told(&mut members), ["leaving"]);
    members.forget_due(at(65));
    assert_eq!(told(&mut members), ["staying"]);
    assert_eq!(status(&members, OTHER), Some((Alive, 11)));
    // Heard of before it was met.
    let mut members = empty();
    members.leave_intent(at(5), leave(OTHER, 11), true);
    members.joined(at(6), view(OTHER));
    members.forget_due(at(66));
    assert_eq!(told(&mut members), ["join", "staying"]);
    // Who left in time does not come back by this.
    let mut members = with(OTHER, Alive);
    members.leave_intent(at(5), leave(OTHER, 11), true);
    members.gone(at(7), OTHER, GoneWhy::Left);
    members.forget_due(at(100));
    assert_eq!(told(&mut members), ["leaving", "leave"]);
}

#[test]
fn made_up_names_displace_those_gone_longest_and_nobody_present() {
    let mut members = empty();
    members.joined(at(0), view(OTHER));
    members.joined(at(0), view("leaver"));
    members.leave_intent(at(0), leave("leaver", 1), true);
    for number in 0..NODES_MAX as u64 {
        let name = number.to_string();
        members.joined(at(number), view(&name));
        members.gone(at(number), &name, GoneWhy::Failed);
        assert!(members.len() <= NODES_MAX);
    }
    let reaped: Vec<_> = members
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            Event::Member(MemberEvent::Reap, member) => Some(member.name.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(reaped, ["0", "1"]);
    assert_eq!(members.count(), Count { all: NODES_MAX, failed: NODES_MAX - 2, left: 0 });
    assert_eq!(status(&members, OTHER), Some((Alive, 0)));
    assert_eq!(status(&members, "leaver"), Some((Leaving, 1)));
    // One that is present again is none of those gone longest.
    members.joined(at(100_000), view("2"));
    members.joined(at(100_000), view("newcomer"));
    assert_eq!(status(&members, "2"), Some((Alive, 0)));
    assert_eq!(status(&members, "3"), None);
}
