//! The demo's web application, as a process of its own.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const MUSTER: &str = env!("CARGO_BIN_EXE_muster");
/// Far longer than anything here takes: reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(30);

struct Backend {
    process: Child,
    addr: SocketAddr,
    output: Option<BufReader<ChildStdout>>,
}

impl Backend {
    fn start() -> Self {
        let mut process = Command::new(MUSTER)
            .args(["demo", "backend", "--listen", "127.0.0.1:0"])
            .env("SERVER_IP", "192.0.2.7")
            .env("SERVER_NAME", "s7")
            .env("SERVER_TAG", "blue")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let addr = listening_on(&mut output);
        Self { process, addr, output: Some(output) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends `head` (and `body`) on a connection of its own; the whole answer as text.
    fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = self.connect();
        write!(
            stream,
            "{head}\r\nhost: demo\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn listening_on(output: &mut impl BufRead) -> SocketAddr {
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let addr = line.trim().strip_prefix("listening on http://").and_then(|rest| rest.strip_suffix('/'));
    addr.unwrap_or_else(|| panic!("unexpected line {line:?}")).parse().unwrap()
}

/// Waits until every process that holds the other end of `output` is gone.
fn await_end_of(mut output: impl Read + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(output.read_to_end(&mut Vec::new())));
    receiver.recv_timeout(PATIENCE).expect("the output is still held open").unwrap();
}

fn body(answer: &str) -> serde_json::Map<String, serde_json::Value> {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {answer:?}"))
}

fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    head.lines()
        .find_map(|line| line.split_once(": ").filter(|(key, _)| key.eq_ignore_ascii_case(name)))
        .map(|(_, v)| v)
}

#[test]
fn a_get_says_who_answered_and_counts_the_visitors_views() {
    let backend = Backend::start();
    let first = backend.ask("GET / HTTP/1.1", "");
    assert!(first.starts_with("HTTP/1.1 200 OK\r\n"), "{first}");
    assert_eq!(header(&first, "x-backend-ip"), Some("192.0.2.7"));
    let cookie = header(&first, "set-cookie").unwrap();
    assert!(cookie.contains("HttpOnly"), "{cookie}");
    let id = cookie.strip_prefix("NODESESSID=").and_then(|rest| rest.split(';').next()).unwrap();

    let fields = body(&first);
    assert_eq!(fields.keys().collect::<Vec<_>>(), {
        let mut names = ["hello", "ip", "host", "tag", "sessionViews", "id"];
        names.sort_unstable();
        names
    });
    assert_eq!(
        (&fields["ip"], &fields["host"], &fields["tag"]),
        (&"192.0.2.7".into(), &"s7".into(), &"blue".into())
    );
    assert_eq!((&fields["sessionViews"], &fields["id"]), (&1.into(), &id.into()));

    let again = backend.ask(&format!("GET / HTTP/1.1\r\ncookie: NODESESSID={id}"), "");
    assert_eq!(header(&again, "set-cookie"), None);
    assert_eq!((&body(&again)["sessionViews"], &body(&again)["id"]), (&2.into(), &id.into()));
}

#[test]
fn a_head_is_a_get_without_its_body() {
    let backend = Backend::start();
    let answer = backend.ask("HEAD / HTTP/1.1", "");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    assert!(header(&answer, "content-length").is_some_and(|length| length != "0"), "{answer}");
}

#[test]
fn other_paths_are_unknown_and_other_methods_are_told_which_are_taken() {
    let backend = Backend::start();
    assert!(backend.ask("GET /nothing HTTP/1.1", "").starts_with("HTTP/1.1 404 "));
    let answer = backend.ask("PUT / HTTP/1.1", "");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert_eq!(header(&answer, "allow"), Some("GET, HEAD"));
    let answer = backend.ask("GET /delay HTTP/1.1", "");
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");
    assert_eq!(header(&answer, "allow"), Some("POST"));
}

#[test]
fn a_delay_slows_every_later_answer_until_it_is_taken_back() {
    let backend = Backend::start();
    let json = "POST /delay HTTP/1.1\r\ncontent-type: application/json";
    let form = "POST /delay HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
    assert!(backend.ask(json, "{\"delay\": 300}").starts_with("HTTP/1.1 200 "));
    let asked = Instant::now();
    assert!(backend.ask("GET / HTTP/1.1", "").starts_with("HTTP/1.1 200 "));
    assert!(asked.elapsed() >= Duration::from_millis(300));
    let refused = backend.ask(form, "late=1");
    assert!(refused.starts_with("HTTP/1.1 500 ") && refused.contains("milliseconds"), "{refused}");
    assert!(backend.ask(form, "delay=soon").starts_with("HTTP/1.1 500 "));
    // An hour's delay would hang this test if taking it back did not work, or were slowed itself.
    assert!(backend.ask(json, "{\"delay\": 600000}").starts_with("HTTP/1.1 200 "));
    assert!(backend.ask(form, "delay=0").starts_with("HTTP/1.1 200 "));
    assert!(backend.ask("GET / HTTP/1.1", "").starts_with("HTTP/1.1 200 "));
    let long = backend.ask(form, &format!("delay={}", "1".repeat(5_000)));
    assert!(long.starts_with("HTTP/1.1 413 "), "{long}");
}

#[test]
fn on_term_the_request_in_flight_is_finished_and_the_exit_is_clean() {
    let mut backend = Backend::start();
    backend.ask("POST /delay HTTP/1.1", "delay=400");
    let mut idle = backend.connect();
    write!(idle, "HEAD / HTTP/1.1\r\nhost: demo\r\n\r\n").unwrap();
    let mut first = [0; 17];
    idle.read_exact(&mut first).unwrap();
    let mut stream = backend.connect();
    write!(stream, "GET / HTTP/1.1\r\nhost: demo\r\n\r\n").unwrap();
    // The request is in flight once another one on a later connection was served: connections are accepted in order.
    backend.ask("POST /delay HTTP/1.1", "delay=400");
    backend.signal(Signal::TERM);
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("sessionViews"), "{answer}");
    await_end_of(backend.output.take().unwrap());
    assert_eq!(backend.process.wait().unwrap().code(), Some(0));
    assert!(TcpStream::connect(backend.addr).is_err());
}

#[test]
fn an_address_in_use_is_named() {
    let backend = Backend::start();
    let second = Command::new(MUSTER)
        .args(["demo", "backend", "--listen", &backend.addr.to_string()])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(1));
    let words = String::from_utf8(second.stderr).unwrap();
    assert!(words.contains(&backend.addr.to_string()) && words.contains("--listen"), "{words}");
}

#[test]
fn a_tethered_child_dies_with_the_process_that_started_it() {
    // The shell plays the demo; it is killed with no chance to tell its child.
    let mut shell = Command::new("/bin/sh")
        .args(["-c", "MUSTER_DEMO_TETHER=$$ \"$0\" demo backend --listen 127.0.0.1:0 & wait", MUSTER])
        .stdout(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    let addr = listening_on(&mut output);
    shell.kill().unwrap();
    shell.wait().unwrap();
    await_end_of(output);
    assert!(TcpStream::connect(addr).is_err());
}

#[test]
fn a_child_whose_demo_died_before_it_was_tethered_ends_at_once() {
    let orphan = Command::new(MUSTER)
        .args(["demo", "backend", "--listen", "127.0.0.1:0"])
        // Not our process id, as after a reparenting.
        .env("MUSTER_DEMO_TETHER", (std::process::id() + 1).to_string())
        .output()
        .unwrap();
    assert_eq!(orphan.status.code(), Some(1));
    assert!(String::from_utf8(orphan.stderr).unwrap().contains("gone"));
}
