//! House rules that no compiler knows, as a command: `cargo xtask rules`. And `cargo xtask mutants`, which sees to it that
//! the simulator notices when the cores are wrong.
//!
//! Each rule is a file in `rules/`: it looks at the tree and returns what it found wrong, in words a contributor can act
//! on. A rule that cannot fail is no rule: `tests` at the end of each file break it once.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

mod mutants;
mod rules;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = std::env::args().nth(1);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask/ lies in the repository");
    match command.as_deref() {
        Some("rules") => check_rules(root),
        Some("mutants") => match mutants::run(root) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        },
        _ => {
            eprintln!(
                "usage: cargo xtask rules      check the house rules of ARCHITECTURE.md and CONTRIBUTING.md"
            );
            eprintln!(
                "       cargo xtask mutants    break the cores, and see the simulator find it (minutes)"
            );
            ExitCode::from(2)
        }
    }
}

fn check_rules(root: &Path) -> ExitCode {
    let findings = rules::check(root);
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("house rules: all held");
        ExitCode::SUCCESS
    } else {
        eprintln!("house rules: {} broken", findings.len());
        ExitCode::FAILURE
    }
}
