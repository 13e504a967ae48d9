//! Whole files: those that people have, those that nobody should have, and those that nobody meant.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]
// Not all of it is needed here.
#![allow(dead_code)]

mod support;

use muster_haproxy_file::{REFUSALS_MAX, Source, read};
use muster_routes::{Connection, Edits, Outcome, RequestHead, decide};
use proptest::prelude::*;
use support::{Where, env, facts, file, read_text};

/// The template of a rung, with its loop over addresses done.
fn rendered(template: &str) -> String {
    let (before, rest) = template.split_once("{{#each addresses}}\n").unwrap();
    let (line, behind) = rest.split_once("{{/each}}\n").unwrap();
    let servers = [("app1", "10.0.0.1"), ("app2", "10.0.0.2")];
    let lines = servers.map(|(host, ip)| line.replace("{{host}}", host).replace("{{ip}}", ip)).concat();
    format!("{before}{lines}{behind}")
}

#[test]
fn the_file_of_the_original_design_is_read_as_it_stands() {
    for template in [
        include_str!("../../../examples/original/rung0/ha/config/haproxy.cfg.hb"),
        include_str!("../../../examples/original/rung1/ha/haproxy.cfg.hb"),
    ] {
        let file = read_text(&rendered(template)).unwrap();
        assert!(file.plan.notes().is_empty(), "{:?}", file.plan.notes());
        let facts = facts(&file);
        for fact in [
            "global log Stdout raw 1024 bytes facility 16 severity 0..7",
            "stats socket 0.0.0.0:9999 Admin",
            "localnodes: bind 0.0.0.0:80",
            "localnodes: log Stdout raw 1024 bytes facility 16 severity 0..7",
            "localnodes: log format Http",
            "localnodes: skips silent",
            "nodes> check HEAD / HTTP/1.0 [Host: localhost] expects [200..=399]",
            "nodes> forwarded for \"X-Forwarded-For\"",
            "nodes> redispatch",
            "nodes> request X-Forwarded-Port=%dst_port",
            "nodes> server app1 10.0.0.1:3000 weight 1, check 2s rise 2 fall 3",
            "nodes> server app2 10.0.0.2:3000 weight 1, check 2s rise 2 fall 3",
            "nodes> timeout server 50s",
        ] {
            assert!(facts.contains(fact), "{fact} is not in {facts:#?}");
        }
        let stats = file.fronts[0].stats.as_ref().unwrap();
        assert!(stats.uri == "/" && stats.hide_version, "{stats:?}");
    }
}

#[test]
fn a_request_goes_where_the_file_says() {
    let text = file(
        Where::Frontend,
        "http-request deny if { path_beg /admin } !LOCALHOST\nuse_backend other if { hdr(host) -i api.example }\n\
         http-request set-header X-Forwarded-Port %[dst_port]",
    );
    let file = read_text(&text).unwrap();
    let decided = |host: &str, target: &str| {
        let fields = [("Host", host.as_bytes())];
        let connection = Connection {
            source: "192.0.2.1:1234".parse().unwrap(),
            local: "192.0.2.2:80".parse().unwrap(),
            is_secure: false,
        };
        let head = RequestHead {
            connection,
            method: "GET",
            target: target.as_bytes(),
            host: Some(host.as_bytes()),
            fields: &fields,
        };
        let mut edits = Edits::new();
        let outcome = decide(&file.plan, 0, &head, &mut edits);
        let edits = edits.request().map(|change| format!("{change:?}")).collect::<String>();
        (format!("{outcome:?}"), edits)
    };
    let set = "Set(\"X-Forwarded-Port\", [56, 48])".to_owned();
    assert_eq!(decided("www.example", "/"), ("Service(\"app\")".into(), set.clone()));
    assert_eq!(decided("API.example", "/"), ("Service(\"other\")".into(), set));
    assert_eq!(decided("www.example", "/admin/x"), (format!("{:?}", Outcome::Deny(403)), String::new()));
}

#[test]
fn several_files_are_one() {
    let first = Source { name: "a.cfg", text: "defaults\n timeout client 7s\n" };
    let second = Source { name: "b.cfg", text: "listen web\n bind :80\n server a 10.0.0.1:80\n" };
    let file = read(&[first, second], &env).unwrap();
    assert!(facts(&file).contains("web: timeout client 7s"));
    let third = Source { name: "c.cfg", text: "\n bind :81\n" };
    let refused = read(&[first, second, third], &env).unwrap_err();
    let words: Vec<_> = refused.iter().map(ToString::to_string).collect();
    assert_eq!(
        words,
        ["c.cfg:2: `bind` stands before the first section; begin one, such as `global` or `defaults`"]
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_not_without_end() {
    let text = file(Where::Frontend, "bogus 1\nbogus 2\nuse_backend nowhere");
    let refused = read_text(&text).unwrap_err();
    assert_eq!(refused.len(), 3, "{refused:?}");
    let text = format!("global\n{}", " bogus\n".repeat(10_000));
    assert_eq!(read_text(&text).unwrap_err().len(), REFUSALS_MAX);
}

#[test]
fn ten_thousand_servers_are_read() {
    let servers: String =
        (0..10_000).map(|at| format!(" server s{at} 10.{}.{}.1:80 check\n", at / 256, at % 256)).collect();
    let file = read_text(&format!("listen web\n bind :80\n{servers}")).unwrap();
    assert_eq!(file.backends[0].servers.len(), 10_000);
}

/// Words of the files, in any order: most are nonsense, and none may hurt.
fn line() -> impl Strategy<Value = String> {
    let tables = [include_str!("accepted.txt"), include_str!("refused.txt")].join("\n");
    let mut words: Vec<String> = tables
        .lines()
        .filter_map(|line| line.strip_prefix("in ")?.split_once(": "))
        .flat_map(|(_, lines)| lines.split(' ').map(str::to_owned))
        .collect();
    words.sort();
    words.dedup();
    let keywords = prop::sample::select(vec![
        "acl a",
        "use_backend",
        "http-request",
        "http-response",
        "server a",
        "bind",
        "option",
        "stats",
        "cookie",
        "timeout",
        "balance",
        "log",
        "redirect",
        "http-check",
        "default-server",
        "listen",
        "frontend",
        "backend",
        "global",
        "defaults",
    ]);
    (keywords, prop::collection::vec(prop::sample::select(words), 0..8))
        .prop_map(|(keyword, words)| format!("{keyword} {}", words.join(" ")))
}

proptest! {
    #[test]
    fn no_line_of_known_words_panics(lines in prop::collection::vec(line(), 0..12)) {
        for place in [Where::Global, Where::Defaults, Where::Frontend, Where::Backend, Where::Tcp, Where::End] {
            let _ = read_text(&file(place, &lines.join("\n")));
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC*", lines in prop::collection::vec("[ -~]{0,40}", 0..20)) {
        let _ = read_text(&text);
        let _ = read_text(&lines.join("\n"));
    }
}
