//! `muster rtt`.

use crate::cli::{Format, RttArgs};
use crate::json;
use crate::text::printable;
use muster_control::client::Client;
use muster_control::routes::{Rtt, RttQuery};
use std::process::ExitCode;

pub(crate) fn run(args: RttArgs) -> ExitCode {
    let path = RttQuery { from: args.from, to: args.to }.to_path();
    let question = async |client: &Client| client.get::<Rtt>(&path).await;
    super::ask(args.configured, "estimate the round-trip time", question, |rtt| match args.format {
        // Serf's words.
        Format::Text => {
            let (from, to) = (printable(&rtt.from), printable(&rtt.to));
            format!("Estimated {from} <-> {to} rtt: {:.3} ms\n", rtt.rtt_ms)
        }
        Format::Json => json::pretty(rtt) + "\n",
    })
}
