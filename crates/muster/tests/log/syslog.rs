//! What programs send to syslog sockets.

use super::*;
use std::io::Write;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;

/// A `muster log` that listens everywhere, with a file for `local1.notice`.
struct Syslog {
    log: Log,
    dir: tempfile::TempDir,
    udp: String,
    tcp: String,
}

impl Syslog {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let log = Self::life(&dir, &udp, &tcp);
        let syslog = Self { log, dir, udp, tcp };
        syslog.is_up();
        syslog
    }

    fn life(dir: &tempfile::TempDir, udp: &str, tcp: &str) -> Log {
        let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let args = [
            "--syslog-listen",
            &path("log"),
            "--syslog-listen",
            &format!("udp://{udp}"),
            "--syslog-listen",
            &format!("tcp://{tcp}"),
            "--rule",
            "local1.notice -> file:haproxy",
            "--rule",
            "mail.* -> nowhere",
            "--folder",
            &path("logs"),
        ];
        let stdout = File::options().append(true).create(true).open(path("stdout")).unwrap();
        Log::start(&[], &args, stdout, &dir.path().join("stderr"))
    }

    fn is_up(&self) {
        eventually("it listens", || TcpStream::connect(&self.tcp).ok());
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn to_log(&self, message: &[u8]) {
        let socket = UnixDatagram::unbound().unwrap();
        eventually("it takes it", || socket.send_to(message, self.path("log")).ok());
    }

    fn has(&self, file: &str, line: &str) {
        eventually(line, || text(&self.path(file)).lines().any(|there| there.ends_with(line)).then_some(()));
    }
}

#[test]
fn rules_say_where_messages_go() {
    let mut syslog = Syslog::start();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    // As HAProxy sends it: local1.notice, then local1.info, which no rule matches.
    udp.send_to(b"<141>Nov 26 08:16:26 haproxy[7]: Proxy web started.\n", &syslog.udp).unwrap();
    udp.send_to(b"<142>Nov 26 08:16:26 haproxy[7]: 127.0.0.1 GET /\n", &syslog.udp).unwrap();
    syslog.has("logs/haproxy.log", "Z haproxy | Proxy web started.");
    syslog.has("stdout", "haproxy | 127.0.0.1 GET /");
    // Both framings of TCP, then one without an end.
    let mut tcp = TcpStream::connect(&syslog.tcp).unwrap();
    tcp.write_all(b"16 <137>a[1]: first<137>b: second\n<137>c: third").unwrap();
    drop(tcp);
    for line in ["a | first", "b | second", "c | third"] {
        syslog.has("logs/haproxy.log", line);
    }
    syslog.to_log(b"<22>postfix: nobody wants this");
    syslog.to_log(b"<13>me: this one");
    syslog.has("stdout", "me | this one");
    assert!(!text(&syslog.path("stdout")).contains("nobody wants"));
    assert!(!text(&syslog.path("stdout")).contains("started"));
    assert_eq!(syslog.log.stop().code(), Some(0));
    assert!(!syslog.path("log").exists(), "the socket goes with it");
    assert_eq!(text(&syslog.path("stderr")), "");
}

#[test]
fn hostile_bytes_harm_nobody() {
    let syslog = Syslog::start();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut state = 1_u64;
    let mut noise = |length: usize| -> Vec<u8> {
        (0..length)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect()
    };
    let mut held = Vec::new();
    for nth in 0..200 {
        let bytes = match nth % 6 {
            0 => Vec::new(),
            1 => b"<13>x: a\nforged | line\x1b[2J\0".to_vec(),
            2 => [b"<165>1 - - x - - [".as_slice(), &noise(500)].concat(),
            3 => noise(nth * 10),
            4 => [b"<13>x: ".as_slice(), &vec![b'y'; 60_000]].concat(),
            _ => b"99999 <13>never all of it".to_vec(),
        };
        let _ = udp.send_to(&bytes, &syslog.udp);
        let _ = UnixDatagram::unbound().unwrap().send_to(&bytes, syslog.path("log"));
        // More connections than it holds, each left open.
        if let Ok(mut tcp) = TcpStream::connect(&syslog.tcp) {
            let _ = tcp.write_all(&bytes);
            held.push(tcp);
        }
    }
    syslog.to_log(b"<13>me: still here");
    syslog.has("stdout", "me | still here");
    drop(held);
    eventually("connections are taken again", || {
        let mut tcp = TcpStream::connect(&syslog.tcp).ok()?;
        tcp.write_all(b"<13>me: and by TCP\n").ok()?;
        text(&syslog.path("stdout")).contains("me | and by TCP").then_some(())
    });
    let all = text(&syslog.path("stdout"));
    assert!(!all.contains('\u{1b}') && !all.contains('\0'));
    assert!(all.lines().all(|line| line.contains(" | ") && !line.starts_with("forged")), "{all}");
    let status = fs::read_to_string(format!("/proc/{}/status", syslog.log.child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.split_whitespace().next().unwrap().parse().unwrap();
    assert!(kib < 64 * 1024, "{kib} KiB");
}

#[test]
fn a_socket_that_a_dead_life_left_is_taken_over_and_a_living_one_is_not() {
    let mut syslog = Syslog::start();
    syslog.log.kill();
    assert!(syslog.path("log").exists());
    syslog.log = Syslog::life(&syslog.dir, &syslog.udp, &syslog.tcp);
    syslog.is_up();
    syslog.to_log(b"<13>me: second life");
    syslog.has("stdout", "me | second life");
    let mut other = Log::start(
        &[],
        &["--syslog-listen", syslog.path("log").to_str().unwrap()],
        Stdio::null(),
        &syslog.path("other"),
    );
    assert_eq!(other.ends().code(), Some(1));
    let said = text(&syslog.path("other"));
    assert!(said.contains("another syslog runs here"), "{said}");
    syslog.to_log(b"<13>me: undisturbed");
    syslog.has("stdout", "me | undisturbed");
}

/// `logger` of util-linux in all of its forms.
#[test]
fn the_real_logger_is_understood() {
    if Command::new("logger").arg("--version").output().is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "skipped under CI=true: no logger(1)");
        eprintln!("skipped: logger(1) is not installed (apt install bsdutils)");
        return;
    }
    let syslog = Syslog::start();
    let path = syslog.path("log");
    let (host, udp_port) = syslog.udp.split_once(':').unwrap();
    let (_, tcp_port) = syslog.tcp.split_once(':').unwrap();
    let unix = ["-u", path.to_str().unwrap()];
    let udp = ["-n", host, "-P", udp_port, "-d"];
    let tcp = ["-n", host, "-P", tcp_port, "-T"];
    let mut nth = 0;
    for way in [unix.as_slice(), &udp, &tcp] {
        for form in [&["--rfc3164"][..], &["--rfc5424"], &["--rfc5424", "-i"], &["-i"]] {
            nth += 1;
            let said = format!("message {nth}");
            let status = Command::new("logger")
                .args(way)
                .args(form)
                .args(["-t", "tester", "-p", "local1.err", &said])
                .status();
            assert!(status.unwrap().success());
            syslog.has("logs/haproxy.log", &format!("Z tester | {said}"));
        }
    }
}
