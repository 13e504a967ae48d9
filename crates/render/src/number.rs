//! A number for each name, which follows from the name alone: for readers that place servers by a number, as HAProxy's `hash-type consistent` does by
//! `id`. Where servers come and go, every reader has the same, whatever was there before.

use alloc::collections::{BTreeMap, BTreeSet};

/// Numbers are from 1 to this: HAProxy takes more, but makes nothing of the bits above (2.6 and 3.0, `lb_chash.c`: 4,096 points for each
/// number, in 32 bits).
const NUMBER_MAX: u32 = (1 << 20) - 1;

/// Each name with its number, no two of which are the same. Of names whose number would be the same (some fifty of ten thousand) the
/// later one in the alphabet has the next that is free, so that its own may change when the other one goes.
pub(crate) fn numbers<'n>(names: impl Iterator<Item = &'n str>) -> BTreeMap<&'n str, u32> {
    let sorted: BTreeSet<&str> = names.collect();
    let (mut taken, mut numbers) = (BTreeSet::new(), BTreeMap::new());
    // So many that one is always free.
    for name in sorted.into_iter().take(NUMBER_MAX as usize) {
        let mut number = number(name);
        while !taken.insert(number) {
            number = number % NUMBER_MAX + 1;
        }
        numbers.insert(name, number);
    }
    numbers
}

/// FNV-1a in 32 bits, folded to what counts.
fn number(name: &str) -> u32 {
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    (hash ^ (hash >> 20)) % NUMBER_MAX + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use alloc::vec::Vec;

    #[test]
    fn a_number_follows_from_the_name_and_is_its_alone() {
        let names: Vec<String> = (0..10_000).map(|nth| alloc::format!("s{nth}")).collect();
        let all = numbers(names.iter().map(String::as_str));
        let own: BTreeSet<u32> = all.values().copied().collect();
        assert_eq!((all.len(), own.len()), (10_000, 10_000));
        assert!(own.iter().all(|number| (1..=NUMBER_MAX).contains(number)));
        let half = numbers(names.iter().skip(5_000).map(String::as_str));
        let moved = half.iter().filter(|(name, number)| all[**name] != **number).count();
        assert!(moved < 60, "{moved} have another number when the others are gone");
        // They are in files of people: they never change.
        assert_eq!(
            numbers(["s1", "s2", ""].into_iter()),
            BTreeMap::from([("", 826_854), ("s1", 112_850), ("s2", 111_771)])
        );
    }
}
