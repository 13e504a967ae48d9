//! One section of a family, as whoever makes something of it reads it.

use super::key::Key;
use super::origin::Origin;
use super::settings::Setting;
use super::value::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// `[FAMILY.NAME]`. The getters give an empty value when the key is unset or of another kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Named<'a> {
    /// NAME.
    pub(crate) name: &'a str,
    settings: &'a [Setting],
}

impl<'a> Named<'a> {
    pub(super) fn new((name, settings): (&'a str, &'a [Setting])) -> Self {
        Self { name, settings }
    }

    fn find(&self, key: &'static Key) -> Option<&'a Setting> {
        self.settings.iter().find(|setting| std::ptr::eq(setting.key, key))
    }

    fn value(&self, key: &'static Key) -> &'a Value {
        self.find(key).map_or(&Value::Unset, |setting| &setting.value)
    }

    /// Who set `key`; without anybody, who named the section at all.
    pub(crate) fn origin(&self, key: &'static Key) -> &'a Origin {
        let said = |setting: &&Setting| setting.origin != Origin::Default;
        let own = self.find(key).filter(said).or_else(|| self.settings.iter().find(said));
        own.map_or(&Origin::Default, |setting| &setting.origin)
    }

    /// Who set `key`, and nobody else.
    pub(crate) fn own_origin(&self, key: &'static Key) -> &'a Origin {
        self.find(key).map_or(&Origin::Default, |setting| &setting.origin)
    }

    /// `None`: nobody set it.
    pub(crate) fn text(&self, key: &'static Key) -> Option<&'a str> {
        if let Value::Text(text) = self.value(key) { Some(text) } else { None }
    }

    pub(crate) fn bool(&self, key: &'static Key) -> bool {
        matches!(self.value(key), Value::Bool(true))
    }

    /// `None`: nobody set it. `T` is the type that the key's range was made for.
    pub(crate) fn count<T: TryFrom<u64>>(&self, key: &'static Key) -> Option<T> {
        if let Value::Count(count) = self.value(key) { T::try_from(*count).ok() } else { None }
    }

    /// `None`: nobody set it, and it has no default.
    pub(crate) fn duration(&self, key: &'static Key) -> Option<Duration> {
        if let Value::Duration(duration) = self.value(key) { Some(*duration) } else { None }
    }

    pub(crate) fn texts(&self, key: &'static Key) -> &'a [String] {
        if let Value::Texts(texts) = self.value(key) { texts } else { &[] }
    }

    /// By name.
    pub(crate) fn tags(&self, key: &'static Key) -> BTreeMap<String, String> {
        if let Value::Tags(tags) = self.value(key) { tags.clone() } else { BTreeMap::new() }
    }
}
