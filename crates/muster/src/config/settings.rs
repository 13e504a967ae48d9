//! The value of every key, with its origin.

use super::family::Family;
use super::handlers::Declared;
use super::key::Key;
use super::keys;
use super::named::Named;
use super::origin::Origin;
use super::rules::Rule;
use super::value::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// One key's value and who said so.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) key: &'static Key,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
    /// Tags merge, so each has an origin of its own.
    pub(crate) tag_origins: BTreeMap<String, Origin>,
}

/// A value for every key of the table, and the handlers.
///
/// The typed getters give an empty value when the key is unset or of another kind; which key has which kind is settled in
/// the table, and a test reads them all through the views.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    table: Vec<Setting>,
    /// `[services.NAME]` and the like, by NAME: a value for every key of [`Family::table`].
    named: BTreeMap<(Family, String), Vec<Setting>>,
    handlers: Vec<Declared>,
    /// The rules of frontends, by the frontend's name.
    rules: BTreeMap<String, Vec<Rule>>,
}

impl Setting {
    fn default_of(key: &&'static Key) -> Self {
        Self { key, value: key.default_value(), origin: Origin::Default, tag_origins: BTreeMap::new() }
    }

    fn set(&mut self, value: Value, origin: &Origin) {
        let continues = matches!(self.origin, Origin::SerfFile { .. })
            && matches!(origin, Origin::SerfFile { .. } | Origin::Flag(_));
        match (&mut self.value, value) {
            (Value::Texts(old), Value::Texts(new)) if continues => old.extend(new),
            (Value::Tags(old), Value::Tags(new)) => {
                self.tag_origins.extend(new.keys().map(|tag| (tag.clone(), origin.clone())));
                old.extend(new);
            }
            (old, new) => *old = new,
        }
        self.origin = origin.clone();
    }
}

impl Settings {
    /// The table's defaults.
    pub(crate) fn defaults() -> Self {
        Self {
            table: keys::TABLE.iter().map(Setting::default_of).collect(),
            named: BTreeMap::new(),
            handlers: Vec::new(),
            rules: BTreeMap::new(),
        }
    }

    /// In the table's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.table.iter()
    }

    /// The sections of a family, each with its settings in the order of their table.
    pub(crate) fn named(&self, family: Family) -> impl Iterator<Item = (&str, &[Setting])> {
        let of_family = self.named.iter().filter(move |((of, _), _)| *of == family);
        of_family.map(|((_, name), settings)| (name.as_str(), settings.as_slice()))
    }

    /// The processes that are named.
    pub(crate) fn processes(&self) -> impl Iterator<Item = Named<'_>> {
        self.named(Family::Processes).map(Named::new)
    }

    /// The groups of templates that are named.
    pub(crate) fn templates(&self) -> impl Iterator<Item = Named<'_>> {
        self.named(Family::Templates).map(Named::new)
    }

    /// The settings of one that is named here or was before.
    pub(crate) fn name(&mut self, family: Family, name: &str) -> &mut [Setting] {
        let defaults = || family.table().iter().map(Setting::default_of).collect();
        self.named.entry((family, name.to_owned())).or_insert_with(defaults)
    }

    /// As [`Settings::set`], for a key of such a section.
    pub(crate) fn set_of(
        &mut self,
        family: Family,
        name: &str,
        key: &'static Key,
        value: Value,
        origin: &Origin,
    ) {
        if let Some(setting) =
            self.name(family, name).iter_mut().find(|setting| std::ptr::eq(setting.key, key))
        {
            setting.set(value, origin);
        }
    }

    /// Replaces a value; tags are added one by one. A list from a file of Serf is continued, as in Serf, by the next such
    /// file and by flags.
    pub(crate) fn set(&mut self, key: &'static Key, value: Value, origin: &Origin) {
        if let Some(setting) = self.table.iter_mut().find(|setting| std::ptr::eq(setting.key, key)) {
            setting.set(value, origin);
        }
    }

    /// The frontends that are named.
    pub(crate) fn frontends(&self) -> impl Iterator<Item = Named<'_>> {
        self.named(Family::Frontends).map(Named::new)
    }

    /// The services that are named.
    pub(crate) fn services(&self) -> impl Iterator<Item = Named<'_>> {
        self.named(Family::Services).map(Named::new)
    }

    /// The rules of a frontend, in place of those of an earlier file.
    pub(crate) fn rule(&mut self, frontend: &str, rules: Vec<Rule>) {
        self.rules.insert(frontend.to_owned(), rules);
    }

    /// The rules of a frontend, in their order.
    pub(crate) fn rules_of(&self, frontend: &str) -> &[Rule] {
        self.rules.get(frontend).map_or(&[], Vec::as_slice)
    }

    /// One more handler, or another of its name.
    pub(crate) fn declare(&mut self, handler: Declared) {
        match self.handlers.iter_mut().find(|earlier| earlier.config.name == handler.config.name) {
            Some(earlier) => *earlier = handler,
            None => self.handlers.push(handler),
        }
    }

    /// The tables `[[handlers]]`, in the order of the files.
    pub(crate) fn declared(&self) -> &[Declared] {
        &self.handlers
    }

    fn find(&self, key: &'static Key) -> Option<&Setting> {
        self.table.iter().find(|setting| std::ptr::eq(setting.key, key))
    }

    /// Who set `key`.
    pub(crate) fn origin(&self, key: &'static Key) -> &Origin {
        self.find(key).map_or(&Origin::Default, |setting| &setting.origin)
    }

    fn value(&self, key: &'static Key) -> &Value {
        self.find(key).map_or(&Value::Unset, |setting| &setting.value)
    }

    pub(crate) fn text(&self, key: &'static Key) -> &str {
        if let Value::Text(text) = self.value(key) { text } else { "" }
    }

    pub(crate) fn bool(&self, key: &'static Key) -> bool {
        matches!(self.value(key), Value::Bool(true))
    }

    /// `T` is the type that the key's range was made for.
    pub(crate) fn count<T: TryFrom<u64> + Default>(&self, key: &'static Key) -> T {
        if let Value::Count(count) = self.value(key) {
            T::try_from(*count).unwrap_or_default()
        } else {
            T::default()
        }
    }

    pub(crate) fn duration(&self, key: &'static Key) -> Duration {
        if let Value::Duration(duration) = self.value(key) { *duration } else { Duration::ZERO }
    }

    pub(crate) fn address(&self, key: &'static Key) -> Option<SocketAddr> {
        if let Value::Address(address) = self.value(key) { Some(*address) } else { None }
    }

    pub(crate) fn texts(&self, key: &'static Key) -> &[String] {
        if let Value::Texts(texts) = self.value(key) { texts } else { &[] }
    }

    pub(crate) fn tags(&self, key: &'static Key) -> BTreeMap<String, String> {
        if let Value::Tags(tags) = self.value(key) { tags.clone() } else { BTreeMap::new() }
    }
}
