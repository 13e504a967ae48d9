//! The collector: there, away, and back.

use super::*;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener};

/// The next message of a stream of counted ones; none, if it ended before that was whole.
pub(crate) fn frame(stream: &mut impl BufRead) -> Option<String> {
    let mut length = Vec::new();
    stream.read_until(b' ', &mut length).unwrap();
    let length: usize = std::str::from_utf8(&length).unwrap().trim_end().parse().ok()?;
    let mut message = vec![0; length];
    stream.read_exact(&mut message).ok()?;
    Some(String::from_utf8(message).unwrap())
}

/// An address that is free, and stays so: nobody else has this process's loopback address.
fn free_address() -> SocketAddr {
    let [_, b, c, d] = std::process::id().to_be_bytes();
    TcpListener::bind((Ipv4Addr::new(127, 64 | b, c, d), 0)).unwrap().local_addr().unwrap()
}

#[test]
fn a_dead_collector_gets_what_was_kept_when_it_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let stderr = dir.path().join("stderr");
    let at = free_address();
    let (web, mut to_web) = input("web:err");
    let args = ["--collector", &format!("tcp://{at}"), "--stdout=false"];
    let mut log = Log::start(&[&web], &args, Stdio::null(), &stderr);
    write_numbered(&mut to_web, 0..1000);
    eventually("it is missed", || {
        text(&stderr).contains(&format!("collector tcp://{at}: Connection refused")).then_some(())
    });
    let listener = TcpListener::bind(at).unwrap();
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    let first = frame(&mut stream).unwrap();
    // daemon.err
    assert!(first.starts_with("<27>1 20") && first.ends_with(" web - - - n 0 end"), "{first}");
    for nth in 1..1000 {
        assert_eq!(number(&frame(&mut stream).unwrap()), Some(nth));
    }
    // It dies with its connection, and another life of it comes.
    drop((stream, listener));
    write_numbered(&mut to_web, 1000..1001);
    let listener = TcpListener::bind(at).unwrap();
    let mut next = 1001;
    let mut stream = {
        listener.set_nonblocking(true).unwrap();
        // The first lines may have gone to the dead one, as syslog has it.
        let stream = eventually("it is found again", || {
            write_numbered(&mut to_web, next..next + 1);
            next += 1;
            listener.accept().ok()
        });
        stream.0.set_nonblocking(false).unwrap();
        BufReader::new(stream.0)
    };
    drop(to_web);
    let mut last = None;
    while let Some(message) = frame(&mut stream) {
        last = number(&message);
    }
    assert_eq!(last, Some(next - 1));
    assert!(log.ends().success());
}

#[test]
fn what_is_too_much_for_a_dead_collector_is_counted_and_told_it() {
    const LINES: u64 = 100_000;
    let dir = tempfile::tempdir().unwrap();
    let (folder, stderr) = (dir.path().join("logs"), dir.path().join("stderr"));
    let at = free_address();
    let (web, mut to_web) = input("web:out");
    let args =
        ["--collector", &format!("tcp://{at}"), "--stdout=false", "--folder", folder.to_str().unwrap()];
    let mut log = Log::start(&[&web], &args, Stdio::null(), &stderr);
    // Nobody waits for it.
    write_numbered(&mut to_web, 0..LINES);
    eventually("the file has all", || (lines_of(&folder, "web.log").len() as u64 == LINES).then_some(()));
    let listener = TcpListener::bind(at).unwrap();
    let stream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = BufReader::new(stream);
    let (mut numbers, mut dropped) = (0, 0);
    // What is missing is told when what was kept is on its way.
    while numbers + dropped < LINES {
        let message = frame(&mut stream).unwrap();
        numbers += u64::from(number(&message).is_some());
        dropped += told_dropped(&[message]);
    }
    assert!(numbers > 0 && dropped > 0, "{numbers} came, {dropped} were dropped");
    assert_eq!(numbers + dropped, LINES);
    drop(to_web);
    assert_eq!(frame(&mut stream), None);
    assert!(log.ends().success());
}

#[test]
fn datagrams_carry_a_message_each() {
    let dir = tempfile::tempdir().unwrap();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let unix = UnixDatagram::bind(dir.path().join("unix")).unwrap();
    let places = [
        format!("udp://{}", udp.local_addr().unwrap()),
        format!("unix://{}", dir.path().join("unix").display()),
    ];
    for (place, receive) in places.iter().zip([
        Box::new(|buffer: &mut [u8]| udp.recv(buffer)) as Box<dyn Fn(&mut [u8]) -> io::Result<usize>>,
        Box::new(|buffer: &mut [u8]| unix.recv(buffer)),
    ]) {
        let (web, mut to_web) = input("web:out");
        let args = ["--collector", place, "--stdout=false"];
        let mut log = Log::start(&[&web], &args, Stdio::null(), &dir.path().join("stderr"));
        for nth in 0..100 {
            write_numbered(&mut to_web, nth..nth + 1);
            let mut buffer = [0; 2048];
            let count = receive(&mut buffer).unwrap();
            let message = String::from_utf8_lossy(&buffer[..count]).into_owned();
            assert!(message.starts_with("<30>1 ") && number(&message) == Some(nth), "{message}");
        }
        drop(to_web);
        assert!(log.ends().success());
    }
}

#[test]
fn a_socket_of_connections_is_a_collector_too() {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("unix")).unwrap();
    let (web, mut to_web) = input("web:out");
    let args = ["--collector", &format!("unix://{}/unix", dir.path().display()), "--stdout=false"];
    let mut log = Log::start(&[&web], &args, Stdio::null(), &dir.path().join("stderr"));
    write_numbered(&mut to_web, 0..100);
    drop(to_web);
    let mut stream = BufReader::new(listener.accept().unwrap().0);
    let numbers = std::iter::from_fn(|| frame(&mut stream)).map(|message| number(&message).unwrap());
    assert!(numbers.eq(0..100));
    assert!(log.ends().success());
}
