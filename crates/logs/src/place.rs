//! Where lines come from and where they are sent, as people and `muster init` write it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use core::net::SocketAddr;
use core::str::FromStr;

use crate::Stream;

/// Longest path of a Unix socket: `sun_path` of unix(7), less its final zero byte.
const SOCKET_PATH_BYTES_MAX: usize = 107;

/// Who collects what is forwarded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Collector {
    /// A datagram for each message.
    Udp(SocketAddr),
    /// One connection, messages counted (RFC 6587).
    Tcp(SocketAddr),
    /// A socket of this host: of datagrams, or else of connections.
    Unix(String),
}

impl FromStr for Collector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("udp", at)) => address(at, true).map(Self::Udp),
            Some(("tcp", at)) => address(at, true).map(Self::Tcp),
            Some(("unix", path)) => socket_path(path).map(Self::Unix),
            _ => Err(format!("`{text}`: write udp://IP:514, tcp://IP:514 or unix:///PATH")),
        }
    }
}

impl core::fmt::Display for Collector {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Udp(at) => write!(f, "udp://{at}"),
            Self::Tcp(at) => write!(f, "tcp://{at}"),
            Self::Unix(path) => write!(f, "unix://{path}"),
        }
    }
}

/// Where programs send messages to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Listen {
    /// A datagram for each message, on a socket of this host.
    Unix(String),
    /// A datagram for each message.
    Udp(SocketAddr),
    /// Connections.
    Tcp(SocketAddr),
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("udp", at)) => address(at, false).map(Self::Udp),
            Some(("tcp", at)) => address(at, false).map(Self::Tcp),
            Some(("unix", path)) => socket_path(path).map(Self::Unix),
            None if text.starts_with('/') => socket_path(text).map(Self::Unix),
            _ => Err(format!("`{text}`: write /dev/log, udp://127.0.0.1:514 or tcp://127.0.0.1:514")),
        }
    }
}

impl core::fmt::Display for Listen {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unix(path) => f.write_str(path),
            Self::Udp(at) => write!(f, "udp://{at}"),
            Self::Tcp(at) => write!(f, "tcp://{at}"),
        }
    }
}

fn address(text: &str, is_target: bool) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(at) if is_target && (at.port() == 0 || at.ip().is_unspecified()) => {
            Err(format!("nobody can be reached at `{text}`"))
        }
        Ok(at) => Ok(at),
        Err(_) => Err(format!("`{text}` is not an address; write IP:PORT or [IPv6]:PORT, not a host name")),
    }
}

fn socket_path(path: &str) -> Result<String, String> {
    match path.len() {
        _ if !path.starts_with('/') || path.contains('\0') => {
            Err(format!("`{path}` is no path of a socket; it begins with /"))
        }
        1..=SOCKET_PATH_BYTES_MAX => Ok(path.to_owned()),
        bytes => Err(format!(
            "the path of the socket has {bytes} bytes; the system takes at most {SOCKET_PATH_BYTES_MAX}"
        )),
    }
}

/// A pipe that a service writes to and that we were born with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PipeSpec {
    /// Number of the end to read from.
    pub fd: i32,
    /// Name of the service.
    pub service: String,
    /// What it writes there.
    pub stream: Stream,
}

/// As [`pipes`] reads it; several are separated by commas.
impl core::fmt::Display for PipeSpec {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}=", self.fd)?;
        write_escaped(&self.service, |c| c == ',', f)?;
        f.write_str(if self.stream == Stream::Stderr { ":err" } else { ":out" })
    }
}

/// Reads `FD=SERVICE:STREAM,...`, where STREAM is `out` or `err`, and `%2C` in SERVICE stands for a comma, as in an address of the web.
///
/// # Errors
/// What is wrong with it, in words.
pub fn pipes(text: &str) -> Result<Vec<PipeSpec>, String> {
    let mut pipes: Vec<PipeSpec> = Vec::new();
    for item in text.split(',').filter(|item| !item.is_empty()) {
        let wrong = || format!("`{item}` is no pipe; it is written FD=SERVICE:out or FD=SERVICE:err");
        let (fd, rest) = item.split_once('=').ok_or_else(wrong)?;
        let (service, stream) = rest.rsplit_once(':').ok_or_else(wrong)?;
        let stream = match stream {
            "out" => Stream::Stdout,
            "err" => Stream::Stderr,
            _ => return Err(wrong()),
        };
        let fd: i32 = fd.parse().ok().filter(|fd| *fd >= 0).ok_or_else(wrong)?;
        if pipes.iter().any(|pipe| pipe.fd == fd) {
            return Err(format!("the pipe {fd} is there twice"));
        }
        let service = unescaped(service).filter(|service| !service.is_empty()).ok_or_else(wrong)?;
        pipes.push(PipeSpec { fd, service, stream });
    }
    Ok(pipes)
}

/// Writes a name with `%XX` for the bytes of what is `special`, and of the percent sign.
pub(crate) fn write_escaped(
    name: &str,
    special: impl Fn(char) -> bool,
    f: &mut core::fmt::Formatter<'_>,
) -> core::fmt::Result {
    for c in name.chars() {
        if c != '%' && !special(c) {
            f.write_char(c)?;
            continue;
        }
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

pub(crate) fn unescaped(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [byte, behind @ ..] = rest {
        rest = behind;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let digits = core::str::from_utf8(digits).ok().filter(|digits| !digits.starts_with('+'))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for text in ["udp://10.0.0.1:514", "tcp://[::1]:601", "unix:///run/collector"] {
            assert_eq!(text.parse::<Collector>().unwrap().to_string(), text);
        }
        for text in ["udp://127.0.0.1:514", "tcp://0.0.0.0:601", "/dev/log"] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        assert_eq!("unix:///dev/log".parse(), Ok(Listen::Unix("/dev/log".to_owned())));
    }

    #[test]
    fn what_is_no_place_is_refused_with_what_would_be_one() {
        let collector = |text: &str| text.parse::<Collector>().unwrap_err();
        assert_eq!(
            collector("udp://logs:514"),
            "`logs:514` is not an address; write IP:PORT or [IPv6]:PORT, not a host name"
        );
        assert_eq!(collector("tcp://0.0.0.0:514"), "nobody can be reached at `0.0.0.0:514`");
        assert!(collector("10.0.0.1:514").contains("write udp://IP:514"));
        assert!(collector("unix://relative").contains("begins with /"));
        assert!("/".repeat(108).parse::<Listen>().unwrap_err().contains("108 bytes"));
        assert!("log".parse::<Listen>().is_err());
    }

    #[test]
    fn pipes_are_read_as_init_writes_them() {
        let pipe = |fd, service: &str, stream| PipeSpec { fd, service: service.to_owned(), stream };
        assert_eq!(
            pipes("5=web:out,6=web:err,7=a%2Cb%25:c:out").unwrap(),
            [
                pipe(5, "web", Stream::Stdout),
                pipe(6, "web", Stream::Stderr),
                pipe(7, "a,b%:c", Stream::Stdout)
            ]
        );
        assert_eq!(pipes("").unwrap(), []);
        for text in ["5", "5=web", "x=web:out", "-1=web:out", "5=:out", "5=web:in", "5=%2:out", "5=%FF:out"] {
            assert!(pipes(text).is_err(), "{text}");
        }
        assert_eq!(pipes("5=a:out,5=b:out").unwrap_err(), "the pipe 5 is there twice");
    }

    proptest! {
        #[test]
        fn pipes_are_read_as_they_are_written(service in ".{1,30}", fd in 3..1000, is_err: bool) {
            let stream = if is_err { Stream::Stderr } else { Stream::Stdout };
            let pipe = PipeSpec { fd, service, stream };
            let other = PipeSpec { fd: 2000, ..pipe.clone() };
            prop_assert_eq!(pipes(&format!("{pipe},{other}")).unwrap(), [pipe, other]);
        }

        #[test]
        fn any_text_is_pipes_or_not(text in ".{0,60}") {
            let _ = pipes(&text);
        }
    }
}
