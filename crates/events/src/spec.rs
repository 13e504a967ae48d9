//! A handler as Serf's `-event-handler` has it: `[FILTER[,FILTER...]=]SCRIPT` (event_handler.go, `ParseEventScript`).
//!
//! The first `=` divides; without one, or with nothing before it, the script gets everything. In Serf each filter is an
//! entry of its own: the script runs once for every filter that wants an event.

use crate::{Filter, Filters, Notice};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;

/// Filters and a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spec {
    /// What it wants.
    pub filters: Filters,
    /// For a shell; empty does nothing.
    pub script: String,
}

/// Not a handler, in Serf's words.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("Invalid event script: Event '{word}' invoking '{script}'")]
pub struct SpecError {
    /// The filter that is none.
    pub word: String,
    /// The script it stands before.
    pub script: String,
}

impl Spec {
    /// Reads one.
    ///
    /// # Errors
    /// One of the filters is none.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let (filters, script) = text.split_once('=').unwrap_or(("", text));
        let filters = Filters::parse(filters)
            .map_err(|error| SpecError { word: error.word, script: script.to_string() })?;
        Ok(Self { filters, script: script.to_string() })
    }

    /// Its entries as Serf's `info` lists them: `EVENT:NAME` and the script.
    pub fn entries(&self) -> impl Iterator<Item = (String, String)> {
        self.filters.iter().map(|filter| (filter.entry(), self.script.clone()))
    }

    /// How often the script runs for `notice`.
    pub fn runs(&self, notice: &Notice) -> usize {
        self.filters.iter().filter(|filter| filter.wants(notice)).count()
    }
}

impl Filter {
    /// As Serf's `info` writes it: `user:deploy`, `user:`, `*:`.
    pub fn entry(&self) -> String {
        format!("{}:{}", self.word(), self.name())
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.filters, self.script)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::user;

    fn parts(text: &str) -> (String, String) {
        let spec = Spec::parse(text).unwrap();
        (spec.filters.to_string(), spec.script)
    }

    fn owned(filters: &str, script: &str) -> (String, String) {
        (filters.into(), script.into())
    }

    #[test]
    fn the_first_equals_sign_divides() {
        assert_eq!(parts("/bin/x -v"), owned("*", "/bin/x -v"));
        assert_eq!(parts("=x"), owned("*", "x"));
        assert_eq!(parts("member-leave,user:a b=A=1 ./x a=b"), owned("member-leave,user:a b", "A=1 ./x a=b"));
        assert_eq!(parts("query="), owned("query", ""));
    }

    #[test]
    fn an_unknown_event_is_told_in_serfs_words() {
        let error = |text| Spec::parse(text).unwrap_err().to_string();
        assert_eq!(error("member-foo=x"), "Invalid event script: Event 'member-foo' invoking 'x'");
        assert_eq!(error("user,nope:a=x"), "Invalid event script: Event 'nope:a' invoking 'x'");
        assert_eq!(error("user,=x"), "Invalid event script: Event '' invoking 'x'");
    }

    #[test]
    fn the_script_runs_once_for_every_filter_that_wants_the_event() {
        let spec = Spec::parse("user,user:deploy,query,user:other=x").unwrap();
        assert_eq!(spec.runs(&user(1, "deploy", b"", false)), 2);
        let entries: Vec<String> = spec.entries().map(|(entry, _)| entry).collect();
        assert_eq!(entries, ["user:", "user:deploy", "query:", "user:other"]);
    }
}
