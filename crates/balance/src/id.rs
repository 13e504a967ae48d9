//! Names of backends that mean the same to every balancer.
//!
//! Made of the service, the node and a secret with SipHash, and of nothing that happened: balancers that never heard of each
//! other make the same ones if they have the same secret. Without the secret nobody can choose a node's name such that its
//! id is near a wanted one.

use core::hash::Hasher as _;
use siphasher::sip::SipHasher13;

/// Names a backend to all balancers with the same secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StableId(pub u64);

impl StableId {
    pub(crate) fn new(secret: [u8; 16], service: &str, node: &str) -> Self {
        let mut hasher = SipHasher13::new_with_key(&secret);
        hasher.write(&(service.len() as u64).to_le_bytes());
        hasher.write(service.as_bytes());
        hasher.write(node.as_bytes());
        Self(hasher.finish())
    }
}

/// A well-mixed function of two numbers (the finalizer of SplitMix64; Steele, Lea and Flood, 2014).
pub(crate) fn mix(number: u64, index: u64) -> u64 {
    let mut mixed = number.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_for_all_releases_and_differs_by_all_that_goes_in() {
        let id = |secret: u8, service, node| StableId::new([secret; 16], service, node).0;
        assert_eq!(id(1, "web", "a"), 4_350_391_259_823_069_867);
        let all =
            [id(1, "web", "a"), id(2, "web", "a"), id(1, "we", "ba"), id(1, "api", "a"), id(1, "web", "b")];
        for (n, one) in all.iter().enumerate() {
            assert!(!all[..n].contains(one), "{n}");
        }
    }
}
