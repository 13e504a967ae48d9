//! The balancer by HAProxy's own file, and the binary called as `haproxy`.
//!
//! `ln -s muster /usr/sbin/haproxy`, and whatever ran HAProxy runs Muster's balancer with the same file. Flags, exit codes and where
//! what is said goes to are HAProxy's. `muster proxy -f FILE` is the same with two of the flags.
//!
//! | idea | file |
//! |---|---|
//! | HAProxy's flags | [`flags`] |
//! | the files that they name | [`files`] |
//! | what is said of them | [`check`] |
//! | what in them is not done yet | [`shortfall`] |
//! | a file as our configuration, and a run by it | [`translate`], [`stats`], [`access`], [`start`] |

mod access;
pub(crate) mod check;
pub(crate) mod files;
mod flags;
mod servers_check;
mod shortfall;
mod start;
mod stats;
mod translate;

use crate::{build, out};
use flags::{Asked, Wish};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// HAProxy's code for whatever keeps it from starting, but for one.
const REFUSED: u8 = 1;
/// The file is right, and there is nothing to listen on.
const NO_LISTENER: u8 = 2;

/// What HAProxy says when it is asked for nothing.
const USAGE: &str = "\
Usage : haproxy [-f <cfgfile|cfgdir>]* [ -vcqVWD ] [ -db ] [ -n <maxconn> ]
        [ -p <pidfile> ] [ -C <dir> ] [ -sf|-st <pid>* ] [-- <cfgfile>*]
        -v displays version ; -vv says what is read
        -c check mode : only check config files and exit
        -V says that files are valid even with -q ; -q quiet mode : don't say so
        -D goes daemon ; -db stays in the foreground, whatever the file says
        -W master-worker mode : keeps the worker running
        -C changes to <dir> before loading files
        -n sets the maximum total # of connections
        -p writes the pid to this file
        -sf/-st [pid ]* finishes/terminates old pids
        -dW refuses a file of which there is a note";

/// Is this program HAProxy? Its name says so.
pub(crate) fn is_meant(program: Option<&OsString>) -> bool {
    program.and_then(|path| Path::new(path).file_name()).is_some_and(|name| name == "haproxy")
}

/// Does as HAProxy would with these words, its own name left out.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let asked = match flags::parse(words) {
        Ok(Wish::Version) => return out::answer(&version()),
        Ok(Wish::Details) => return out::answer(&format!("{}{DETAILS}", version())),
        Ok(Wish::Run(asked)) => asked,
        Err(why) => {
            say(&format!("haproxy: {why}\n{USAGE}"));
            return ExitCode::from(REFUSED);
        }
    };
    with(&asked)
}

/// `muster proxy -f FILE`, with `-c` or without.
pub(crate) fn by_files(files: Vec<PathBuf>, check: bool) -> ExitCode {
    with(&Asked { files, check, ..Asked::default() })
}

fn with(asked: &Asked) -> ExitCode {
    if let Some(directory) = &asked.directory
        && let Err(cause) = std::env::set_current_dir(directory)
    {
        say(&format!("cannot change to {}: {cause}", directory.display()));
        return ExitCode::from(REFUSED);
    }
    let file = match check::read(asked) {
        Ok(file) => file,
        Err(code) => return ExitCode::from(code),
    };
    if asked.check {
        return check::answer(asked, &file);
    }
    start::run(asked, &file)
}

/// Tools look for the second half of the line.
fn version() -> String {
    format!("Muster {}, which reads files of HAProxy version 2.6\n", build::version())
}

const DETAILS: &str = "\
Sections : global, defaults, frontend, backend, listen
Modes    : http, tcp
Balance  : roundrobin, static-rr, leastconn, random, source, uri
Whatever else a file has is refused by -c with its line, the reason and what to do.
";

/// Lines on standard error, without the name of a program before them: the file and the line come first.
fn say(text: &str) {
    use std::io::Write;
    let text = text.lines().map(crate::text::printable).collect::<Vec<_>>().join("\n");
    // Nobody can be told when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}
