//! Figures that real machines cannot give here: clusters of thousands, and faults nobody can order. They come from the
//! simulator, which drives the real cores; each part draws its curves (`bench/results/*.svg`) beside its raw figures.
//!
//! `cargo run --release --package muster-curves -- all`, or parts by name. A part whose figures are there is not computed
//! again (`--again` does): the whole takes an hour or two of one core. Stock rules are the reference's, played by our cores.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]
#![expect(clippy::cast_precision_loss, reason = "figures are drawn, not counted on")]

mod chart;
mod cluster;
mod convergence;
mod large;
mod lifeguard;
mod measured;
mod picture;
mod rapid;
mod restart;
mod results;
mod views;

use serde_json::Value;
use std::process::ExitCode;

/// Each with how it is computed.
type Part = (&'static str, fn() -> Value);
const PARTS: [Part; 11] = [
    ("restart", restart::muster),
    ("rapid-crashes", rapid::crashes),
    ("rapid-one-way", rapid::one_way),
    ("rapid-loss", rapid::loss),
    ("rapid-bootstrap", rapid::bootstrap),
    ("convergence", convergence::muster),
    ("convergence-stock", convergence::stock),
    ("lifeguard", lifeguard::compute),
    ("large", large::compute),
    ("restart-stock", restart::stock),
    ("restart-half", restart::half),
];

fn main() -> ExitCode {
    let (flags, wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let again = flags.iter().any(|flag| flag == "--again");
    let is_wanted = |name: &str| wanted.iter().any(|part| part == name || part == "all");
    let known = |part: &String| part == "all" || PARTS.iter().any(|(name, _)| name == part);
    if wanted.is_empty() || !wanted.iter().all(known) {
        let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
        eprintln!(
            "usage: cargo run --release --package muster-curves -- [--again] all | {}",
            names.join(" | ")
        );
        return ExitCode::from(2);
    }
    for (name, compute) in PARTS.iter().filter(|(name, _)| is_wanted(name)) {
        let path = results::path(name, "json");
        if !again && path.exists() {
            println!("{name}: computed before ({}); --again computes it anew", path.display());
            continue;
        }
        println!("== {name}");
        if let Err(error) = results::keep(name, &compute()) {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    restart::picture();
    convergence::picture();
    ExitCode::SUCCESS
}
