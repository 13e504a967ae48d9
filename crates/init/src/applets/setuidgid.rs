//! `s6-setuidgid ACCOUNT PROGRAM...`: runs a program as somebody else.

use std::ffi::OsString;
use std::path::Path;

use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};

use super::{SYSTEM_FAILED, WRONG_USAGE, become_program, fail};
use crate::accounts;

const NAME: &str = "s6-setuidgid";

pub(super) fn run(words: &[OsString]) -> u8 {
    let words = match words.first() {
        Some(first) if first == "--" => &words[1..],
        _ => words,
    };
    let Some((account, program)) = words.split_first().filter(|(_, program)| !program.is_empty()) else {
        return fail(
            NAME,
            "usage: s6-setuidgid ACCOUNT PROGRAM... (ACCOUNT: a user, or USER:GROUP; names or numbers)",
            WRONG_USAGE,
        );
    };
    let account = match accounts::find(&account.to_string_lossy(), Path::new("/etc")) {
        Ok(account) => account,
        Err(error) => return fail(NAME, error, 1),
    };
    // Groups first: a user who is not root may not change them any more.
    let groups: Vec<Gid> = account.groups.iter().map(|gid| Gid::from_raw(*gid)).collect();
    let changed = setgroups(&groups)
        .and_then(|()| setgid(Gid::from_raw(account.gid)))
        .and_then(|()| setuid(Uid::from_raw(account.uid)));
    match changed {
        Ok(()) => become_program(NAME, program),
        Err(error) => fail(NAME, format_args!("cannot become {account:?}: {error}"), SYSTEM_FAILED),
    }
}
