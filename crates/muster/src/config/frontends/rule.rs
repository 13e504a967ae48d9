//! One rule as it is written, as one of the plan: what it asks for and what it does.

use super::{place, services};
use crate::config::origin::Problem;
use crate::config::rules::Rule as Written;
use muster_routes::{
    Action, Condition, DENY_STATUS, Edit, FieldName, How, Page, Pattern, Redirect, RedirectCode, Regex,
    Rewrite, Rule, Template, Term, Test, To,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// `None`: something is wrong with it, which is among `problems`.
pub(super) fn read(written: &Written, problems: &mut Vec<Problem>) -> Option<Rule> {
    let before = problems.len();
    let mut reader = Reader { written, problems };
    let terms = reader.terms();
    let mut steps = reader.edits();
    steps.extend(reader.last());
    if steps.is_empty() && problems.len() == before {
        problems.push(Problem::at(
            &written.origin,
            "this rule does nothing: give it a `service`, or something to change",
        ));
    }
    (problems.len() == before).then(|| Rule {
        when: Condition(if terms.is_empty() { Vec::new() } else { vec![terms] }),
        action: Action::Steps(steps),
        place: place(&written.origin),
    })
}

struct Reader<'r> {
    written: &'r Written,
    problems: &'r mut Vec<Problem>,
}

impl<'r> Reader<'r> {
    fn wrong(&mut self, key: &str, why: impl std::fmt::Display) {
        self.problems.push(Problem::at(self.written.origin_of(key), format!("{key}: {why}")));
    }

    /// What a key's texts are, each read by `read`.
    fn each<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Vec<T> {
        let mut all = Vec::new();
        for text in self.written.texts(key) {
            match read(text) {
                Ok(value) => all.push(value),
                Err(why) => self.wrong(key, why),
            }
        }
        all
    }

    fn one<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let read = read(self.written.text(key)?);
        read.map_err(|why| self.wrong(key, why)).ok()
    }

    fn terms(&mut self) -> Vec<Term> {
        let mut terms = Vec::new();
        let mut ask = |negated, test| terms.push(Term { negated, test: Arc::new(test) });
        let path = |text: &str| match text.starts_with('/') {
            true => Ok(text.to_owned()),
            false => Err(format!("`{text}` is no path: it begins with `/`")),
        };
        for (key, make) in
            [("host", Self::hosts as fn(&mut Self, &str) -> Option<Test>), ("method", Self::methods)]
        {
            if let Some(test) = make(self, key) {
                ask(false, test);
            }
        }
        let below = |text: String| match text.strip_suffix('/') {
            Some(_) => vec![Pattern::new(How::Prefix, &text, false)],
            None => vec![
                Pattern::new(How::Exact, &text, false),
                Pattern::new(How::Prefix, &format!("{text}/"), false),
            ],
        };
        let exact = |text: String| Pattern::new(How::Exact, &text, false);
        let paths = [
            self.each("path", path).into_iter().flat_map(below).collect::<Vec<_>>(),
            self.each("path_exact", path).into_iter().map(exact).collect(),
            self.each("path_regex", |text| {
                Pattern::regex(text, false).map_err(|why| format!("`{text}`: {why}"))
            }),
        ];
        for patterns in paths.into_iter().filter(|patterns| !patterns.is_empty()) {
            ask(false, Test::Path(patterns));
        }
        for (name, values) in self.written.table("header") {
            let patterns = values.iter().map(|text| Pattern::new(How::Exact, text, false)).collect();
            match FieldName::new(name).map(|name| name.as_str().to_owned()) {
                Ok(name) => ask(false, Test::Field { name, is_list: false, patterns }),
                // One that the proxy writes itself may be asked for all the same, if it can be a name at all.
                Err(why) if name.is_empty() || name.contains(|c: char| !c.is_ascii_graphic() || c == ':') => {
                    self.wrong("header", why);
                }
                Err(_) => ask(false, Test::Field { name: name.to_owned(), is_list: false, patterns }),
            }
        }
        for (key, negated) in [("from", false), ("not_from", true)] {
            let networks = self.each(key, str::parse);
            if !networks.is_empty() {
                ask(negated, Test::Source(networks));
            }
        }
        if let Some(secure) = self.written.bool("tls") {
            ask(!secure, Test::Secure);
        }
        terms
    }

    fn hosts(&mut self, key: &str) -> Option<Test> {
        Some(Test::Host(self.each(key, str::parse))).filter(|_| !self.written.texts(key).is_empty())
    }

    fn methods(&mut self, key: &str) -> Option<Test> {
        let methods = self.each(key, |text| {
            match text.bytes().all(|byte| byte.is_ascii_uppercase()) && !text.is_empty() {
                true => Ok(text.to_owned()),
                false => Err(format!("`{text}` is no method; methods are in capitals, such as GET")),
            }
        });
        Some(Test::Method(methods)).filter(|_| !self.written.texts(key).is_empty())
    }

    fn edits(&mut self) -> Vec<Action> {
        let mut steps = Vec::new();
        for (of, make) in [("request", Action::Request as fn(Edit) -> Action), ("response", Action::Response)]
        {
            steps.extend(
                self.each(&format!("remove_{of}_headers"), FieldName::new)
                    .into_iter()
                    .map(Edit::Delete)
                    .map(make),
            );
            for (verb, edit) in [("set", Edit::Set as fn(FieldName, Template) -> Edit), ("add", Edit::Add)] {
                let key = format!("{verb}_{of}_headers");
                for (name, values) in self.written.table(&key) {
                    let value = values.first().map_or("", String::as_str);
                    match (FieldName::new(name), template(value)) {
                        (Ok(name), Ok(value)) => steps.push(make(edit(name, value))),
                        (Err(why), _) | (_, Err(why)) => self.wrong(&key, why),
                    }
                }
            }
        }
        steps.extend(
            self.one("strip_prefix", |text| Ok(Action::Rewrite(Rewrite::StripPrefix(text.to_owned())))),
        );
        let regex = self
            .one("rewrite_regex", |text| Regex::new(text, false).map_err(|why| format!("`{text}`: {why}")));
        let path = self.written.text("rewrite_path").is_some();
        let rewrite = match regex {
            Some(regex) if path => self.one("rewrite_path", |text| {
                Rewrite::replace(regex.clone(), text).map_err(|flaw| flaw.to_string())
            }),
            Some(_) => {
                self.wrong("rewrite_regex", "say with `rewrite_path` what takes the place of what it finds");
                None
            }
            None => self.one("rewrite_path", |text| template(text).map(Rewrite::Path)),
        };
        steps.extend(rewrite.map(Action::Rewrite));
        steps
    }

    /// What ends the rules.
    fn last(&mut self) -> Option<Action> {
        const ENDS: [&str; 6] = ["service", "redirect", "redirect_scheme", "deny", "page", "page_text"];
        let mut said = ENDS.into_iter().filter(|key| self.written.get(key).is_some());
        let key = said.next();
        if let (Some(key), Some(other)) = (key, said.next()) {
            self.wrong(other, format!("a rule does one thing at its end, and this one does `{key}` already"));
            return None;
        }
        for (alone, with) in [("redirect_code", "redirect"), ("page_status", "page"), ("retry_after", "page")]
        {
            if self.written.get(alone).is_some() && !key.is_some_and(|key| key.starts_with(with)) {
                self.wrong(alone, format!("this is for a rule with `{with}`"));
            }
        }
        match key? {
            "service" => self.one("service", |text| Ok(Action::Service(text.to_owned()))),
            "redirect" => {
                let to = self.one("redirect", |text| template(text).map(To::Location))?;
                self.redirect(to)
            }
            "redirect_scheme" => {
                let to = self.one("redirect_scheme", |text| match text {
                    "http" | "https" => template(text).map(To::Scheme),
                    _ => Err(format!("`{text}` is neither http nor https")),
                })?;
                self.redirect(to)
            }
            "deny" => {
                let status = self.written.number("deny").unwrap_or(DENY_STATUS.into());
                self.status("deny", status, 400).map(Action::Deny)
            }
            "page" => {
                let page = self.one("page", |path| services::read(Path::new(path)))?;
                self.page(page)
            }
            _ => {
                let page = self.one("page_text", |text| Ok(services::text(text)))?;
                self.page(page)
            }
        }
    }

    fn redirect(&mut self, to: To) -> Option<Action> {
        let code = match self.written.number("redirect_code") {
            None => Some(RedirectCode::Found),
            Some(number) => u16::try_from(number).ok().and_then(RedirectCode::new),
        };
        let Some(code) = code else {
            self.wrong("redirect_code", "there are 301, 302, 303, 307 and 308");
            return None;
        };
        Some(Action::Redirect(Redirect { code, to, drop_query: false, append_slash: false }))
    }

    fn page(&mut self, (content_type, body): (String, Vec<u8>)) -> Option<Action> {
        let status = self.written.number("page_status").unwrap_or(503);
        let status = self.status("page_status", status, 200)?;
        let wait = |text: &str| {
            let wait: Duration = humantime::parse_duration(text).map_err(|why| format!("`{text}`: {why}"))?;
            Ok(vec![("Retry-After".to_owned(), wait.as_secs().max(1).to_string())])
        };
        let fields = self.one("retry_after", wait).unwrap_or_default();
        Some(Action::Page(Page { status, content_type, body, fields }))
    }

    fn status(&mut self, key: &str, number: u64, min: u16) -> Option<u16> {
        let status = u16::try_from(number).ok().filter(|status| (min..600).contains(status));
        if status.is_none() {
            self.wrong(key, format!("{number} is no status for this; there are {min} to 599"));
        }
        status
    }
}

fn template(text: &str) -> Result<Template, String> {
    Template::parse(text).map_err(|flaw| format!("`{text}`: {flaw}"))
}
