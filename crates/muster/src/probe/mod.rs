//! `muster probe`: one question to a program. PID 1 starts it for `ready` and `alive` and reads the exit code; a Dockerfile's
//! HEALTHCHECK can, too.

mod file;
mod http;
mod log;
mod tcp;

use crate::cli::{ProbeArgs, Question};
use crate::{exit, out};
use std::process::ExitCode;

pub(crate) fn run(args: ProbeArgs) -> ExitCode {
    let answer = match args.question {
        Question::Tcp { address, patience } => tcp::ask(address, patience.timeout).map(drop),
        Question::Http { url, patience } => http::ask(&url, patience.timeout),
        Question::File { path, patience, no_timeout } => {
            file::wait(&path, Some(patience.timeout).filter(|_| !no_timeout))
        }
        Question::Log { pattern } => log::watch(&pattern),
    };
    match answer {
        Ok(()) => exit::CLEAN,
        Err(why) => out::fail(&why),
    }
}
