//! Programs that scripts call by name. Each is what its original is to a script: same flags, same output, same exit codes.
//!
//! They report wrong usage with 100 and failed system calls with 111, as all of s6 does.

mod contenv;
mod fix_attrs;
mod halt;
mod setuidgid;
mod svc;
mod svstat;
mod svwait;

use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// An applet: its arguments without its name; its exit code.
pub type Applet = fn(&[OsString]) -> u8;

/// All of them, by the name they are called by.
pub const ALL: [(&str, Applet); 8] = [
    ("with-contenv", contenv::with_contenv),
    ("printcontenv", contenv::printcontenv),
    ("s6-svc", svc::run),
    ("s6-svstat", svstat::run),
    ("s6-svwait", svwait::run),
    ("s6-setuidgid", setuidgid::run),
    ("s6-svscanctl", halt::svscanctl),
    ("halt", halt::run),
];

/// What PID 1 itself calls, and nobody else by name: `muster NAME WORDS...`.
pub const INTERNAL: [(&str, Applet); 1] = [(FIX_ATTRS, fix_attrs::run)];

/// See [`INTERNAL`].
pub(crate) const FIX_ATTRS: &str = "fix-attrs";

/// The applet that a program called so is.
pub fn by_name(program: &OsStr) -> Option<Applet> {
    let name = Path::new(program).file_name()?;
    ALL.iter().find(|(known, _)| name == *known).map(|(_, applet)| *applet)
}

/// Exit code for wrong usage.
const WRONG_USAGE: u8 = 100;
/// Exit code for a system call that failed.
const SYSTEM_FAILED: u8 = 111;

/// Says what is wrong, as `NAME: TEXT` on standard error, and returns the code.
#[expect(clippy::print_stderr, reason = "these are command-line programs")]
fn fail(name: &str, text: impl std::fmt::Display, code: u8) -> u8 {
    eprintln!("{name}: {text}");
    code
}

/// Becomes another program. Returns only if that fails: with 127 if it is not there, else 126.
fn become_program(name: &str, words: &[OsString]) -> u8 {
    let Some((program, arguments)) = words.split_first() else {
        return fail(name, "no program to run was given", WRONG_USAGE);
    };
    let error = Command::new(program).args(arguments).exec();
    let code = if error.kind() == std::io::ErrorKind::NotFound { 127 } else { 126 };
    fail(name, crate::explain::explain(program, None, &error), code)
}
