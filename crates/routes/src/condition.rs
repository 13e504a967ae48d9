//! When a rule applies.

use crate::edits::View;
use crate::host::HostPattern;
use crate::pattern::Pattern;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use muster_fleet::{Network, Ports};

/// Any of several, each of which is all of several terms. Without any it always holds.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Condition(pub Vec<Vec<Term>>);

/// A test, or its opposite.
#[derive(Clone, PartialEq, Debug)]
pub struct Term {
    /// It holds when the test does not.
    pub negated: bool,
    /// What is asked. Shared, since rules speak of the same things.
    pub test: Arc<Test>,
}

/// A question about a request. Each holds when one of its patterns fits.
#[derive(Clone, PartialEq, Debug)]
pub enum Test {
    /// Always, or never.
    Constant(bool),
    /// One of these holds.
    Any(Vec<Test>),
    /// The host, without its port.
    Host(Vec<HostPattern>),
    /// The path, without the query.
    Path(Vec<Pattern>),
    /// A value of a field; without patterns, whether it is there.
    Field {
        /// The field.
        name: String,
        /// Its values are lists, and each item is looked at by itself (RFC 9110, 5.6.1).
        is_list: bool,
        /// How it should look.
        patterns: Vec<Pattern>,
    },
    /// The method.
    Method(Vec<String>),
    /// The client's address.
    Source(Vec<Network>),
    /// The port that the client reached.
    LocalPort(Vec<Ports>),
    /// It came over TLS.
    Secure,
}

impl Condition {
    /// It always holds.
    pub fn always() -> Self {
        Self::default()
    }

    /// All of these hold.
    pub fn all(tests: impl IntoIterator<Item = Test>) -> Self {
        let terms = tests.into_iter().map(|test| Term { negated: false, test: Arc::new(test) });
        let terms: Vec<Term> = terms.collect();
        Self(if terms.is_empty() { Vec::new() } else { alloc::vec![terms] })
    }

    pub(crate) fn holds(&self, view: View<'_>) -> bool {
        self.0.is_empty() || self.0.iter().any(|terms| terms.iter().all(|term| term.holds(view)))
    }

    /// Whether it asks for something that only a request of HTTP has.
    pub fn needs_http(&self) -> bool {
        self.0.iter().flatten().any(|term| term.test.needs_http())
    }
}

impl Term {
    fn holds(&self, view: View<'_>) -> bool {
        self.test.holds(view) != self.negated
    }
}

impl Test {
    fn holds(&self, view: View<'_>) -> bool {
        match self {
            Self::Constant(holds) => *holds,
            Self::Any(tests) => tests.iter().any(|test| test.holds(view)),
            Self::Host(hosts) => {
                view.host().is_some_and(|host| hosts.iter().any(|pattern| pattern.matches(host)))
            }
            Self::Path(patterns) => {
                let path = view.path();
                patterns.iter().any(|pattern| pattern.matches(path))
            }
            Self::Field { name, is_list, patterns } => {
                let fits = |value: &[u8]| {
                    patterns.is_empty() || patterns.iter().any(|pattern| pattern.matches(value))
                };
                view.any_value(name, &mut |value| match is_list {
                    true => items(value).any(fits),
                    false => fits(value),
                })
            }
            Self::Method(methods) => methods.iter().any(|method| method == view.head.method),
            Self::Source(networks) => {
                let ip = view.head.connection.source.ip();
                networks.iter().any(|network| network.contains(ip))
            }
            Self::LocalPort(ports) => {
                let port = view.head.connection.local.port();
                ports.iter().any(|ports| ports.contains(port))
            }
            Self::Secure => view.head.connection.is_secure,
        }
    }

    fn needs_http(&self) -> bool {
        match self {
            Self::Any(tests) => tests.iter().any(Self::needs_http),
            Self::Host(_) | Self::Path(_) | Self::Field { .. } | Self::Method(_) => true,
            Self::Constant(_) | Self::Source(_) | Self::LocalPort(_) | Self::Secure => false,
        }
    }
}

/// The items of a list; a comma within quotes is part of one.
pub(crate) fn items(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let is_comma = move |byte: &u8| {
        let escaped = core::mem::take(&mut is_escaped);
        match byte {
            b'"' if !escaped => is_quoted = !is_quoted,
            b'\\' if is_quoted && !escaped => is_escaped = true,
            _ => {}
        }
        *byte == b',' && !is_quoted
    };
    value.split(is_comma).map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_end_at_commas_that_are_not_quoted() {
        let all: Vec<_> = items(br#"a, "b,c" ,"d\",e",f"#).collect();
        assert_eq!(all, [&b"a"[..], br#""b,c""#, br#""d\",e""#, b"f"]);
        assert_eq!(items(b"").count(), 1);
    }
}
