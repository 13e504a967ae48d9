//! The access log, as whoever collects it reads it.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::{AccessLog, Config, Envelope, EnvelopeKind, LogForm, LogPlace, Proxy};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UnixDatagram};

fn log(form: LogForm, place: LogPlace, envelope: Envelope) -> AccessLog {
    AccessLog {
        frontend: None,
        form,
        to: vec![(place, envelope)],
        skips_silent: false,
        skips_normal: false,
        separates_errors: false,
    }
}

/// A proxy that logs in this form, and the one who collects.
fn logged(
    form: LogForm,
    backends: &[SocketAddr],
    change: impl FnOnce(&mut AccessLog),
) -> (Proxy, SocketAddr, UnixDatagram) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let collector = UnixDatagram::bind(&path).unwrap();
    let mut log = log(form, LogPlace::Unix(path), Envelope::raw());
    change(&mut log);
    let mut config = Config { access_logs: vec![log], ..config() };
    if form == LogForm::TcpLog {
        config.listen = vec!["127.0.0.1:0 tcp".parse().unwrap()];
    }
    let (proxy, addr) = proxy_with(config, &picture(1, backends));
    // The socket's file is needed for as long as the process lives.
    std::mem::forget(dir);
    (proxy, addr, collector)
}

async fn heard(collector: &UnixDatagram) -> String {
    let mut bytes = [0; 8192];
    let count = collector.recv(&mut bytes).await.unwrap();
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

/// With ports, dates and times replaced, as HAProxy's lines are compared.
fn masked(line: &str) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    (words[0], words[1]) = ("CLIENT".into(), "[TIME]".into());
    words[4] =
        words[4].split('/').map(|time| if time == "-1" { "-1" } else { "T" }).collect::<Vec<_>>().join("/");
    words.join(" ")
}

const GET: &str = "GET /a?b HTTP/1.1\r\nHost: test\r\nUser-Agent: me\r\n\r\n";

#[test]
fn requests_are_told_as_haproxy_tells_them() {
    local(async {
        let backend = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                let start = request.start.clone();
                seen.requests.borrow_mut().push(request);
                match start.split(' ').nth(1).unwrap_or_default() {
                    "/cut" => {
                        wire.write("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello").await;
                        return;
                    }
                    "/garbage" => {
                        wire.write("garbage\r\n\r\n").await;
                        return;
                    }
                    "/silent" => {
                        wire.stream.read_u8().await.ok();
                        return;
                    }
                    _ => wire.write(ok("hello")).await,
                }
            }
        })
        .await;
        let (proxy, addr, collector) = logged(LogForm::HttpLog, &[backend.addr], |_| {});
        backend.is_connected_to().await;
        let mut client = Wire::connect(addr).await;
        client.write(GET).await;
        client.message().await.unwrap();
        let line = heard(&collector).await;
        // HAProxy 2.6: CLIENT [TIME] web web/n0 T/T/T/T/T 200 54 - - ---- 1/1/0/0/0 0/0 "GET /a?b HTTP/1.1", 11 bytes more for
        // `connection: close`, and the rest the same.
        assert_eq!(
            masked(&line),
            "CLIENT [TIME] web web/n0 T/T/T/T/T 200 43 - - ---- 1/1/0/0/0 0/0 \"GET /a?b HTTP/1.1\"\n",
            "{line}"
        );
        drop(client);
        for (request, tail) in [
            (
                "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n",
                "web/n0 T/T/T/T/T 200 44 - - SD-- 1/1/0/0/0 0/0 \"GET /cut HTTP/1.1\"\n",
            ),
            ("nonsense\r\n\r\n", "web/<NOSRV> -1/-1/-1/-1/T 400 "),
        ] {
            until("the one before has gone", || proxy.counts().frontends[0].1.sessions.current == 0).await;
            let mut client = Wire::connect(addr).await;
            client.write(request).await;
            let _ = client.message().await;
            drop(client);
            let line = masked(&heard(&collector).await);
            assert!(line.contains(tail), "{line}");
        }
        // Its client goes while it waits.
        let mut client = Wire::connect(addr).await;
        client.write("POST /silent HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n").await;
        until("it is in flight", || {
            backend.seen.open.get() > 0 && proxy.counts().services[0].1.sessions.current == 1
        })
        .await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        socket2::SockRef::from(&client.stream).set_linger(Some(Duration::ZERO)).unwrap();
        drop(client);
        let line = masked(&heard(&collector).await);
        assert!(line.contains(" -1 0 - - CD-- ") && line.contains("/-1/T "), "{line}");
        // Half a head, and nothing at all.
        for (half, bytes) in [("GET / HT", 8), ("", 0)] {
            let mut client = Wire::connect(addr).await;
            client.write(half).await;
            drop(client);
            let line = masked(&heard(&collector).await);
            assert!(line.contains("web web/<NOSRV> -1/-1/-1/-1/T -1 0 - - CR-- "), "{bytes}: {line}");
            assert!(line.ends_with("\"<BADREQ>\"\n"), "{line}");
        }
    });
}

#[test]
fn a_connection_in_tcp_mode_is_told_at_its_end() {
    local(async {
        let backend = Backend::script(|mut wire, _, _| async move {
            // The first connection may be one that a new backend is tried with.
            if wire.bytes(5).await.is_some() {
                wire.write("back").await;
            }
        })
        .await;
        let (_proxy, addr, collector) =
            logged(LogForm::TcpLog, &[backend.addr], |log| log.skips_silent = true);
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
        drop(stream);
        let line = heard(&collector).await;
        assert_eq!(masked(&line), "CLIENT [TIME] web web/n0 T/T/T 4 -- 1/1/0/0/0 0/0\n", "{line}");
    });
}

#[test]
fn what_is_not_wanted_is_not_logged_and_failures_can_be_told_apart() {
    local(async {
        let backend = Backend::named("a").await;
        let envelope = Envelope { kind: EnvelopeKind::Short, ..Envelope::raw() };
        let (proxy, addr, collector) = logged(LogForm::HttpLog, &[backend.addr], |log| {
            (log.skips_silent, log.skips_normal, log.separates_errors) = (true, true, true);
            log.to[0].1 = envelope;
        });
        assert_eq!(get(addr).await.status(), 200);
        drop(Wire::connect(addr).await);
        until("both have gone", || proxy.counts().frontends[0].1.sessions.current == 0).await;
        assert_eq!(ask(addr, "nonsense\r\n\r\n").await.status(), 400);
        let line = heard(&collector).await;
        assert!(line.starts_with("<3>127.0.0.1:") && line.contains(" 400 "), "the first of all: {line}");
    });
}

#[test]
fn programs_read_json_of_whatever_a_client_sent() {
    local(async {
        let backend = Backend::named("a").await;
        let (_proxy, addr, collector) = logged(LogForm::Json, &[backend.addr], |_| {});
        let mut request =
            b"GET /x HTTP/1.0\r\nHost: test\r\nUser-Agent: \"\xff\\\r\nReferer: there\r\n".to_vec();
        request.extend_from_slice(
            b"traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n\r\n",
        );
        assert_eq!(ask(addr, request).await.status(), 200);
        let read: serde_json::Value = serde_json::from_str(&heard(&collector).await).unwrap();
        for (name, value) in [
            ("client", "127.0.0.1"),
            ("service", "web"),
            ("backend", "n0"),
            ("method", "GET"),
            ("path", "/x"),
            ("version", "HTTP/1.0"),
            ("user_agent", "\"\u{fffd}\\"),
            ("referer", "there"),
            ("trace_id", "0af7651916cd43dd8448eb211c80319c"),
            ("termination", "--"),
        ] {
            assert_eq!(read[name], value, "{name} in {read}");
        }
        assert!(read["total_ms"].as_f64().is_some_and(|ms| ms > 0.0) && read["status"] == 200, "{read}");
        assert_eq!(
            backend.seen.requests.borrow()[0].field("traceparent"),
            Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        );
    });
}

#[test]
fn a_file_is_written_and_one_that_cannot_be_stops_the_start() {
    local(async {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("access.log");
        let of = |path: &Path| {
            let place = LogPlace::File(path.to_owned());
            Config { access_logs: vec![log(LogForm::Combined, place, Envelope::raw())], ..config() }
        };
        let refused = Proxy::start(of(&dir.path().join("none/access.log"))).unwrap_err().to_string();
        assert!(refused.contains("none/access.log") && refused.contains("access_log_to"), "{refused}");
        let backend = Backend::named("a").await;
        let (proxy, addr) = proxy_with(of(&path), &picture(1, &[backend.addr]));
        assert_eq!(get(addr).await.status(), 200);
        until("its end is told", || proxy.counts().frontends[0].1.sessions.current == 0).await;
        proxy.flush_logs(Duration::from_secs(60));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("127.0.0.1 - - [") && text.ends_with("] \"GET / HTTP/1.1\" 200 1 \"-\" \"-\"\n"),
            "{text}"
        );
    });
}
