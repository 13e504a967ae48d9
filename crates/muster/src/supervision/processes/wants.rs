//! `ready` and `alive`: what makes a process ready, and what shows that it is still right.

use std::net::SocketAddr;

/// How a process becomes ready.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Readiness {
    /// As soon as it runs.
    Started,
    /// By a line on a descriptor.
    Fd(i32),
    /// By a message, as sd_notify(3) sends it.
    Notify,
    /// By a line of its output that matches.
    Log(String),
    /// By its answer to a probe.
    Probe(Probe),
}

/// What asks it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Probe {
    /// A connection.
    Tcp(String),
    /// A request.
    Http(String),
    /// A command.
    Command(Vec<String>),
}

/// Descriptors 0 to 2 are taken.
const FD_MIN: i32 = 3;
const FD_MAX: i32 = 255;

impl std::str::FromStr for Readiness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, rest) = split(text);
        Ok(match (word, rest) {
            ("started", "") => Self::Started,
            ("notify", "") => Self::Notify,
            ("fd", number) => match number.parse() {
                Ok(fd) if (FD_MIN..=FD_MAX).contains(&fd) => Self::Fd(fd),
                _ => return Err(format!("`{text}`: a descriptor is a number from {FD_MIN} to {FD_MAX}")),
            },
            ("log", "") => return Err(format!("`{text}` names no pattern")),
            ("log", pattern) => {
                regex::bytes::Regex::new(pattern)
                    .map_err(|why| format!("`{pattern}` is no pattern: {why}"))?;
                Self::Log(pattern.to_owned())
            }
            ("tcp" | "http" | "command", _) => Self::Probe(text.parse()?),
            _ => {
                return Err(format!(
                    "`{text}` is none of started, fd N, notify, tcp [ADDRESS:]PORT, http PORT/PATH, command WORDS, log REGEX"
                ));
            }
        })
    }
}

impl std::str::FromStr for Probe {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match split(text) {
            ("tcp", address) => Ok(Self::Tcp(self::address(address)?.to_string())),
            ("http", at) => Ok(Self::Http(url(at)?)),
            ("command", words) => match shlex::split(words) {
                Some(words) if !words.is_empty() => Ok(Self::Command(words)),
                Some(_) => Err(format!("`{text}` names no program")),
                None => Err(format!("`{text}` has a quote that does not end")),
            },
            _ => Err(format!("`{text}` is none of tcp [ADDRESS:]PORT, http PORT/PATH, command WORDS")),
        }
    }
}

fn split(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let on_this_host = text.parse::<u16>().ok().filter(|port| *port > 0);
    match (on_this_host, text.parse()) {
        (Some(port), _) => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
        (None, Ok(address)) => Ok(address),
        (None, Err(_)) => Err(format!("`{text}` is neither a port nor ADDRESS:PORT")),
    }
}

/// `PORT/PATH`, `PORT`, `ADDRESS:PORT/PATH` or a whole URL.
fn url(text: &str) -> Result<String, String> {
    let rest = match text.split_once("://") {
        Some(("http", rest)) => rest,
        Some((other, _)) => return Err(format!("`{text}`: probes speak http, not {other}")),
        None => text,
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if path.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(format!("`{text}` has a space in its path"));
    }
    Ok(format!("http://{}{}", address(authority)?, if path.is_empty() { "/" } else { path }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_way_to_become_ready_is_understood() {
        let read = |text: &str| text.parse::<Readiness>();
        assert_eq!(read("started"), Ok(Readiness::Started));
        assert_eq!(read("fd 3"), Ok(Readiness::Fd(3)));
        assert_eq!(read("notify"), Ok(Readiness::Notify));
        assert_eq!(read("log ^listening on \\d+"), Ok(Readiness::Log("^listening on \\d+".into())));
        let probe = |probe| Ok(Readiness::Probe(probe));
        assert_eq!(read("tcp 80"), probe(Probe::Tcp("127.0.0.1:80".into())));
        assert_eq!(read("tcp [::1]:80"), probe(Probe::Tcp("[::1]:80".into())));
        assert_eq!(read("http 80"), probe(Probe::Http("http://127.0.0.1:80/".into())));
        assert_eq!(read("http 10.0.0.1:80/a?b"), probe(Probe::Http("http://10.0.0.1:80/a?b".into())));
        assert_eq!(read("http http://127.0.0.1:80/a"), probe(Probe::Http("http://127.0.0.1:80/a".into())));
        let words = ["pg_isready", "-h", "a b"].map(str::to_owned).into();
        assert_eq!(read("command pg_isready -h 'a b'"), probe(Probe::Command(words)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, says) in [
            ("soon", "none of started"),
            ("fd 2", "from 3 to 255"),
            ("log (", "no pattern"),
            ("tcp host:80", "neither a port"),
            ("http https://127.0.0.1:80/", "not https"),
            ("command", "names no program"),
            ("command 'a", "does not end"),
        ] {
            let error = text.parse::<Readiness>().expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
