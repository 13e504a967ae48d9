//! `muster logs`: the last lines, and those that follow, without anybody waiting for who reads them.

use super::{Log, eventually, input, text, write_numbered};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn logs(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.arg("logs").args(args).arg("--control").arg(folder).env_clear().stdin(Stdio::null());
    command
}

fn told(folder: &Path, args: &[&str]) -> String {
    let Output { status, stdout, stderr } = logs(folder, args).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

fn refused(folder: &Path, args: &[&str]) -> String {
    let Output { status, stderr, .. } = logs(folder, args).output().unwrap();
    assert_eq!(status.code(), Some(1));
    String::from_utf8(stderr).unwrap()
}

/// A reader that follows, and its lines.
struct Follower {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Follower {
    fn start(folder: &Path, args: &[&str]) -> Self {
        let mut child = logs(folder, args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        Self { child, lines: Box::new(lines) }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_last_lines_of_services_are_read_and_followed_over_a_death_of_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, socket) = (folder.path(), folder.path().join(".logs"));
    let readers = ["--readers", socket.to_str().unwrap(), "--stdout=false"];
    let ((web, mut to_web), (api, mut to_api)) = (input("web:out"), input("api:err"));
    assert!(refused(folder, &[]).contains("nobody keeps lines here"));

    let mut log = Log::start(&[&web, &api], &readers, Stdio::null(), &folder.join("err"));
    eventually("it listens", || UnixStream::connect(&socket).ok());
    to_web.write_all(b"one\ntwo\n").unwrap();
    eventually("lines are kept", || (told(folder, &["web"]).lines().count() == 2).then_some(()));
    to_api.write_all(b"bad \xff\n").unwrap();
    eventually("all of them", || (told(folder, &[]).lines().count() == 3).then_some(()));
    assert_eq!(told(folder, &[]), "web | one\nweb | two\napi | bad \u{fffd}\n");
    assert_eq!(told(folder, &["-n", "2"]), "web | two\napi | bad \u{fffd}\n");
    assert_eq!(told(folder, &["web", "--lines=0"]), "");
    let json: serde_json::Value = serde_json::from_str(&told(folder, &["api", "--format=json"])).unwrap();
    assert_eq!((json["service"].as_str(), json["stream"].as_str()), (Some("api"), Some("stderr")));
    let timed = told(folder, &["-t", "-n1"]);
    assert!(timed.starts_with("20") && timed.contains("Z api | "), "{timed}");
    assert!(refused(folder, &["db"]).contains("no service called db is logged here; there are: api, web"));

    let mut follower = Follower::start(folder, &["web", "-n1", "--follow"]);
    assert_eq!(follower.lines.next().unwrap(), "web | two");
    to_api.write_all(b"not asked for\n").unwrap();
    to_web.write_all(b"three\n").unwrap();
    assert_eq!(follower.lines.next().unwrap(), "web | three");
    // Lines that were told are told again if it died before it took them from the pipe.
    let is_next =
        |follower: &mut Follower, wanted: &str| follower.lines.by_ref().take(4).any(|line| line == wanted);
    log.kill();
    to_web.write_all(b"four\n").unwrap();
    assert!(refused(folder, &[]).contains("`muster log` does not run"));
    let mut log = Log::start(&[&web, &api], &readers, Stdio::null(), &folder.join("err"));
    assert!(is_next(&mut follower, "web | four"));
    assert!(log.stop().success());
    assert!(!socket.exists(), "it takes its socket along");
    assert_eq!(text(&folder.join("err")), "");
}

#[test]
fn a_reader_that_takes_nothing_holds_up_nobody_and_is_told_what_it_missed() {
    const LINES: u64 = 200_000;
    let folder = tempfile::tempdir().unwrap();
    let (folder, socket) = (folder.path(), folder.path().join(".logs"));
    let (web, mut to_web) = input("web:out");
    let _log = Log::start(
        &[&web],
        &["--readers", socket.to_str().unwrap(), "--stdout=false"],
        Stdio::null(),
        &folder.join("err"),
    );
    let mut lazy = eventually("it listens", || UnixStream::connect(&socket).ok());
    lazy.write_all(b"0 follow\n").unwrap();
    // One that asks for nothing, ever, and one that talks nonsense.
    let _silent = UnixStream::connect(&socket).unwrap();
    let mut odd = UnixStream::connect(&socket).unwrap();
    odd.write_all(b"\xff\xff\n").unwrap();
    let mut answer = String::new();
    BufReader::new(odd).read_line(&mut answer).unwrap();
    assert_eq!(answer, "{\"error\":\"that is no text\"}\n");
    // Returns only if nobody is waited for: it is far more than pipe, socket and what is kept hold.
    write_numbered(&mut to_web, 0..LINES);
    eventually("the last line is kept", || {
        told(folder, &["-n1"]).contains(&format!("n {} end", LINES - 1)).then_some(())
    });
    let (mut read, mut missed) = (0, 0);
    for line in BufReader::new(lazy).lines() {
        let line: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        match line["missed"].as_str() {
            Some(told) => missed += told.strip_suffix(" lines of web").unwrap().parse::<u64>().unwrap(),
            None => read += 1,
        }
        if read + missed == LINES {
            break;
        }
    }
    assert!(read > 0 && missed > 0, "{read} read, {missed} missed");
}
