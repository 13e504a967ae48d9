//! HTTP/1 by bytes: the same odd requests and responses through Muster, HAProxy, nginx and hyper, each in front of a backend that keeps
//! what it got. The raw outcomes go to the results, a table of them to `docs/conformance.md`.
//!
//! No time is measured. Of the others nothing is expected, so each case takes until nothing comes any more.

mod table;

use crate::dataplane::rivals::nginx;
use muster_e2e::conformance::{Case, Kind, Outcome, Recorder, TinyProxy, cases, escaped, run};
use muster_e2e::{Agent, AgentOptions, Hosts, Process, Proxy, wait_for};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// The proxies, in the order of the table.
pub(crate) const NAMES: [&str; 4] = ["muster", "haproxy", "nginx", "hyper"];

pub(crate) async fn measure() -> Value {
    let directory = tempfile::tempdir().expect("a temporary directory can be made");
    let hosts = Hosts::claim();
    let all: Vec<Case> = [Kind::Request, Kind::Response].into_iter().flat_map(cases).collect();
    let (ours, haproxy, nginx, hyper) = tokio::join!(
        ours(&hosts, &all),
        haproxy(&hosts, directory.path(), &all),
        nginx_of(&hosts, directory.path(), &all),
        hyper(&hosts, &all),
    );
    let outcomes = [ours, haproxy, nginx, hyper];
    let unexpected: Vec<_> =
        all.iter().zip(&outcomes[0]).filter(|(case, outcome)| !outcome.is_expected(case)).collect();
    for (case, outcome) in &unexpected {
        println!(
            "{}: ours is not as expected: {}, passed on '{}', next right: {}",
            case.name,
            outcome.answer,
            escaped(&outcome.passed),
            outcome.next_is_right
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    std::fs::write(&path, table::document(&all, &outcomes)).expect("the table can be written");
    println!("{} written", path.display());
    let rows = all.iter().enumerate().map(|(n, case)| {
        let of = |outcome: &Outcome| {
            let passed = escaped(&outcome.passed);
            match case.kind {
                Kind::Request => json!({ "answer": outcome.answer, "passed": passed, "seen": escaped(&outcome.seen) }),
                Kind::Response => {
                    json!({ "answer": outcome.answer, "passed": passed, "next_is_right": outcome.next_is_right })
                }
            }
        };
        let each = NAMES.iter().zip(&outcomes).map(|(name, outcomes)| ((*name).to_owned(), of(&outcomes[n])));
        json!({ "case": case.name, "outcomes": each.collect::<serde_json::Map<_, _>>() })
    });
    json!({
        "programs": { "nginx": version("/usr/sbin/nginx", "-v"), "haproxy": version("/usr/sbin/haproxy", "-v") },
        "cases": rows.collect::<Vec<_>>(), "unexpected": unexpected.len(),
    })
}

fn version(program: &str, flag: &str) -> String {
    let output = Command::new(program).arg(flag).output();
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned()
}

async fn each(cases: &[Case], address: &str, backend: &Recorder, is_ours: bool) -> Vec<Outcome> {
    wait_for(&format!("{address} listens"), || async {
        tokio::net::TcpStream::connect(address).await.map(drop).map_err(|error| error.to_string())
    })
    .await;
    let mut outcomes = Vec::new();
    for case in cases {
        outcomes.push(run(case, address, backend, is_ours).await);
    }
    outcomes
}

async fn ours(hosts: &Hosts, cases: &[Case]) -> Vec<Outcome> {
    let backend = Recorder::start(&hosts.at(10, 3000)).await;
    let lb = Agent::start(hosts, 1, "lb", AgentOptions::default().tag("balances=1"));
    let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend");
    let _of_backend = Agent::start(hosts, 10, "s10", options);
    let proxy = Proxy::start(hosts, 1, &lb);
    crate::setup::are_up(&lb, &["s10"]).await;
    each(cases, &proxy.address, &backend, true).await
}

async fn haproxy(hosts: &Hosts, directory: &Path, cases: &[Case]) -> Vec<Outcome> {
    let backend = Recorder::start(&hosts.at(11, 3000)).await;
    let address = hosts.at(2, 8080);
    let text = format!(
        "global\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 1s\n  timeout client 1m\n  timeout server 1m\n  option forwardfor\n\
         frontend in\n  bind {address}\n  default_backend web\nbackend web\n  http-reuse always\n  server s1 {}\n",
        hosts.at(11, 3000)
    );
    let path = directory.join("haproxy.cfg");
    std::fs::write(&path, text).expect("the file can be written");
    let _process = Process::start("haproxy", Command::new("/usr/sbin/haproxy").args(["-db", "-f"]).arg(path));
    each(cases, &address, &backend, false).await
}

async fn nginx_of(hosts: &Hosts, directory: &Path, cases: &[Case]) -> Vec<Outcome> {
    let backend = Recorder::start(&hosts.at(12, 3000)).await;
    let address = hosts.at(3, 8080);
    let text = format!(
        "upstream web {{ server {}; keepalive 64; }}\nserver {{\n  listen {address};\n  location / {{\n    proxy_pass http://web;\n    \
         proxy_http_version 1.1;\n    proxy_set_header Connection \"\";\n    proxy_set_header Host $http_host;\n    \
         proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n  }}\n}}\n",
        hosts.at(12, 3000)
    );
    let mut process = nginx(directory, "conformance", &text);
    let outcomes = each(cases, &address, &backend, false).await;
    // Killed, it would leave its worker behind.
    process.stop().await;
    outcomes
}

async fn hyper(hosts: &Hosts, cases: &[Case]) -> Vec<Outcome> {
    let (address, behind) = (hosts.at(4, 8080), hosts.at(13, 3000));
    let backend = Recorder::start(&behind).await;
    let _proxy = TinyProxy::start(&address, &behind).await;
    each(cases, &address, &backend, false).await
}
