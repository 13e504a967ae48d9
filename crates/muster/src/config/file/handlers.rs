//! `[[handlers]]`: each table is a handler, whole and checked, with the line of whatever is wrong with it.

use super::{File, kind_of};
use crate::config::handlers::{Declared, FIELDS};
use crate::config::key::Kind;
use crate::config::suggest;
use crate::config::value::{Invalid, Value};
use muster_agent::{Action, Filters, HANDLER_CONCURRENCY_MAX, HANDLER_QUEUE_MAX, HandlerConfig, WebhookUrl};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A month, as the longest of other durations.
const TIMEOUT: Kind = Kind::Duration { min: Duration::ZERO, max: Duration::from_secs(31 * 24 * 60 * 60) };

impl File<'_> {
    pub(super) fn handlers(&mut self, at: &Range<usize>, value: &DeValue<'_>) {
        let DeValue::Array(tables) = value else {
            return self
                .problem(at, format!("write [[handlers]] before each handler, not {}", kind_of(value)));
        };
        let mut lines = BTreeMap::new();
        for item in tables {
            match item.get_ref() {
                DeValue::Table(table) => {
                    let Some((at, config)) = self.handler(&item.span(), table) else { continue };
                    if let Some(first) = lines.insert(config.name.clone(), at.clone()) {
                        let first = self.origin(&first);
                        self.problem(&at, format!("the handler `{}` is at {first} already", config.name));
                    }
                    let origin = self.origin(&at);
                    self.settings.declare(Declared { config, origin });
                }
                other => self.problem(&item.span(), format!("a handler is a table, not {}", kind_of(other))),
            }
        }
    }

    /// And where its name stands.
    fn handler(&mut self, at: &Range<usize>, table: &DeTable<'_>) -> Option<(Range<usize>, HandlerConfig)> {
        let before = self.problems.len();
        let mut fields = Fields::default();
        for (name, value) in table {
            if let Err(why) = self.field(&mut fields, name.get_ref(), value) {
                let field = name.get_ref();
                let text = if why.0.starts_with("unknown") { why.0 } else { format!("{field}: {}", why.0) };
                self.problem(&name.span(), text);
            }
        }
        let Fields { name, on, actions, timeout, concurrency, queue, coalesce } = fields;
        if self.problems.len() > before {
            return None;
        }
        let Some((name_at, name)) = name else {
            self.problem(at, "this handler has no `name`".to_owned());
            return None;
        };
        let Ok([action]) = <[Action; 1]>::try_from(actions) else {
            let text = format!("the handler `{name}` needs one of `shell`, `command` and `webhook`");
            self.problem(&name_at, text);
            return None;
        };
        let mut config = HandlerConfig::new(name, on.unwrap_or_else(everything), action);
        config.timeout = timeout.unwrap_or(config.timeout);
        config.concurrency = concurrency.unwrap_or(config.concurrency);
        config.queue = queue.unwrap_or(config.queue);
        config.coalesce = coalesce.unwrap_or(config.coalesce);
        match config.checked() {
            Ok(config) => Some((name_at, config)),
            Err(error) => {
                self.problem(&name_at, error.to_string());
                None
            }
        }
    }

    fn field(&self, fields: &mut Fields, name: &str, value: &Spanned<DeValue<'_>>) -> Result<(), Invalid> {
        let words = |error: &dyn std::fmt::Display| Invalid(error.to_string());
        let single = |kind| self.single(kind, value.get_ref());
        match name {
            "name" => fields.name = Some((value.span(), text(single(Kind::Text)?))),
            "on" => {
                let words_of = match value.get_ref() {
                    DeValue::String(text) => vec![self.expand(text)?],
                    list => self.strings(list)?,
                };
                fields.on = Some(Filters::parse(&words_of.join(",")).map_err(|error| words(&error))?);
            }
            "shell" => fields.actions.push(Action::Shell(text(single(Kind::Text)?))),
            "command" => fields.actions.push(Action::Command(self.strings(value.get_ref())?)),
            "webhook" => {
                let url = WebhookUrl::parse(&text(single(Kind::Text)?)).map_err(|error| words(&error))?;
                fields.actions.push(Action::Webhook(url));
            }
            "timeout" => {
                if let Value::Duration(limit) = single(TIMEOUT)? {
                    fields.timeout = Some(Some(limit).filter(|limit| !limit.is_zero()));
                }
            }
            "concurrency" => fields.concurrency = number(&single(count(HANDLER_CONCURRENCY_MAX))?),
            "queue" => fields.queue = number(&single(count(HANDLER_QUEUE_MAX))?),
            "coalesce" => fields.coalesce = Some(single(Kind::Bool)? == Value::Bool(true)),
            other => {
                let hint = suggest::hint(other, FIELDS.iter().map(|(name, ..)| *name));
                return Err(Invalid(format!("unknown key `{other}` in [[handlers]]{hint}")));
            }
        }
        Ok(())
    }

    pub(super) fn strings(&self, value: &DeValue<'_>) -> Result<Vec<String>, Invalid> {
        let DeValue::Array(items) = value else {
            return Err(Invalid(format!("must be a list of strings, not {}", kind_of(value))));
        };
        let item = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
            DeValue::String(text) => self.expand(text),
            other => Err(Invalid(format!("every item must be a string, not {}", kind_of(other)))),
        };
        items.iter().map(item).collect()
    }
}

/// As read so far.
#[derive(Default)]
struct Fields {
    name: Option<(Range<usize>, String)>,
    on: Option<Filters>,
    actions: Vec<Action>,
    timeout: Option<Option<Duration>>,
    concurrency: Option<usize>,
    queue: Option<usize>,
    coalesce: Option<bool>,
}

fn count(max: usize) -> Kind {
    Kind::Count { min: 1, max: max as u64 }
}

fn number(value: &Value) -> Option<usize> {
    if let Value::Count(number) = value { usize::try_from(*number).ok() } else { None }
}

fn text(value: Value) -> String {
    if let Value::Text(text) = value { text } else { String::new() }
}

fn everything() -> Filters {
    Filters::parse("").expect("an empty text wants everything, says its own test")
}
