use super::differences::{Backends, Verdicts};
use super::*;
use crate::reports::tests::report;
use muster_fleet::{Backend, BackendReport, Phase, Service, Standing, Terms};

fn picture(standings: &[(&str, Standing)]) -> Picture {
    let backends = standings.iter().map(|(node, standing)| {
        let addr = "127.0.0.1:3000".parse().unwrap();
        ((*node).to_owned(), Backend { addr, weight: 1, standing: *standing })
    });
    Picture {
        epoch: 1,
        version: 1,
        phase: Phase::Live,
        services: [("web".to_owned(), Service { backends: backends.collect() })].into(),
        terms: Terms::default(),
        refusals: Vec::new(),
    }
}

fn shown(facts: &[Fact]) -> Vec<String> {
    facts.iter().map(|fact| format!("{} {} {}", fact.kind, fact.node, fact.what)).collect()
}

#[test]
fn only_what_differs_is_a_fact() {
    let mut backends = Backends::default();
    let first = picture(&[("a", Standing::Ready), ("b", Standing::Ready)]);
    assert_eq!(shown(&backends.news(&first, "me")), ["backend a ready", "backend b ready"]);
    assert!(backends.news(&first, "me").is_empty());
    let second = picture(&[("b", Standing::Demoted)]);
    assert_eq!(shown(&backends.news(&second, "me")), ["backend a gone", "backend b demoted"]);
}

#[test]
fn an_ejection_comes_with_its_evidence_and_ends() {
    let said = |state: &str, why: Option<&str>| {
        let mut report = report("proxy", 9);
        report.backends = vec![BackendReport {
            service: "web".into(),
            node: "a".into(),
            state: state.into(),
            in_flight: 0,
            requests: 9,
            failures: 4,
            why: why.map(str::to_owned),
        }];
        [report]
    };
    let mut verdicts = Verdicts::default();
    assert!(verdicts.news(&said("up", None), "me").is_empty());
    let facts = verdicts.news(&said("ejected", Some("refused")), "me");
    assert_eq!(shown(&facts), ["ejection a ejected"]);
    assert_eq!((&*facts[0].observer, &*facts[0].why), ("me/proxy", "refused; 4 of 9 requests failed"));
    assert!(verdicts.news(&said("ejected", Some("still")), "me").is_empty());
    assert_eq!(shown(&verdicts.news(&said("up", None), "me")), ["ejection a up"]);
}
