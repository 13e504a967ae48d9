//! The commands that tell and ask the cluster something, against an agent that is played.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod support;

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Stdio};
use support::{answered, muster, request, run};

#[test]
fn event_says_what_serf_says() {
    let ((code, out, err), request) =
        answered(&["event", "-coalesce=false", "deploy", "v1"], "204 No Content", "");
    assert_eq!(
        (code, out.as_str(), err.as_str()),
        (0, "Event 'deploy' dispatched! Coalescing enabled: false\n", "")
    );
    assert_eq!(request, r#"POST /api/v1/events HTTP/1.1 {"name":"deploy","payload":"v1","coalesce":false}"#);
    let ((code, out, _), request) = answered(&["event", "deploy", "-format", "json"], "204 No Content", "");
    assert_eq!((code, out.as_str()), (0, "{\n  \"coalesce\": true,\n  \"name\": \"deploy\"\n}\n"));
    assert_eq!(request, r#"POST /api/v1/events HTTP/1.1 {"name":"deploy","coalesce":true}"#);
}

const QUERY: &str = "{\"type\":\"asked\",\"ltime\":7,\"timeout_ms\":300,\"expected\":3}
{\"type\":\"ack\",\"from\":\"a\"}
{\"type\":\"response\",\"from\":\"a\",\"payload\":\"1\\n2\\n\"}
{\"type\":\"ack\",\"from\":\"b\"}
{\"type\":\"done\",\"acks\":2,\"responses\":1}
";

#[test]
fn query_shows_answers_as_serf_does_and_counts_who_is_missing() {
    let args =
        ["query", "-node", "a", "-node=b", "-tag", "role=^w", "-timeout", "300ms", "-relay-factor", "2"];
    let ((code, out, err), request) = answered(&[&args[..], &["load", "cpu"]].concat(), "200 OK", QUERY);
    assert_eq!(code, 0);
    let expected = "Query 'load' dispatched\nAck from 'a'\nResponse from 'a': 1\n    2\nAck from 'b'\n\
        Total Acks: 2\nTotal Responses: 1\n";
    assert_eq!(out, expected);
    assert_eq!(err, "muster: note: 2 of 3 members acknowledged; the others may not have heard it\n");
    let body = r#"{"name":"load","payload":"cpu","nodes":["a","b"],"tags":{"role":"^w"},"acks":true,"relay_factor":2,"timeout_ms":300}"#;
    assert_eq!(request, format!("POST /api/v1/queries HTTP/1.1 {body}"));
}

#[test]
fn query_as_json_is_serfs() {
    let ((code, out, _), _) = answered(&["query", "-format=json", "load"], "200 OK", QUERY);
    let expected = "{\n  \"Acks\": [\n    \"a\",\n    \"b\"\n  ],\n  \"Responses\": {\n    \"a\": \"1\\n2\\n\"\n  }\n}\n";
    assert_eq!((code, out.as_str()), (0, expected));
    let nobody = "{\"type\":\"asked\",\"ltime\":7,\"timeout_ms\":1,\"expected\":1}\n{\"type\":\"done\",\"acks\":0,\"responses\":0}\n";
    let ((code, out, err), request) =
        answered(&["query", "-no-ack", "-format=json", "load"], "200 OK", nobody);
    assert_eq!((code, out.as_str(), err.as_str()), (0, "{\n  \"Acks\": null,\n  \"Responses\": {}\n}\n", ""));
    assert!(request.contains(r#""acks":false"#), "{request}");
}

#[test]
fn a_query_that_is_cut_off_has_failed() {
    let cut = QUERY.split_once("{\"type\":\"done\"").unwrap().0;
    let ((code, _, err), _) = answered(&["query", "load"], "200 OK", cut);
    assert_eq!(code, 1);
    assert!(err.contains("the agent ended before the query did"), "{err}");
}

#[test]
fn keys_are_listed_and_failures_named() {
    let listed = r#"{"type":"answer","from":"a","done":true,"responses":1,"nodes":1}
{"type":"done","nodes":1,"responses":1,"errors":0,"messages":{},"keys":{"k==":1},"primary_keys":{"k==":1},"silent":[]}
"#;
    let ((code, out, err), request) = answered(&["keys", "-list"], "200 OK", listed);
    assert_eq!((code, err.as_str(), request.as_str()), (0, "", "GET /api/v1/keys HTTP/1.1 "));
    let words = "==> Asking all members for installed keys...\n==> Keys gathered, listing cluster keys...\n\nk==  [1/1]\n";
    assert_eq!(out, words);

    let failed = r#"{"type":"done","nodes":3,"responses":2,"errors":1,"messages":{"b":"no\u001b"},"keys":{},"primary_keys":{},"silent":["c"],"failure":"1/3 nodes reported failure"}
"#;
    let ((code, out, err), request) = answered(&["keys", "-use", "k=="], "200 OK", failed);
    assert_eq!((code, out.as_str()), (1, "==> Changing primary key on all members...\n"));
    let words = "muster: failed: b: no\\u{1b}\nmuster: no answer from c\n\
        muster: Error changing primary key: 1/3 nodes reported failure\n";
    assert_eq!(err, words);
    assert_eq!(request, r#"POST /api/v1/keys HTTP/1.1 {"operation":"use","key":"k=="}"#);
    let ((code, out, err), _) = answered(&["keys", "-remove", "k==", "-format=json"], "200 OK", failed);
    assert_eq!((code, err.as_str()), (1, ""));
    assert!(out.contains("\"failure\": \"1/3 nodes reported failure\""), "{out}");
}

#[test]
fn exactly_one_key_operation_is_wanted() {
    for args in
        [vec!["keys"], vec!["keys", "-list", "-use", "x"], vec!["keys", "-install", "x", "-remove", "x"]]
    {
        assert_eq!(run(&mut muster(&args)).0, 2, "{args:?}");
    }
}

#[test]
fn rtt_says_what_serf_says() {
    let body = r#"{"from":"a","to":"b","rtt_ms":0.48916}"#;
    let ((code, out, _), request) = answered(&["rtt", "a", "b"], "200 OK", body);
    assert_eq!((code, out.as_str()), (0, "Estimated a <-> b rtt: 0.489 ms\n"));
    assert_eq!(request, "GET /api/v1/rtt?from=a&to=b HTTP/1.1 ");
    let ((_, out, _), request) = answered(&["rtt", "a", "-format=json"], "200 OK", body);
    assert!(out.contains("\"rtt_ms\": 0.48916"), "{out}");
    assert_eq!(request, "GET /api/v1/rtt?from=a HTTP/1.1 ");
}

#[test]
fn reachability_ends_with_1_when_somebody_is_missing() {
    let asked = "{\"type\":\"asked\",\"timeout_ms\":1,\"expected\":2}\n{\"type\":\"ack\",\"from\":\"a\"}\n";
    let missing = format!("{asked}{}\n", r#"{"type":"done","acks":1,"missing":["b"],"unexpected":[]}"#);
    let ((code, out, err), _) = answered(&["reachability", "-verbose"], "200 OK", &missing);
    assert_eq!(code, 1);
    let words = "Live members: 2\nStarting reachability test...\n\tAck from 'a'\n\
        Received less acks than live nodes! Missing acks from:\n\tb\n";
    assert_eq!(out, words);
    assert!(err.starts_with("muster: Check that each of them is reached"), "{err}");
    let whole = format!("{asked}{}\n", r#"{"type":"done","acks":2,"missing":[],"unexpected":[]}"#);
    let ((code, out, err), _) = answered(&["reachability"], "200 OK", &whole);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.ends_with("test...\nSuccessfully contacted all live nodes\n"), "{out}");
}

#[test]
fn every_answer_has_a_form_for_programs() {
    let joined = r#"{"joined":1,"errors":["b: no such host"]}"#;
    let tags = r#"{"tags":{"a":"<"}}"#;
    for (args, status, body, expected) in [
        (vec!["join", "a"], "200 OK", joined, r#"{"joined": 1, "errors": ["b: no such host"]}"#),
        (vec!["leave"], "204 No Content", "", r#"{"left": true}"#),
        (vec!["force-leave", "x"], "204 No Content", "", r#"{"node": "x", "prune": false}"#),
        (vec!["tags", "-set", "a=<"], "200 OK", tags, r#"{"tags": {"a": "<"}}"#),
    ] {
        let ((code, out, err), _) = answered(&[&args[..], &["--format", "json"]].concat(), status, body);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(read(&out), read(expected), "{args:?}");
    }
    let (code, out, _) = run(&mut muster(&["keygen", "--format", "json"]));
    assert!(code == 0 && out.starts_with("{\n  \"key\": \""), "{out}");
}

/// A command that goes on, and the agent that is played for it.
struct Ongoing {
    child: Child,
    agent: UnixListener,
    _directory: tempfile::TempDir,
}

impl Ongoing {
    fn start(args: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m.sock");
        let agent = UnixListener::bind(&path).unwrap();
        let mut command = muster(args);
        command.arg("--socket").arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { child: command.spawn().unwrap(), agent, _directory: directory }
    }

    /// Answers the next request and leaves the connection open.
    fn answer(&self, path: &str, body: &str) -> UnixStream {
        let (mut stream, _) = self.agent.accept().unwrap();
        let request = request(&stream);
        assert!(request.starts_with(&format!("GET /api/v1/{path}")), "{request}");
        stream.write_all(format!("HTTP/1.1 200 OK\r\n\r\n{body}").as_bytes()).unwrap();
        stream
    }

    /// Ends it with the signal of Ctrl-C; its exit code.
    fn interrupt(mut self) -> Option<i32> {
        let pid = Pid::from_raw(self.child.id().cast_signed()).unwrap();
        kill_process(pid, Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

fn members(status: &str) -> String {
    format!(
        r#"{{"members":[{{"name":"a","addr":"10.0.0.1:7946","port":7946,"tags":{{}},"status":"{status}",
        "protocol":{{"max":5,"min":2,"version":5}}}}]}}"#
    )
}

#[test]
fn members_are_watched_line_by_line_until_ctrl_c() {
    let mut watching = Ongoing::start(&["members", "-watch", "-status", ".*"]);
    let mut lines = BufReader::new(watching.child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut events = watching.answer("events/stream?filter=member-join%2C", "retry: 1000\nid: 1-1\n\n");
    drop(watching.answer("members?status=.%2A", &members("alive")));
    assert_eq!(lines.next().unwrap(), "new      a  10.0.0.1:7946  alive");
    let event = r#"{"event":"member-failed","members":[]}"#;
    events.write_all(format!("id: 1-2\nevent: member-failed\ndata: {event}\n\n").as_bytes()).unwrap();
    drop(watching.answer("members?status=.%2A", &members("failed")));
    assert_eq!(lines.next().unwrap(), "changed  a  10.0.0.1:7946  failed");
    assert_eq!(watching.interrupt(), Some(0));
}

#[test]
fn monitor_shows_the_log_and_what_happens_until_ctrl_c() {
    let mut watching = Ongoing::start(&["monitor", "-log-level=warn"]);
    let mut lines = BufReader::new(watching.child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut events = watching.answer("events/stream", "");
    let log =
        "{\"type\":\"line\",\"level\":\"WARN\",\"text\":\"2026/01/01 00:00:00 [WARN] agent: \\u001b[2J\"}\n";
    let _log = watching.answer("log?level=warn", log);
    assert_eq!(lines.next().unwrap(), "2026/01/01 00:00:00 [WARN] agent: \\u{1b}[2J");
    let event = r#"{"event":"user","name":"deploy","ltime":3,"coalesce":true,"payload":"v1"}"#;
    events.write_all(format!("id: 1-2\nevent: user\ndata: {event}\n\n").as_bytes()).unwrap();
    assert_eq!(lines.next().unwrap(), "==> user deploy: v1 (ltime 3)");
    assert_eq!(watching.interrupt(), Some(0));
}

#[test]
fn a_watch_whose_agent_ends_says_so_and_ends_with_1() {
    let watching = Ongoing::start(&["monitor", "--format", "json"]);
    let events = watching.answer("events/stream", "");
    drop((watching.answer("log", ""), events));
    let output = watching.child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        said,
        "muster: cannot watch the agent: the agent's answer could not be read: the agent has ended\n"
    );
}
