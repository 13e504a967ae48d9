//! `make proof`: the figures of the first journey, each measured on whole processes.
//!
//! Every part writes `bench/results/PART.json` with the raw figures and the machine; a part whose file already tells of the
//! same binary is not measured again, so that a broken-off run goes on where it stopped (`--again` measures anew;
//! `--sizes=3,10` tries clusters of these sizes only and keeps nothing).
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool")]

mod abuse;
mod agents;
mod changes;
mod cluster;
mod conformance;
mod dataplane;
mod ears;
mod events;
mod faults;
mod hung;
mod idle;
mod join;
mod kill;
mod ladder;
mod leave;
mod machine;
mod membership;
mod meter;
mod orders;
mod pid1;
mod quiet;
mod render;
mod results;
mod rival;
mod rpc;
mod setup;
mod sightings;
mod silent;
mod usage;

use std::process::ExitCode;

const PARTS: &[&str] = &[
    "join",
    "kill",
    "leave",
    "agents",
    "orders",
    "silent",
    "quiet",
    "idle",
    "membership",
    "events",
    "faults",
    "pid1",
    "render",
    "changes",
    "ladder",
    "dataplane",
    "conformance",
    "abuse",
];

#[tokio::main]
async fn main() -> ExitCode {
    let (flags, mut wanted): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let again = flags.iter().any(|flag| flag == "--again");
    let sizes = flags.iter().find_map(|flag| flag.strip_prefix("--sizes=")).map(numbers);
    if wanted == ["all"] {
        wanted = PARTS.iter().map(ToString::to_string).collect();
    }
    if wanted.is_empty() || wanted.iter().any(|part| !PARTS.contains(&part.as_str())) {
        eprintln!(
            "usage: cargo run --release --package muster-bench -- [--again] [--sizes=N,N] all | {}",
            PARTS.join(" | ")
        );
        return ExitCode::from(2);
    }
    for part in wanted {
        // A part of the measurement is a trial, and not kept.
        if let Some(sizes) = &sizes {
            match part.as_str() {
                "idle" => drop(idle::measure(sizes).await),
                "membership" => membership::trial(sizes).await,
                "events" => drop(events::measure(None, Some(sizes)).await),
                _ => eprintln!("{part} has no sizes"),
            }
            continue;
        }
        if !again && results::is_current(&part) {
            println!("{part}: measured before with this binary, kept ({})", results::path(&part).display());
            continue;
        }
        println!("== {part}");
        let figures = match part.as_str() {
            "join" => join::measure().await,
            "kill" => kill::measure().await,
            "leave" => leave::measure().await,
            "agents" => agents::measure().await,
            "orders" => orders::measure().await,
            "silent" => silent::measure().await,
            "pid1" => pid1::measure().await,
            "idle" => idle::measure(idle::SIZES).await,
            "membership" => membership::measure(results::unfinished("membership").filter(|_| !again)).await,
            "events" => events::measure(results::unfinished("events").filter(|_| !again), None).await,
            "ladder" => ladder::measure().await,
            "render" => render::measure(),
            "changes" => changes::measure().await,
            "dataplane" => dataplane::measure().await,
            "abuse" => abuse::measure().await,
            "conformance" => conformance::measure().await,
            "faults" => faults::measure(results::unfinished("faults").filter(|_| !again)),
            _ => quiet::measure().await,
        };
        if let Err(error) = results::keep(&part, &figures) {
            eprintln!("{}: {error}", results::path(&part).display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn numbers(list: &str) -> Vec<usize> {
    list.split(',').filter_map(|number| number.parse().ok()).collect()
}
