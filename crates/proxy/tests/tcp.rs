//! TCP mode: bytes as they come.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_fleet::Standing;
use muster_proxy::{Config, ProxyProtocol};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn tcp() -> Config {
    Config { listen: vec!["127.0.0.1:0 tcp".parse().unwrap()], ..config() }
}

/// Says its name first, and back what it hears, until its client has ended.
async fn echo(name: &'static str) -> Backend {
    Backend::script(move |mut wire, _, _| async move {
        if wire.stream.write_all(name.as_bytes()).await.is_err() {
            return;
        }
        let (mut read, mut write) = wire.stream.split();
        let _ = tokio::io::copy(&mut read, &mut write).await;
    })
    .await
}

/// A connection, and the one letter that its backend is called.
async fn connect(addr: SocketAddr) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let mut name = [0; 1];
    let read = stream.read(&mut name).await.unwrap_or(0);
    (stream, String::from_utf8_lossy(&name[..read]).into_owned())
}

async fn says(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(back, text.as_bytes());
}

#[test]
fn each_side_may_end_while_the_other_goes_on() {
    local(async {
        // Answers when it has heard all, and goes on hearing when it has said all.
        let patient = Backend::script(|mut wire, number, _| async move {
            let mut heard = Vec::new();
            if number % 2 == 1 {
                wire.write("first").await;
                wire.stream.shutdown().await.unwrap();
            }
            wire.stream.read_to_end(&mut heard).await.unwrap();
            if number % 2 == 0 {
                wire.write(heard).await;
            }
        })
        .await;
        let (proxy, addr) = proxy_with(tcp(), &picture(1, &[patient.addr]));
        // The trial is the first connection, and is not kept for anybody.
        until("it is tried", || patient.seen.accepted.get() == 1 && patient.seen.open.get() == 0).await;
        for wanted in ["first", "hello"] {
            let mut client = TcpStream::connect(addr).await.unwrap();
            let mut heard = String::new();
            if wanted == "first" {
                client.read_to_string(&mut heard).await.unwrap();
                assert_eq!(in_flight(&proxy.report()), 1, "one direction is open still");
                client.write_all(b"hello").await.unwrap();
                client.shutdown().await.unwrap();
            } else {
                client.write_all(b"hello").await.unwrap();
                client.shutdown().await.unwrap();
                client.read_to_string(&mut heard).await.unwrap();
            }
            assert_eq!(heard, wanted);
            until("it is over", || in_flight(&proxy.report()) == 0).await;
        }
        let report = proxy.report();
        assert_eq!((report.requests, report.failed), (2, 0));
    });
}

#[test]
fn who_cannot_be_connected_to_is_passed_over() {
    local(async {
        let (nobody, gone, there) = (Nobody::new(), echo("a").await, echo("b").await);
        let (proxy, addr) = proxy_with(tcp(), &picture(1, &[gone.addr, there.addr]));
        until("both were tried", || gone.seen.accepted.get() == 1 && there.seen.accepted.get() == 1).await;
        gone.kill();
        for _ in 0..4 {
            let (mut stream, name) = connect(addr).await;
            assert_eq!(name, "b");
            says(&mut stream, "hello").await;
        }
        let report = proxy.report();
        assert_eq!((report.retried, report.failed), (1, 0));
        proxy.apply(&picture(2, &[nobody.addr]));
        assert_eq!(connect(addr).await.1, "", "with nobody there, it is closed");
    });
}

#[test]
fn a_connection_outlives_its_backends_withdrawal_and_changes_of_others() {
    local(async {
        let (a, b) = (echo("a").await, echo("b").await);
        let (proxy, addr) = proxy_with(tcp(), &picture(1, &[a.addr]));
        let (mut stream, name) = connect(addr).await;
        assert_eq!(name, "a");
        for version in 2..20 {
            proxy.apply(&picture_of(version, &[(a.addr, Standing::Withdrawn), (b.addr, Standing::Ready)]));
            says(&mut stream, "still here").await;
            assert_eq!(connect(addr).await.1, "b");
        }
        proxy.apply(&picture(20, &[b.addr]));
        says(&mut stream, "gone from the picture").await;
        until("only ours is left", || in_flight(&proxy.report()) == 1).await;
        drop(stream);
        until("it is over", || in_flight(&proxy.report()) == 0).await;
    });
}

#[test]
fn streams_arrive_whole_in_both_directions_at_once() {
    local(async {
        const LENGTH: usize = 8 << 20;
        let bytes: Rc<[u8]> = (0..=250_u8).cycle().take(LENGTH).collect();
        let own = Rc::clone(&bytes);
        let backend = Backend::script(move |wire, _, _| {
            let own = Rc::clone(&own);
            async move {
                let (mut read, mut write) = wire.stream.into_split();
                let heard = async {
                    let mut heard = Vec::new();
                    read.read_to_end(&mut heard).await.map(|_| heard)
                };
                let said = async {
                    write.write_all(&own).await?;
                    write.shutdown().await
                };
                // The trial ends at once.
                if let Ok((heard, ())) = tokio::try_join!(heard, said) {
                    assert!(*heard == *own, "what was heard is not what was said");
                }
            }
        })
        .await;
        let (proxy, addr) = proxy_with(tcp(), &picture(1, &[backend.addr]));
        for _ in 0..3 {
            let (mut read, mut write) = TcpStream::connect(addr).await.unwrap().into_split();
            let mut heard = Vec::new();
            let said = async {
                write.write_all(&bytes).await?;
                write.shutdown().await
            };
            tokio::try_join!(read.read_to_end(&mut heard), said).unwrap();
            assert!(*heard == *bytes);
        }
        until("all is over", || in_flight(&proxy.report()) == 0).await;
        assert_eq!(proxy.report().failed, 0);
    });
}

#[test]
fn a_connection_on_which_nothing_moves_is_closed() {
    local(async {
        let backend = echo("a").await;
        let quick = Config { tcp_idle_timeout: Duration::from_millis(50), ..tcp() };
        let (proxy, addr) = proxy_with(quick, &picture(1, &[backend.addr]));
        let (mut stream, _) = connect(addr).await;
        // It may be closed before it is heard that anything moved, on a slow machine.
        let _ = stream.write_all(b"x").await;
        let _ = stream.read(&mut [0]).await;
        assert_eq!(stream.read(&mut [0]).await.unwrap_or(0), 0);
        until("it is over", || in_flight(&proxy.report()) == 0).await;
    });
}

#[test]
fn a_backend_that_hangs_up_without_a_word_is_taken_for_dead() {
    local(async {
        let mute = Backend::script(|_, _, _| async {}).await;
        let there = echo("b").await;
        let (_proxy, addr) = proxy_with(tcp(), &picture(1, &[mute.addr, there.addr]));
        let mut names = Vec::new();
        for _ in 0..20 {
            names.push(connect(addr).await.1);
        }
        let lost = names.iter().filter(|name| name.is_empty()).count();
        assert!(lost < 10, "every second one would go there otherwise: {names:?}");
    });
}

#[test]
fn the_backend_is_told_whose_a_connection_is() {
    local(async {
        let backend = echo("b").await;
        let listen = vec!["127.0.0.1:0 tcp proxy-protocol".parse().unwrap()];
        let both = Config { listen, send_proxy_protocol: Some(ProxyProtocol::V1), ..tcp() };
        let (_proxy, addr) = proxy_with(both, &picture(1, &[backend.addr]));
        let mut stream = TcpStream::connect(addr).await.unwrap();
        let header = "PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\n";
        stream.write_all(header.as_bytes()).await.unwrap();
        let mut back = vec![0; 1 + header.len()];
        stream.read_exact(&mut back).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&back), format!("b{header}"));
    });
}
