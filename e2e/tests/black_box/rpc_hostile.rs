//! RPC clients that send anything, or read nothing: others are served all the while, and what the agent holds is bounded.

#![allow(clippy::print_stdout, reason = "what was measured is for whoever reads the log")]

use muster_e2e::{Agent, AgentOptions, Hosts, wait_for};
use muster_rpc::{Command as Named, ReplyHeader, Request, RequestHeader, Values, read, write, write_request};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Peak resident memory allowed to an agent of a small cluster under all of this. It has some 7 MiB before; 128 connections
/// may each hold a request of 64 KiB that never ends, in a buffer that grows by doubling: 16 MiB; and the rest is for streams.
const PEAK_KIB_MAX: u64 = 32 << 10;
/// Of an attacker.
const PATIENCE: Duration = Duration::from_secs(5);

struct Attacker {
    rpc: String,
    random: fastrand::Rng,
}

impl Attacker {
    fn new(rpc: &str) -> Self {
        Self { rpc: rpc.to_owned(), random: fastrand::Rng::with_seed(7) }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.rpc).expect("the agent listens");
        stream.set_write_timeout(Some(PATIENCE)).expect("not zero");
        stream.set_read_timeout(Some(PATIENCE)).expect("not zero");
        stream
    }

    /// Sends as much as is taken; it may be closed at any byte.
    fn send(&self, bytes: &[u8]) -> TcpStream {
        let mut stream = self.connect();
        let _ = stream.write_all(bytes);
        stream
    }

    fn handshake() -> Vec<u8> {
        let mut out = Vec::new();
        write_request(0, &Request::Handshake { version: 1 }, &mut out);
        out
    }

    fn noise(&mut self, most: usize) -> Vec<u8> {
        let length = self.random.usize(..most);
        (0..length).map(|_| self.random.u8(..)).collect()
    }

    /// Requests that were whole once, damaged or cut.
    fn damaged(&mut self) -> Vec<u8> {
        let mut out = Self::handshake();
        let admitted = out.len();
        for seq in 0..5 {
            let command = Named::ALL[self.random.usize(..Named::ALL.len())];
            if command == Named::Leave {
                continue;
            }
            write(&RequestHeader { command: command.as_str(), seq }, &mut out);
            let body = [
                &b"\x82\xa4Name\xa1x\xa7Payload\xc4\x01x"[..],
                b"\x81\xa4Type\xa1*",
                b"\x81\xa4Stop\x01",
                b"\x80",
            ];
            out.extend_from_slice(body[self.random.usize(..body.len())]);
        }
        for _ in 0..self.random.usize(..4) {
            let at = self.random.usize(admitted..out.len());
            // Not the letters of another command: nobody here is to say `leave`.
            out[at] = self.random.u8(0x80..);
        }
        if self.random.bool() {
            out.truncate(self.random.usize(..=out.len()));
        }
        out
    }

    /// Lengths and depths that no request has, before and after the handshake.
    fn absurd(&self) {
        let claims: [&[u8]; 8] = [
            b"\xdf\xff\xff\xff\xff",
            b"\xdd\xff\xff\xff\xff",
            b"\xdb\xff\xff\xff\xff",
            b"\xc6\xff\xff\xff\xff",
            b"\xc9\xff\xff\xff\xff",
            b"\x82\xa7Command\xdb\x7f\xff\xff\xff",
            b"\x82\xa7Command\xdb\x00\x00\xff\xf0",
            b"\xc1",
        ];
        for claim in claims {
            self.send(&[claim, &[0x91; 200_000]].concat());
            self.send(&[&Self::handshake(), claim, &[0xa0; 200_000]].concat());
        }
        for filler in [0x91, 0x81, 0xa0, 0xc0, 0xdc, 0xde] {
            self.send(&[&Self::handshake()[..], &vec![filler; 1_000_000]].concat());
            let event = b"\x82\xa7Command\xa5event\xa3Seq\x01";
            self.send(&[&Self::handshake()[..], event, &vec![filler; 1_000_000]].concat());
            let join = b"\x82\xa7Command\xa4join\xa3Seq\x01\x81\xa8Existing\xdc\xff\xf0";
            self.send(&[&Self::handshake()[..], join, &[filler; 65_000]].concat());
        }
    }
}

/// One request after the other from a good client, until told to stop; how many were served.
fn honest(rpc: &str, stop: &AtomicBool) -> Result<usize, String> {
    let ask = || -> Result<(), String> {
        let mut stream = TcpStream::connect(rpc).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(|error| error.to_string())?;
        let mut out = Attacker::handshake();
        write_request(1, &Request::Members, &mut out);
        stream.write_all(&out).map_err(|error| error.to_string())?;
        let mut values = Values::new(1 << 20);
        let mut seen = 0;
        let mut chunk = [0; 4096];
        while seen < 3 {
            let length = stream.read(&mut chunk).map_err(|error| error.to_string())?;
            if length == 0 {
                return Err("closed".to_owned());
            }
            values.push(&chunk[..length]);
            while let Some(value) = values.next().map_err(|error| error.to_string())? {
                if seen < 2 {
                    let header: ReplyHeader<'_> = read(value).map_err(|error| error.to_string())?;
                    assert_eq!(header.error, "");
                }
                seen += 1;
            }
        }
        Ok(())
    };
    let mut served = 0;
    while !stop.load(Ordering::Relaxed) {
        ask().map_err(|error| format!("after {served} answers: {error}"))?;
        served += 1;
        thread::sleep(Duration::from_millis(5));
    }
    Ok(served)
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_served_whatever_some_clients_do() {
    let hosts = Hosts::claim();
    let mut agent = Agent::start(&hosts, 1, "muster", AgentOptions::default());
    let peer = Agent::start(&hosts, 2, "peer", AgentOptions::default().join(&agent.address));
    agent.sees("peer", "alive").await;
    wait_for("RPC answers", || async {
        TcpStream::connect(&agent.rpc).map(drop).map_err(|error| error.to_string())
    })
    .await;
    let before = agent.process.peak_kib();
    let stop = Arc::new(AtomicBool::new(false));
    let good = {
        let (stop, rpc) = (Arc::clone(&stop), agent.rpc.clone());
        thread::spawn(move || honest(&rpc, &stop))
    };

    let rpc = agent.rpc.clone();
    let attack = tokio::task::spawn_blocking(move || {
        let mut attacker = Attacker::new(&rpc);
        // A thousand that hold a connection, half of them in the middle of a long request.
        let mut held = Vec::new();
        for number in 0..1000 {
            let mut stream = attacker.connect();
            let mut bytes = Attacker::handshake();
            bytes.extend_from_slice(b"\x82\xa7Command\xa5event\xa3Seq\x01\x81\xa7Payload\xc5\xff\x00");
            bytes.resize(60_000, 0);
            let _ = if number % 2 == 0 { stream.write_all(&bytes) } else { Ok(()) };
            held.push(stream);
        }
        // As many that listen and read nothing as may, and more; each wants all members again and again, too.
        for number in 0..300 {
            let mut bytes = Attacker::handshake();
            write_request(1, &Request::Stream { kind: "*" }, &mut bytes);
            write_request(2, &Request::Monitor { log_level: "trace" }, &mut bytes);
            for seq in 0..500 {
                write_request(10 + seq, &Request::Members, &mut bytes);
            }
            let mut stream = attacker.connect();
            let _ = stream.set_write_timeout(Some(Duration::from_millis(200)));
            let _ = stream.write_all(&bytes);
            if number < 200 {
                held.push(stream);
            }
        }
        for _ in 0..2000 {
            let (noise, damaged) = (attacker.noise(3000), attacker.damaged());
            attacker.send(&noise);
            attacker.send(&damaged);
        }
        attacker.absurd();
        held
    });
    // Something to be told of meanwhile.
    let mut told = 0;
    while !attack.is_finished() {
        let _ = peer.serf(&["event", "-coalesce=false", "noise", &"x".repeat(400)]).output();
        told += 1;
    }
    let held = attack.await.expect("the attacker does not panic");
    stop.store(true, Ordering::Relaxed);
    let served = good.join().expect("the good client does not panic").expect("the good client is served");
    drop(held);

    agent.sees("peer", "alive").await;
    let peak = agent.process.peak_kib();
    println!(
        "RPC under attack: {served} good requests served, {told} events; peak {peak} KiB, {before} KiB before"
    );
    assert!(served > 10, "{served}");
    assert!(peak <= PEAK_KIB_MAX, "{peak} KiB");
    let said = agent.process.said();
    assert!(!said.contains("panicked"), "{said}");
    assert!(agent.process.stop().await.success());
}
