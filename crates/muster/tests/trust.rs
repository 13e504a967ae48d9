//! Whom the binary lets decide where requests go: real agents and proxies, as processes.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Far longer than anything here takes: reached only when something hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const KEY: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
/// Beyond loopback. The system chooses the port.
const ANYWHERE: &str = "0.0.0.0:0";
/// What a proxy says when it has acted on a picture that has no backend.
const FOLLOWS: &str = "no backend is ready";

/// A role that runs until dropped; its log line by line.
struct Role {
    process: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Role {
    fn start(args: &[&str], socket: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_muster"))
            .args(args)
            .arg("--socket")
            .arg(socket)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let (told, lines) = mpsc::channel();
        std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| told.send(line)));
        Self { process, lines, said: Vec::new() }
    }

    fn agent(socket: &Path, flags: &[&str]) -> Self {
        Self::start(&[&["agent", "--node", "lb"], flags].concat(), socket)
    }

    fn proxy(socket: &Path, flags: &[&str]) -> Self {
        Self::start(&[&["proxy", "--listen", "127.0.0.1:0"], flags].concat(), socket)
    }

    /// Waits for a line with `words`.
    fn says(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("it never said {words:?}, but:\n{}", self.said.join("\n"));
            };
            self.said.push(line.clone());
            if line.contains(words) {
                return line;
            }
        }
    }

    /// Waits for its end: the exit code and everything it said.
    fn ends(mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.said.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it never ended:\n{}", self.said.join("\n")),
            }
        }
        (self.process.wait().unwrap().code().unwrap(), self.said.join("\n"))
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn socket() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("m.sock");
    (directory, socket)
}

/// Section and key of `muster info`.
fn info(socket: &Path, key: &str) -> String {
    let out =
        Command::new(env!("CARGO_BIN_EXE_muster")).args(["info", "--socket"]).arg(socket).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let found = text.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(" = "));
    found.unwrap_or_else(|| panic!("no {key} in {text}")).to_owned()
}

#[test]
fn a_proxy_waits_for_its_agent_and_ends_with_2_when_strangers_could_be_its_backends() {
    let (_directory, socket) = socket();
    // The proxy first: without an agent there is nothing to judge yet.
    let mut proxy = Role::proxy(&socket, &[]);
    proxy.says("no agent yet");
    let mut agent = Role::agent(&socket, &["--bind", ANYWHERE]);
    agent.says("gossip is not encrypted: whoever reaches 0.0.0.0:");
    let (code, said) = proxy.ends();
    assert_eq!(code, 2, "{said}");
    for words in
        ["muster: the agent behind ", "in plaintext beyond loopback", "muster keygen", "`--plaintext`"]
    {
        assert!(said.contains(words), "{words}:\n{said}");
    }
    agent.says("agent running");
    assert_eq!(info(&socket, "encrypted"), "false");
    assert!(info(&socket, "gossip").starts_with("plaintext: whoever reaches 0.0.0.0:"));

    // The same agent, and somebody who says so.
    Role::proxy(&socket, &["--plaintext"]).says(FOLLOWS);
}

#[test]
fn with_a_key_nothing_is_asked() {
    let (_directory, socket) = socket();
    let mut agent = Role::agent(&socket, &["--bind", ANYWHERE, "--encrypt", KEY]);
    agent.says("agent running");
    Role::proxy(&socket, &[]).says(FOLLOWS);
    assert_eq!(info(&socket, "encrypted"), "true");
    assert_eq!(info(&socket, "gossip"), "encrypted");
    assert!(!agent.said.iter().any(|line| line.contains("not encrypted")), "{:?}", agent.said);
}

#[test]
fn on_loopback_nothing_is_asked_wherever_clients_come_from() {
    let (_directory, socket) = socket();
    let mut agent = Role::agent(&socket, &["--bind", "127.0.0.1:0"]);
    agent.says("agent running");
    Role::start(&["proxy", "--listen", ANYWHERE], &socket).says(FOLLOWS);
    assert_eq!(info(&socket, "gossip"), "plaintext, on loopback only");
    assert!(!agent.said.iter().any(|line| line.contains("not encrypted")), "{:?}", agent.said);
}

/// A loopback address of this test's own.
fn loopback(host: u8) -> String {
    use std::hash::{BuildHasher, Hasher};
    static NET: std::sync::OnceLock<[u8; 2]> = std::sync::OnceLock::new();
    let [a, b] = NET.get_or_init(|| {
        let [a, b, ..] = std::collections::hash_map::RandomState::new().build_hasher().finish().to_be_bytes();
        [a % 100 + 150, b]
    });
    format!("127.{a}.{b}.{host}:7946")
}

/// The picture of the agent behind `socket`, in JSON.
fn picture(socket: &Path) -> String {
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    stream.write_all(b"GET /api/v1/fleet HTTP/1.1\r\nhost: m\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn who_may_not_serve_gets_nothing_and_everybody_is_told_why() {
    let (directory, socket) = socket();
    let config = directory.path().join("muster.toml");
    std::fs::write(&config, "[services.backend]\nfrom = ['127.0.0.0/8']\nports = [3000]\n").unwrap();
    let config = config.to_str().unwrap();
    let mut balancer = Role::agent(&socket, &["--bind", &loopback(1), "--config", config]);
    let member = |name: &str, host: u8, port: &str| {
        let tag = format!("port={port}");
        let flags = [
            "--node",
            name,
            "--bind",
            &loopback(host),
            "--join",
            &loopback(1),
            "--tag",
            "role=backend",
            "--tag",
            &tag,
        ];
        Role::start(&[&["agent"], &flags[..]].concat(), &directory.path().join(format!("{name}.sock")))
    };
    let _good = member("good", 2, "3000");
    let _bad = member("bad", 3, "22");
    let reason = "service backend may not be served on port 22, only on 3000";
    let line = balancer.says("a member's claim is not believed");
    assert!(line.contains(&format!("\"bad\": {reason}")), "{line}");

    let mut proxy = Role::proxy(&socket, &["--config", config]);
    proxy.says("backends are ready");
    let why = Command::new(env!("CARGO_BIN_EXE_muster"))
        .args(["why", "bad", "--socket"])
        .arg(&socket)
        .output()
        .unwrap();
    let why = String::from_utf8(why.stdout).unwrap();
    assert!(why.contains(&format!("What it offers, and does not get requests for\n  {reason}\n")), "{why}");
    let picture = picture(&socket);
    assert!(picture.contains(&format!(r#""refusals":[{{"node":"bad","reason":"{reason}"}}]"#)), "{picture}");
    assert!(picture.contains(r#""good":{"addr""#) && !picture.contains(r#""bad":{"addr""#), "{picture}");
    assert!(
        picture.contains(r#""rules":{"backend":{"from":["127.0.0.0/8"],"ports":["3000"]}}"#),
        "{picture}"
    );
}

#[test]
fn a_proxy_with_a_rule_does_not_follow_an_agent_without_it() {
    let (directory, socket) = socket();
    let config = directory.path().join("muster.toml");
    std::fs::write(&config, "[services.backend]\nfrom = ['10.0.0.0/8']\n").unwrap();
    let mut agent = Role::agent(&socket, &["--bind", "127.0.0.1:0"]);
    agent.says("agent running");
    let (code, said) = Role::proxy(&socket, &["--config", config.to_str().unwrap()]).ends();
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("does not restrict who serves `backend` as [services.backend]"), "{said}");
}
