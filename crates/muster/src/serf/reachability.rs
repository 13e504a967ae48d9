//! `serf reachability`: every member that is alive is asked for an acknowledgement.

use super::flags::{Flag, Takes, flag};
use super::query::{Answer, ask};
use super::ui::{Code, DONE, FAILED};
use super::{Asked, RPC_ADDR, RPC_AUTH, interrupt, members};
use muster_rpc::{Query, Request};
use std::collections::BTreeSet;
use std::time::Instant;

pub(super) const FLAGS: &[Flag] = &[flag("verbose", Takes::Switch), RPC_ADDR, RPC_AUTH];

/// Answered by each node itself; its acknowledgement is all there is.
const PING: &str = "_serf_ping";

const DUPLICATES: &str =
    "Duplicate responses means there is a misconfiguration. Verify that node names are unique.";
const TOO_MANY: &str =
    "This could mean Serf is detecting false-failures due to a misconfiguration or network issue.";
const TOO_FEW: &str =
    "This could mean Serf gossip packets are being lost due to a misconfiguration or network issue.";
const TIPS: &str = "
Troubleshooting tips:
* Ensure that the bind addr:port is accessible by all other nodes
* If an advertise address is set, ensure it routes to the bind address
* Check that no nodes are behind a NAT
* If nodes are behind firewalls or iptables, check that Serf traffic is permitted (UDP and TCP)
* Verify networking equipment is functional";

pub(super) fn run(asked: &Asked) -> Code {
    let (ui, verbose) = (asked.ui, asked.words.switch("verbose", false));
    interrupt::on_int(ui, "Test interrupted", FAILED);
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    let rows = match client.ask_for(&Request::Members, members::take) {
        Ok(rows) => rows,
        Err(refused) => return asked.fail("Error getting members", &refused.why),
    };
    let total = rows.len();
    let live: BTreeSet<String> =
        rows.into_iter().filter(|row| row.status == "alive").map(|row| row.name).collect();
    ui.line(format!("Total members: {total}, live members: {}", live.len()));

    let query = Query {
        filter_nodes: Vec::new(),
        filter_tags: Vec::new(),
        request_ack: true,
        relay_factor: 0,
        timeout_ns: 0,
        name: PING,
        payload: &[],
    };
    let (mut acks, mut from, mut twice) = (0_usize, BTreeSet::new(), false);
    let began = Instant::now();
    let mut last = began;
    let asking = ask(&mut client, query, |answer| match answer {
        None => ui.line("Starting reachability test..."),
        Some(Answer::Ack(node)) => {
            if verbose {
                ui.line(format!("\tAck from '{node}'"));
            }
            acks += 1;
            if from.contains(&node) {
                twice = true;
                ui.line(format!("Duplicate response from '{node}'"));
            }
            from.insert(node);
            last = Instant::now();
        }
        Some(Answer::Response { .. }) => {}
    });
    if let Err(why) = asking {
        return asked.fail("Error sending query", &why);
    }
    if verbose {
        let (all, until_last) = (began.elapsed().as_secs_f64(), (last - began).as_secs_f64());
        ui.line(format!("Query time: {all:.2} sec, time to last response: {until_last:.2} sec"));
    }
    if twice {
        ui.line(DUPLICATES);
    }
    if acks == live.len() {
        ui.line("Successfully contacted all live nodes");
        return if twice { FAILED } else { DONE };
    }
    let (heading, who, guess): (_, Vec<&String>, _) = if acks > live.len() {
        let strangers = from.difference(&live).collect();
        ("Received more acks than live nodes! Acks from non-live nodes:", strangers, TOO_MANY)
    } else {
        ("Received less acks than live nodes! Missing acks from:", live.difference(&from).collect(), TOO_FEW)
    };
    ui.line(heading);
    who.into_iter().for_each(|node| ui.line(format!("\t{node}")));
    ui.line(guess);
    ui.line(TIPS);
    FAILED
}
