//! Values found by their names, for a few bytes each beyond the value itself.
//!
//! A value keeps its [`Slot`] for as long as it is here, so that whatever else is known of it, rarely and elsewhere, is
//! filed under four bytes instead of the name. The index from names to slots is a hash table. Its order is nobody's to
//! see, so runs are repeatable; its key is drawn from the seed, so that peers, who choose names, cannot choose names that
//! collide.

use alloc::vec::Vec;
use core::fmt::{self, Debug};
use core::slice;
use fastrand::Rng;
use hashbrown::HashTable;
use siphasher::sip::SipHasher13;

/// Separates the key from all else that is drawn from the same seed.
const KEY_STREAM: u64 = 0x6e61_6d65_735f_6b79;
/// A full list of values grows by one part in so many: doubling would leave a quarter of it unused on average.
const GROWTH: usize = 8;
/// A list shorter than this doubles: what that wastes is little, and growing often takes time.
const SMALL: usize = 1024;

/// Something that has a name.
pub trait Named {
    /// It. Never changes.
    fn name(&self) -> &str;
}

/// Where a value is, as long as it is there. A later one may get the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Slot(u32);

impl Slot {
    /// Where the first value is that was ever added.
    pub const FIRST: Self = Self(0);

    fn index(self) -> usize {
        self.0 as usize
    }
}

/// Values with distinct names; at most 2^32.
pub struct ByName<T> {
    slots: Vec<Option<T>>,
    /// Slots that are empty.
    free: Vec<Slot>,
    index: HashTable<Slot>,
    hasher: SipHasher13,
}

impl<T: Named> ByName<T> {
    /// Empty; what `seed` is decides which names would collide, and nothing else.
    pub fn new(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ KEY_STREAM);
        let hasher = SipHasher13::new_with_keys(rng.u64(..), rng.u64(..));
        Self { slots: Vec::new(), free: Vec::new(), index: HashTable::new(), hasher }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Everything, in the order of slots: that of arrival, except that gaps are filled first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        Iter { slots: self.slots.iter(), left: self.len() }
    }

    /// Where the value of that name is.
    pub fn find(&self, name: &str) -> Option<Slot> {
        let Self { slots, index, hasher, .. } = self;
        let is_named =
            |slot: &Slot| matches!(slots.get(slot.index()), Some(Some(value)) if value.name() == name);
        index.find(hasher.hash(name.as_bytes()), is_named).copied()
    }

    /// Where the value of that name is, when many are looked for in an order that may be ours: first where `turn` says,
    /// which is then moved behind it. Who learnt of the members from one of them keeps them in the same order.
    pub fn find_in_turn(&self, name: &str, turn: &mut Slot) -> Option<Slot> {
        let is_next = self.at(*turn).is_some_and(|value| value.name() == name);
        let slot = if is_next { *turn } else { self.find(name)? };
        *turn = Slot(slot.0.saturating_add(1));
        Some(slot)
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&T> {
        self.at(self.find(name)?)
    }

    /// The value there.
    pub fn at(&self, slot: Slot) -> Option<&T> {
        self.slots.get(slot.index())?.as_ref()
    }

    /// The value there, to be changed in all but its name.
    pub fn at_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.slots.get_mut(slot.index())?.as_mut()
    }

    /// Makes room for so many more.
    pub fn reserve(&mut self, more: usize) {
        let Self { slots, index, hasher, .. } = self;
        slots.reserve_exact(more);
        index.reserve(more, |slot| hash_at(slots, hasher, *slot));
    }

    /// Adds a value whose name is not here yet.
    pub fn insert(&mut self, value: T) -> Slot {
        debug_assert!(self.find(value.name()).is_none(), "a name is inserted once");
        let hash = self.hasher.hash(value.name().as_bytes());
        let slot = match self.free.pop() {
            Some(slot) => {
                self.slots[slot.index()] = Some(value);
                slot
            }
            None => self.append(value),
        };
        let Self { slots, index, hasher, .. } = self;
        index.insert_unique(hash, slot, |slot| hash_at(slots, hasher, *slot));
        slot
    }

    fn append(&mut self, value: T) -> Slot {
        let last = self.slots.len();
        push_tight(&mut self.slots, Some(value));
        Slot(u32::try_from(last).expect("memory ends before slots do"))
    }

    /// Takes a value out.
    pub fn remove(&mut self, slot: Slot) -> Option<T> {
        let value = self.slots.get_mut(slot.index())?.take()?;
        let hash = self.hasher.hash(value.name().as_bytes());
        if let Ok(entry) = self.index.find_entry(hash, |other| *other == slot) {
            entry.remove();
        }
        self.free.push(slot);
        Some(value)
    }
}

fn hash_at<T: Named>(slots: &[Option<T>], hasher: &SipHasher13, slot: Slot) -> u64 {
    let value = slots.get(slot.index()).and_then(Option::as_ref);
    value.map_or(0, |value| hasher.hash(value.name().as_bytes()))
}

/// Appends to a list that grows with the number of members.
pub(crate) fn push_tight<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        let more = if list.len() < SMALL { list.len() } else { list.len() / GROWTH };
        list.reserve_exact(more.max(4));
    }
    list.push(value);
}

struct Iter<'a, T> {
    slots: slice::Iter<'a, Option<T>>,
    left: usize,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    fn next(&mut self) -> Option<&'a T> {
        let value = self.slots.find_map(Option::as_ref)?;
        self.left -= 1;
        Some(value)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for Iter<'_, T> {}

impl<T: Debug> Debug for ByName<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.slots.iter().flatten()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    impl Named for (String, u64) {
        fn name(&self) -> &str {
            &self.0
        }
    }

    #[test]
    fn it_agrees_with_a_map_whatever_comes_and_goes() {
        for seed in 0..20 {
            let (mut rng, mut model) = (Rng::with_seed(seed), BTreeMap::new());
            let mut values = ByName::<(String, u64)>::new(seed);
            for step in 0..2000 {
                let name = rng.usize(0..200).to_string();
                match values.find(&name) {
                    Some(slot) if rng.bool() => {
                        assert_eq!(values.remove(slot).map(|value| value.1), model.remove(&name));
                    }
                    Some(slot) => {
                        values.at_mut(slot).unwrap().1 = step;
                        model.insert(name, step);
                    }
                    None => {
                        assert!(!model.contains_key(&name));
                        values.insert((name.clone(), step));
                        model.insert(name, step);
                    }
                }
                assert_eq!(values.len(), model.len());
            }
            assert!(model.iter().all(|(name, step)| values.get(name).is_some_and(|value| value.1 == *step)));
            assert_eq!(values.iter().len(), model.len());
            assert_eq!(values.iter().cloned().collect::<BTreeMap<_, _>>(), model);
        }
    }

    #[test]
    fn a_value_stays_in_its_slot_and_a_gap_is_filled_first() {
        let mut values = ByName::new(1);
        let slots: Vec<_> = (0..100).map(|at: u64| values.insert((at.to_string(), at))).collect();
        values.remove(slots[40]);
        assert!(values.at(slots[40]).is_none());
        assert_eq!(values.insert(("new".into(), 0)), slots[40]);
        assert!((0..100).filter(|at| *at != 40).all(|at| values.find(&at.to_string()) == Some(slots[at])));
    }

    #[test]
    fn in_turn_or_not_the_same_is_found() {
        let mut values = ByName::new(1);
        let slots: Vec<_> = (0..100).map(|at: u64| values.insert((at.to_string(), at))).collect();
        values.remove(slots[40]);
        let mut turn = Slot::FIRST;
        for at in (0..100).chain([3, 4, 99, 0, 40, 41]) {
            let name = at.to_string();
            assert_eq!(values.find_in_turn(&name, &mut turn), values.find(&name));
        }
    }

    /// The index is the same for the same seed, and which names share a place in it is another matter for each.
    #[test]
    fn the_key_of_the_index_comes_from_the_seed() {
        let hash = |seed| ByName::<(String, u64)>::new(seed).hasher.hash(b"web-1");
        assert_eq!(hash(1), hash(1));
        assert_ne!(hash(1), hash(2));
    }
}
