//! A handler as somebody asked for it, already checked.

use hyper::Uri;
use muster_events::{FilterError, Filters, Notice, Spec, SpecError};
use std::fmt;
use std::time::Duration;

/// Notices that may wait for a handler, unless it says otherwise.
const QUEUE: usize = 4096;
/// The most it may say.
pub const QUEUE_MAX: usize = 65_536;
/// Runs of one handler at a time, at most.
pub const CONCURRENCY_MAX: usize = 64;
/// A program that runs for longer is hung, unless its handler says otherwise. Scripts of Serf's kind have no limit, as in
/// Serf, since some of them may well be long jobs.
const TIMEOUT: Duration = Duration::from_secs(600);
/// For one attempt to deliver to a webhook.
const WEBHOOK_TIMEOUT: Duration = Duration::from_secs(10);
const NAME_BYTES_MAX: usize = 128;

/// What to do with which notices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HandlerConfig {
    /// Unique on this node.
    pub name: String,
    /// Which notices.
    pub on: Filters,
    /// What to do.
    pub action: Action,
    /// As Serf has it: once for every filter that wants a notice, and in turn with all others of this kind.
    pub is_serf: bool,
    /// See [`muster_events::Coalescer`].
    pub coalesce: bool,
    /// How long one run, or one attempt to deliver, may take.
    pub timeout: Option<Duration>,
    /// Runs at a time; with more than one the order is lost.
    pub concurrency: usize,
    /// Notices that may wait.
    pub queue: usize,
}

/// What a handler does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// `/bin/sh -c` this.
    Shell(String),
    /// A program and its arguments, without a shell.
    Command(Vec<String>),
    /// POST there.
    Webhook(WebhookUrl),
}

/// Why somebody's handler cannot be one.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the words say it")]
pub enum HandlerError {
    #[error("{0}")]
    Spec(#[from] SpecError),
    #[error("{0}")]
    Filter(#[from] FilterError),
    #[error("a handler's name has 1 to 128 bytes and no control characters")]
    Name,
    #[error("the command is empty: write the program and its arguments, e.g. [\"/usr/bin/reload\", \"-v\"]")]
    NoProgram,
    #[error("a zero byte cannot be part of a command")]
    ZeroByte,
    #[error("the queue holds 1 to 65536 notices")]
    Queue,
    #[error("1 to 64 runs at a time")]
    Concurrency,
    #[error("scripts that take turns as in Serf run one at a time")]
    SerfConcurrency,
    #[error("{0:?} is not a webhook: write http://HOST[:PORT]/PATH")]
    Url(String),
    #[error(
        "https is not built in, so the webhook {0:?} cannot be called: send to a local proxy that speaks it, or run curl as \
         a command"
    )]
    Https(String),
}

impl HandlerConfig {
    /// Serf's `[FILTER[,FILTER...]=]SCRIPT`.
    ///
    /// # Errors
    /// As Serf words it.
    pub fn serf(name: impl Into<String>, text: &str) -> Result<Self, HandlerError> {
        let Spec { filters, script } = Spec::parse(text)?;
        let config = Self { is_serf: true, timeout: None, ..Self::new(name, filters, Action::Shell(script)) };
        config.checked()
    }

    /// One with everything else as documented.
    pub fn new(name: impl Into<String>, on: Filters, action: Action) -> Self {
        let timeout = if matches!(action, Action::Webhook(_)) { WEBHOOK_TIMEOUT } else { TIMEOUT };
        Self {
            name: name.into(),
            on,
            action,
            is_serf: false,
            coalesce: true,
            timeout: Some(timeout),
            concurrency: 1,
            queue: QUEUE,
        }
    }

    /// Whether it can be one.
    ///
    /// # Errors
    /// It cannot.
    pub fn checked(self) -> Result<Self, HandlerError> {
        if self.name.is_empty() || self.name.len() > NAME_BYTES_MAX || self.name.contains(char::is_control) {
            return Err(HandlerError::Name);
        }
        match &self.action {
            Action::Command(words) if words.first().is_none_or(String::is_empty) => {
                return Err(HandlerError::NoProgram);
            }
            Action::Command(words) if words.iter().any(|word| word.contains('\0')) => {
                return Err(HandlerError::ZeroByte);
            }
            Action::Shell(script) if script.contains('\0') => return Err(HandlerError::ZeroByte),
            _ => {}
        }
        if !(1..=QUEUE_MAX).contains(&self.queue) {
            return Err(HandlerError::Queue);
        }
        if !(1..=CONCURRENCY_MAX).contains(&self.concurrency) {
            return Err(HandlerError::Concurrency);
        }
        if self.is_serf && self.concurrency > 1 {
            return Err(HandlerError::SerfConcurrency);
        }
        Ok(self)
    }

    /// Whether it is the same handler as `other`. Serf's have no names: ours for them are their places in the list, which
    /// move when another is put before them.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self == other || (self.is_serf && *self == Self { name: self.name.clone(), ..other.clone() })
    }

    /// How often it runs for `notice`.
    pub(super) fn runs(&self, notice: &Notice) -> usize {
        let matching = self.on.iter().filter(|filter| filter.wants(notice)).count();
        if self.is_serf { matching } else { matching.min(1) }
    }

    /// What it does, as Serf's `info` would show it.
    pub(super) fn entries(&self) -> impl Iterator<Item = (String, String)> {
        self.on.iter().map(|filter| (filter.entry(), self.action.to_string()))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shell(script) => f.write_str(script),
            Self::Command(words) => write!(f, "{words:?}"),
            Self::Webhook(url) => url.fmt(f),
        }
    }
}

/// `http://HOST[:PORT]/PATH`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WebhookUrl {
    pub(super) host: String,
    pub(super) port: u16,
    /// For the `Host` header.
    pub(super) authority: String,
    pub(super) path_and_query: String,
}

impl WebhookUrl {
    /// Reads one.
    ///
    /// # Errors
    /// It is none, or one that needs TLS.
    pub fn parse(text: &str) -> Result<Self, HandlerError> {
        let refused = || HandlerError::Url(text.to_owned());
        let uri: Uri = text.parse().map_err(|_| refused())?;
        if uri.scheme_str() == Some("https") {
            return Err(HandlerError::Https(text.to_owned()));
        }
        let authority = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(refused)?;
        // Whoever lists handlers would see it.
        if authority.as_str().contains('@') {
            return Err(refused());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.to_string(),
            path_and_query: uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
        })
    }
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path_and_query)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_plain_http_to_a_host() {
        let url = WebhookUrl::parse("http://[::1]:81/a?b=c").unwrap();
        assert_eq!((&*url.host, url.port, &*url.path_and_query), ("::1", 81, "/a?b=c"));
        assert_eq!(url.to_string(), "http://[::1]:81/a?b=c");
        let url = WebhookUrl::parse("http://hooks").unwrap();
        assert_eq!((&*url.host, url.port, &*url.path_and_query), ("hooks", 80, "/"));
        for text in ["", "hooks/x", "ftp://x/", "http://a:b@x/", "http:///x", "http://a b/"] {
            assert!(matches!(WebhookUrl::parse(text), Err(HandlerError::Url(_))), "{text}");
        }
        assert!(
            WebhookUrl::parse("https://x/").unwrap_err().to_string().starts_with("https is not built in")
        );
    }

    #[test]
    fn what_cannot_run_is_refused() {
        let on = || Filters::parse("").unwrap();
        let command = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            HandlerConfig::new("x", on(), Action::Command(words)).checked()
        };
        assert_eq!(command(&[]).unwrap_err(), HandlerError::NoProgram);
        assert_eq!(command(&[""]).unwrap_err(), HandlerError::NoProgram);
        assert_eq!(command(&["a", "b\0"]).unwrap_err(), HandlerError::ZeroByte);
        assert!(command(&["a", ""]).is_ok());
        for name in ["", "a\nb"] {
            assert_eq!(HandlerConfig::serf(name, "x").unwrap_err(), HandlerError::Name);
        }
        assert!(matches!(HandlerConfig::serf("x", "member-foo=x"), Err(HandlerError::Spec(_))));
    }
}
