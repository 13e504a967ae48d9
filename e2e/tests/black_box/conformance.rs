//! Every odd message of `e2e/conformance` has the outcome that stands there, byte for byte. What HAProxy, nginx and hyper make of the
//! same is in `docs/conformance.md`.

use muster_e2e::conformance::{Case, Kind, Recorder, cases, escaped, run};
use muster_e2e::{Agent, AgentOptions, Hosts, Proxy, wait_for};

/// The most that is told of one message.
const TOLD_MAX: usize = 2000;

async fn hold(kind: Kind, at_least: usize) {
    let hosts = Hosts::claim();
    let backend = Recorder::start(&hosts.at(10, 3000)).await;
    let lb = Agent::start(&hosts, 1, "lb", AgentOptions::default().tag("balances=1"));
    let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend");
    let _of_backend = Agent::start(&hosts, 10, "s10", options);
    let proxy = Proxy::start(&hosts, 1, &lb);
    wait_for("the backend is up", || async {
        let report = lb.report().await?;
        if report.backends.iter().any(|backend| backend.state == "up") {
            Ok(())
        } else {
            Err(format!("{report:?}"))
        }
    })
    .await;
    let cases: Vec<Case> = cases(kind);
    assert!(cases.len() >= at_least, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let outcome = run(case, &proxy.address, &backend, true).await;
        if !outcome.is_expected(case) {
            let of = |bytes: &[u8]| escaped(bytes).chars().take(TOLD_MAX).collect::<String>();
            wrong.push(format!(
                "{} ({}): {}\n  wanted {}, passed on '{}'\n  found {}, passed on '{}'; the next one is right: {}",
                case.name,
                case.rfc,
                case.why,
                case.ours,
                case.passed.as_deref().map_or("whatever".into(), of),
                outcome.answer,
                of(&outcome.passed),
                outcome.next_is_right
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[tokio::test]
async fn each_odd_request_has_its_outcome_to_the_byte() {
    hold(Kind::Request, 300).await;
}

#[tokio::test]
async fn each_odd_response_has_its_outcome_to_the_byte() {
    hold(Kind::Response, 100).await;
}
