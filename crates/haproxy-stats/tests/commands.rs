//! What a tool is told, held to what HAProxy 2.6.12 told it of the same servers. `crates/muster/tests/haproxy_stats.rs` asks a real one.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use muster_haproxy_stats::{
    Backend, Board, Change, Counters, Facts, Front, Health, Level, Missing, Mode, Process, Proxy, Server,
    Session, State, Step, answer,
};
use proptest::prelude::*;
use std::rc::Rc;
use std::time::Duration;

struct Known(Rc<Facts>);

impl Board for Known {
    fn facts(&self) -> Rc<Facts> {
        Rc::clone(&self.0)
    }

    fn server(&self, backend: &str, server: &str) -> Result<Server, Missing> {
        let proxy = self.0.proxies.iter().find(|proxy| proxy.name == backend);
        let backend = proxy.and_then(|proxy| proxy.backend.as_ref()).ok_or(Missing::Backend)?;
        backend.servers.iter().find(|known| known.name == server).cloned().ok_or(Missing::Server)
    }
}

fn server(name: &str, weight: u16) -> Server {
    Server {
        name: name.into(),
        addr: Some("127.0.0.1:19001".parse().unwrap()),
        is_fixed: true,
        weight,
        weight_initial: weight,
        is_backup: false,
        state: State::Ready,
        is_disabled: false,
        health: Health::Unchecked,
        why: None,
        requests_max: None,
        check: None,
        idle: Some(0),
        counters: Counters { total: Some(0), ..Counters::default() },
    }
}

fn board() -> Known {
    let front = Front { clients_max: 1000, ..Front::default() };
    let web = Proxy { name: "web".into(), mode: Mode::Http, front: Some(front), backend: None };
    let mut servers = vec![server("s1", 10), server("s2", 20), server("s3", 1), server("s4", 1)];
    (servers[2].is_backup, servers[3].state, servers[3].is_disabled) = (true, State::Maintenance, true);
    let backend = Backend { algorithm: "roundrobin".into(), servers, is_fixed: true, ..Backend::default() };
    let app = Proxy { name: "app".into(), mode: Mode::Http, front: None, backend: Some(backend) };
    let process =
        Process { version: "1.2.3".into(), uptime: Duration::from_secs(93_784), ..Process::default() };
    Known(Rc::new(Facts { process, proxies: vec![web, app] }))
}

/// Everything that is told of `bytes`, and what is to change.
fn told(level: Level, bytes: &[u8], board: &Known) -> (String, Vec<Change>) {
    let mut session = Session::new(level, Duration::from_secs(10));
    session.receive(bytes);
    let (mut text, mut changes) = (String::new(), Vec::new());
    while let Step::Answer(words) = session.step() {
        let answer = answer(&mut session, &words, board);
        text.extend(answer.text);
        text.push_str(session.prompt());
        changes.extend(answer.change);
    }
    (text, changes)
}

fn admin(line: &str) -> (String, Vec<Change>) {
    told(Level::Admin, format!("{line}\n").as_bytes(), &board())
}

fn column(name: &str, line: &str) -> Vec<String> {
    let text = admin(line).0;
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().strip_prefix("# ").unwrap().split(',').collect();
    let at = header.iter().position(|column| *column == name).unwrap();
    let rows: Vec<Vec<&str>> =
        lines.take_while(|line| !line.is_empty()).map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == header.len()), "{text}");
    rows.iter().map(|row| row[at].to_owned()).collect()
}

#[test]
fn sentences_are_haproxys() {
    for (line, words) in [
        ("set server", "Require 'backend/server'.\n\n"),
        ("set server app", "Require 'backend/server'.\n\n"),
        ("set server nope/s1 state ready", "No such backend.\n\n"),
        ("set server app/nope state ready", "No such server.\n\n"),
        ("set server app/s1 state ready", "\n"),
        ("set server app/s1 weight 257", "Absolute weight can only be between 0 and 256 inclusive.\n\n"),
        ("set server app/s1 weight x", "Empty weight string empty or preceded by garbage\n"),
        ("get weight #3/#2", "20 (initial 20)\n\n"),
        (
            "set server app/s1 addr 127.0.0.1 port 19001",
            "no need to change the addr, no need to change the port by 'stats socket command'\n\n",
        ),
        ("show stat nope 4 -1", "No such proxy.\n\n"),
        ("show servers state nope", "Can't find backend.\n\n"),
        ("show backend", "# name\napp\n\n"),
        ("show cli level;user; show cli level", "admin\n\n\nuser\n\n"),
        ("prompt;show cli level;prompt", "\n> admin\n\n> \n"),
        ("show cli level; quit; show cli level", "admin\n\n"),
        ("disable frontend nope", "No such frontend.\n\n"),
        ("enable frontend web", "All sockets are already enabled.\n\n"),
        ("show version", "2.6-muster-1.2.3\n\n"),
    ] {
        assert_eq!(admin(line).0, words, "{line}");
    }
    assert!(admin("@1 show info").0.starts_with("Unknown command. "));
    assert!(admin("show acl").0.starts_with("Unknown command, but maybe "));
}

#[test]
fn a_level_obeys_no_more_than_it_may() {
    let board = board();
    for (level, line, words) in [
        (Level::User, "set server app/s1 state drain\n", "Permission denied\n\n"),
        (Level::Operator, "set weight app/s1 3\n", "Permission denied\n\n"),
        (Level::User, "clear counters\n", "Permission denied\n\n"),
        (Level::Operator, "clear counters all\n", "Permission denied\n\n"),
        (Level::User, "operator;show cli level\n", "Permission denied\n\nuser\n\n"),
        (Level::Admin, "user;disable server app/s1\n", "\nPermission denied\n\n"),
    ] {
        assert_eq!(told(level, line.as_bytes(), &board), (words.into(), vec![]), "{line}");
    }
    assert_eq!(told(Level::Operator, b"clear counters\n", &board).1, [Change::Clear { all: false }]);
}

#[test]
fn what_is_to_change_is_handed_over() {
    let named = |server: &str| (String::from("app"), String::from(server));
    let of_state = |server, state| {
        let (backend, server) = named(server);
        vec![Change::State { backend, server, state }]
    };
    let of_weight = |server, weight| {
        let (backend, server) = named(server);
        vec![Change::Weight { backend, server, weight }]
    };
    assert_eq!(admin("set server app/s1 state maint").1, of_state("s1", State::Maintenance));
    assert_eq!(admin("disable server app/s2").1, of_state("s2", State::Maintenance));
    assert_eq!(admin("set server app/s2 state drain").1, of_state("s2", State::Drain));
    assert_eq!(admin("set server app/s1 weight 50%").1, of_weight("s1", 5));
    assert_eq!(admin("set weight app/s1 3000%").1, of_weight("s1", 256));
    assert_eq!(admin("set server app/s1 weight -1").1, []);
    let (text, changes) = admin("set server app/s1 addr 10.0.0.1 port 80");
    assert_eq!(
        text,
        "IP changed from '127.0.0.1' to '10.0.0.1', port changed from '19001' to '80' by 'stats socket command'\n\n"
    );
    let (backend, server) = named("s1");
    assert_eq!(changes, [Change::Address { backend, server, addr: "10.0.0.1:80".parse().unwrap() }]);
}

#[test]
fn lines_of_statistics_are_chosen_as_haproxy_chooses_them() {
    let all = ["FRONTEND", "s1", "s2", "s3", "s4", "BACKEND"];
    for (line, wanted) in [
        ("show stat", &all[..]),
        ("show stat -1 1 -1", &all[..1]),
        ("show stat 3 4 -1", &all[1..5]),
        ("show stat app 4 2", &all[2..3]),
        ("show stat app 2 -1", &all[5..]),
        ("show stat 99 -1 -1", &[]),
    ] {
        assert_eq!(column("svname", line), wanted, "{line}");
    }
    assert_eq!(column("svname", "show stat app 4 -1 up"), all[1..4]);
    assert_eq!(column("status", "show stat"), ["OPEN", "no check", "no check", "no check", "MAINT", "UP"]);
    assert_eq!(column("status", "show stat app 2 -1 no-maint"), ["UP (3/4)"]);
    assert_eq!(column("weight", "show stat"), ["", "10", "20", "1", "1", "30"]);
    assert_eq!(column("lastsess", "show stat app 4 1"), ["-1"]);
    assert_eq!(column("bin", "show stat app 4 1"), [""], "nobody counts it here");
}

#[test]
fn forms_for_programs_are_well_formed() {
    for line in ["show stat json", "show info json"] {
        let text = admin(line).0;
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(read.as_array().unwrap().len() > 5, "{text}");
    }
    let typed = admin("show stat app 4 2 typed").0;
    assert!(typed.contains("S.3.2.18.weight.1:MaP:u32:20\n"), "{typed}");
    let info = admin("show info").0;
    assert!(info.contains("Uptime: 1d 2h03m04s\nUptime_sec: 93784\n"), "{info}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), line in "(show|set|get|help|disable) (stat|server|weight|info)? ?[a-z#/0-9;%-]{0,9} ?(state|weight|addr|up)? ?[0-9%a-z.:-]{0,9}\n") {
        told(Level::Admin, &bytes, &board());
        told(Level::Admin, line.as_bytes(), &board());
    }
}
