//! One plain question over TCP, for those who count answers one by one.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// The host whose application answers there, itself or through a balancer; or what else is answered.
pub fn who_answers(address: &str) -> String {
    let answer = exchange(address, "GET / HTTP/1.0\r\nHost: x\r\n\r\n");
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return error.to_string(),
    };
    let host = answer.split_once("\"host\":\"").and_then(|(_, rest)| rest.split_once('"'));
    host.map_or_else(|| answer.clone(), |(host, _)| host.to_owned())
}

/// One question on a connection of its own; all that is answered.
pub fn exchange(address: &str, question: &str) -> std::io::Result<String> {
    let address = address.parse().map_err(std::io::Error::other)?;
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(question.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
