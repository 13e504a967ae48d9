//! Copies its input to its output, and tells at each line that matches.
//!
//! It stands between a process that has no other way to say that it is ready and whoever reads what that writes. PID 1 holds the
//! pipe, so a copier that dies loses what it had read and not yet written: at most one buffer.

use regex::bytes::Regex;
use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Of a longer line, only so much is looked at.
const LINE_BYTES_MAX: usize = 8 << 10;

/// Until the input ends.
pub(super) fn watch(pattern: &str) -> Result<(), String> {
    let regex = Regex::new(pattern).map_err(|why| format!("`{pattern}` is no pattern: {why}"))?;
    let socket = std::env::var("NOTIFY_SOCKET").ok();
    let tell = || socket.as_deref().map_or(Ok(()), tell);
    copy(io::stdin().lock(), io::stdout().lock(), &regex, tell).map_err(|error| error.to_string())
}

/// Bytes are passed on before they are looked at: whoever reads them waits for nothing.
fn copy(
    mut from: impl Read,
    mut to: impl Write,
    regex: &Regex,
    mut tell: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = [0; 8 << 10];
    let mut line = Vec::new();
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        to.write_all(bytes)?;
        to.flush()?;
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LINE_BYTES_MAX.saturating_sub(line.len());
            line.extend_from_slice(part.get(..room).unwrap_or(part));
            if part.ends_with(b"\n") {
                if regex.is_match(line.trim_ascii_end()) {
                    tell()?;
                }
                line.clear();
            }
        }
    }
    Ok(())
}

/// sd_notify(3): a name that begins with `@` is none of the file system's.
fn tell(name: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    socket.send_to_addr(b"READY=1", &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(input: &[u8], pattern: &str) -> usize {
        let (mut out, mut times) = (Vec::new(), 0);
        let regex = Regex::new(pattern).unwrap();
        copy(input, &mut out, &regex, || {
            times += 1;
            Ok(())
        })
        .unwrap();
        assert_eq!(out, input, "everything is passed on");
        times
    }

    #[test]
    fn each_line_that_matches_tells_and_no_half_of_one_does() {
        assert_eq!(told(b"starting\nlistening on 80\r\nlistening on 81\nlisten", "^listening on \\d+$"), 2);
        assert_eq!(told(b"listening on 80", "listening"), 0);
        assert_eq!(told(b"\xff\xfe listening\n", "listening"), 1);
    }

    #[test]
    fn a_line_without_an_end_costs_no_memory_and_no_byte() {
        let mut long = vec![b'x'; 1 << 20];
        long.extend_from_slice(b"\nready\n");
        assert_eq!(told(&long, "^ready$"), 1);
    }
}
