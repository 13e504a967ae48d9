//! Which notices somebody wants, in the words of Serf's handlers and streams (event_handler.go, `ParseEventFilter`).
//!
//! `member-join`, `member-leave`, `member-failed`, `member-update`, `member-reap`, `user`, `user:NAME`, `query`,
//! `query:NAME`, `*`; several separated by commas. Names match whole, byte by byte; they may hold anything but a comma.

use crate::Notice;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Words without a name.
const WORDS: [&str; 8] =
    ["member-join", "member-leave", "member-failed", "member-update", "member-reap", "user", "query", "*"];

/// Words in the filter of a stream, which is looked through for every event, and which a stranger may have sent.
pub const STREAM_WORDS_MAX: usize = 256;

/// One word of the list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Filter {
    /// `*` is any.
    word: &'static str,
    /// Empty is any.
    name: String,
}

/// Not a filter. Serf's own words for it differ by place, so whoever shows it chooses them.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "no such event: {word:?}; there are member-join, member-leave, member-failed, member-update, member-reap, user, user:NAME, query, query:NAME and *"
)]
pub struct FilterError {
    /// What stands there.
    pub word: String,
}

/// Not the filter of a stream.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum StreamFilterError {
    /// One of the words is none.
    #[error(transparent)]
    Unknown(#[from] FilterError),
    /// More than [`STREAM_WORDS_MAX`].
    #[error("more than {STREAM_WORDS_MAX} words")]
    TooMany,
}

impl Filter {
    /// Reads one word.
    ///
    /// # Errors
    /// It is none of them.
    pub fn parse(word: &str) -> Result<Self, FilterError> {
        let (kind, name) = match word.split_once(':') {
            Some((kind @ ("user" | "query"), name)) => (kind, name),
            _ => (word, ""),
        };
        let known = WORDS.into_iter().find(|known| *known == kind);
        known
            .map(|word| Self { word, name: name.to_string() })
            .ok_or_else(|| FilterError { word: word.to_string() })
    }

    /// Whether it wants `notice`.
    pub fn wants(&self, notice: &Notice) -> bool {
        let of_kind = self.word == "*" || self.word == notice.kind();
        of_kind && (self.name.is_empty() || notice.name() == Some(&*self.name))
    }

    /// The word without its name: `user` of `user:deploy`.
    pub fn word(&self) -> &'static str {
        self.word
    }

    /// The name; empty is any.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, ":{}", self.name) }
    }
}

/// A list of them. One of them wanting a notice is enough.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Filters(Vec<Filter>);

impl Filters {
    /// Reads `WORD,WORD`; an empty text wants everything.
    ///
    /// # Errors
    /// One of them is none.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let text = if text.is_empty() { "*" } else { text };
        text.split(',').map(Filter::parse).collect::<Result<_, _>>().map(Self)
    }

    /// Reads the filter of a stream: each word counts once, since a stream shows a notice once, and there are not too many.
    ///
    /// # Errors
    /// One of them is none, or there are more than [`STREAM_WORDS_MAX`].
    pub fn parse_for_stream(text: &str) -> Result<Self, StreamFilterError> {
        if text.split(',').nth(STREAM_WORDS_MAX).is_some() {
            return Err(StreamFilterError::TooMany);
        }
        let Self(filters) = Self::parse(text)?;
        let distinct: BTreeSet<Filter> = filters.into_iter().collect();
        Ok(Self(distinct.into_iter().collect()))
    }

    /// Whether one of them wants `notice`.
    pub fn want(&self, notice: &Notice) -> bool {
        self.0.iter().any(|filter| filter.wants(notice))
    }

    /// Each of them, in the order they were written.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Filter> {
        self.0.iter()
    }
}

impl fmt::Display for Filters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, filter) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            filter.fmt(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_serf::{Instant, MemberEvent, QueryId};

    fn user(name: &str) -> Notice {
        Notice::User { ltime: 1, name: name.into(), payload: Vec::new(), coalesce: false }
    }

    fn query(name: &str) -> Notice {
        let (id, deadline) = (QueryId { ltime: 1, id: 1 }, Instant::default());
        Notice::Query { id, name: name.into(), payload: Vec::new(), from: "a".into(), deadline }
    }

    fn joined() -> Notice {
        Notice::Members { event: MemberEvent::Join, members: Vec::new() }
    }

    fn wanted(text: &str) -> Vec<&'static str> {
        let filters = Filters::parse(text).unwrap();
        let failed = Notice::Members { event: MemberEvent::Failed, members: Vec::new() };
        let notices = [
            ("join", joined()),
            ("failed", failed),
            ("user deploy", user("deploy")),
            ("user deploy2", user("deploy2")),
            ("query load", query("load")),
            ("query deploy", query("deploy")),
        ];
        notices.iter().filter(|(_, notice)| filters.want(notice)).map(|(name, _)| *name).collect()
    }

    #[test]
    fn words_choose_by_kind_and_by_whole_name() {
        assert_eq!(wanted("member-join"), ["join"]);
        assert_eq!(wanted("user"), ["user deploy", "user deploy2"]);
        assert_eq!(wanted("user:deploy"), ["user deploy"]);
        assert_eq!(wanted("query:deploy,member-failed"), ["failed", "query deploy"]);
        assert_eq!(wanted("*").len(), 6);
        assert_eq!(wanted("").len(), 6);
    }

    #[test]
    fn names_may_hold_colons_and_spaces_and_be_empty() {
        let filters = Filters::parse("user:a:b c").unwrap();
        assert!(filters.want(&user("a:b c")) && !filters.want(&user("a")));
        assert!(Filters::parse("user:").unwrap().want(&user("x")), "Serf takes an empty name for any");
    }

    #[test]
    fn other_words_are_refused() {
        for text in ["member-foo", "member-join:a", "*:a", "user, query", ",", "USER"] {
            assert!(Filters::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_filter_of_a_stream_is_bounded_and_has_each_word_once() {
        let text = vec!["user:a"; STREAM_WORDS_MAX].join(",");
        assert_eq!(Filters::parse_for_stream(&text).unwrap().to_string(), "user:a");
        let longer = text + ",*";
        assert_eq!(Filters::parse_for_stream(&longer), Err(StreamFilterError::TooMany));
        assert!(matches!(Filters::parse_for_stream("*,x"), Err(StreamFilterError::Unknown(_))));
        assert_eq!(Filters::parse_for_stream("").unwrap().to_string(), "*");
        assert_eq!(Filters::parse("user,user").unwrap().iter().len(), 2, "a script of Serf runs twice");
    }

    #[test]
    fn what_is_read_is_written_again() {
        for text in ["member-join,user:a:b,query,*", "query:load"] {
            assert_eq!(Filters::parse(text).unwrap().to_string(), text);
        }
    }
}
