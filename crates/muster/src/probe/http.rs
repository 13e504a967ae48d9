//! Does it answer a request well?

use super::tcp;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// Where the head of an answer has to end.
const HEAD_BYTES_MAX: usize = 16 << 10;
/// Fields that are read of it. None is looked at.
const FIELDS_MAX: usize = 128;

/// Asks; the whole head has to be there within `timeout`.
pub(super) fn ask(url: &str, timeout: Duration) -> Result<(), String> {
    let until = Instant::now() + timeout;
    let (address, authority, path) = parse(url)?;
    let mut stream = tcp::ask(address, timeout)?;
    // One answer, and no body is waited for: HTTP/1.1, since some programs answer nothing else.
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUser-Agent: muster-probe/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    );
    set_time_left(&stream, until)
        .and_then(|()| stream.write_all(request.as_bytes()))
        .map_err(|e| because(url, &e))?;
    match status(&mut stream, until).map_err(|why| format!("{url}: {why}"))? {
        200..=399 => Ok(()),
        status => Err(format!("{url}: it answered {status}")),
    }
}

fn parse(url: &str) -> Result<(SocketAddr, &str, &str), String> {
    let wrong = || format!("`{url}` is not of the form http://ADDRESS:PORT/PATH");
    let rest = url.strip_prefix("http://").ok_or_else(wrong)?;
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong());
    }
    let address = authority.parse().map_err(|_| wrong())?;
    Ok((address, authority, if path.is_empty() { "/" } else { path }))
}

fn status(stream: &mut TcpStream, until: Instant) -> Result<u16, String> {
    let mut head = Vec::new();
    let mut buffer = [0; 2048];
    loop {
        set_time_left(stream, until).map_err(|error| error.to_string())?;
        let count = stream.read(&mut buffer).map_err(|error| late_or(&error))?;
        head.extend_from_slice(buffer.get(..count).unwrap_or_default());
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(&head) {
            Err(error) => return Err(format!("it did not answer in HTTP/1: {error}")),
            // An interim answer (100, 103) precedes the one that counts.
            Ok(httparse::Status::Complete(end)) => match response.code {
                Some(100..=199) => drop(head.drain(..end)),
                Some(code) => return Ok(code),
                None => return Err("it answered without a status".to_owned()),
            },
            Ok(httparse::Status::Partial) if count == 0 => {
                return Err("it closed the connection before it had answered".to_owned());
            }
            Ok(httparse::Status::Partial) if head.len() > HEAD_BYTES_MAX => {
                return Err(format!("its answer's head is longer than {HEAD_BYTES_MAX} bytes"));
            }
            Ok(httparse::Status::Partial) => {}
        }
    }
}

/// A read may take what is left. (Zero would mean for ever.)
fn set_time_left(stream: &TcpStream, until: Instant) -> std::io::Result<()> {
    let left = until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    stream.set_read_timeout(Some(left))?;
    stream.set_write_timeout(Some(left))
}

fn late_or(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => {
            "it did not answer in time".to_owned()
        }
        _ => error.to_string(),
    }
}

fn because(url: &str, error: &std::io::Error) -> String {
    format!("{url}: {}", late_or(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// Asks one that answers so and then ends the connection, or keeps it if `stays`.
    fn answered(answer: &'static [u8], stays: bool) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/health?a=b", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let count = stream.read(&mut request).unwrap();
            stream.write_all(answer).unwrap();
            if stays {
                // Until the one who asks has had enough.
                let _ = stream.read(&mut request);
            }
            String::from_utf8_lossy(&request[..count]).into_owned()
        });
        let answer = ask(&url, Duration::from_millis(if stays { 200 } else { 60_000 }));
        let request = server.join().unwrap();
        assert!(request.starts_with("GET /health?a=b HTTP/1.1\r\nHost: 127.0.0.1:"), "{request}");
        answer
    }

    #[test]
    fn an_answer_from_200_to_399_is_good_and_others_are_not() {
        assert_eq!(answered(b"HTTP/1.1 200 OK\r\n\r\n", false), Ok(()));
        assert_eq!(answered(b"HTTP/1.0 302 Found\r\nLocation: /\r\n\r\nbody", false), Ok(()));
        assert_eq!(
            answered(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", false),
            Ok(())
        );
        let bad = answered(b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false);
        assert!(bad.is_err_and(|why| why.ends_with("it answered 503")));
    }

    #[test]
    fn no_answer_half_of_one_and_none_in_http_are_told_apart() {
        let says = |answer, stays, text: &str| {
            let why = answered(answer, stays).expect_err("no good answer");
            assert!(why.contains(text), "{why}");
        };
        says(b"", false, "before it had answered");
        says(b"HTTP/1.1 200 OK\r\nA: ", false, "before it had answered");
        says(b"HTTP/1.1 200 OK\r\nA: ", true, "in time");
        says(b"SSH-2.0-OpenSSH\r\n", false, "not answer in HTTP/1");
    }

    #[test]
    fn what_is_no_such_url_is_refused() {
        for url in
            ["https://127.0.0.1:1/", "http://host/", "http://127.0.0.1/", "http://127.0.0.1:1/a b", "x"]
        {
            assert!(
                ask(url, Duration::from_secs(1)).is_err_and(|why| why.contains("not of the form")),
                "{url}"
            );
        }
    }
}
