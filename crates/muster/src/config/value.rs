//! Values, and the one parser per kind that flags, environment and files share.

use super::key::Kind;
use muster_fleet::{Network, Ports, RULE_ENTRIES_MAX};
use muster_logs::{Collector, Listen as LogListen, Rule};
use muster_proxy::Listen;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

/// A value of some [`Kind`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Value {
    Unset,
    /// Also words, paths and secrets.
    Text(String),
    Bool(bool),
    Count(u64),
    Duration(Duration),
    Address(SocketAddr),
    Texts(Vec<String>),
    Tags(BTreeMap<String, String>),
}

/// The word that stands for no address at all.
pub(crate) const OFF: &str = "off";

/// Why a text is no value of its kind, and what would be.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Invalid(pub(crate) String);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn invalid<T>(text: impl Into<String>) -> Result<T, Invalid> {
    Err(Invalid(text.into()))
}

impl Kind {
    /// The value when there is none.
    pub(crate) fn unset(self) -> Value {
        match self {
            Self::Listeners
            | Self::Seeds
            | Self::Handlers
            | Self::Networks
            | Self::Ports
            | Self::LogListen
            | Self::LogRules
            | Self::Texts
            | Self::Words => Value::Texts(Vec::new()),
            Self::Tags => Value::Tags(BTreeMap::new()),
            _ => Value::Unset,
        }
    }

    /// Reads the text of a variable: lists are separated by commas.
    pub(crate) fn parse(self, text: &str) -> Result<Value, Invalid> {
        if matches!(self, Self::Handlers | Self::LogRules) {
            // Filters and facilities have commas between them.
            let items: Vec<&str> = text.lines().map(str::trim).filter(|item| !item.is_empty()).collect();
            self.parse_many(&items)
        } else if self == Self::Words {
            words(text)
        } else if self.is_many() {
            let items: Vec<&str> = text.split(',').map(str::trim).filter(|item| !item.is_empty()).collect();
            self.parse_many(&items)
        } else {
            self.parse_one(text)
        }
    }

    /// Reads the items of a list.
    pub(crate) fn parse_many(self, items: &[&str]) -> Result<Value, Invalid> {
        match self {
            Self::Listeners => texts_as::<Listen>(items),
            Self::Seeds => items.iter().map(|item| seed(item)).collect::<Result<_, _>>().map(Value::Texts),
            Self::Handlers => {
                items.iter().map(|item| handler(item)).collect::<Result<_, _>>().map(Value::Texts)
            }
            Self::Networks => rule_list::<Network>(items),
            Self::Ports => rule_list::<Ports>(items),
            Self::Texts => Ok(Value::Texts(items.iter().map(|item| (*item).to_owned()).collect())),
            Self::Words => command(items.iter().map(|item| (*item).to_owned()).collect()),
            Self::LogListen => texts_of::<LogListen>(items),
            Self::LogRules => texts_of::<Rule>(items),
            Self::Tags => items.iter().map(|item| tag(item)).collect::<Result<_, _>>().map(Value::Tags),
            _ => match items {
                [item] => self.parse_one(item),
                _ => invalid("takes one value only"),
            },
        }
    }

    fn parse_one(self, text: &str) -> Result<Value, Invalid> {
        if text.is_empty() {
            return invalid("is empty");
        }
        match self {
            Self::Text | Self::Secret | Self::Path => Ok(Value::Text(text.to_owned())),
            Self::Bool => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Ok(Value::Bool(true)),
                "false" | "0" => Ok(Value::Bool(false)),
                _ => invalid(format!("`{text}` is neither true nor false")),
            },
            Self::Count { min, max } => match text.parse() {
                Ok(count) if (min..=max).contains(&count) => Ok(Value::Count(count)),
                _ => invalid(format!("`{text}` is not a number from {min} to {max}")),
            },
            Self::Duration { min, max } => duration(text, min, max),
            Self::Word { words, also } => {
                let lower = text.to_ascii_lowercase();
                let word =
                    also.iter().find(|(other, _)| *other == lower).map_or(lower.as_str(), |(_, word)| word);
                match words.contains(&word) {
                    true => Ok(Value::Text(word.to_owned())),
                    false => invalid(format!("`{text}` is none of {}", words.join(", "))),
                }
            }
            Self::AddressOrOff { .. } if text.eq_ignore_ascii_case(OFF) => Ok(Value::Text(OFF.to_owned())),
            Self::Address { port } | Self::AddressOrOff { port } => address(text, port).map(Value::Address),
            Self::Collector => texts_of::<Collector>(&[text]).map(|_| Value::Text(text.to_owned())),
            Self::Listeners
            | Self::Seeds
            | Self::Handlers
            | Self::Networks
            | Self::Ports
            | Self::LogListen
            | Self::LogRules
            | Self::Tags
            | Self::Texts
            | Self::Words => self.parse_many(&[text]),
        }
    }
}

fn duration(text: &str, min: Duration, max: Duration) -> Result<Value, Invalid> {
    match humantime::parse_duration(text) {
        Ok(duration) if (min..=max).contains(&duration) => Ok(Value::Duration(duration)),
        Ok(_) => {
            let [min, max] = [min, max].map(humantime::format_duration);
            invalid(format!("`{text}` is not between {min} and {max}"))
        }
        Err(_) => invalid(format!("`{text}` is not a duration; write a number and a unit, e.g. 5s or 250ms")),
    }
}

fn address(text: &str, port: u16) -> Result<SocketAddr, Invalid> {
    muster_proxy::address(text, port).ok_or_else(|| {
        Invalid(format!(
            "`{text}` is not an address; write IP, IP:PORT, [IPv6]:PORT or :PORT, not a host name"
        ))
    })
}

/// In the agent's words: it reads the text again when it joins.
fn seed(text: &str) -> Result<String, Invalid> {
    muster_agent::check_seed(text).map(|()| text.to_owned()).map_err(|error| Invalid(error.to_string()))
}

/// In Serf's words: it says the same when it does not start.
fn handler(text: &str) -> Result<String, Invalid> {
    let checked = muster_agent::HandlerConfig::serf("x", text);
    checked.map(|_| text.to_owned()).map_err(|error| Invalid(error.to_string()))
}

/// A command as people type it. Quotes and backslashes as in a shell, and nothing else of one.
fn words(text: &str) -> Result<Value, Invalid> {
    match shlex::split(text) {
        Some(words) => command(words),
        None => invalid(format!("`{text}` has a quote that does not end")),
    }
}

fn command(words: Vec<String>) -> Result<Value, Invalid> {
    if words.first().is_none_or(String::is_empty) {
        return invalid("names no program");
    }
    match words.iter().any(|word| word.contains('\0')) {
        true => invalid("has a word with a zero byte, which no program can be given"),
        false => Ok(Value::Texts(words)),
    }
}

/// As texts, which the views read again. Nobody means "nobody" by an empty list.
fn rule_list<T: FromStr<Err = String> + ToString>(items: &[&str]) -> Result<Value, Invalid> {
    rule_length(items.len())?;
    texts_as::<T>(items)
}

/// As texts in the form that is printed.
fn texts_as<T: FromStr<Err = String> + ToString>(items: &[&str]) -> Result<Value, Invalid> {
    let item = |item: &&str| item.trim().parse::<T>().map(|item| item.to_string()).map_err(Invalid);
    items.iter().map(item).collect::<Result<_, _>>().map(Value::Texts)
}

/// As texts, which the views read again.
fn texts_of<T: FromStr<Err = String>>(items: &[&str]) -> Result<Value, Invalid> {
    let item = |item: &&str| item.parse::<T>().map(|_| (*item).to_owned()).map_err(Invalid);
    items.iter().map(item).collect::<Result<_, _>>().map(Value::Texts)
}

/// Whether a list of a rule may have so many entries.
pub(super) fn rule_length(entries: usize) -> Result<(), Invalid> {
    match entries {
        0 => invalid("is empty, which would leave nobody; leave it out to restrict nothing"),
        1..=RULE_ENTRIES_MAX => Ok(()),
        _ => invalid(format!("has {entries} entries; at most {RULE_ENTRIES_MAX} are allowed")),
    }
}

/// Splits at the first `=`, as Serf does.
fn tag(text: &str) -> Result<(String, String), Invalid> {
    match text.split_once('=') {
        Some(("", _)) | None => invalid(format!("`{text}` is not a tag; write KEY=VALUE")),
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Kind = Kind::Address { port: 7946 };
    const SECONDS: Kind = Kind::Duration { min: Duration::from_millis(10), max: Duration::from_secs(60) };
    const LEVEL: Kind = Kind::Word { words: &["info", "error"], also: &[("err", "error")] };

    fn address_of(text: &str) -> Option<String> {
        match ADDRESS.parse(text) {
            Ok(Value::Address(address)) => Some(address.to_string()),
            _ => None,
        }
    }

    #[test]
    fn an_address_without_a_port_gets_the_usual_one() {
        assert_eq!(address_of("10.1.2.3").as_deref(), Some("10.1.2.3:7946"));
        assert_eq!(address_of("10.1.2.3:1").as_deref(), Some("10.1.2.3:1"));
        assert_eq!(address_of("::1").as_deref(), Some("[::1]:7946"));
        assert_eq!(address_of("[::1]").as_deref(), Some("[::1]:7946"));
        assert_eq!(address_of("[::1]:1").as_deref(), Some("[::1]:1"));
        assert_eq!(address_of(":1").as_deref(), Some("0.0.0.0:1"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["", "host", "host:1", "1.2.3.4:", "1.2.3.4:70000", ":", "[::1", "1.2.3"] {
            assert_eq!(address_of(text), None, "{text}");
        }
    }

    #[test]
    fn where_an_address_may_be_off_the_word_stands_for_none() {
        let kind = Kind::AddressOrOff { port: 7373 };
        assert_eq!(kind.parse("Off"), Ok(Value::Text("off".into())));
        assert_eq!(kind.parse("127.0.0.1"), Ok(Value::Address("127.0.0.1:7373".parse().unwrap())));
        assert!(kind.parse("no").is_err() && ADDRESS.parse("off").is_err());
    }

    #[test]
    fn a_duration_needs_a_unit_and_stays_in_its_range() {
        assert_eq!(SECONDS.parse("250ms"), Ok(Value::Duration(Duration::from_millis(250))));
        assert_eq!(SECONDS.parse("1m"), Ok(Value::Duration(Duration::from_secs(60))));
        assert_eq!(
            SECONDS.parse("5").unwrap_err().0,
            "`5` is not a duration; write a number and a unit, e.g. 5s or 250ms"
        );
        assert_eq!(SECONDS.parse("1ms").unwrap_err().0, "`1ms` is not between 10ms and 1m");
    }

    #[test]
    fn words_ignore_case_and_know_other_spellings() {
        assert_eq!(LEVEL.parse("INFO"), Ok(Value::Text("info".into())));
        assert_eq!(LEVEL.parse("ERR"), Ok(Value::Text("error".into())));
        assert_eq!(LEVEL.parse("loud").unwrap_err().0, "`loud` is none of info, error");
    }

    #[test]
    fn a_list_is_separated_by_commas() {
        let tags = Kind::Tags.parse("role=web, port=80,").unwrap();
        assert_eq!(
            tags,
            Value::Tags([("port", "80"), ("role", "web")].map(|(k, v)| (k.into(), v.into())).into())
        );
        assert_eq!(Kind::Seeds.parse(""), Ok(Value::Texts(vec![])));
    }

    #[test]
    fn handlers_of_a_variable_stand_on_a_line_each() {
        let texts = ["member-leave,member-failed=a,b=c", "d"];
        assert_eq!(
            Kind::Handlers.parse("member-leave,member-failed=a,b=c\n\n d\n"),
            Ok(Value::Texts(texts.map(str::to_owned).into()))
        );
        let error = Kind::Handlers.parse_many(&["user=x", "member-foo=x"]).unwrap_err();
        assert_eq!(error.0, "Invalid event script: Event 'member-foo' invoking 'x'");
    }

    #[test]
    fn a_tag_splits_at_its_first_equals_sign_and_may_be_empty() {
        assert_eq!(tag("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert_eq!(tag("a="), Ok(("a".into(), String::new())));
        assert!(tag("=a").is_err() && tag("a").is_err());
    }

    #[test]
    fn a_command_is_a_list_of_words_or_a_text_split_into_them() {
        let texts = |words: &[&str]| Ok(Value::Texts(words.iter().map(|word| (*word).to_owned()).collect()));
        assert_eq!(Kind::Words.parse("sh -c 'echo a,b'"), texts(&["sh", "-c", "echo a,b"]));
        assert_eq!(Kind::Words.parse_many(&["echo", "", "a b"]), texts(&["echo", "", "a b"]));
        for text in ["", "'a", "a\0b"] {
            assert!(Kind::Words.parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_count_stays_in_its_range() {
        let port = Kind::Count { min: 1, max: 65535 };
        assert_eq!(port.parse("80"), Ok(Value::Count(80)));
        assert_eq!(port.parse("65536").unwrap_err().0, "`65536` is not a number from 1 to 65535");
    }
}
