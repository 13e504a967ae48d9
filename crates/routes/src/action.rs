//! What a rule does.

use crate::edits::View;
use crate::regex::Regex;
use crate::template::{Flaw, Template, check_text};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a denied client is told unless the rule says otherwise.
pub const DENY_STATUS: u16 = 403;

/// An action. The first four end the rules, as does a list of steps with one of them; the others go on with the next.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// A backend of this service answers.
    Service(String),
    /// The client is sent elsewhere.
    Redirect(Redirect),
    /// The client is refused with this status, 400 to 599. In TCP mode its connection is closed.
    Deny(u16),
    /// The client gets this page.
    Page(Page),
    /// Of the rules behind it only those count that choose a service.
    Allow,
    /// A field of the request changes.
    Request(Edit),
    /// A field of the response changes.
    Response(Edit),
    /// What is asked for changes.
    Rewrite(Rewrite),
    /// These, one after the other, on one look at the condition: the first may change what it asks for.
    Steps(Vec<Action>),
}

impl Action {
    /// Whether rules behind it count no longer.
    pub fn is_final(&self) -> bool {
        let ends = |action: &Self| {
            matches!(action, Self::Service(_) | Self::Redirect(_) | Self::Deny(_) | Self::Page(_))
        };
        self.steps().iter().any(ends)
    }

    /// What is done, one after the other.
    pub(crate) fn steps(&self) -> &[Self] {
        match self {
            Self::Steps(steps) => steps,
            one => core::slice::from_ref(one),
        }
    }

    /// The service that it chooses, if it does.
    pub fn service(&self) -> Option<&str> {
        self.steps().iter().find_map(|step| match step {
            Self::Service(service) => Some(service.as_str()),
            _ => None,
        })
    }
}

/// A change of a field.
#[derive(Clone, PartialEq, Debug)]
pub enum Edit {
    /// It has this value alone.
    Set(FieldName, Template),
    /// It has this one too.
    Add(FieldName, Template),
    /// It is taken out.
    Delete(FieldName),
}

impl Edit {
    /// The field.
    pub fn name(&self) -> &str {
        let (Self::Set(name, _) | Self::Add(name, _) | Self::Delete(name)) = self;
        &name.0
    }
}

/// The name of a field that a rule may change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldName(String);

/// Fields that say where a message ends or concern one connection: the proxy writes them itself, and a word of ours in them could make
/// two readers see two messages.
const OURS: [&str; 9] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl FieldName {
    /// `name` as a field that may be changed.
    ///
    /// # Errors
    /// In words.
    pub fn new(name: &str) -> Result<Self, String> {
        let name = Self::token(name).ok_or_else(|| {
            format!(
                "`{}` is no name of a field; such a name has letters, digits and hyphens",
                name.escape_default()
            )
        })?;
        match OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            true => Err(format!(
                "`{name}` is written by the proxy itself, since it says where a message ends or how a connection goes on"
            )),
            false => Ok(Self(name)),
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `name`, if it can be that of a field (RFC 9110, 5.1 and 5.6.2).
    pub(crate) fn token(name: &str) -> Option<String> {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        (!name.is_empty() && name.bytes().all(is_token)).then(|| name.into())
    }
}

/// Where a client is sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Redirect {
    /// How.
    pub code: RedirectCode,
    /// Where.
    pub to: To,
    /// Leave the query away, where path and query are kept.
    pub drop_query: bool,
    /// End the path with a slash, where there is no query.
    pub append_slash: bool,
}

/// The statuses of redirects (RFC 9110, 15.4).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RedirectCode {
    /// 301: for good; a POST may become a GET.
    MovedPermanently,
    /// 302: for now; a POST may become a GET.
    Found,
    /// 303: look there with GET.
    SeeOther,
    /// 307: for now, with the same method.
    TemporaryRedirect,
    /// 308: for good, with the same method.
    PermanentRedirect,
}

impl RedirectCode {
    /// Of a number.
    pub fn new(status: u16) -> Option<Self> {
        Some(match status {
            301 => Self::MovedPermanently,
            302 => Self::Found,
            303 => Self::SeeOther,
            307 => Self::TemporaryRedirect,
            308 => Self::PermanentRedirect,
            _ => return None,
        })
    }

    /// The number.
    pub fn status(self) -> u16 {
        match self {
            Self::MovedPermanently => 301,
            Self::Found => 302,
            Self::SeeOther => 303,
            Self::TemporaryRedirect => 307,
            Self::PermanentRedirect => 308,
        }
    }
}

/// The target of a redirect.
#[derive(Clone, PartialEq, Debug)]
pub enum To {
    /// This.
    Location(Template),
    /// This and behind it what was asked for.
    Prefix(Template),
    /// What was asked for on the same host, with this scheme.
    Scheme(Template),
}

/// What is asked for instead.
#[derive(Clone, PartialEq, Debug)]
pub enum Rewrite {
    /// This path.
    Path(Template),
    /// The path without this beginning.
    StripPrefix(String),
    /// If the expression is found in the path: this path, in which `\0` to `\9` are what its groups matched.
    Replace(Regex, String),
}

impl Rewrite {
    /// A replacement.
    ///
    /// # Errors
    /// [`Flaw::Control`].
    pub fn replace(regex: Regex, with: &str) -> Result<Self, Flaw> {
        check_text(with)?;
        Ok(Self::Replace(regex, with.into()))
    }

    /// Writes the path that is asked for instead of that of `view`; false when it stays.
    pub(crate) fn write(&self, view: View<'_>, out: &mut Vec<u8>) -> bool {
        let path = view.path();
        match self {
            Self::Path(template) => template.write(view, out),
            Self::StripPrefix(prefix) => match path.strip_prefix(prefix.as_bytes()) {
                Some(rest) => out.extend_from_slice(rest),
                None => return false,
            },
            Self::Replace(regex, with) => {
                let Some(groups) = regex.groups(path) else { return false };
                let mut rest = with.as_bytes();
                while let [byte, behind @ ..] = rest {
                    rest = match behind {
                        [digit @ b'0'..=b'9', behind @ ..] if *byte == b'\\' => {
                            let group = groups.get(usize::from(digit - b'0'));
                            out.extend_from_slice(group.map(|group| group.as_bytes()).unwrap_or_default());
                            behind
                        }
                        _ => {
                            out.push(*byte);
                            behind
                        }
                    };
                }
            }
        }
        true
    }
}

/// An answer of our own, the same for everybody.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// 200 to 599.
    pub status: u16,
    /// What `body` is, such as `text/html; charset=utf-8`.
    pub content_type: String,
    /// Its body.
    pub body: Vec<u8>,
    /// More fields, such as `Retry-After`.
    pub fields: Vec<(String, String)>,
}
