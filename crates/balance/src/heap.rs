//! A binary heap that also knows where each of its members is, so that one can be moved or taken out in O(log n).

use alloc::vec::Vec;

/// Where a slot is that is not in the heap.
const NOWHERE: u32 = u32::MAX;

/// Slots by key, least first. A slot is a small number that the user gives out again and again: memory grows with the
/// greatest one ever in the heap.
#[derive(Debug)]
pub(crate) struct Heap<K> {
    entries: Vec<(K, u32)>,
    /// Index in `entries` by slot.
    places: Vec<u32>,
}

impl<K> Default for Heap<K> {
    fn default() -> Self {
        Self { entries: Vec::new(), places: Vec::new() }
    }
}

impl<K: Ord + Copy> Heap<K> {
    pub(crate) fn peek(&self) -> Option<(K, u32)> {
        self.entries.first().copied()
    }

    /// Adds a slot, or gives it another key.
    pub(crate) fn set(&mut self, slot: u32, key: K) {
        let place = match self.place(slot) {
            Some(place) => {
                self.entries[place].0 = key;
                place
            }
            None => {
                self.entries.push((key, slot));
                self.entries.len() - 1
            }
        };
        self.settle(place);
    }

    /// Takes a slot out. `None` when it is not there.
    pub(crate) fn remove(&mut self, slot: u32) -> Option<K> {
        let place = self.place(slot)?;
        let (key, _) = self.entries.swap_remove(place);
        self.places[slot as usize] = NOWHERE;
        if place < self.entries.len() {
            self.settle(place);
        }
        Some(key)
    }

    /// Changes all keys in a way that keeps their order.
    pub(crate) fn map_keys(&mut self, map: impl Fn(K) -> K) {
        self.entries.iter_mut().for_each(|(key, _)| *key = map(*key));
    }

    /// Its members, in no order.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> {
        self.entries.iter().map(|(_, slot)| *slot)
    }

    fn place(&self, slot: u32) -> Option<usize> {
        self.places.get(slot as usize).filter(|place| **place != NOWHERE).map(|place| *place as usize)
    }

    /// Moves the entry at `place`, whose neighbours are in order, to where it belongs.
    fn settle(&mut self, mut place: usize) {
        let moved = self.entries[place];
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.entries[parent].0 <= moved.0 {
                break;
            }
            self.put(place, self.entries[parent]);
            place = parent;
        }
        loop {
            let left = 2 * place + 1;
            let Some((left_key, _)) = self.entries.get(left) else { break };
            let right_is_less = self.entries.get(left + 1).is_some_and(|(right_key, _)| right_key < left_key);
            let child = left + usize::from(right_is_less);
            if moved.0 <= self.entries[child].0 {
                break;
            }
            self.put(place, self.entries[child]);
            place = child;
        }
        self.put(place, moved);
    }

    fn put(&mut self, place: usize, entry: (K, u32)) {
        self.entries[place] = entry;
        let slot = entry.1 as usize;
        if self.places.len() <= slot {
            self.places.resize(slot + 1, NOWHERE);
        }
        self.places[slot] = u32::try_from(place).expect("no more entries than slots, which are u32");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn the_least_is_first_whatever_came_moved_and_went(steps in proptest::collection::vec((0_u32..20, 0_u8..40), 1..300)) {
            let mut heap = Heap::default();
            let mut model = BTreeMap::new();
            for (slot, what) in steps {
                if what < 10 {
                    prop_assert_eq!(heap.remove(slot), model.remove(&slot));
                } else {
                    heap.set(slot, what);
                    model.insert(slot, what);
                }
                prop_assert_eq!(heap.peek().map(|(key, _)| key), model.values().min().copied());
                prop_assert_eq!(heap.peek().map(|(key, slot)| model[&slot] == key), model.values().min().map(|_| true));
            }
        }
    }
}
