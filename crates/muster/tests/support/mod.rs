//! Runs the binary, and plays an agent for it.
#![allow(dead_code, reason = "each test binary needs some of it")]
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Command, Output, Stdio};

/// `muster ARGS` in an environment of its own.
pub(crate) fn muster(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

/// Exit code, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

/// Runs `muster ARGS` against an agent that answers one request like this; also returns the request.
pub(crate) fn answered(args: &[&str], status: &str, body: &str) -> ((i32, String, String), String) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::scope(|scope| {
        let agent = scope.spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let request = request(&stream);
            (&stream).write_all(answer.as_bytes()).unwrap();
            request
        });
        let result = run(muster(args).arg("--socket").arg(&path));
        (result, agent.join().unwrap())
    })
}

/// Reads a request: its first line and its body.
pub(crate) fn request(stream: &UnixStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut head).unwrap() > 0, "the request ended early");
    }
    let length = head
        .to_lowercase()
        .split("content-length: ")
        .nth(1)
        .map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    format!("{} {}", head.lines().next().unwrap(), String::from_utf8(body).unwrap())
}
