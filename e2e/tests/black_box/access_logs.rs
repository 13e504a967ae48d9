//! A file of HAProxy logs the same lines whether HAProxy runs it or we do.

use muster_e2e::{Hosts, Process, binary, skip, wait_for};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A server that does with each connection what its request's path says.
fn server(addr: &str) {
    let listener = TcpListener::bind(addr).expect("the address is this test's");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut bytes = [0; 8192];
                while let Ok(count @ 1..) = stream.read(&mut bytes) {
                    let text = String::from_utf8_lossy(&bytes[..count]).into_owned();
                    let length = if text.contains("/cut") { 50 } else { 5 };
                    if text.contains("/silent") {
                        continue;
                    }
                    let answer = match text.contains("/garbage") {
                        true => "garbage\r\n\r\n".to_owned(),
                        false => format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nhello"),
                    };
                    if stream.write_all(answer.as_bytes()).is_err() || length == 50 {
                        return;
                    }
                }
            });
        }
    });
}

/// One request; with `reset` its client goes away behind it, before any answer.
fn ask(addr: &str, request: &str, reset: bool) -> Option<()> {
    let mut stream = TcpStream::connect(addr).ok()?;
    stream.write_all(request.as_bytes()).ok()?;
    if reset {
        // It is to be on its way when this happens.
        std::thread::sleep(Duration::from_millis(100));
        rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).ok()?;
        return Some(());
    }
    // Whatever it is: what is compared is what is logged.
    let _ = stream.read_to_end(&mut Vec::new());
    Some(())
}

/// The next message.
fn heard(syslog: &UdpSocket) -> String {
    let mut bytes = [0; 4096];
    let count = syslog.recv(&mut bytes).expect("something is logged");
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

/// A line without what differs from run to run: dates, ports, the process, times; and bytes, since pages and the spelling of fields
/// are each program's own.
fn masked(line: &str) -> String {
    let (head, rest) = line.split_once("]: ").unwrap_or(("", line));
    let priority = head.split_once('>').map_or("", |(priority, _)| priority);
    let program = head.rsplit(' ').next().and_then(|word| word.split('[').next()).unwrap_or_default();
    let is_http = rest.contains('"');
    let words: Vec<String> = rest
        .split(' ')
        .enumerate()
        .map(|(nth, word)| match (nth, is_http) {
            (0 | 1, _) | (6, true) | (5, false) => "X".to_owned(),
            (4, _) => word
                .split('/')
                .map(|time| if time == "-1" { "-1" } else { "T" })
                .collect::<Vec<_>>()
                .join("/"),
            _ => word.to_owned(),
        })
        .collect();
    format!("{priority}> {program}: {}", words.join(" "))
}

#[tokio::test]
async fn requests_are_logged_as_haproxy_logs_them() {
    if !Path::new("/usr/sbin/haproxy").exists() {
        return skip("HAProxy is not installed (apt install haproxy)");
    }
    let hosts = Hosts::claim();
    let dir = tempfile::tempdir().expect("a place for tests");
    let (web, tcp, back) = (hosts.at(1, 8080), hosts.at(1, 8081), hosts.at(1, 3000));
    let syslog = UdpSocket::bind(hosts.at(1, 5140)).expect("the address is this test's");
    syslog.set_read_timeout(Some(Duration::from_secs(20))).expect("it is a socket");
    server(&back);
    let config = dir.path().join("haproxy.cfg");
    let text = format!(
        "global\n  log {} local0 info\n\
         defaults\n  mode http\n  log global\n  option httplog\n   retries 0\n\
         \x20 timeout client 9s\n  timeout server 500ms\n  timeout connect 9s\n\
         frontend main\n  bind {web}\n  http-request deny if {{ path /deny }}\n\
         \x20 http-request redirect location /x if {{ path /elsewhere }}\n\
         \x20 use_backend gone if {{ path /gone }}\n  use_backend none if {{ path /none }}\n  default_backend web\n\
         backend web\n  server s1 {back}\nbackend gone\n  server d1 {}\nbackend none\n\
         listen plain\n  mode tcp\n  option tcplog\n  bind {tcp}\n  server s1 {back}\n",
        hosts.at(1, 5140),
        hosts.at(1, 9)
    );
    std::fs::write(&config, text).expect("it is ours");
    let ours = dir.path().join("haproxy");
    std::os::unix::fs::symlink(binary(), &ours).expect("it is ours");
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let post = "POST /silent HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf".to_owned();
    let asked = [
        (&web, get("/a'?b=|{c}%22"), false),
        (&web, get("http://x/absolute"), false),
        (&web, "GET /old HTTP/1.0\r\n\r\n".to_owned(), false),
        (&web, get(&format!("/{}", "long".repeat(500))), false),
        (&web, get("/deny"), false),
        (&web, get("/elsewhere"), false),
        (&web, get("/gone"), false),
        (&web, get("/none"), false),
        (&web, get("/silent"), false),
        (&web, get("/cut"), false),
        (&web, get("/garbage"), false),
        (&web, "nonsense\r\n\r\n".to_owned(), false),
        (&web, post, true),
        (&tcp, "hello".to_owned(), true),
    ];
    let mut told = Vec::new();
    for program in [Path::new("/usr/sbin/haproxy"), &ours] {
        let mut process = Process::start("haproxy", Command::new(program).arg("-db").arg("-f").arg(&config));
        wait_for("it listens", || async { TcpStream::connect(&web).map(drop).map_err(|_| process.said()) })
            .await;
        // That connection is logged when it is over.
        while !heard(&syslog).contains(" CR-- ") {}
        let mut lines = Vec::new();
        for (addr, request, reset) in &asked {
            ask(addr, request, *reset).expect("it listens");
            // HAProxy tells of itself, too.
            let line = loop {
                let line = heard(&syslog);
                if line.starts_with("<134>") && line.contains(" 127.") {
                    break line;
                }
            };
            lines.push(masked(&line));
        }
        told.push(lines);
        process.stop().await;
    }
    let (theirs, ours) = (&told[0], &told[1]);
    for (theirs, ours) in theirs.iter().zip(ours) {
        assert_eq!(theirs, ours);
    }
    assert!(theirs[0].ends_with("---- 1/1/0/0/0 0/0 \"GET /a'?b=|{c}%22 HTTP/1.1\"\n"), "{}", theirs[0]);
}
