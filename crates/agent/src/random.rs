//! Randomness that nobody can guess, straight from the system.

use rustix::rand::{GetRandomFlags, getrandom};
use std::io;

/// Up to 256 bytes, which the system gives whole or not at all (getrandom(2)).
pub(crate) fn fill<const N: usize>(bytes: &mut [u8; N]) -> io::Result<()> {
    const { assert!(N <= 256, "more may come in parts") };
    match getrandom(&mut *bytes, GetRandomFlags::empty())? {
        given if given == N => Ok(()),
        _ => Err(io::Error::other("the system gave too little randomness")),
    }
}

/// For the cores: the keys of their indexes come from it, so that no peer may work it out from what else we drew.
pub(crate) fn seed() -> io::Result<u64> {
    let mut bytes = [0; 8];
    fill(&mut bytes).map(|()| u64::from_ne_bytes(bytes))
}
