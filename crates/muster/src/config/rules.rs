//! `[[proxy.frontends.NAME.rules]]` as they are written: which keys there are, and what each rule says. What they mean is in
//! [`super::frontends`].

use super::origin::Origin;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One rule.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rule {
    /// Where it begins.
    pub(crate) origin: Origin,
    /// What it says, by the names of [`FIELDS`].
    pub(crate) said: BTreeMap<&'static str, (Said, Origin)>,
}

/// What a key was given.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Said {
    Text(String),
    Texts(Vec<String>),
    Bool(bool),
    Number(u64),
    /// Texts by name; none of them: it is there, with any value.
    Table(BTreeMap<String, Vec<String>>),
}

/// What a key takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Text,
    /// One text or a list.
    Texts,
    Bool,
    Number,
    /// `true`, or a number.
    Status,
    /// Texts by name.
    Values,
    /// One or several texts by name, or `true` for any.
    Patterns,
}

/// The keys of a rule: name, shape, values in words, meaning.
pub(crate) static FIELDS: &[(&str, Shape, &str, &str)] = &[
    (
        "host",
        Shape::Texts,
        "names",
        "The host is one of these: `shop.example`, `*.shop.example` for all below it, `.shop.example` for both.",
    ),
    (
        "path",
        Shape::Texts,
        "paths",
        "The path is one of these or below it: `/api` is `/api` and `/api/x`, not `/apix`.",
    ),
    ("path_exact", Shape::Texts, "paths", "The path is one of these."),
    (
        "path_regex",
        Shape::Texts,
        "expressions",
        "One of these is found in the path; `^` and `$` are its ends. No look-around, no back-references.",
    ),
    ("method", Shape::Texts, "methods", "The method is one of these."),
    (
        "header",
        Shape::Patterns,
        "table",
        "`{ Name = \"value\" }` or `{ Name = [\"a\", \"b\"] }`: the field has one of these values; `{ Name = true }`: it is there. All of several names.",
    ),
    ("from", Shape::Texts, "networks", "The client is in one of these."),
    ("not_from", Shape::Texts, "networks", "The client is in none of these."),
    ("tls", Shape::Bool, "`true`, `false`", "The client came by TLS, or did not."),
    (
        "set_request_headers",
        Shape::Values,
        "table of values",
        "The request has these fields with these values, and no others of their names.",
    ),
    ("add_request_headers", Shape::Values, "table of values", "The request has these too."),
    ("remove_request_headers", Shape::Texts, "names", "The request does not have these."),
    ("set_response_headers", Shape::Values, "table of values", "As for requests."),
    ("add_response_headers", Shape::Values, "table of values", "As for requests."),
    ("remove_response_headers", Shape::Texts, "names", "As for requests."),
    ("strip_prefix", Shape::Text, "path", "The path without this beginning is asked for."),
    ("rewrite_path", Shape::Text, "value", "This path is asked for; the query stays."),
    (
        "rewrite_regex",
        Shape::Text,
        "expression",
        "With `rewrite_path`: if it is found in the path, and with `\\0` to `\\9` there for what it and its groups matched.",
    ),
    ("service", Shape::Text, "name", "A backend of this service answers."),
    ("redirect", Shape::Text, "value", "The client is sent there: `https://shop.example%uri`."),
    ("redirect_scheme", Shape::Text, "`https`", "The client is sent to the same address with this scheme."),
    (
        "redirect_code",
        Shape::Number,
        "301, 302, 303, 307, 308",
        "How it is sent there; 302 if nothing is said.",
    ),
    ("deny", Shape::Status, "`true`, 400 to 599", "The client is refused, with 403 or this status."),
    (
        "page",
        Shape::Text,
        "path",
        "The client gets this file; HTML by the name `.html`, else text. It is read when the configuration is.",
    ),
    ("page_text", Shape::Text, "text", "The client gets this text."),
    ("page_status", Shape::Number, "200 to 599", "With this status; 503 if nothing is said."),
    ("retry_after", Shape::Text, "duration", "And is told to come again then."),
];

impl Rule {
    pub(crate) fn get(&self, name: &str) -> Option<&Said> {
        self.said.get(name).map(|(said, _)| said)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        if let Some(Said::Text(text)) = self.get(name) { Some(text) } else { None }
    }

    pub(crate) fn texts(&self, name: &str) -> &[String] {
        if let Some(Said::Texts(texts)) = self.get(name) { texts } else { &[] }
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        if let Some(Said::Number(number)) = self.get(name) { Some(*number) } else { None }
    }

    pub(crate) fn bool(&self, name: &str) -> Option<bool> {
        if let Some(Said::Bool(bool)) = self.get(name) { Some(*bool) } else { None }
    }

    pub(crate) fn table(&self, name: &str) -> impl Iterator<Item = (&str, &[String])> {
        let table = if let Some(Said::Table(table)) = self.get(name) { Some(table) } else { None };
        table.into_iter().flatten().map(|(name, texts)| (name.as_str(), texts.as_slice()))
    }

    /// Who said `name`, or the rule.
    pub(crate) fn origin_of(&self, name: &str) -> &Origin {
        self.said.get(name).map_or(&self.origin, |(_, origin)| origin)
    }

    /// The table again, for `config print`.
    pub(crate) fn toml(
        &self,
        frontend: &str,
        quoted: impl Fn(&str) -> String,
        key: impl Fn(&str) -> String,
    ) -> String {
        let list = |texts: &[String]| {
            format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        };
        let mut out = format!("\n[[proxy.frontends.{}.rules]]  # {}\n", key(frontend), self.origin);
        for (name, ..) in FIELDS {
            let value = match self.get(name) {
                None => continue,
                Some(Said::Text(text)) => quoted(text),
                Some(Said::Texts(texts)) => list(texts),
                Some(Said::Bool(bool)) => bool.to_string(),
                Some(Said::Number(number)) => number.to_string(),
                Some(Said::Table(table)) => {
                    let entry = |(name, texts): (&String, &Vec<String>)| {
                        let value = match texts.as_slice() {
                            [] => "true".to_owned(),
                            [one] => quoted(one),
                            several => list(several),
                        };
                        format!("{} = {value}", key(name))
                    };
                    format!("{{ {} }}", table.iter().map(entry).collect::<Vec<_>>().join(", "))
                }
            };
            out.push_str(&format!("{name} = {value}\n"));
        }
        out
    }

    /// And as JSON.
    pub(crate) fn json(&self) -> Value {
        let value = |said: &Said| match said {
            Said::Text(text) => json!(text),
            Said::Texts(texts) => json!(texts),
            Said::Bool(bool) => json!(bool),
            Said::Number(number) => json!(number),
            Said::Table(table) => json!(table),
        };
        self.said
            .iter()
            .map(|(name, (said, _))| ((*name).to_owned(), value(said)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }
}

/// Their part of the reference.
pub(crate) fn markdown() -> String {
    let row =
        |(name, _, values, help): &(&str, Shape, &str, &str)| format!("| `{name}` | {values} | {help} |\n");
    format!(
        "{RULES}\n| key | value | meaning |\n|---|---|---|\n{}",
        FIELDS.iter().map(row).collect::<String>()
    )
}

const RULES: &str = "
### `[[proxy.frontends.NAME.rules]]`

Looked at from the first to the last. A rule applies when all that it asks for holds, one that asks for nothing always does. First it
changes the request and the answer, then it does one of `service`, `redirect`, `redirect_scheme`, `deny`, `page` and `page_text`, and the
rules end; one without any of these goes on with the next, which sees what was changed. A text where a list may stand is a list of one.

Values may have variables: `%src`, `%src_port`, `%dst`, `%dst_port`, `%host`, `%path`, `%query`, `%uri` (path and query), `%method`,
`%scheme`, `%{NAME}` for a field of the request, `%%` for a percent sign.
";
