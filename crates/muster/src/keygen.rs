//! `muster keygen`: a key that encrypts gossip.

use crate::cli::{Format, KeygenArgs};
use crate::{json, out};
use muster_wire::crypt::Key;
use rustix::rand::{GetRandomFlags, getrandom};
use serde_json::json;
use std::io;
use std::process::ExitCode;

pub(crate) fn run(args: KeygenArgs) -> ExitCode {
    match random_key() {
        Ok(key) => out::answer(&match args.format {
            Format::Text => format!("{}\n", *key.to_base64()),
            Format::Json => json::pretty(&json!({ "key": *key.to_base64() })) + "\n",
        }),
        Err(error) => out::fail(&format_args!("the system gave no randomness: {error}")),
    }
}

/// For AES-256. Too few bytes would make no key: getrandom(2) gives up to 256 whole or not at all.
pub(crate) fn random_key() -> io::Result<Key> {
    let mut bytes = [0; 32];
    let given = getrandom(&mut bytes, GetRandomFlags::empty())?;
    Key::from_bytes(&bytes[..given]).map_err(io::Error::other)
}
