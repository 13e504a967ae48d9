//! Backends by key, in constant time.

use crate::backend::Backend;
use crate::key::Key;
use alloc::vec::Vec;

/// A key is a slot's number and how often the slot has been given away, so that the key of a forgotten backend never
/// finds another one.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    backend: Option<Backend>,
}

impl Slab {
    /// Makes room for so many more at once.
    pub(crate) fn reserve(&mut self, count: usize) {
        self.slots.reserve(count.saturating_sub(self.free.len()));
    }

    pub(crate) fn insert(&mut self, backend: Backend) -> Key {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, backend: None });
            u32::try_from(self.slots.len() - 1).expect("a picture has at most 65,536 backends")
        });
        let slot = &mut self.slots[index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.backend = Some(backend);
        Key(u64::from(slot.generation) << 32 | u64::from(index))
    }

    pub(crate) fn get(&self, key: Key) -> Option<&Backend> {
        self.slots.get(index(key)).filter(|slot| fits(slot, key))?.backend.as_ref()
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut Backend> {
        self.slots.get_mut(index(key)).filter(|slot| fits(slot, key))?.backend.as_mut()
    }

    pub(crate) fn remove(&mut self, key: Key) {
        if self.get(key).is_some() {
            let index = index(key);
            self.slots[index].backend = None;
            self.free.extend(u32::try_from(index));
        }
    }
}

fn index(key: Key) -> usize {
    // Beyond any slot where it does not fit, and so unknown.
    usize::try_from(key.0 & u64::from(u32::MAX)).unwrap_or(usize::MAX)
}

fn fits(slot: &Slot, key: Key) -> bool {
    u64::from(slot.generation) == key.0 >> 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Instant, StableId, Traits, checks::Checked, health::Health, outliers::Record};
    use muster_fleet::Standing;

    fn backend() -> Backend {
        Backend {
            service: "web".into(),
            node: "a".into(),
            id: StableId(1),
            picture: muster_fleet::Backend {
                addr: ([10, 0, 0, 1], 80).into(),
                weight: 10,
                standing: Standing::Ready,
            },
            traits: Traits::default(),
            zone: 0,
            standing: Standing::Ready,
            listed: true,
            appeared: true,
            health: Health::new(Instant::default()),
            checked: Checked::default(),
            record: Record::default(),
            trial: None,
            check: None,
            release: None,
            seat: None,
            in_flight: 0,
            requests: 0,
            failures: 0,
        }
    }

    #[test]
    fn a_forgotten_key_never_finds_the_next_user_of_its_slot() {
        let mut slab = Slab::default();
        let old = slab.insert(backend());
        slab.remove(old);
        slab.remove(old);
        let new = slab.insert(backend());
        assert_eq!(index(old), index(new), "the slot is used again");
        assert!(slab.get(old).is_none() && slab.get(new).is_some());
        assert_ne!(index(slab.insert(backend())), index(new), "freed once, given once");
    }

    #[test]
    fn keys_made_up_find_nothing() {
        let mut slab = Slab::default();
        slab.insert(backend());
        for key in [0, 1, u64::MAX, 1 << 32 | 9].map(Key) {
            assert!(slab.get(key).is_none() && slab.get_mut(key).is_none());
        }
    }
}
