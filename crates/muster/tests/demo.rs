//! The demo as its visitors use it: the whole of it runs, on addresses of its own.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use tempfile::TempDir;

const MUSTER: &str = env!("CARGO_BIN_EXE_muster");
/// Far longer than anything here takes: reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a demo lives, apart from all others on this machine.
struct Place {
    runtime_dir: TempDir,
    base: String,
    port: u16,
}

impl Place {
    fn new() -> Self {
        // 127.128.0.0/9, by process and test: nobody else is there.
        static TESTS: AtomicU32 = AtomicU32::new(0);
        let place = (std::process::id() << 4) + TESTS.fetch_add(1, Ordering::Relaxed);
        let [_, _, high, low] = (place & 0x7fff).to_be_bytes();
        let base = format!("127.{}.{low}.0", 128 + u32::from(high));
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        // Short, since sockets are made in it.
        Self { runtime_dir: tempfile::Builder::new().prefix("md").tempdir_in("/tmp").unwrap(), base, port }
    }

    fn demo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(MUSTER);
        command.arg("demo").args(args).env("XDG_RUNTIME_DIR", self.runtime_dir.path());
        command
    }

    fn start(&self, args: &[&str]) -> Demo {
        let port = self.port.to_string();
        let mut command = self.demo(args);
        command.args(["--base", &self.base, "--port", &port]);
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(process.stdout.take().unwrap());
        Demo { process, lines, seen: Vec::new() }
    }

    /// A second terminal.
    fn order(&self, args: &[&str]) -> Output {
        self.demo(args).output().unwrap()
    }

    fn status(&self) -> String {
        String::from_utf8(self.order(&["status"]).stdout).unwrap()
    }

    /// The status line of one request through the balancer, or why there is none.
    fn get(&self) -> String {
        let exchange = || {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.write_all(b"GET / HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n\r\n")?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok::<_, std::io::Error>(answer)
        };
        exchange().unwrap_or_else(|error| error.to_string())
    }

    fn run_dir_exists(&self) -> bool {
        self.runtime_dir.path().join("muster-demo").exists()
    }

    /// Processes of this place, by the addresses and sockets on their command lines. Probes come and go.
    fn processes(&self) -> BTreeSet<u32> {
        let marks =
            [self.base.trim_end_matches('0').to_owned(), self.runtime_dir.path().display().to_string()];
        let is_ours = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let line = String::from_utf8_lossy(&line);
            marks.iter().any(|mark| line.contains(mark)) && !line.contains("\0probe\0")
        };
        let pids = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        pids.filter(is_ours).collect()
    }
}

struct Demo {
    process: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Demo {
    /// Reads on until a line contains `words`.
    fn await_line(&mut self, words: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("no line with {words:?} in\n{}", self.seen.join("\n")),
            }
            if self.seen.last().unwrap().contains(words) {
                return;
            }
        }
    }

    fn await_lines(&mut self, words: &[&str]) {
        for words in words {
            if !self.seen.iter().any(|line| line.contains(words)) {
                self.await_line(words);
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    /// Reads all it has to say; its exit code and everything it said.
    fn end(&mut self) -> (Option<i32>, String) {
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            self.seen.push(line);
        }
        let mut errors = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.process.wait().unwrap().code(), format!("{}\n{errors}", self.seen.join("\n")))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn lines_of(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

fn until(what: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn requests_find_the_backends_in_turn() {
    let place = Place::new();
    // Without the demo's own requests, which would take turns of their own.
    let mut demo = place.start(&["--no-traffic"]);
    demo.await_lines(&["s1 gets requests", "s2 gets requests"]);
    let answers: Vec<String> = (0..4).map(|_| place.get()).collect();
    assert!(answers.iter().all(|answer| answer.starts_with("HTTP/1.1 200 ")), "{answers:?}");
    for name in ["s1", "s2"] {
        let host = format!("\"host\":\"{name}\"");
        let by_name = answers.iter().filter(|answer| answer.contains(&host)).count();
        assert_eq!(by_name, 2, "answers of {name} in {answers:?}");
    }
    assert_eq!(place.processes().len(), 10, "the demo, and three for each node");
}

#[test]
fn a_timed_run_ends_clean() {
    let place = Place::new();
    let mut demo = place.start(&["--for", "1s"]);
    let (code, said) = demo.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stopped; none of "), "{said}");
    assert_eq!(place.processes(), BTreeSet::new());
    assert!(!place.run_dir_exists());
}

#[test]
fn a_backend_is_added_stopped_and_killed_from_a_second_terminal_and_no_request_fails() {
    let place = Place::new();
    let mut demo = place.start(&[]);
    demo.await_lines(&["s1 gets requests", "s2 gets requests"]);

    assert!(place.order(&["add"]).status.success());
    demo.await_line("s3 answered its first request");
    let stopped = place.order(&["stop", "s2"]);
    assert!(stopped.status.success(), "{}", words(&stopped));
    demo.await_lines(&["s2 left", "s2 drained"]);
    let killed = place.order(&["kill", "s1"]);
    assert!(killed.status.success(), "{}", words(&killed));
    demo.await_line("s1 failed");

    let status = place.status();
    let row = |name: &str| {
        let line = status
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name} in {status}"));
        line.split_whitespace().skip(2).take(2).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("balancer"), ["alive", "-"]);
    assert_eq!(row("s2"), ["left", "-"]);
    assert_eq!(row("s3"), ["alive", "up"]);
    assert_eq!(row("s1")[0], "failed");

    assert!(place.order(&["add", "s1"]).status.success());
    demo.await_line("s1 is back");
    demo.signal(Signal::INT);
    let (code, said) = demo.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stopped; none of "), "{said}");
    assert_eq!(place.processes(), BTreeSet::new());
    assert!(!place.run_dir_exists());
}

#[test]
fn an_application_that_dies_is_started_again_by_its_node_and_no_request_fails() {
    let place = Place::new();
    let mut demo = place.start(&[]);
    demo.await_lines(&["s1 gets requests", "s2 gets requests"]);
    let listens = format!("\0{}\0", place.base.trim_end_matches('0').to_owned() + "11:3000");
    let application = || {
        place.processes().into_iter().find(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&listens)
        })
    };
    let first = application().expect("it gets requests");
    kill_process(Pid::from_raw(first.cast_signed()).unwrap(), Signal::KILL).unwrap();
    until("another one", || application().is_some_and(|pid| pid != first));
    until("it answers", || place.get().contains("\"host\":\"s1\""));
    demo.signal(Signal::INT);
    let (code, said) = demo.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("stopped; none of "), "{said}");
}

#[test]
fn orders_that_cannot_be_followed_are_refused_with_words() {
    let place = Place::new();
    let nobody = place.order(&["add"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(words(&nobody).contains("no demo of yours is running"), "{}", words(&nobody));

    let mut demo = place.start(&["--no-traffic"]);
    demo.await_lines(&["s1 gets requests", "s2 gets requests"]);
    let refused = |args: &[&str], expected: &str| {
        let output = place.order(args);
        assert_eq!(output.status.code(), Some(1));
        assert!(words(&output).contains(expected), "{args:?}: {}", words(&output));
    };
    refused(&["stop", "s7"], "s7 is no backend of this demo; its backends: s1, s2");
    refused(&["kill", "balancer"], "balancer is no backend");
    refused(&["add", "s1"], "s1 is running");
    assert!(place.order(&["kill", "s1"]).status.success());
    refused(&["stop", "s1"], "`add s1` starts it again");
    refused(&["stop", "s2"], "s2 is the last backend");
    assert!(place.status().contains("alive"), "the last one still runs");
    assert!(place.get().starts_with("HTTP/1.1 200 "));

    assert!(place.order(&["stop", "s2", "--force"]).status.success());
    demo.await_line("s2 drained");
    until("503 of an empty service", || place.get().starts_with("HTTP/1.1 50"));
    demo.signal(Signal::TERM);
    assert_eq!(demo.end().0, Some(0));
}

#[test]
fn a_second_demo_is_told_of_the_first() {
    let place = Place::new();
    let mut first = place.start(&["--no-traffic"]);
    first.await_line("s1 joined");
    let (code, said) = place.start(&[]).end();
    assert_eq!(code, Some(1));
    let pid = format!("process {}", first.process.id());
    for expected in [&pid, "127.0.0.1", "muster demo add"] {
        assert!(said.contains(expected), "{expected:?} in {said}");
    }
    first.signal(Signal::TERM);
    assert_eq!(first.end().0, Some(0), "the first one was not disturbed");
}

#[test]
fn nothing_outlives_a_demo_that_was_killed_and_the_next_starts_at_once() {
    let place = Place::new();
    let mut demo = place.start(&[]);
    demo.await_lines(&["s1 gets requests", "s2 gets requests"]);
    assert_eq!(place.processes().len(), 10);
    demo.process.kill().unwrap();
    demo.process.wait().unwrap();
    assert!(place.run_dir_exists(), "nobody was there to remove it");

    let mut next = place.start(&["--for", "4s"]);
    next.await_lines(&["s1 gets requests", "s2 gets requests"]);
    assert_eq!(place.processes().len(), 10, "those of the next one alone");
    let (code, said) = next.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(place.processes(), BTreeSet::new());
    assert!(!place.run_dir_exists());
}

#[test]
fn a_killed_demo_without_a_successor_leaves_no_process() {
    let place = Place::new();
    let mut demo = place.start(&["--no-traffic"]);
    demo.await_line("s2 joined");
    demo.process.kill().unwrap();
    demo.process.wait().unwrap();
    until("all gone", || place.processes().is_empty());
}

#[test]
fn a_port_in_use_is_named_with_its_owner() {
    let place = Place::new();
    let taken = TcpListener::bind(("127.0.0.1", place.port)).unwrap();
    let (code, said) = place.start(&[]).end();
    assert_eq!(code, Some(1));
    let expected = format!("{} is in use by process {}", taken.local_addr().unwrap(), std::process::id());
    assert!(said.contains(&expected) && said.contains("--port"), "{said}");
    assert!(!place.run_dir_exists());
}

#[test]
fn a_timed_run_in_which_requests_failed_says_so() {
    let place = Place::new();
    let mut demo = place.start(&["--for", "6s"]);
    demo.await_lines(&["s1 gets requests", "s2 gets requests"]);
    for name in ["s1", "s2"] {
        assert!(place.order(&["kill", name, "--force"]).status.success());
    }
    demo.await_line("requests failed");
    let (code, said) = demo.end();
    assert_eq!(code, Some(1), "{said}");
}

#[test]
fn a_reader_that_goes_away_ends_the_demo() {
    let place = Place::new();
    let mut demo = place.start(&["--no-traffic"]);
    demo.await_line("s2 joined");
    // As with `muster demo | head`: the next line has no reader.
    drop(std::mem::replace(&mut demo.lines, mpsc::channel().1));
    until("all gone", || {
        let _ = place.order(&["stop", "s1"]);
        place.processes().is_empty()
    });
}
