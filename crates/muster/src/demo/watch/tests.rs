use super::*;
use muster_control::routes::Protocol;

fn member(name: &str, status: &str) -> MemberRow {
    let tags = match name {
        BALANCER => BTreeMap::from([("role".to_owned(), BALANCER.to_owned())]),
        _ => BTreeMap::from([
            ("role".to_owned(), "backend".to_owned()),
            ("port".to_owned(), "3000".to_owned()),
        ]),
    };
    MemberRow {
        name: name.to_owned(),
        addr: "127.77.0.11:7946".to_owned(),
        port: 7946,
        tags,
        status: status.to_owned(),
        protocol: Protocol { max: 5, min: 2, version: 4 },
    }
}

fn backend(node: &str, state: &str, requests: u64) -> BackendReport {
    BackendReport {
        service: "backend".to_owned(),
        node: node.to_owned(),
        state: state.to_owned(),
        in_flight: 1,
        requests,
        failures: 0,
        why: (state == "ejected").then(|| "connection refused".to_owned()),
    }
}

fn look(members: &[(&str, &str)], backends: &[BackendReport]) -> Look {
    let report = Report {
        sink: "proxy".to_owned(),
        epoch: 1,
        version: 1,
        requests: backends.iter().map(|backend| backend.requests).sum(),
        failed: 0,
        failed_unsafe: 0,
        retried: 0,
        backends: backends.to_vec(),
        services: Vec::new(),
        log_lines_lost: 0,
    };
    Look {
        members: members.iter().map(|(name, status)| member(name, status)).collect(),
        report: Some(report),
    }
}

/// The words of what each look changed, one look a second.
fn told(looks: &[Look]) -> Vec<Vec<String>> {
    let mut watch = Watch::default();
    let see = |(second, look)| {
        let events = watch.see(look, Duration::from_secs(second));
        events.into_iter().map(|event| event.text).collect()
    };
    (0..).zip(looks).map(see).collect()
}

#[test]
fn a_graceful_stop_is_told_step_by_step() {
    let looks = [
        look(&[("s1", "alive")], &[]),
        look(&[("s1", "alive")], &[backend("s1", "up", 0)]),
        look(&[("s1", "leaving")], &[backend("s1", "draining", 3)]),
        look(&[("s1", "left")], &[]),
        look(&[("s1", "alive")], &[backend("s1", "up", 0)]),
    ];
    assert_eq!(
        told(&looks),
        [
            vec!["s1 joined"],
            vec!["s1 gets requests"],
            vec!["s1 drains: no new requests, 1 in flight"],
            vec!["s1 left", "s1 drained: nothing in flight on it"],
            vec!["s1 is back", "s1 gets requests again"],
        ]
    );
}

#[test]
fn a_crash_is_told_with_its_evidence() {
    let looks = [
        look(&[("s1", "alive")], &[backend("s1", "up", 0)]),
        look(&[("s1", "alive")], &[backend("s1", "ejected", 3)]),
        look(&[("s1", "failed")], &[backend("s1", "demoted", 3)]),
    ];
    let told = told(&looks);
    assert_eq!(told[1], ["s1 ejected: connection refused"]);
    assert_eq!(told[2], ["s1 failed: its agent answers nobody", "s1 demoted: tried last"]);
}

#[test]
fn what_does_not_change_is_not_told_again() {
    let same = look(&[("s1", "failed")], &[backend("s1", "ejected", 0)]);
    assert_eq!(told(&[same.clone(), same])[1], Vec::<String>::new());
}

#[test]
fn rates_are_those_of_the_last_seconds() {
    let mut watch = Watch::default();
    let mut rate = |seconds: f64, requests| {
        watch.see(
            &look(&[("s1", "alive")], &[backend("s1", "up", requests)]),
            Duration::from_secs_f64(seconds),
        );
        watch.nodes()[0].per_second
    };
    assert_eq!(rate(0.0, 100), 0.0);
    assert_eq!(rate(1.0, 150), 50.0);
    assert_eq!(rate(1.9, 150), 50.0, "the next report is not there yet");
    assert_eq!(rate(2.0, 200), 50.0);
    assert_eq!(rate(4.0, 200), 25.0, "no report came with another figure");
    assert_eq!(rate(8.0, 200), 0.0);
    assert_eq!(rate(9.0, 250), 7.142857142857143);
    assert_eq!(rate(13.0, 350), 25.0);
    assert_eq!(rate(14.0, 7), 0.0, "a proxy that counts from zero again is no negative rate");
}

#[test]
fn a_node_that_is_no_backend_any_more_keeps_its_count() {
    let mut watch = Watch::default();
    watch.see(&look(&[("s1", "alive")], &[backend("s1", "up", 7)]), Duration::ZERO);
    watch.see(&look(&[("s1", "left")], &[]), Duration::from_secs(1));
    let node = &watch.nodes()[0];
    assert_eq!((node.requests, node.in_flight, node.backend.as_str()), (7, 0, ""));
    assert_eq!(watch.up(), 0);
}

#[test]
fn the_balancer_comes_first_and_its_figures_are_the_totals() {
    let members = [("balancer", "alive"), ("s10", "alive"), ("s2", "alive")];
    let mut watch = Watch::default();
    watch.see(&look(&members, &[backend("s2", "up", 3), backend("s10", "up", 4)]), Duration::ZERO);
    let nodes = watch.nodes();
    assert_eq!(nodes.iter().map(|node| node.name.as_str()).collect::<Vec<_>>(), ["balancer", "s2", "s10"]);
    assert_eq!((nodes[0].requests, nodes[0].in_flight), (7, 2));
    assert_eq!((nodes[0].addr.as_str(), nodes[1].addr.as_str()), ("127.77.0.11:7946", "127.77.0.11:3000"));
    assert_eq!(watch.up(), 2);
    assert_eq!(watch.agent_state("s2"), Some("alive"));
}

#[test]
fn a_members_name_cannot_command_the_terminal() {
    let mut watch = Watch::default();
    let events = watch.see(&look(&[("\x1b[2J", "alive")], &[]), Duration::ZERO);
    assert_eq!(events[0].text, "\\u{1b}[2J joined");
}
