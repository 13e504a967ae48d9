//! The proxy with a socket and a file that this test holds for it, as PID 1 does.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use support::muster;

/// `muster proxy` that listens on this address, with `held` as its descriptor 3.
fn proxy(held: &TcpListener, listen: &str) -> Child {
    let proxy = muster(&["proxy", "--listen", listen, "--socket", "/nonexistent/muster.sock"]);
    Command::new("sh")
        .args(["-c", "exec \"$@\" 3<&0 </dev/null", "sh"])
        .arg(proxy.get_program())
        .args(proxy.get_args())
        .env("LISTEN_FDS", "1")
        .stdin(OwnedFd::from(held.try_clone().unwrap()))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn a_socket_that_is_handed_over_is_no_port_in_use_and_is_served() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = held.local_addr().unwrap().to_string();
    // It connects before anybody is there to accept it.
    let mut client = TcpStream::connect(&addr).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut proxy = proxy(&held, &addr);
    let mut answer = String::new();
    let read = client.read_to_string(&mut answer);
    proxy.kill().unwrap();
    let said = String::from_utf8(proxy.wait_with_output().unwrap().stderr).unwrap();
    assert!(read.is_ok() && answer.starts_with("HTTP/1.1 503 "), "no backend is known: {answer:?}; {said}");
    assert!(!said.contains("means nothing"), "{said}");
}

#[test]
fn a_socket_that_listens_elsewhere_ends_the_proxy_with_both_addresses() {
    let held = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = held.local_addr().unwrap();
    let listen = format!("127.0.0.2:{}", addr.port());
    let output = proxy(&held, &listen).wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("listens on {addr} was handed over")) && said.contains(&listen), "{said}");
}
