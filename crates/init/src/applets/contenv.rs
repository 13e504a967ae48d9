//! `with-contenv PROGRAM...`: runs a program with the container's environment, as start scripts left it. Usable as
//! `#!/usr/bin/with-contenv bash`. `printcontenv NAME` prints one variable of it.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;

use super::{SYSTEM_FAILED, WRONG_USAGE, become_program, fail};
use crate::environment;

pub(super) fn with_contenv(words: &[OsString]) -> u8 {
    let folder = environment::folder();
    let variables = match environment::read(&folder) {
        Ok(variables) => variables,
        // Where nobody wrote one (another init, a read-only /run), what we were given is the container's environment.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            return fail("with-contenv", format_args!("{}: {error}", folder.display()), SYSTEM_FAILED);
        }
    };
    become_with(words, variables)
}

#[expect(
    unsafe_code,
    reason = "the standard library's name for changing the environment; see its argument below"
)]
fn become_with(words: &[OsString], variables: Vec<environment::Variable>) -> u8 {
    for (name, value) in variables {
        // SAFETY: this program has one thread, so nobody reads the environment meanwhile.
        unsafe {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    }
    become_program("with-contenv", words)
}

pub(super) fn printcontenv(words: &[OsString]) -> u8 {
    let [name] = words else {
        return fail("printcontenv", "usage: printcontenv NAME", WRONG_USAGE);
    };
    let variables = environment::read(&environment::folder()).unwrap_or_default();
    match variables.iter().find(|(known, _)| known == name) {
        Some((_, Some(value))) => match std::io::stdout().write_all(&[value.as_bytes(), b"\n"].concat()) {
            Ok(()) => 0,
            Err(_) => SYSTEM_FAILED,
        },
        _ => 1,
    }
}
