//! A decision takes no memory once the first ones were made. In a binary of its own, because every allocation of the process counts.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use cap::Cap;
use muster_routes::{
    Action, Condition, Connection, Draft, Edit, Edits, FieldName, ForwardedFor, Frontend, How, Limits, Mode,
    Outcome, Pattern, Place, Plan, RequestHead, Rule, Service, Template, Test, Timeouts, decide,
};
use std::alloc::System;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

fn plan() -> Plan {
    let place = Place::new(&"plan".into(), 1);
    let port = FieldName::new("X-Forwarded-Port").unwrap();
    let set = Action::Request(Edit::Set(port, Template::parse("%dst_port").unwrap()));
    let api = Condition::all([
        Test::Host(vec!["*.example".parse().unwrap()]),
        Test::Path(vec![Pattern::new(How::Prefix, "/api/", true)]),
    ]);
    let rules = [(Condition::always(), set), (api, Action::Service("api".into()))];
    let rules = rules.map(|(when, action)| Rule { when, action, place: place.clone() });
    let field = FieldName::new("X-Forwarded-For").unwrap();
    let frontend = Frontend {
        name: "main".into(),
        place: place.clone(),
        mode: Mode::Http,
        binds: Vec::new(),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        rules: rules.into(),
        service: Some("web".into()),
        service_place: place,
        forwarded_for: Some(ForwardedFor { field, except: None, if_none: false }),
    };
    let services = ["web", "api"].map(|name| (name.to_owned(), Service::default()));
    Plan::new(Draft { frontends: vec![frontend], services: services.into() }).unwrap()
}

#[test]
fn a_decision_takes_no_memory_once_a_few_were_made() {
    let plan = plan();
    let fields: [(&str, &[u8]); 2] = [("Host", b"a.example"), ("Accept", b"*/*")];
    let head = |target: &'static [u8]| RequestHead {
        connection: Connection {
            source: "10.1.2.3:5000".parse().unwrap(),
            local: "192.0.2.1:80".parse().unwrap(),
            is_secure: false,
        },
        method: "GET",
        target,
        host: Some(b"a.example"),
        fields: &fields,
    };
    let mut edits = Edits::new();
    assert_eq!(decide(&plan, 0, &head(b"/api/x?y"), &mut edits), Outcome::Service("api"));
    let before = MEMORY.total_allocated();
    for _ in 0..100 {
        assert_eq!(decide(&plan, 0, &head(b"/api/x?y"), &mut edits), Outcome::Service("api"));
        assert_eq!(decide(&plan, 0, &head(b"/"), &mut edits), Outcome::Service("web"));
    }
    assert_eq!(MEMORY.total_allocated() - before, 0, "bytes");
    assert_eq!(edits.request().count(), 2);
}
