//! Clients that mean harm, or are broken.

use super::*;
use muster_control::routes::{EVENTS_STREAM, LOG, LogRecord, StreamEvent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Sends `bytes` and reads the first line of the answer; empty when the connection is closed without one.
async fn first_line(server: &Server, bytes: &[u8]) -> String {
    let mut stream = UnixStream::connect(server.client.socket()).await.unwrap();
    // It may be closed before all is written.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

async fn is_served(server: &Server) {
    let _: Info = server.client.get(routes::INFO).await.unwrap();
}

#[tokio::test]
async fn heads_without_end_are_refused() {
    let server = serve();
    let long = format!("GET /api/v1/info HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "y".repeat(1 << 20));
    let many = format!("GET /api/v1/info HTTP/1.1\r\nhost: x\r\n{}\r\n", "x: y\r\n".repeat(1000));
    let target = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "y".repeat(1 << 20));
    for head in [long, many, target] {
        let answer = first_line(&server, head.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    for noise in [&b"\x16\x03\x01\0\xee"[..], b"\0\0\0\0\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let answer = first_line(&server, noise).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    is_served(&server).await;
}

#[tokio::test]
async fn bodies_without_end_are_cut() {
    let server = serve();
    // More than any route reads, and no end.
    for path in [routes::EVENTS, routes::QUERIES, routes::KEYS, routes::INFO] {
        let method = if path == routes::INFO { "GET" } else { "POST" };
        let head = format!("{method} {path} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
        let mut stream = UnixStream::connect(server.client.socket()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = [b"10000\r\n", &vec![b' '; 1 << 16][..], b"\r\n"].concat();
        let mut written = 0;
        while stream.write_all(&chunk).await.is_ok() {
            written += chunk.len();
            assert!(written < 64 << 20, "{path} reads for ever");
        }
    }
    let nested = format!("{{\"name\":{}", "[".repeat(60_000));
    let head =
        format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", routes::EVENTS, nested.len());
    assert_eq!(first_line(&server, (head + &nested).as_bytes()).await, "HTTP/1.1 400 Bad Request");
    is_served(&server).await;
}

#[tokio::test]
async fn streams_leave_room_for_commands_and_balancers() {
    let server = serve();
    let mut events = Vec::new();
    let refused = loop {
        match server.client.server_sent::<StreamEvent>(EVENTS_STREAM, None).await {
            Ok(stream) => events.push(stream),
            Err(refused) => break problem(refused),
        }
        assert!(events.len() < 1000, "no end of streams");
    };
    assert_eq!((refused.status, &*refused.title), (503, "too many streams"));
    let refused = problem(server.client.lines::<LogRecord>(LOG).await.unwrap_err());
    assert_eq!(refused.status, 503);
    is_served(&server).await;
    let mut follower = server.client.lines::<Update>(routes::FLEET_FOLLOW).await.unwrap();
    assert!(follower.next().await.unwrap().is_some());
    events.pop();
    // The agent sees the end of a stream when it next looks at the connection.
    while server.client.server_sent::<StreamEvent>(EVENTS_STREAM, None).await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_thousand_silent_connections_keep_no_command_out() {
    let server = serve();
    let mut silent = Vec::new();
    for at in 0..1000_u32 {
        let Ok(mut stream) = UnixStream::connect(server.client.socket()).await else { continue };
        // Some begin and do not end.
        if at % 2 == 0 {
            stream.write_all(b"GET /api/v1/info HTTP/1.1\r\n").await.unwrap();
        }
        silent.push(stream);
        if at % 100 == 0 {
            is_served(&server).await;
        }
    }
    assert!(silent.len() > 500);
    is_served(&server).await;
}
