//! The rules of a frontend: names and types, each with its line.

use super::{File, kind_of};
use crate::config::rules::{FIELDS, Rule, Said, Shape};
use crate::config::suggest;
use crate::config::value::Invalid;
use std::collections::BTreeMap;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

impl File<'_> {
    /// Those of `frontend`.
    pub(super) fn rules(&mut self, frontend: &str, at: &Range<usize>, value: &DeValue<'_>) {
        let DeValue::Array(tables) = value else {
            let text = format!(
                "write [[proxy.frontends.{frontend}.rules]] before each rule, not {}",
                kind_of(value)
            );
            return self.problem(at, text);
        };
        let mut rules = Vec::new();
        for item in tables {
            match item.get_ref() {
                DeValue::Table(table) => rules.push(self.rule(&item.span(), table)),
                other => self.problem(&item.span(), format!("a rule is a table, not {}", kind_of(other))),
            }
        }
        self.settings.rule(frontend, rules);
    }

    fn rule(&mut self, at: &Range<usize>, table: &DeTable<'_>) -> Rule {
        let mut said = BTreeMap::new();
        for (name, value) in table {
            let typed = name.get_ref().as_ref();
            let Some((known, shape, ..)) = FIELDS.iter().find(|(known, ..)| *known == typed) else {
                let hint = suggest::hint(typed, FIELDS.iter().map(|(name, ..)| *name));
                self.problem(&name.span(), format!("unknown key `{typed}` in a rule{hint}"));
                continue;
            };
            match self.said(*shape, value) {
                Ok(value) => _ = said.insert(*known, (value, self.origin(&name.span()))),
                Err(why) => self.problem(&name.span(), format!("{typed}: {}", why.0)),
            }
        }
        Rule { origin: self.origin(at), said }
    }

    fn said(&self, shape: Shape, value: &Spanned<DeValue<'_>>) -> Result<Said, Invalid> {
        let other =
            |wanted: &str| Err(Invalid(format!("must be {wanted}, not {}", kind_of(value.get_ref()))));
        Ok(match (shape, value.get_ref()) {
            (Shape::Text, DeValue::String(text)) => Said::Text(self.expand(text)?),
            (Shape::Text, _) => return other("a text"),
            (Shape::Texts, value) => Said::Texts(self.text_or_list(value)?),
            (Shape::Bool, DeValue::Boolean(bool)) => Said::Bool(*bool),
            (Shape::Bool, _) => return other("true or false"),
            (Shape::Status, DeValue::Boolean(true)) => Said::Bool(true),
            (Shape::Number | Shape::Status, DeValue::Integer(number)) => Said::Number(
                number.to_string().parse().map_err(|_| Invalid("is no number that fits".to_owned()))?,
            ),
            (Shape::Number, _) => return other("a number"),
            (Shape::Status, _) => return other("true or a number"),
            (Shape::Values | Shape::Patterns, DeValue::Table(table)) => {
                let entry = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
                    let texts = match (shape, value.get_ref()) {
                        (Shape::Patterns, DeValue::Boolean(true)) => Vec::new(),
                        (Shape::Values, DeValue::String(text)) => vec![self.expand(text)?],
                        (Shape::Values, value) => {
                            return Err(Invalid(format!(
                                "every value must be a text, not {}",
                                kind_of(value)
                            )));
                        }
                        (_, value) => self.text_or_list(value)?,
                    };
                    Ok((name_of(name), texts))
                };
                Said::Table(table.iter().map(entry).collect::<Result<_, _>>()?)
            }
            (Shape::Values | Shape::Patterns, _) => return other("a table: { Name = \"value\" }"),
        })
    }

    fn text_or_list(&self, value: &DeValue<'_>) -> Result<Vec<String>, Invalid> {
        match value {
            DeValue::String(text) => Ok(vec![self.expand(text)?]),
            DeValue::Array(items) if items.is_empty() => Err(Invalid("is an empty list".to_owned())),
            list => self.strings(list),
        }
    }
}

fn name_of(name: &Spanned<impl AsRef<str>>) -> String {
    name.get_ref().as_ref().to_owned()
}
