//! One TOML file onto the settings. Unknown keys and wrong types are problems with a line; all of them are told.

mod handlers;
mod rules;

use super::expand::expand;
use super::family::Family;
use super::key::{Key, Kind, Section};
use super::keys;
use super::origin::{Origin, Problem};
use super::settings::Settings;
use super::sources::Env;
use super::suggest;
use super::value::{Invalid, Value, rule_length};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Far more than the reference with every key explained.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The one list of tables.
const HANDLERS: &str = "handlers";

/// In `[proxy]`: what is named there.
const FRONTENDS: &str = "frontends";

/// In a frontend: a list of tables, too.
const RULES: &str = "rules";

/// Reads the file at `path`.
pub(super) fn read(path: &Path, env: &Env, settings: &mut Settings, problems: &mut Vec<Problem>) {
    match text_of(path) {
        Ok(text) => {
            let mut found = Vec::new();
            File { path, text: &text, env, settings, problems: &mut found }.read();
            // The parser hands out keys by name; a person goes through the file by line.
            found.sort_by_key(Problem::line);
            problems.extend(found);
        }
        Err(why) => problems.push(Problem::anywhere(format!("cannot read {}: {why}", path.display()))),
    }
}

/// The text of a configuration file.
pub(super) fn text_of(path: &Path) -> std::io::Result<String> {
    use std::io::{Error, ErrorKind, Read};
    let mut text = String::new();
    let file = std::fs::File::open(path)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    match text.len() as u64 > FILE_BYTES_MAX {
        true => Err(Error::new(ErrorKind::FileTooLarge, "it is larger than 1 MiB")),
        false => Ok(text),
    }
}

/// Where a key stands.
#[derive(Clone, Copy, Debug)]
enum Place<'a> {
    Of(Section),
    /// In `[services.NAME]` or the like.
    Named(Family, &'a str),
}

impl Place<'_> {
    fn keys(self) -> impl Iterator<Item = &'static Key> {
        let (of_section, of_family) = match self {
            Self::Of(section) => (Some(section), None),
            Self::Named(family, _) => (None, Some(family.table())),
        };
        let of_family = of_family.into_iter().flatten().copied();
        of_section.into_iter().flat_map(keys::of).chain(of_family)
    }
}

/// A file being read.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
    env: &'a Env,
    settings: &'a mut Settings,
    problems: &'a mut Vec<Problem>,
}

impl File<'_> {
    fn read(&mut self) {
        let (document, errors) = DeTable::parse_recoverable(self.text);
        for error in &errors {
            self.problem(&error.span().unwrap_or_default(), format!("not TOML: {}", error.message()));
        }
        if !errors.is_empty() {
            // What recovery made of the rest would only bring complaints about complaints.
            return;
        }
        for (name, value) in document.get_ref() {
            if name.get_ref() == HANDLERS {
                self.handlers(&name.span(), value.get_ref());
                continue;
            }
            if let Some(family) = Family::ALL
                .into_iter()
                .find(|family| family.name() == name.get_ref() && *family != Family::Frontends)
            {
                self.family(family, &name.span(), value.get_ref());
                continue;
            }
            let section = Section::ALL
                .into_iter()
                .find(|section| *section != Section::Node && section.name() == name.get_ref());
            match (section, value.get_ref()) {
                (Some(section), DeValue::Table(table)) => self.section(section, table),
                (Some(section), other) => {
                    let text =
                        format!("`{0}` is a section; write [{0}], not {1}", section.name(), kind_of(other));
                    self.problem(&name.span(), text);
                }
                (None, _) => self.key(Place::Of(Section::Node), name, value),
            }
        }
    }

    fn section(&mut self, section: Section, table: &DeTable<'_>) {
        for (name, value) in table {
            if section == Section::Proxy && name.get_ref() == FRONTENDS {
                self.family(Family::Frontends, &name.span(), value.get_ref());
            } else {
                self.key(Place::Of(section), name, value);
            }
        }
    }

    /// `[FAMILY.NAME]`, for each NAME.
    fn family(&mut self, family: Family, at: &Range<usize>, value: &DeValue<'_>) {
        let of = family.name();
        let DeValue::Table(named) = value else {
            let text = format!("`{of}` is a section; write [{of}.NAME], not {}", kind_of(value));
            return self.problem(at, text);
        };
        if named.len() > family.max() {
            let text = format!("{} {of} are named; at most {} are allowed", named.len(), family.max());
            return self.problem(at, text);
        }
        for (name, value) in named {
            match (family.check_name(name.get_ref()), value.get_ref()) {
                (Err(why), _) => {
                    let text = format!("[{of}.{}]: {why}", name.get_ref());
                    self.problem(&name.span(), text);
                }
                (Ok(()), DeValue::Table(table)) => {
                    self.settings.name(family, name.get_ref());
                    for (key, value) in table {
                        if family == Family::Frontends && key.get_ref() == RULES {
                            self.rules(name.get_ref(), &key.span(), value.get_ref());
                            continue;
                        }
                        self.key(Place::Named(family, name.get_ref()), key, value);
                    }
                }
                (Ok(()), other) => {
                    let text = format!("write [{of}.{}], not {}", name.get_ref(), kind_of(other));
                    self.problem(&name.span(), text);
                }
            }
        }
    }

    fn key(&mut self, place: Place<'_>, name: &Spanned<impl AsRef<str>>, value: &Spanned<DeValue<'_>>) {
        let typed = name.get_ref().as_ref();
        match place.keys().find(|key| key.name == typed) {
            None => self
                .problem(&name.span(), unknown(place, typed, matches!(value.get_ref(), DeValue::Table(_)))),
            Some(key) => self.value(place, key, &name.span(), value),
        }
    }

    /// The line shown is the key's; for the items of a list and for tags, their own.
    fn value(
        &mut self,
        place: Place<'_>,
        key: &'static Key,
        at: &Range<usize>,
        value: &Spanned<DeValue<'_>>,
    ) {
        let entries = match value.get_ref() {
            DeValue::Array(items) => Some(items.len()),
            DeValue::Table(table) => Some(table.len()),
            _ => None,
        };
        // Before its items are told about, which may be many.
        if let (Place::Named(Family::Services, _), Some(entries)) = (place, entries)
            && let Err(why) = rule_length(entries)
        {
            return self.problem(at, format!("{}: {}", key.name, why.0));
        }
        match (key.kind, value.get_ref()) {
            (Kind::Tags, DeValue::Table(tags)) => {
                for (name, value) in tags {
                    match self.tag(name.get_ref(), value.get_ref()) {
                        Ok(tag) => self.put(place, key, tag, &name.span()),
                        Err(why) => self.problem(&name.span(), format!("tag `{}` {}", name.get_ref(), why.0)),
                    }
                }
            }
            (kind, DeValue::Array(items)) if kind.is_many() => {
                let mut texts = Vec::new();
                for item in items {
                    match self.item(kind, item.get_ref()) {
                        Ok(text) => texts.push(text),
                        Err(why) => self.problem(&item.span(), format!("{}: {}", key.name, why.0)),
                    }
                }
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                // Each item was read alone, so all of them can be.
                if let Ok(value) = kind.parse_many(&texts) {
                    self.put(place, key, value, at);
                }
            }
            (kind, single) => match self.single(kind, single) {
                Ok(value) => self.put(place, key, value, at),
                Err(why) => self.problem(at, format!("{}: {}", key.name, why.0)),
            },
        }
    }

    fn put(&mut self, place: Place<'_>, key: &'static Key, value: Value, at: &Range<usize>) {
        let origin = self.origin(at);
        match place {
            Place::Of(_) => self.settings.set(key, value, &origin),
            Place::Named(family, name) => self.settings.set_of(family, name, key, value, &origin),
        }
    }

    fn tag(&self, name: &str, value: &DeValue<'_>) -> Result<Value, Invalid> {
        let text = match value {
            DeValue::String(text) => self.expand(text)?,
            DeValue::Integer(number) => number.to_string(),
            DeValue::Boolean(bool) => bool.to_string(),
            other => return Err(Invalid(format!("must be a string, not {}", kind_of(other)))),
        };
        if name.is_empty() {
            return Err(Invalid("has no name".to_owned()));
        }
        Ok(Value::Tags(BTreeMap::from([(name.to_owned(), text)])))
    }

    fn item(&self, kind: Kind, value: &DeValue<'_>) -> Result<String, Invalid> {
        let text = match (kind, value) {
            (_, DeValue::String(text)) => self.expand(text)?,
            (Kind::Ports, DeValue::Integer(number)) => number.to_string(),
            (Kind::Ports, _) => {
                return Err(Invalid(format!("every item must be a port or a range, not {}", kind_of(value))));
            }
            _ => return Err(Invalid(format!("every item must be a string, not {}", kind_of(value)))),
        };
        if kind != Kind::Words {
            // Of a command, only the first word says what it is.
            kind.parse_many(&[&text])?;
        }
        Ok(text)
    }

    fn single(&self, kind: Kind, value: &DeValue<'_>) -> Result<Value, Invalid> {
        match (kind, value) {
            // A string is welcome for every kind, since only strings can hold ${VARIABLES}.
            (_, DeValue::String(text)) => kind.parse(&self.expand(text)?),
            (Kind::Bool, DeValue::Boolean(bool)) => Ok(Value::Bool(*bool)),
            (Kind::Count { .. } | Kind::Ports, DeValue::Integer(number)) => kind.parse(&number.to_string()),
            (kind, other) => Err(Invalid(format!("must be {}, not {}", kind.wanted(), kind_of(other)))),
        }
    }

    fn expand(&self, text: &str) -> Result<String, Invalid> {
        expand(text, |name| self.env.get(name)?.to_str().map(str::to_owned))
    }

    fn origin(&self, at: &Range<usize>) -> Origin {
        let before = self.text.get(..at.start).unwrap_or(self.text);
        Origin::File { path: self.path.to_owned(), line: before.matches('\n').count() + 1 }
    }

    fn problem(&mut self, at: &Range<usize>, text: String) {
        self.problems.push(Problem::at(&self.origin(at), text));
    }
}

fn unknown(place: Place<'_>, typed: &str, is_table: bool) -> String {
    let section = match place {
        Place::Of(section) => section,
        Place::Named(family, name) => {
            let hint = suggest::hint(typed, place.keys().map(|key| key.name));
            return format!("unknown key `{typed}` in [{}.{name}]{hint}", family.name());
        }
    };
    if section == Section::Node && is_table {
        let families = Family::ALL.into_iter().map(Family::name);
        let names = Section::ALL.iter().map(|section| section.name()).chain(families).chain([HANDLERS]);
        let sections = names.filter(|name| !name.is_empty());
        return format!("unknown section [{typed}]{}", suggest::hint(typed, sections));
    }
    let place = match section {
        Section::Node => "above the first section".to_owned(),
        _ => format!("in [{}]", section.name()),
    };
    let hint = match keys::TABLE.iter().find(|key| key.name == typed) {
        Some(elsewhere) if elsewhere.section == Section::Node => {
            "; it belongs above the first section".to_owned()
        }
        Some(elsewhere) => format!("; it belongs in [{}]", elsewhere.section.name()),
        None => suggest::hint(typed, keys::of(section).map(|key| key.name)),
    };
    format!("unknown key `{typed}` {place}{hint}")
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
