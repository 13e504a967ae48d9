//! Drawn at random by weight, in O(log n).

use alloc::vec;
use alloc::vec::Vec;

/// A binary tree of sums over the shares by slot, the root at 1, the children of `i` at `2i` and `2i + 1`.
#[derive(Debug, Default)]
pub(crate) struct Drawn {
    sums: Vec<u64>,
}

impl Drawn {
    /// Gives a slot its share; 0 takes it out.
    pub(crate) fn set(&mut self, slot: u32, share: u32) {
        let slot = slot as usize;
        if slot >= self.sums.len() / 2 {
            self.grow(slot + 1);
        }
        let mut place = self.sums.len() / 2 + slot;
        let before = self.sums[place];
        while place > 0 {
            self.sums[place] = self.sums[place] - before + u64::from(share);
            place /= 2;
        }
    }

    fn grow(&mut self, slots: usize) {
        let leaves = &self.sums[self.sums.len() / 2..];
        let width = slots.next_power_of_two();
        let mut sums = vec![0; 2 * width];
        sums[width..width + leaves.len()].copy_from_slice(leaves);
        for place in (1..width).rev() {
            sums[place] = sums[2 * place] + sums[2 * place + 1];
        }
        self.sums = sums;
    }

    pub(crate) fn next(&self, rng: &mut fastrand::Rng) -> Option<u32> {
        let sum = *self.sums.get(1).filter(|sum| **sum > 0)?;
        let mut lot = rng.u64(..sum);
        let mut place = 1;
        while place < self.sums.len() / 2 {
            place *= 2;
            if lot >= self.sums[place] {
                lot -= self.sums[place];
                place += 1;
            }
        }
        u32::try_from(place - self.sums.len() / 2).ok()
    }
}
