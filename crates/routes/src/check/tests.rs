use super::*;
use crate::condition::{Condition, Test};
use crate::pattern::{How, Pattern};
use crate::plan::{At, Bind, Plan, Service};
use crate::testing::{frontend, place, rule};
use crate::{Edit, FieldName, Template};

fn path(prefix: &str) -> Condition {
    Condition::all([Test::Path(vec![Pattern::new(How::Prefix, prefix, false)])])
}

fn draft(rules: Vec<Rule>) -> Draft {
    let services = ["web", "api"].map(|name| (name.to_owned(), Service::default()));
    Draft { frontends: vec![frontend(rules)], services: services.into() }
}

/// The lines of rules that never happen.
fn never(rules: Vec<(Condition, Action)>) -> Vec<u32> {
    let rules = rules.into_iter().zip(1..).map(|((when, action), line)| rule(line, when, action));
    let plan = Plan::new(draft(rules.collect())).unwrap();
    plan.notes()
        .iter()
        .inspect(|note| assert!(note.words.contains("never happens")))
        .map(|note| note.place.line)
        .collect()
}

fn to(service: &str) -> Action {
    Action::Service(service.into())
}

fn set(name: &str) -> Action {
    Action::Request(Edit::Set(FieldName::new(name).unwrap(), Template::fixed("x").unwrap()))
}

#[test]
fn a_rule_behind_a_wider_one_never_happens() {
    assert_eq!(never(vec![(path("/a"), to("web")), (path("/ab"), to("api")), (path("/b"), to("api"))]), [2]);
    assert_eq!(never(vec![(Condition::always(), to("web")), (path("/b"), to("api"))]), [2]);
    assert_eq!(never(vec![(path("/ab"), to("web")), (path("/a"), to("api"))]), []);
    assert_eq!(never(vec![(path("/a"), set("x")), (path("/a"), to("api"))]), []);
    assert_eq!(never(vec![(Condition::all([Test::Constant(false)]), to("web"))]), [1]);
}

#[test]
fn a_rule_that_sees_something_else_than_the_one_before_may_happen() {
    assert_eq!(
        never(vec![(path("/a"), to("web")), (Condition::always(), set("x")), (path("/a"), to("api"))]),
        []
    );
    // Whatever is changed, nothing comes behind this.
    assert_eq!(never(vec![(Condition::always(), Action::Deny(403)), (Condition::always(), set("x"))]), [2]);
}

#[test]
fn what_is_allowed_still_gets_its_service() {
    let all = Condition::always;
    assert_eq!(
        never(vec![(path("/a"), Action::Allow), (all(), Action::Deny(403)), (path("/ab"), to("web"))]),
        []
    );
    assert_eq!(never(vec![(all(), Action::Deny(403)), (path("/a"), to("web"))]), [2]);
    assert_eq!(
        never(vec![(all(), Action::Allow), (path("/a"), Action::Deny(403)), (path("/a"), to("web"))]),
        [2]
    );
}

fn refusals(draft: Draft) -> Vec<String> {
    Plan::new(draft).unwrap_err().iter().map(ToString::to_string).collect()
}

#[test]
fn a_service_that_is_nowhere_is_refused_with_those_that_are() {
    let mut with = draft(vec![rule(4, Condition::always(), to("wbe"))]);
    with.frontends[0].service = Some("nope".into());
    assert_eq!(
        refusals(with),
        [
            "plan:4: there is no service `wbe`; there is api, web",
            "plan:2: there is no service `nope`; there is api, web"
        ]
    );
}

#[test]
fn nothing_is_listened_on_or_named_twice() {
    let mut twice = draft(vec![]);
    let at = At::Tcp("127.0.0.1:80".parse().unwrap());
    let bind = |line| Bind { at: at.clone(), place: place(line), accept_proxy: false };
    twice.frontends[0].binds = vec![bind(5)];
    let mut other = frontend(vec![]);
    (other.place, other.binds) = (place(8), vec![bind(9)]);
    twice.frontends.push(other);
    assert_eq!(
        refusals(twice),
        [
            "plan:8: there is a frontend `main` already, at plan:1; give this one another name",
            "plan:9: 127.0.0.1:80 is listened on already, by `main` at plan:5; a client can reach one of them only",
        ]
    );
}

#[test]
fn a_frontend_without_http_has_no_rules_that_need_it() {
    let mut tcp = draft(vec![rule(1, path("/a"), to("web")), rule(2, Condition::always(), set("x"))]);
    tcp.frontends[0].mode = Mode::Tcp;
    let all = refusals(tcp.clone());
    assert!(all.len() == 2 && all[0].starts_with("plan:1: `main` is in TCP mode"), "{all:?}");
    tcp.frontends[0].rules = vec![rule(1, Condition::all([Test::Secure]), to("web"))];
    assert!(Plan::new(tcp).is_ok());
}

#[test]
fn a_service_chooses_no_other_service() {
    let mut choosing = draft(vec![]);
    choosing.services.get_mut("web").unwrap().rules.push(rule(3, Condition::always(), to("api")));
    assert_eq!(refusals(choosing), ["plan:3: a service cannot choose another; choose it in the frontend"]);
}

#[test]
fn ten_thousand_rules_are_looked_at_and_no_more() {
    let many = |count| {
        let one = |line: u32| rule(line, path(&format!("/{line}/")), to("web"));
        draft((1..=count).map(one).collect())
    };
    assert!(Plan::new(many(10_000)).is_ok());
    assert!(refusals(many(10_001))[0].contains("more than 10000 rules"));
}
