//! Several services behind rules, with backends that are written down.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_fleet::{Backend as FleetBackend, Gossip, Phase, Picture, Service, Standing, Terms};
use muster_proxy::{Config, Fixed, Policy, Proxy, Routing, ServiceConfig, Traits};
use muster_routes::{
    Action, Condition, Draft, Edit, FieldName, ForwardedFor, Frontend, How, Limits, Mode, Page, Pattern,
    Place, Plan, Redirect, RedirectCode, Rewrite, Rule, Template, Test, Timeouts, To,
};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use support::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn path(prefix: &str) -> Condition {
    Condition::all([Test::Path(vec![Pattern::new(How::Prefix, prefix, false)])])
}

fn field(name: &str) -> FieldName {
    FieldName::new(name).unwrap()
}

fn value(text: &str) -> Template {
    Template::parse(text).unwrap()
}

fn frontend(name: &str, mode: Mode, rules: Vec<(Condition, Action)>, service: &str) -> Frontend {
    let place = Place::new(&"test".into(), 1);
    let rules = rules.into_iter().map(|(when, action)| Rule { when, action, place: place.clone() });
    Frontend {
        name: name.into(),
        place: place.clone(),
        mode,
        binds: Vec::new(),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        rules: rules.collect(),
        service: Some(service.into()),
        service_place: place.clone(),
        forwarded_for: None,
    }
}

/// A proxy with one listener for each frontend, and a backend for each service.
fn routed(frontends: Vec<Frontend>, services: &[(&str, SocketAddr)]) -> Proxy {
    let count = frontends.len();
    let named = |(name, _): &(&str, SocketAddr)| ((*name).to_owned(), muster_routes::Service::default());
    let draft = Draft { frontends, services: services.iter().map(named).collect() };
    let plan = Arc::new(Plan::new(draft).unwrap());
    let pictured = services.iter().map(|(name, addr)| {
        let backend = FleetBackend { addr: *addr, weight: 1, standing: Standing::Ready };
        ((*name).to_owned(), Service { backends: [("s1".to_owned(), backend)].into() })
    });
    let picture = Picture {
        epoch: 1,
        version: 1,
        phase: Phase::Live,
        services: pictured.collect(),
        terms: Terms { gossip: Gossip::Sealed, ..Terms::default() },
        refusals: Vec::new(),
    };
    let wait = Duration::from_secs(30);
    let of_service = ServiceConfig {
        policy: Policy::default(),
        protocol: muster_proxy::Protocol::Http1,
        connect_timeout: wait,
        response_timeout: wait,
        stall_timeout: wait,
        check: None,
        maintenance: None,
    };
    let services = services.iter().map(|(name, _)| ((*name).to_owned(), of_service.clone())).collect();
    let traits =
        vec![("idle".to_owned(), "s1".to_owned(), Traits { maintenance: true, ..Traits::default() })];
    let routing = Routing { plan, services, fixed: Some(Fixed { picture, traits }), tells_of_clients: false };
    let listen = (0..count).map(|frontend| {
        let mut listen: muster_proxy::Listen = "127.0.0.1:0".parse().unwrap();
        (listen.frontend, listen.tcp) = (frontend, routing.plan.frontends()[frontend].mode == Mode::Tcp);
        listen
    });
    let listen = listen.collect();
    Proxy::start(Config { listen, service: String::new(), routing: Some(routing), ..config() }).unwrap()
}

#[test]
fn each_request_goes_where_its_rule_says() {
    local(async {
        let (web, api) = (Backend::named("web").await, Backend::named("api").await);
        let rules = vec![
            (path("/api/"), Action::Service("api".into())),
            (path("/idle"), Action::Service("idle".into())),
        ];
        let services = [("web", web.addr), ("api", api.addr), ("idle", web.addr)];
        let proxy = routed(vec![frontend("main", Mode::Http, rules, "web")], &services);
        let mut client = Wire::connect(proxy.addrs()[0]).await;
        for (target, answer) in [("/", "web"), ("/api/x", "api"), ("/apix", "web"), ("http://a/api/y", "api")]
        {
            client.write(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
            assert_eq!(client.message().await.unwrap().text(), answer, "{target}");
        }
        client.write("GET /idle HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let refused = client.message().await.unwrap();
        assert!(refused.status() == 503 && refused.text().contains("service idle"), "{}", refused.text());
        // The connection goes on.
        client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().text(), "web");
    });
}

#[test]
fn a_backend_gets_what_the_rules_made_of_the_request_and_the_client_what_they_made_of_its_answer() {
    local(async {
        let web = Backend::named("web").await;
        let always = Condition::always;
        let rules = vec![
            (always(), Action::Request(Edit::Set(field("X-Port"), value("%dst_port")))),
            (always(), Action::Request(Edit::Delete(field("cookie")))),
            (path("/api/"), Action::Rewrite(Rewrite::StripPrefix("/api".into()))),
            (always(), Action::Response(Edit::Set(field("X-By"), value("rules of %src")))),
        ];
        let mut main = frontend("main", Mode::Http, rules, "web");
        main.forwarded_for =
            Some(ForwardedFor { field: field("X-Forwarded-For"), except: None, if_none: false });
        let proxy = routed(vec![main], &[("web", web.addr)]);
        let addr = proxy.addrs()[0];
        let answer = ask(
            addr,
            "POST /api/x?y HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: z\r\n\
             Content-Length: 3\r\nConnection: close\r\n\r\nabc",
        )
        .await;
        assert_eq!(answer.field("x-by"), Some("rules of 127.0.0.1"));
        let seen = web.seen.requests.borrow()[0].clone();
        assert_eq!((seen.start.as_str(), seen.text().as_str()), ("POST /x?y HTTP/1.1", "abc"));
        assert_eq!(seen.field("x-port"), Some(addr.port().to_string().as_str()));
        assert_eq!(seen.field("cookie"), None);
        let told: Vec<_> = seen.fields.iter().filter(|(name, _)| name.starts_with("x-forwarded")).collect();
        let fields =
            [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "z"), ("x-forwarded-for", "127.0.0.1")];
        assert_eq!(
            told,
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).iter().collect::<Vec<_>>()
        );
    });
}

#[test]
fn what_a_rule_answers_itself_reaches_no_backend() {
    local(async {
        let web = Backend::named("web").await;
        let later = Page {
            status: 503,
            content_type: "text/html".into(),
            body: b"<h1>later</h1>".to_vec(),
            fields: vec![("Retry-After".into(), "60".into())],
        };
        let to = To::Location(value("https://%host/new"));
        let moved =
            Redirect { code: RedirectCode::MovedPermanently, to, drop_query: false, append_slash: false };
        let rules = vec![
            (path("/no"), Action::Deny(403)),
            (path("/old"), Action::Redirect(moved)),
            (path("/later"), Action::Page(later)),
        ];
        let proxy = routed(vec![frontend("main", Mode::Http, rules, "web")], &[("web", web.addr)]);
        let mut client = Wire::connect(proxy.addrs()[0]).await;
        let mut asked = Vec::new();
        for target in ["/no", "/old", "/later"] {
            client.write(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
            asked.push(client.message().await.unwrap());
        }
        assert_eq!(asked[0].status(), 403);
        assert_eq!((asked[1].status(), asked[1].field("location")), (301, Some("https://a/new")));
        assert_eq!((asked[2].status(), asked[2].text().as_str()), (503, "<h1>later</h1>"));
        assert_eq!(
            (asked[2].field("retry-after"), asked[2].field("content-type")),
            (Some("60"), Some("text/html"))
        );
        assert_eq!(web.seen.count(), 0);
    });
}

#[test]
fn a_frontend_in_tcp_mode_passes_bytes_or_closes() {
    local(async {
        let web = Backend::named("web").await;
        let near = Condition::all([Test::Source(vec!["127.0.0.0/8".parse().unwrap()])]);
        let open = frontend("open", Mode::Tcp, vec![], "web");
        let closed = frontend("closed", Mode::Tcp, vec![(near, Action::Deny(403))], "web");
        let proxy = routed(vec![open, closed], &[("web", web.addr)]);
        let answer = ask(proxy.addrs()[0], "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert_eq!(answer.text(), "web");
        let mut stream = TcpStream::connect(proxy.addrs()[1]).await.unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut all = Vec::new();
        let _ = stream.read_to_end(&mut all).await;
        assert_eq!(all, b"");
    });
}
