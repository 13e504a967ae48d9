use super::*;
use crate::action::{FieldName, RedirectCode};
use crate::condition::{Condition, Term, Test};
use crate::edits::Change;
use crate::head::Connection;
use crate::pattern::{How, Pattern};
use crate::plan::{Draft, Service};
use crate::regex::Regex;
use crate::template::Template;
use crate::testing::{frontend, rule};
use std::sync::Arc;

const FIELDS: [(&str, &[u8]); 3] =
    [("Host", b"shop.example:8080"), ("Accept", b"text/html, image/png"), ("Cookie", b"a=b")];

fn head(target: &'static str) -> RequestHead<'static> {
    RequestHead {
        connection: Connection {
            source: "10.1.2.3:5000".parse().unwrap(),
            local: "192.0.2.1:80".parse().unwrap(),
            is_secure: false,
        },
        method: "GET",
        target: target.as_bytes(),
        host: Some(b"shop.example:8080"),
        fields: &FIELDS,
    }
}

fn plan(rules: Vec<(Condition, Action)>, of_service: Vec<(Condition, Action)>) -> Plan {
    let made = |rules: Vec<(Condition, Action)>| {
        rules.into_iter().zip(1..).map(|((when, action), line)| rule(line, when, action)).collect::<Vec<_>>()
    };
    let service = Service { rules: made(of_service), forwarded_for: None };
    let services = [("web".to_owned(), service), ("api".to_owned(), Service::default())];
    Plan::new(Draft { frontends: vec![frontend(made(rules))], services: services.into() }).unwrap()
}

fn outcome(rules: Vec<(Condition, Action)>, target: &'static str) -> String {
    let plan = plan(rules, vec![]);
    let mut edits = Edits::new();
    let outcome = decide(&plan, 0, &head(target), &mut edits);
    match outcome {
        Outcome::Redirect(status) => format!("{status} {}", edits.location().escape_ascii()),
        outcome => format!("{outcome:?}"),
    }
}

fn to(service: &str) -> Action {
    Action::Service(service.into())
}

fn path(how: How, text: &str) -> Condition {
    Condition::all([Test::Path(vec![Pattern::new(how, text, false)])])
}

fn always() -> Condition {
    Condition::always()
}

fn set(name: &str, value: &str) -> Edit {
    Edit::Set(FieldName::new(name).unwrap(), Template::parse(value).unwrap())
}

fn add(name: &str, value: &str) -> Edit {
    Edit::Add(FieldName::new(name).unwrap(), Template::parse(value).unwrap())
}

fn shown(changes: &mut dyn Iterator<Item = Change<'_>>) -> Vec<String> {
    let one = |change: Change<'_>| match change {
        Change::Set(name, value) => format!("{name}={}", value.escape_ascii()),
        Change::Add(name, value) => format!("{name}+{}", value.escape_ascii()),
        Change::Delete(name) => format!("-{name}"),
    };
    changes.map(one).collect()
}

#[test]
fn the_first_rule_that_fits_chooses() {
    let rules = || vec![(path(How::Prefix, "/api/"), to("api")), (path(How::Exact, "/"), to("web"))];
    assert_eq!(outcome(rules(), "/api/x"), r#"Service("api")"#);
    assert_eq!(outcome(rules(), "/?x=/api/"), r#"Service("web")"#);
    assert_eq!(outcome(rules(), "/other"), "Nobody");
    let plan = plan(rules(), vec![]);
    assert_eq!(decide(&plan, 1, &head("/"), &mut Edits::new()), Outcome::Nobody, "no such frontend");
}

#[test]
fn every_kind_of_test_asks_its_own_question() {
    let exact = |text: &str| vec![Pattern::new(How::Exact, text, false)];
    let field = |name: &str, is_list, patterns| Test::Field { name: name.into(), is_list, patterns };
    for (test, holds) in [
        (Test::Constant(true), true),
        (Test::Constant(false), false),
        (Test::Any(vec![Test::Secure, Test::Constant(true)]), true),
        (Test::Host(vec!["*.example".parse().unwrap()]), true),
        (Test::Host(vec!["example".parse().unwrap()]), false),
        (Test::Path(exact("/a")), true),
        (field("host", true, exact("shop.example:8080")), true),
        (field("host", true, exact("shop.example")), false),
        (field("ACCEPT", true, exact("image/png")), true),
        (field("accept", false, exact("image/png")), false),
        (field("cookie", false, vec![]), true),
        (field("x-none", false, vec![]), false),
        (Test::Method(vec!["POST".into(), "GET".into()]), true),
        (Test::Method(vec!["get".into()]), false),
        (Test::Source(vec!["10.0.0.0/8".parse().unwrap()]), true),
        (Test::Source(vec!["192.168.0.0/16".parse().unwrap()]), false),
        (Test::LocalPort(vec!["80".parse().unwrap()]), true),
        (Test::LocalPort(vec!["81-90".parse().unwrap()]), false),
        (Test::Secure, false),
    ] {
        let plain = Condition::all([test.clone()]);
        let opposite = Condition(vec![vec![Term { negated: true, test: Arc::new(test.clone()) }]]);
        let chosen = |when| outcome(vec![(when, to("web"))], "/a?b") != "Nobody";
        assert_eq!((chosen(plain), chosen(opposite)), (holds, !holds), "{test:?}");
    }
}

#[test]
fn a_condition_is_any_of_all() {
    let term = |holds| Term { negated: false, test: Arc::new(Test::Constant(holds)) };
    let holds = |alternatives: &[&[bool]]| {
        let terms = |terms: &&[bool]| terms.iter().map(|holds| term(*holds)).collect();
        let when = Condition(alternatives.iter().map(terms).collect());
        outcome(vec![(when, to("web"))], "/") != "Nobody"
    };
    assert!(holds(&[]) && holds(&[&[true, true]]) && holds(&[&[false], &[true]]));
    assert!(!holds(&[&[true, false]]) && !holds(&[&[false], &[true, false]]));
}

#[test]
fn redirects_lead_where_they_say() {
    let redirect = |to, code, drop_query, append_slash| {
        let code = RedirectCode::new(code).unwrap();
        vec![(always(), Action::Redirect(Redirect { code, to, drop_query, append_slash }))]
    };
    let text = |text| Template::parse(text).unwrap();
    for (rules, target, led) in [
        (
            redirect(To::Location(text("https://%host/new?p=%src_port")), 301, false, false),
            "/a?b",
            "301 https://shop.example:8080/new?p=5000",
        ),
        (
            redirect(To::Prefix(text("https://other.example")), 302, false, false),
            "/a?b",
            "302 https://other.example/a?b",
        ),
        (redirect(To::Prefix(text("/")), 307, true, true), "/a?b", "307 /a/"),
        (redirect(To::Prefix(text("")), 308, false, true), "/a?b", "308 /a?b"),
        (redirect(To::Prefix(text("")), 303, false, true), "/a/", "303 /a/"),
        (redirect(To::Scheme(text("https")), 301, false, false), "/a?b", "301 https://shop.example:8080/a?b"),
    ] {
        assert_eq!(outcome(rules, target), led);
    }
    assert_eq!(RedirectCode::new(304), None);
}

#[test]
fn what_is_refused_or_answered_goes_to_no_backend() {
    let page =
        Page { status: 503, content_type: "text/plain".into(), body: b"later".to_vec(), fields: vec![] };
    let rules = vec![
        (path(How::Exact, "/no"), Action::Deny(403)),
        (path(How::Exact, "/later"), Action::Page(page)),
        (always(), to("web")),
    ];
    assert_eq!(outcome(rules.clone(), "/no"), "Deny(403)");
    assert!(outcome(rules.clone(), "/later").starts_with("Page(Page { status: 503"));
    assert_eq!(outcome(rules, "/"), r#"Service("web")"#);
}

#[test]
fn what_is_allowed_skips_all_but_the_choice_of_a_service() {
    let rules = vec![
        (path(How::Prefix, "/public"), Action::Allow),
        (always(), Action::Request(set("x-seen", "1"))),
        (path(How::Suffix, "x"), Action::Deny(403)),
        (always(), to("web")),
    ];
    let plan = plan(rules, vec![]);
    let mut edits = Edits::new();
    assert_eq!(decide(&plan, 0, &head("/public/x"), &mut edits), Outcome::Service("web"));
    assert!(edits.keeps_request());
    assert_eq!(decide(&plan, 0, &head("/x"), &mut edits), Outcome::Deny(403));
}

#[test]
fn later_rules_see_what_earlier_ones_have_changed() {
    let has = |name: &str, text: &str| {
        let patterns = vec![Pattern::new(How::Exact, text, false)];
        Condition::all([Test::Field { name: name.into(), is_list: false, patterns }])
    };
    let rules = vec![
        (always(), Action::Request(set("X-A", "1"))),
        (has("x-a", "1"), Action::Request(add("x-a", "2"))),
        (has("x-a", "1"), Action::Request(add("x-b", "%{x-a}"))),
        (always(), Action::Request(Edit::Delete(FieldName::new("cookie").unwrap()))),
        (has("cookie", "a=b"), Action::Deny(403)),
        (always(), Action::Request(set("host", "other.example"))),
        (always(), Action::Rewrite(Rewrite::Path(Template::parse("/%host%path").unwrap()))),
        (path(How::Exact, "/other.example/a"), to("web")),
    ];
    let plan = plan(rules, vec![]);
    let mut edits = Edits::new();
    assert_eq!(decide(&plan, 0, &head("/a?b=/"), &mut edits), Outcome::Service("web"));
    assert_eq!(shown(&mut edits.request()), ["X-A=1", "x-a+2", "x-b+2", "-cookie", "host=other.example"]);
    assert_eq!(edits.target(), Some(&b"/other.example/a?b=/"[..]));
    assert!(!edits.keeps_request());
}

#[test]
fn a_rewritten_path_is_a_path() {
    let regex = |text| Regex::new(text, false).unwrap();
    for (rewrite, target, rewritten) in [
        (Rewrite::StripPrefix("/api".into()), "/api/x?q", Some("/x?q")),
        (Rewrite::StripPrefix("/api".into()), "/api", Some("/")),
        (Rewrite::StripPrefix("/api".into()), "/other", None),
        (Rewrite::StripPrefix("/api".into()), "*", None),
        (Rewrite::replace(regex("^/a/([^/]*)/(.*)"), r"/\2/\1\\3").unwrap(), "/a/b/c?d", Some(r"/c/b\?d")),
        (Rewrite::replace(regex("^/a"), "/b").unwrap(), "/c", None),
        (Rewrite::Path(Template::fixed("/a b?c#d").unwrap()), "/", Some("/a%20b%3Fc%23d")),
        (Rewrite::Path(Template::fixed("a").unwrap()), "/", Some("/a")),
    ] {
        let plan = plan(vec![(always(), Action::Rewrite(rewrite)), (always(), to("web"))], vec![]);
        let mut edits = Edits::new();
        decide(&plan, 0, &head(target), &mut edits);
        let target = edits.target().map(|target| target.escape_ascii().to_string().replace(r"\\", r"\"));
        assert_eq!(target.as_deref(), rewritten);
    }
}

#[test]
fn a_service_has_rules_of_its_own_and_its_responses_pass_the_frontend_last() {
    let frontends = vec![(always(), Action::Response(set("x-by", "front"))), (always(), to("web"))];
    let services = vec![
        (always(), Action::Response(set("x-by", "service"))),
        (path(How::Exact, "/no"), Action::Deny(403)),
        (always(), Action::Request(set("x-port", "%dst_port"))),
    ];
    let plan = plan(frontends, services);
    let mut edits = Edits::new();
    assert_eq!(decide(&plan, 0, &head("/"), &mut edits), Outcome::Service("web"));
    assert_eq!(shown(&mut edits.request()), ["x-port=80"]);
    assert_eq!(shown(&mut edits.response()), ["x-by=service", "x-by=front"]);
    assert_eq!(decide(&plan, 0, &head("/no"), &mut edits), Outcome::Deny(403));
}

#[test]
fn backends_are_told_of_the_client_once_and_last() {
    let told = |frontend_says: Option<ForwardedFor>, service_says: Option<ForwardedFor>| {
        let mut draft = Draft { frontends: vec![frontend(vec![])], ..Draft::default() };
        draft.frontends[0].service = Some("web".into());
        draft.frontends[0].forwarded_for = frontend_says;
        draft.services.insert("web".into(), Service { rules: vec![], forwarded_for: service_says });
        let plan = Plan::new(draft).unwrap();
        let mut edits = Edits::new();
        decide(&plan, 0, &head("/"), &mut edits);
        shown(&mut edits.request())
    };
    let says =
        |field: &str| ForwardedFor { field: FieldName::new(field).unwrap(), except: None, if_none: false };
    assert_eq!(told(Some(says("X-Forwarded-For")), None), ["X-Forwarded-For+10.1.2.3"]);
    assert_eq!(told(Some(says("X-Forwarded-For")), Some(says("X-Client"))), ["X-Client+10.1.2.3"]);
    let except = |network: &str| ForwardedFor { except: Some(network.parse().unwrap()), ..says("x") };
    assert_eq!(told(None, Some(except("10.0.0.0/8"))), [""; 0]);
    assert_eq!(told(None, Some(except("11.0.0.0/8"))), ["x+10.1.2.3"]);
    assert_eq!(told(Some(ForwardedFor { if_none: true, ..says("accept") }), None), [""; 0]);
    assert_eq!(told(Some(ForwardedFor { if_none: true, ..says("x") }), None), ["x+10.1.2.3"]);
}

#[test]
fn a_client_cannot_make_the_rules_write_without_bound() {
    static LONG: [(&str, &[u8]); 1] = [("x", &[b'a'; 30_000])];
    let rules = (0..5).map(|_| (always(), Action::Request(add("y", "%{x}")))).collect();
    let plan = plan(rules, vec![]);
    let head = RequestHead { fields: &LONG, ..head("/") };
    assert_eq!(decide(&plan, 0, &head, &mut Edits::new()), Outcome::Deny(431));
}

#[test]
fn a_connection_is_decided_upon_by_its_ends() {
    let near = Condition::all([Test::Source(vec!["10.0.0.0/8".parse().unwrap()])]);
    let mut draft =
        Draft { frontends: vec![frontend(vec![rule(1, near, Action::Deny(403))])], ..Draft::default() };
    draft.frontends[0].mode = Mode::Tcp;
    draft.frontends[0].service = Some("db".into());
    draft.services.insert("db".into(), Service::default());
    let plan = Plan::new(draft).unwrap();
    let mut connection = head("/").connection;
    let decided = |connection| decide(&plan, 0, &RequestHead::of_connection(connection), &mut Edits::new());
    assert_eq!(decided(connection), Outcome::Deny(403));
    connection.source = "192.0.2.9:1".parse().unwrap();
    assert_eq!(decided(connection), Outcome::Service("db"));
}

#[test]
fn steps_are_done_on_one_look_at_the_condition() {
    let strip = Action::Rewrite(Rewrite::StripPrefix("/api".into()));
    let steps = Action::Steps(vec![strip, to("api")]);
    let denied = (path(How::Prefix, "/api/x"), Action::Deny(403));
    let plan = plan(vec![(path(How::Prefix, "/api/"), steps), denied], vec![]);
    assert_eq!(plan.notes().len(), 1, "the second never happens: {:?}", plan.notes());
    let mut edits = Edits::new();
    let outcome = decide(&plan, 0, &head("/api/x?y"), &mut edits);
    assert_eq!((outcome, edits.target()), (Outcome::Service("api"), Some(&b"/x?y"[..])));
}
