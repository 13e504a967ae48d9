//! How a backend is asked whether it is well, and what its answer means. Asking is done by [`crate::checking`]; when, and what many
//! answers together mean, is decided by the balancer.

use std::fmt::Write;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Of an answer, so much is looked at; as HAProxy's `tune.bufsize`.
pub(crate) const ANSWER_BYTES_MAX: usize = 16 << 10;
/// `HTTP/1.x NNN`.
const STATUS_LINE_BYTES: usize = 12;

/// How backends of a service are checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Check {
    /// What is done.
    pub question: Question,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// What is done with a backend.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Question {
    /// A connection.
    Connect,
    /// A request of HTTP/1.
    Http(HttpCheck),
}

/// A request, and what its answer should be. Nothing in it may hold control characters or, but for values and body, spaces: whoever
/// makes one sees to that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpCheck {
    /// The method.
    pub method: String,
    /// What is asked for.
    pub target: String,
    /// Of HTTP/1.1; else of HTTP/1.0.
    pub is_11: bool,
    /// Whose `Host` it names.
    pub host: CheckHost,
    /// More fields.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// What a good answer is.
    pub expect: CheckExpect,
}

/// What stands in a check's `Host`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CheckHost {
    /// There is none, unless it is among the fields.
    Nothing,
    /// The backend's address.
    Address,
    /// A name.
    Named(String),
}

/// What a good answer is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CheckExpect {
    /// Its status is one of these, or none of them.
    Status {
        /// None of them.
        negated: bool,
        /// The statuses.
        statuses: Vec<RangeInclusive<u16>>,
    },
    /// Its body has this text, or has it not, in the first 16 KiB of the answer.
    Text {
        /// It has it not.
        negated: bool,
        /// The text.
        text: String,
    },
}

impl HttpCheck {
    /// The request as it is sent to a backend.
    pub(crate) fn request(&self, addr: SocketAddr) -> Vec<u8> {
        let version = if self.is_11 { "1.1" } else { "1.0" };
        let mut head = format!("{} {} HTTP/{version}\r\n", self.method, self.target);
        match &self.host {
            CheckHost::Nothing => {}
            CheckHost::Address => drop(write!(head, "Host: {addr}\r\n")),
            CheckHost::Named(name) => drop(write!(head, "Host: {name}\r\n")),
        }
        if self.is_11 {
            head.push_str("Connection: close\r\n");
        }
        for (name, value) in &self.fields {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if !self.body.is_empty() {
            let _ = write!(head, "Content-Length: {}\r\n", self.body.len());
        }
        head.push_str("\r\n");
        head.push_str(&self.body);
        head.into_bytes()
    }

    /// What an answer says, of which these bytes have come; `None`: more is needed. `is_all`: no more will come.
    pub(crate) fn judge(&self, answer: &[u8], is_all: bool) -> Option<Found> {
        let Some(status) = status(answer) else {
            let hopeless = is_all || answer.len() >= STATUS_LINE_BYTES;
            return hopeless.then(|| Found::bad(Kind::BadAnswer, None, "the answer is no HTTP".to_owned()));
        };
        match &self.expect {
            CheckExpect::Status { negated, statuses } => {
                let is_one = statuses.iter().any(|range| range.contains(&status));
                Some(match is_one != *negated {
                    true => Found::good(Kind::Answered, Some(status)),
                    false => Found::bad(Kind::WrongStatus, Some(status), format!("it answered {status}")),
                })
            }
            CheckExpect::Text { negated, text } => {
                let head = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n");
                let body = head.map_or(&[][..], |end| &answer[end + 4..]);
                let has = text.is_empty() || body.windows(text.len()).any(|bytes| bytes == text.as_bytes());
                match (has, is_all || answer.len() >= ANSWER_BYTES_MAX) {
                    (false, false) => None,
                    (has, _) if has != *negated => Some(Found::good(Kind::Answered, Some(status))),
                    (true, _) => {
                        Some(Found::bad(Kind::BadAnswer, Some(status), "the body has the text".to_owned()))
                    }
                    (false, true) => Some(Found::bad(
                        Kind::BadAnswer,
                        Some(status),
                        "the body has not the text".to_owned(),
                    )),
                }
            }
        }
    }
}

/// The status of an answer of HTTP/1, once its first bytes are there.
fn status(answer: &[u8]) -> Option<u16> {
    let line = answer.get(..STATUS_LINE_BYTES)?;
    let digits = line.strip_prefix(b"HTTP/1.").filter(|rest| rest[0].is_ascii_digit() && rest[1] == b' ')?;
    let status = std::str::from_utf8(&digits[2..]).ok()?.parse().ok()?;
    (100..=599).contains(&status).then_some(status)
}

/// How far a check came, in HAProxy's words for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// A connection was made, and nothing else asked.
    Connected,
    /// No connection could be made.
    NotConnected,
    /// There was none in time.
    ConnectLate,
    /// The answer was good.
    Answered,
    /// It did not come in time, or not whole.
    AnswerLate,
    /// It could not be read, or is not what it should be.
    BadAnswer,
    /// It has another status.
    WrongStatus,
}

impl Kind {
    /// As `check_status` has it in HAProxy's statistics (management guide, 9.1).
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Connected => "L4OK",
            Self::NotConnected => "L4CON",
            Self::ConnectLate => "L4TOUT",
            Self::Answered => "L7OK",
            Self::AnswerLate => "L7TOUT",
            Self::BadAnswer => "L7RSP",
            Self::WrongStatus => "L7STS",
        }
    }
}

/// What a check found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) kind: Kind,
    /// The status of the answer, if there was one.
    pub(crate) status: Option<u16>,
    /// Why the backend is not well.
    pub(crate) wrong: Option<String>,
}

impl Found {
    pub(crate) fn good(kind: Kind, status: Option<u16>) -> Self {
        Self { kind, status, wrong: None }
    }

    pub(crate) fn bad(kind: Kind, status: Option<u16>, why: String) -> Self {
        Self { kind, status, wrong: Some(why) }
    }
}

#[cfg(test)]
mod tests;
