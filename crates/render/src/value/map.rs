//! Names with values, in the order in which they came.

use super::{Text, Value};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// From how many entries on a map has an index: most hold five, the backends of a service are thousands.
const INDEXED_FROM: usize = 12;

/// A map that keeps its order. A name that comes again keeps its place and takes the new value.
#[derive(Clone, Debug, Default)]
pub struct Map {
    entries: Vec<(Text, Value)>,
    index: BTreeMap<Text, usize>,
    /// What every other name means. Nothing: it is unknown.
    others: Option<Value>,
}

impl Map {
    /// Few entries whose names all differ.
    pub(super) fn of_distinct(entries: impl ExactSizeIterator<Item = (Text, Value)>) -> Self {
        if entries.len() >= INDEXED_FROM {
            return entries.collect();
        }
        Self { entries: entries.collect(), ..Self::default() }
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.place(name).map(|place| &self.entries[place].1)
    }

    /// The same, where every other name means `value`, although it is not in it: names that somebody else gives.
    pub(crate) fn open(self, value: Value) -> Self {
        Self { others: Some(value), ..self }
    }

    /// What `name` means.
    pub(super) fn meaning(&self, name: &str) -> Option<&Value> {
        self.get(name).or(self.others.as_ref())
    }

    /// Adds or replaces.
    pub fn insert(&mut self, name: impl Into<Text>, value: Value) {
        let name = name.into();
        if let Some(place) = self.place(&name) {
            self.entries[place].1 = value;
            return;
        }
        self.entries.push((name.clone(), value));
        if self.entries.len() == INDEXED_FROM {
            self.index = self.entries.iter().zip(0..).map(|((name, _), at)| (name.clone(), at)).collect();
        } else if self.entries.len() > INDEXED_FROM {
            self.index.insert(name, self.entries.len() - 1);
        }
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Text, &Value)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entries as JavaScript goes through them: names that are numbers first, by size, then the others in order.
    pub(crate) fn in_javascript_order(&self) -> Vec<(&Text, &Value)> {
        let mut entries: Vec<_> = self.iter().collect();
        if entries.iter().any(|(name, _)| as_index(name).is_some()) {
            entries.sort_by_key(|(name, _)| as_index(name).map_or((1, 0), |index| (0, index)));
        }
        entries
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.entries.len() < INDEXED_FROM {
            self.entries.iter().position(|(known, _)| &**known == name)
        } else {
            self.index.get(name).copied()
        }
    }
}

/// `name` as JavaScript's array index: digits without a leading zero.
fn as_index(name: &str) -> Option<u32> {
    let plain = name.bytes().all(|byte| byte.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    plain.then(|| name.parse().ok()).flatten()
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut map = Self { entries: Vec::with_capacity(entries.size_hint().0), ..Self::default() };
        for (name, value) in entries {
            map.insert(name, value);
        }
        map
    }
}
