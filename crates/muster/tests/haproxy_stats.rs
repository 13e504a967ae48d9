//! The same file run by a real HAProxy and by us called so, and the same commands to both on their statistics sockets.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::muster;

/// `ADDR` is where clients come, `S1` and so on are the servers, `DIR` has the sockets. One thread: a column is shown for each.
const CONFIG: &str = "
global
    nbthread 1
    stats socket DIR/admin.sock mode 600 level admin
    stats socket DIR/operator.sock level operator
    stats socket DIR/user.sock level user
    stats timeout 30s
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
frontend web
    bind ADDR
    maxconn 500
    use_backend api if { path_beg /api }
    default_backend app
frontend plain
    mode tcp
    bind TCP
    default_backend db
listen stats
    bind PAGE
    stats enable
    stats uri /
    stats hide-version
    stats refresh 5s
    stats auth watch:man
    stats admin if TRUE
backend app
    balance roundrobin
    server s1 S1 weight 10
    server s2 S2 weight 20
    server s3 S3 backup
    server s4 S4 disabled
backend api
    balance leastconn
    server a1 S1
    server a2 S2
backend db
    mode tcp
    server d1 S3
";

/// What is sent to the admin's socket, one after the other, and told alike.
const COMMANDS: &[&str] = &[
    "show backend",
    "show servers state",
    "show servers conn",
    "show servers conn api",
    "show servers state api",
    "show servers state nope",
    "show servers conn nope",
    "show stat",
    "show stat up",
    "show stat no-maint",
    "show stat -1 1 -1",
    "show stat app 4 -1",
    "show stat 5 4 2",
    "show stat 99 -1 -1",
    "show stat nope 4 -1",
    "show cli level",
    "show cli level;user;show cli level;operator",
    "show  cli\tlevel",
    "get weight",
    "get weight app",
    "get weight app/s1",
    "get weight #5/#2",
    "get weight app/nope",
    "get weight nope/s1",
    "set server",
    "set server app/s1",
    "set server app/s1 foo",
    "set server app/nope state ready",
    "set server nope/s1 state ready",
    "set server app/s1 state",
    "set server app/s1 state bogus",
    "set server app/s1 state drain",
    "set server app/s2 state maint",
    "set server app/s3 weight 0",
    "set server app/s4 state ready",
    "show stat",
    "show servers state",
    "show stat up",
    "set server app/s1 state ready",
    "enable server app/s2",
    "disable server app/s3",
    "disable server app/zz",
    "disable server",
    "show stat",
    "set server app/s1 weight",
    "set server app/s1 weight x",
    "set server app/s1 weight 5x",
    "set server app/s1 weight 257",
    "set server app/s1 weight -1",
    "set server app/s1 weight -5%",
    "set server app/s1 weight 50%",
    "get weight app/s1",
    "set server app/s1 weight 9999%",
    "get weight app/s1",
    "set weight app/s1 5",
    "set weight app/s1",
    "get weight app/s1",
    "set server app/s1 addr",
    "set server app/s1 addr bogus",
    "set server api/a1 addr 127.0.0.9",
    "set server api/a1 addr 127.0.0.9 port P2",
    "set server api/a1 addr 127.0.0.9 port P2",
    "set server api/a1 addr 127.0.0.1 port x",
    "show stat api 4 1",
    "set server app/s1 check-port 12",
    "set server app/s1 check-addr 127.0.0.1",
    "set server app/s1 agent-addr 127.0.0.1",
    "set server app/s1 agent up",
    "set server app/s1 health bogus",
    "set server app/s1 fqdn example",
    "set server app/s1 ssl on",
    "disable frontend",
    "disable frontend nope",
    "disable frontend app",
    "disable frontend plain",
    "disable frontend plain",
    "show stat",
    "enable frontend plain",
    "enable frontend plain",
    "clear counters",
    "clear counters all",
    "set timeout",
    "set timeout cli",
    "set timeout cli x",
    "set timeout cli 10",
    "show backend;get weight app/s1;show cli level",
    "show cli level;quit;show cli level",
    "quit",
    // Words differ, since HAProxy has more commands.
    "",
    "bogus",
    "show bogus",
    "@1 show info",
    "help",
    "help get weight",
];

/// The same to sockets of lower levels.
const LOWER: &[&str] = &[
    "set server app/s1 state drain",
    "set weight app/s1 3",
    "get weight app/s2",
    "disable server app/s1",
    "disable frontend web",
    "clear counters",
    "clear counters all",
    "show cli level",
    "operator;show cli level",
    "show backend",
    "show stat",
    "set server",
];

/// Columns that nobody counts here: they are empty, where HAProxy has a number.
const UNCOUNTED: &[&str] = &[
    "slim",
    "intercepted",
    "lastchg",
    "chkdown",
    "downtime",
    "dcon",
    "dses",
    "wrew",
    "eint",
    "srv_icur",
    "qtime_max",
    "ctime_max",
    "rtime_max",
    "ttime_max",
    "idle_conn_cur",
    "safe_conn_cur",
    "need_conn_est",
    "agg_server_status",
    "agg_server_check_status",
    "agg_check_status",
];

/// Lines of `show info` that are left out.
const UNMEASURED: &[&str] = &[
    "MaxSslConns",
    "CurrSslConns",
    "CumSslConns",
    "ConnRate",
    "MaxConnRate",
    "SessRate",
    "MaxSessRate",
    "SslRate",
    "MaxSslRate",
    "SslFrontendKeyRate",
    "SslFrontendMaxKeyRate",
    "SslFrontendSessionReuse_pct",
    "SslBackendKeyRate",
    "SslBackendMaxKeyRate",
    "SslCacheLookups",
    "SslCacheMisses",
    "Idle_pct",
    "Jobs",
    "Unstoppable Jobs",
    "DroppedLogs",
    "FailedResolutions",
    "TotalSplicdedBytesOut",
    "BytesOutRate",
    "CumRecvLogs",
];

/// A balancer that ends with its test.
struct Running {
    child: Child,
    folder: PathBuf,
    page: SocketAddr,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    /// `host`: the third number of the addresses in 127.0.0.0/8 that it listens on.
    fn start(program: &Path, folder: &Path, host: u8, servers: &[SocketAddr; 4]) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let [_, a, b, c] = std::process::id().to_be_bytes();
        let addr = |port| SocketAddr::from(([127, 64 | (a ^ host), b, c], port));
        let mut text = CONFIG.to_owned();
        for (name, port) in [("ADDR", 18_180), ("TCP", 18_181), ("PAGE", 18_936)] {
            text = text.replace(name, &addr(port).to_string());
        }
        for (nth, server) in servers.iter().enumerate() {
            text = text.replace(&format!("S{}", nth + 1), &server.to_string());
        }
        // Last: a temporary folder may have any letters in its name, `S1` among them.
        text = text.replace("DIR", folder.to_str().unwrap());
        let path = folder.join("haproxy.cfg");
        std::fs::write(&path, text).unwrap();
        let child =
            Command::new(program).arg("-db").arg("-f").arg(&path).stderr(Stdio::null()).spawn().unwrap();
        let mut running = Self { child, folder: folder.to_owned(), page: addr(18_936) };
        while UnixStream::connect(running.socket("admin")).is_err()
            || TcpStream::connect(running.page).is_err()
        {
            assert_eq!(running.child.try_wait().unwrap(), None, "{} does not run", program.display());
            std::thread::sleep(Duration::from_millis(10));
        }
        running
    }

    fn socket(&self, level: &str) -> PathBuf {
        self.folder.join(format!("{level}.sock"))
    }

    fn ask(&self, level: &str, bytes: &str) -> String {
        let mut stream = UnixStream::connect(self.socket(level)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        told
    }

    fn column(&self, name: &str, line: &str) -> Vec<(String, String)> {
        let told = self.ask("admin", &format!("{line}\n"));
        let header: Vec<&str> = told.lines().next().unwrap().trim_start_matches("# ").split(',').collect();
        let at = header.iter().position(|column| *column == name).unwrap();
        let rows = told.lines().skip(1).filter(|line| !line.is_empty());
        let rows = rows.map(|line| line.split(',').collect::<Vec<_>>());
        rows.map(|row| (format!("{}/{}", row[0], row[1]), row[at].to_owned())).collect()
    }

    fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.page).unwrap();
        stream.write_all(request.replace("PAGE", &self.page.to_string()).as_bytes()).unwrap();
        let mut told = String::new();
        stream.read_to_string(&mut told).unwrap();
        told
    }
}

/// Numbers are not the same twice.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for char in text.chars() {
        if char.is_ascii_digit() {
            if masked.ends_with('-') {
                masked.pop();
            }
            if !masked.ends_with('N') {
                masked.push('N');
            }
        } else {
            masked.push(char);
        }
    }
    masked
}

/// What may differ in `ours` for a reason is made like `theirs`.
fn comparable(line: &str, theirs: &str, ours: &str) -> (String, String) {
    let is_list = theirs.starts_with("Unknown command") || theirs.starts_with("The following commands");
    if is_list {
        // Of lists of commands the ends are the same. What HAProxy takes for a near miss is its own affair.
        let ends = |text: &str| {
            let lines: Vec<&str> = text.lines().collect();
            let first = lines[0].split([',', '.']).next().unwrap_or_default().to_owned();
            format!("{first}\n{}", lines[lines.len().saturating_sub(4)..].join("\n"))
        };
        return (ends(theirs), ends(ours));
    }
    if line.starts_with("show stat") && theirs.starts_with("# ") {
        let header: Vec<&str> = theirs.lines().next().unwrap_or_default().split(',').collect();
        let modules = header.iter().position(|column| *column == "-").unwrap();
        let blanked = |text: &str| {
            let lines = text.lines().map(|line| {
                if line.starts_with('#') {
                    return line.to_owned();
                }
                let fields = line.split(',').enumerate().map(|(at, field)| {
                    let uncounted = header.get(at).is_some_and(|name| UNCOUNTED.contains(name));
                    if uncounted || at > modules { "" } else { field }
                });
                fields.collect::<Vec<_>>().join(",")
            });
            lines.collect::<Vec<_>>().join("\n")
        };
        return (masked(&blanked(theirs)), masked(&blanked(ours)));
    }
    (masked(theirs), masked(ours))
}

struct Both {
    theirs: Running,
    ours: Running,
    _folder: tempfile::TempDir,
    servers: Vec<TcpListener>,
}

#[expect(clippy::print_stdout, reason = "a test says why it is skipped")]
fn both(host: u8) -> Option<Both> {
    if Command::new("haproxy").arg("-v").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI must have haproxy");
        println!("skipped: there is no haproxy");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("haproxy");
    symlink(muster(&[]).get_program(), &program).unwrap();
    // They are connected to, and asked nothing.
    let servers: Vec<TcpListener> = (0..4).map(|_| TcpListener::bind("0.0.0.0:0").unwrap()).collect();
    let addrs =
        [0, 1, 2, 3].map(|nth: usize| ([127, 0, 0, 1], servers[nth].local_addr().unwrap().port()).into());
    let theirs = Running::start(Path::new("haproxy"), &folder.path().join("t"), host, &addrs);
    let ours = Running::start(&program, &folder.path().join("o"), host | 1, &addrs);
    Some(Both { theirs, ours, _folder: folder, servers })
}

#[test]
fn tools_are_told_what_haproxy_tells_them() {
    let Some(Both { theirs, ours, servers, .. }) = &both(2) else { return };
    let second = servers[1].local_addr().unwrap().port().to_string();
    let mut differing = Vec::new();
    let of_levels =
        ["operator", "user"].into_iter().flat_map(|level| LOWER.iter().map(move |line| (level, line)));
    let all = COMMANDS.iter().map(|line| ("admin", line)).chain(of_levels);
    let mut count = 0;
    for (level, line) in all {
        count += 1;
        let asked = format!("{line}\n").replace("P2", &second);
        let (their, our) = (theirs.ask(level, &asked), ours.ask(level, &asked));
        let (their, our) = comparable(line, &their, &our);
        if their != our {
            differing.push(format!("{level}: {line}\nHAProxy: {their}\nours: {our}"));
        }
    }
    // With a prompt, a tool says when it goes.
    let asked = "prompt\nshow cli level\nbogus;show backend\nprompt\nshow cli level\n";
    let ends = |text: String| {
        let (before, after) = text.split_once("Unknown").unwrap();
        let after = after.split_once("disconnect\n").unwrap().1;
        format!("{before}{after}")
    };
    assert_eq!(ends(theirs.ask("admin", asked)), ends(ours.ask("admin", asked)));
    assert!(
        count > 100 && differing.is_empty(),
        "{} of {count}:\n{}",
        differing.len(),
        differing.join("\n\n")
    );
}

#[test]
fn what_is_said_of_the_process_has_haproxys_names() {
    let Some(Both { theirs, ours, .. }) = &both(4) else { return };
    let names = |running: &Running| {
        let told = running.ask("user", "show info\n");
        assert!(told.ends_with("\n\n"), "{told}");
        let names = told.lines().filter_map(|line| Some(line.split_once(": ")?.0.to_owned()));
        names.collect::<Vec<_>>()
    };
    let mut wanted = names(theirs);
    wanted.retain(|name| !UNMEASURED.contains(&name.as_str()));
    assert_eq!(names(ours), wanted);
    for line in ["show stat typed", "show info typed"] {
        // What both have has the same place, name, tags and kind.
        let kinds = |running: &Running| {
            let told = running.ask("user", &format!("{line}\n"));
            let kinds = told.lines().map(|line| line.splitn(4, ':').take(3).collect::<Vec<_>>().join(":"));
            kinds.collect::<std::collections::BTreeSet<_>>()
        };
        let (their, our) = (kinds(theirs), kinds(ours));
        assert!(our.is_subset(&their) && our.len() > 40, "{:?}", our.difference(&their).collect::<Vec<_>>());
    }
}

#[test]
fn what_an_operator_says_decides_who_gets_requests() {
    let Some(Both { ours, .. }) = &both(8) else { return };
    let told = ours.ask("admin", "set server app/s1 state maint;set server app/s2 weight 7\n");
    assert_eq!(told, "\n\n");
    let statuses = ours.column("status", "show stat app 4 -1");
    assert_eq!(statuses[0], ("app/s1".into(), "MAINT".into()));
    let weights = ours.column("weight", "show stat app 6 -1");
    assert_eq!(weights.last(), Some(&("app/BACKEND".into(), "7".into())), "{weights:?}");
}

const PASSWORD: &str = "Authorization: Basic d2F0Y2g6bWFu\r\n";

#[test]
fn the_page_is_shown_to_those_who_may_see_it() {
    let Some(Both { theirs, ours, .. }) = &both(16) else { return };
    let get = |target: &str, lines: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: PAGE\r\n{lines}Connection: close\r\n\r\n")
    };
    for running in [theirs, ours] {
        let refused = running.http(&get("/", ""));
        assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
        assert!(refused.to_lowercase().contains("www-authenticate: basic realm="), "{refused}");
        let wrong = running.http(&get("/;csv", "Authorization: Basic d2F0Y2g6bWFuPg==\r\n"));
        assert!(wrong.starts_with("HTTP/1.1 401 "), "{wrong}");
    }
    let header = |running: &Running| {
        let told = running.http(&get("/;csv", PASSWORD));
        told.split_once("\r\n\r\n")
            .unwrap()
            .1
            .lines()
            .find(|line| line.contains("pxname"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(header(ours), header(theirs));
    let page = ours.http(&get("/", PASSWORD));
    assert!(page.contains("\r\nRefresh: 5\r\n") && page.contains("id=\"app/s1\""), "{page}");
    assert!(!page.contains(env!("CARGO_PKG_VERSION")), "its version is hidden: {page}");
    assert!(!ours.http(&get("/;norefresh", PASSWORD)).contains("\r\nRefresh"));
    let json = ours.http(&get("/;json", PASSWORD));
    serde_json::from_str::<serde_json::Value>(json.split_once("\r\n\r\n").unwrap().1).unwrap();
}

#[test]
fn a_form_is_obeyed_unless_another_site_sent_it() {
    let Some(Both { theirs, ours, .. }) = &both(32) else { return };
    let post = |form: &str, lines: &str| {
        format!(
            "POST / HTTP/1.1\r\nHost: PAGE\r\n{lines}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{form}",
            form.len()
        )
    };
    let location = |told: &str| {
        let fields =
            told.lines().find_map(|line| line.to_lowercase().strip_prefix("location: ").map(str::to_owned));
        fields.unwrap_or_default().trim().to_owned()
    };
    for (form, outcome) in [
        ("s=s1&s=s2&b=app&action=drain", "done"),
        ("b=%236&s=a1&action=maint", "done"),
        ("s=s1&s=zz&b=app&action=ready", "part"),
        ("b=app&action=ready", "none"),
    ] {
        for running in [theirs, ours] {
            let told = running.http(&post(form, PASSWORD));
            assert!(told.starts_with("HTTP/1.1 303 "), "{told}");
            assert!(location(&told).ends_with(&format!(";st={outcome}")), "{form}: {told}");
        }
    }
    // In chunks, the lines between which are no part of it.
    let chunked = post("", PASSWORD).replace("Content-Length: 0", "Transfer-Encoding: chunked");
    let told = ours.http(&(chunked + "5\r\ns=s1&\r\n13\r\nb=app&action=maint&\r\n0\r\n\r\n"));
    assert!(location(&told).ends_with(";st=done"), "{told}");
    assert!(ours.column("status", "show stat -1 4 -1").contains(&("app/s1".into(), "MAINT".into())));
    assert!(ours.http(&post("s=s1&b=app&action=ready", PASSWORD)).starts_with("HTTP/1.1 303 "));
    let statuses = ours.column("status", "show stat -1 4 -1");
    assert_eq!(statuses, theirs.column("status", "show stat -1 4 -1"));
    for lines in ["Origin: http://evil.example\r\n", "Origin: null\r\n", "Sec-Fetch-Site: cross-site\r\n"] {
        let told = ours.http(&post("s=s1&b=app&action=maint", &format!("{PASSWORD}{lines}")));
        assert!(told.starts_with("HTTP/1.1 403 "), "{told}");
    }
    assert!(ours.http(&post("s=s1&b=app&action=maint", "")).starts_with("HTTP/1.1 401 "));
    assert_eq!(ours.column("status", "show stat -1 4 -1"), statuses);
}

#[test]
fn tools_that_say_nothing_or_too_much_are_left() {
    let Some(Both { ours, .. }) = &both(64) else { return };
    let mut endless = UnixStream::connect(ours.socket("user")).unwrap();
    let line = vec![b'x'; 64 * 1024];
    // It may be cut while it writes.
    let _ = endless.write_all(&line);
    let mut rest = Vec::new();
    let _ = endless.read_to_end(&mut rest);
    assert_eq!(rest, b"");
    // More than may be there at the same time: the last one waits, and is answered when one goes.
    let mut idle: Vec<UnixStream> =
        (0..20).map(|_| UnixStream::connect(ours.socket("user")).unwrap()).collect();
    let mut last = UnixStream::connect(ours.socket("user")).unwrap();
    last.write_all(b"show cli level\n").unwrap();
    idle.clear();
    let mut told = String::new();
    last.read_to_string(&mut told).unwrap();
    assert_eq!(told, "user\n\n");
}

/// Prometheus' exporter reads CSV over HTTP so: columns by name, numbers where there are any.
const READER: &str = r##"
import base64, csv, sys, urllib.request
request = urllib.request.Request(sys.argv[1] + "/;csv", headers={"Authorization": "Basic " + base64.b64encode(b"watch:man").decode()})
lines = urllib.request.urlopen(request, timeout=30).read().decode().splitlines()
rows = list(csv.DictReader([lines[0].removeprefix("# ")] + lines[1:]))
kinds = {"0": "frontend", "1": "backend", "2": "server"}
for row in rows:
    kind = kinds[row["type"]]
    for name in ("scur", "stot", "bin", "bout", "hrsp_2xx", "econ", "weight", "act", "lastsess"):
        if row[name]:
            float(row[name])
    print(kind, row["pxname"], row["svname"], row["status"], int(row["stot"]))
"##;

#[test]
fn an_exporter_reads_the_page() {
    let Some(Both { theirs, ours, .. }) = &both(128) else { return };
    let read = |running: &Running| {
        let url = format!("http://{}", running.page);
        let read = Command::new("python3").arg("-c").arg(READER).arg(url).output().unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        let text = String::from_utf8(read.stdout).unwrap();
        text.lines().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(read(ours), read(theirs));
}

#[test]
fn hatop_watches_and_steers() {
    if Command::new("hatop").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI must have hatop");
        println!("skipped: there is no hatop");
        return;
    }
    let Some(Both { ours, .. }) = &both(12) else { return };
    // It wants a terminal.
    let line = format!("stty rows 40 cols 150; exec hatop -s {}", ours.socket("admin").display());
    let mut hatop = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("TERM", "xterm")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut screen = hatop.stdout.take().unwrap();
    let mut keys = hatop.stdin.take().unwrap();
    let (mut shown, mut bytes) = (Vec::new(), [0; 4096]);
    let has = |shown: &[u8], text: &str| String::from_utf8_lossy(shown).contains(text);
    while !(has(&shown, "BACKEND") && has(&shown, "s4") && has(&shown, "MAINT")) {
        let count = screen.read(&mut bytes).unwrap();
        assert!(count > 0, "it ended: {}", String::from_utf8_lossy(&shown));
        shown.extend_from_slice(&bytes[..count]);
    }
    keys.write_all(b"q").unwrap();
    let _ = screen.read_to_end(&mut shown);
    hatop.wait().unwrap();
    assert!(has(&shown, "Muster"), "{}", String::from_utf8_lossy(&shown));
}
