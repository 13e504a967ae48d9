//! The binary called as `haproxy`, and `muster proxy -f`: flags, exit codes, what goes to which stream.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{muster, run};

const GOOD: &str =
    "defaults\n timeout client 5s\nlisten web\n bind 127.0.0.1:18080\n server a 127.0.0.1:18081\n";

/// A folder with files in it, whose path in texts becomes `DIR`.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        symlink(muster(&[]).get_program(), folder.path().join("haproxy")).unwrap();
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Calls us as `haproxy`, in the folder.
    fn haproxy(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(self.path().join("haproxy"));
        let (code, out, err) = run(command.args(args).current_dir(self.path()));
        let path = self.path().to_str().unwrap();
        (code, out.replace(path, "DIR"), err.replace(path, "DIR"))
    }
}

fn valid() -> (i32, String, String) {
    (0, "Configuration file is valid\n".into(), String::new())
}

#[test]
fn a_right_file_is_said_to_be_valid_on_standard_output() {
    let folder = Folder::new(&[("a.cfg", GOOD)]);
    assert_eq!(folder.haproxy(&["-c", "-f", "a.cfg"]), valid());
    assert_eq!(folder.haproxy(&["-f", "a.cfg", "-c", "-q"]), (0, String::new(), String::new()));
    assert_eq!(folder.haproxy(&["-W", "-db", "-c", "--", "a.cfg"]), valid());
    let path = folder.path().join("a.cfg");
    assert_eq!(run(&mut muster(&["proxy", "-f", path.to_str().unwrap(), "-c"])), valid());
}

#[test]
fn a_wrong_file_is_told_line_by_line_on_standard_error() {
    let folder = Folder::new(&[("a.cfg", "global\n bogus\nlisten web\n bind :80 ssl\n option tcpka\n")]);
    let (code, out, err) = folder.haproxy(&["-c", "-f", "a.cfg"]);
    assert_eq!((code, out.as_str()), (1, ""));
    let lines: Vec<_> = err.lines().collect();
    assert!(lines[0].starts_with("a.cfg:2: `bogus` is not known here"), "{err}");
    assert!(lines[1].starts_with("a.cfg:4: `bind ... ssl` is not done by Muster;"), "{err}");
    assert!(lines[2].starts_with("a.cfg:5: `option tcpka` is not done by Muster; leave it out"), "{err}");
    assert_eq!(lines[3..], ["Fatal errors found in configuration."]);
}

#[test]
fn a_file_with_nothing_to_listen_on_ends_with_two() {
    let folder = Folder::new(&[("a.cfg", "backend web\n server a 127.0.0.1:1\n")]);
    let words = "Configuration file has no error but will not start (no listener) => exit(2).\n";
    assert_eq!(folder.haproxy(&["-c", "-f", "a.cfg"]), (2, String::new(), words.into()));
}

#[test]
fn a_folder_is_all_its_files_in_the_order_of_their_names() {
    let rest = GOOD.strip_prefix("defaults\n timeout client 5s\n").unwrap();
    let folder = Folder::new(&[
        ("20-web.cfg", rest),
        ("10-defaults.cfg", "defaults\n timeout client 5s\n"),
        (".hidden.cfg", "bogus\n"),
        ("notes.txt", "bogus\n"),
    ]);
    assert_eq!(folder.haproxy(&["-c", "-f", "."]), valid());
    std::fs::write(folder.path().join("30-bad.cfg"), "bogus\n").unwrap();
    let (code, _, err) = folder.haproxy(&["-c", "-f", "."]);
    assert!(code == 1 && err.starts_with("./30-bad.cfg:1: `bogus` stands before the first section"), "{err}");
}

#[test]
fn the_environment_is_asked_for_variables() {
    let folder =
        Folder::new(&[("a.cfg", "listen web\n bind \"127.0.0.1:${WEB_PORT}\"\n server a 127.0.0.1:1\n")]);
    let mut command = Command::new(folder.path().join("haproxy"));
    command.args(["-c", "-f", "a.cfg"]).current_dir(folder.path());
    assert_eq!(run(command.env("WEB_PORT", "18080")), valid());
    let (code, _, err) = run(command.env_remove("WEB_PORT"));
    assert!(code == 1 && err.contains("a.cfg:2: `127.0.0.1:`: `` is no port"), "{err}");
}

#[test]
fn rules_that_never_happen_are_noted_and_refused_only_when_asked() {
    let text = format!("{GOOD} http-request deny\n http-request set-header X-A a\n");
    let folder = Folder::new(&[("a.cfg", &text)]);
    let (code, out, err) = folder.haproxy(&["-c", "-f", "a.cfg"]);
    assert_eq!((code, out), (0, valid().1));
    assert!(err.starts_with("note: a.cfg:7: this never happens: the rule at a.cfg:6 is followed"), "{err}");
    assert_eq!(folder.haproxy(&["-c", "-dW", "-f", "a.cfg"]).0, 1);
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = Folder::new(&[]);
    let (code, _, err) = folder.haproxy(&["-c", "-f", "nowhere.cfg"]);
    assert!(code == 1 && err.starts_with("cannot read nowhere.cfg: No such file"), "{err}");
    std::fs::write(folder.path().join("a.cfg"), b"global\n # \xff\n").unwrap();
    let (code, _, err) = folder.haproxy(&["-c", "-f", "a.cfg"]);
    assert!(code == 1 && err.starts_with("a.cfg:2: here are bytes that are no text"), "{err}");
    let (code, _, err) = folder.haproxy(&["-C", "nowhere", "-c", "-f", "a.cfg"]);
    assert!(code == 1 && err.starts_with("cannot change to nowhere: No such file"), "{err}");
}

#[test]
fn the_version_is_one_that_tools_find() {
    let folder = Folder::new(&[]);
    let (code, out, err) = folder.haproxy(&["-v"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("HAProxy version 2.6") && out.lines().count() == 1, "{out}");
    assert!(folder.haproxy(&["-vv"]).1.contains("\nBalance  : roundrobin"));
}

#[test]
fn a_wrong_command_line_gets_the_usage_on_standard_error() {
    let folder = Folder::new(&[]);
    for args in [&[][..], &["-bogus"], &["-f"]] {
        let (code, out, err) = folder.haproxy(args);
        assert!(
            code == 1 && out.is_empty() && err.contains("Usage : haproxy [-f <cfgfile|cfgdir>]*"),
            "{err}"
        );
    }
    let (code, _, err) = run(&mut muster(&["proxy", "-f", "a", "--service", "web"]));
    assert!(code == 2 && err == "muster: --service does not go with -f: the file says it all\n", "{err}");
}

#[test]
fn what_is_read_and_not_done_yet_is_said_or_refused() {
    let text = format!("{GOOD} server b 127.0.0.1:18082 check\n");
    let folder = Folder::new(&[("a.cfg", &text)]);
    let (code, out, err) = folder.haproxy(&["-c", "-f", "a.cfg"]);
    assert_eq!((code, out), (0, valid().1));
    assert!(
        err.contains("note: a.cfg:3: servers are asked by `check` only where all of a backend are"),
        "{err}"
    );
    let waits = format!("{GOOD} timeout queue 3s\n server b 127.0.0.1:18082 maxconn 5\n");
    let folder = Folder::new(&[("a.cfg", &waits)]);
    assert_eq!(folder.haproxy(&["-c", "-f", "a.cfg"]), valid());
    let folder = Folder::new(&[("a.cfg", &format!("{GOOD} server b 127.0.0.1:18082 maxqueue 5\n"))]);
    let (code, _, err) = folder.haproxy(&["-c", "-f", "a.cfg"]);
    assert!(code == 1 && err.contains("`maxqueue` is not held yet"), "{err}");
    let folder = Folder::new(&[("a.cfg", &format!("{GOOD} cookie S insert\n"))]);
    let (code, _, err) = folder.haproxy(&["-c", "-f", "a.cfg"]);
    assert!(
        code == 1 && err.contains("a.cfg:3: clients do not stay with their server by `cookie` yet"),
        "{err}"
    );
}

/// A server that answers each connection with its name and what it was asked, once.
fn server(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // One that waits for a request keeps nobody else waiting.
            std::thread::spawn(move || {
                let mut head = String::new();
                let mut lines = BufReader::new(&stream);
                while lines.read_line(&mut head).is_ok_and(|count| count > 2) {}
                let body = format!("{name}\n{head}");
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = (&stream).write_all(answer.as_bytes());
            });
        }
    });
    addr
}

/// One request; the whole answer.
fn ask(addr: SocketAddr, host: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_file_is_run_as_haproxy_runs_it() {
    let (web, api) = (server("web"), server("api"));
    let folder = Folder::new(&[]);
    // An address that is this test's alone.
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let addr = SocketAddr::from(([127, a | 128, b, c], 18080));
    let text = format!(
        "defaults\n mode http\n timeout connect 5s\n timeout client 50s\n timeout server 50s\n option forwardfor\n\
         frontend main\n bind {addr}\n acl api hdr(host) -i api.example\n http-request deny if {{ path_beg /no }}\n\
         use_backend api if api\n default_backend web\n\
         backend web\n balance roundrobin\n http-request set-header X-Forwarded-Port %[dst_port]\n server s1 {web}\n\
         server s2 {web} backup\n server s3 127.0.0.1:1 disabled\n\
         backend api\n server s1 localhost:{}\n",
        api.port()
    );
    std::fs::write(folder.path().join("a.cfg"), text).unwrap();
    let mut command = Command::new(folder.path().join("haproxy"));
    command.args(["-W", "-db", "-f", "a.cfg", "-p", "pid"]).current_dir(folder.path()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let listening = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("listening")));
    assert!(listening.unwrap().unwrap().contains("frontend=main"));
    let answer = ask(addr, "www.example", "/");
    assert!(answer.contains("\r\n\r\nweb\nGET / HTTP/1.1\r\n"), "{answer}");
    assert!(answer.contains(&format!("X-Forwarded-Port: {}\r\n", addr.port())), "{answer}");
    assert!(
        answer.contains("X-Forwarded-For: 127.0.0.1\r\n") && !answer.contains("X-Forwarded-Proto"),
        "{answer}"
    );
    assert!(ask(addr, "API.example", "/x").contains("\r\n\r\napi\nGET /x HTTP/1.1\r\n"));
    assert!(ask(addr, "www.example", "/no").starts_with("HTTP/1.1 403 Forbidden\r\n"));
    let pid: i32 = std::fs::read_to_string(folder.path().join("pid")).unwrap().trim().parse().unwrap();
    assert_eq!(pid, i32::try_from(child.id()).unwrap());
    let process = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(process, rustix::process::Signal::USR1).unwrap();
    assert!(child.wait().unwrap().success());
}
