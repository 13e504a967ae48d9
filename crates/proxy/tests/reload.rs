//! Another configuration while clients are served.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_fleet::{Backend as FleetBackend, Gossip, Phase, Picture, Service, Standing, Terms};
use muster_proxy::{Config, Error, Fixed, Listen, Maintenance, Policy, Proxy, Routing, ServiceConfig};
use muster_routes::{
    Action, Condition, Draft, Frontend, How, Limits, Mode, Page, Pattern, Place, Plan, Rule, Test, Timeouts,
};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use support::*;
use tokio::io::AsyncWriteExt;

fn path(prefix: &str) -> Condition {
    Condition::all([Test::Path(vec![Pattern::new(How::Prefix, prefix, false)])])
}

/// A frontend at each of `at`: of its services the first gets all, the others what is below their name.
fn routed(at: &[(SocketAddr, &[&str])], services: &[(&str, SocketAddr)], closed: &[&str]) -> Config {
    let place = Place::new(&"test".into(), 1);
    let rule = |name: &&str| Rule {
        when: path(&format!("/{name}")),
        action: Action::Service((*name).into()),
        place: place.clone(),
    };
    let frontend = |(nth, (_, names)): (usize, &(SocketAddr, &[&str]))| Frontend {
        name: format!("f{nth}"),
        place: place.clone(),
        mode: Mode::Http,
        binds: Vec::new(),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        rules: names[1..].iter().map(rule).collect(),
        service: Some(names[0].into()),
        service_place: place.clone(),
        forwarded_for: None,
    };
    let named = |(name, _): &(&str, SocketAddr)| ((*name).to_owned(), muster_routes::Service::default());
    let draft = Draft {
        frontends: at.iter().enumerate().map(frontend).collect(),
        services: services.iter().map(named).collect(),
    };
    let listed = |(name, addr): &(&str, SocketAddr)| {
        let backend = FleetBackend { addr: *addr, weight: 1, standing: Standing::Ready };
        ((*name).to_owned(), Service { backends: [(addr.to_string(), backend)].into() })
    };
    let picture = Picture {
        epoch: 1,
        version: 1,
        phase: Phase::Live,
        services: services.iter().map(listed).collect(),
        terms: Terms { gossip: Gossip::Sealed, ..Terms::default() },
        refusals: Vec::new(),
    };
    let page =
        Page { status: 503, content_type: String::new(), body: b"closed".to_vec(), fields: Vec::new() };
    let of_service = |(name, _): &(&str, SocketAddr)| {
        let wait = Duration::from_secs(30);
        let maintenance =
            closed.contains(name).then(|| Maintenance { now: true, file: None, page: page.clone() });
        let config = ServiceConfig {
            protocol: muster_proxy::Protocol::Http1,
            stall_timeout: Duration::from_secs(30),
            policy: Policy::default(),
            connect_timeout: wait,
            response_timeout: wait,
            check: None,
            maintenance,
        };
        ((*name).to_owned(), config)
    };
    let routing = Routing {
        plan: Arc::new(Plan::new(draft).unwrap()),
        services: services.iter().map(of_service).collect(),
        fixed: Some(Fixed { picture, traits: Vec::new() }),
        tells_of_clients: true,
    };
    let listen = |(frontend, (addr, _)): (usize, &(SocketAddr, &[&str]))| {
        let mut listen = Listen::from(*addr);
        listen.frontend = frontend;
        listen
    };
    Config {
        listen: at.iter().enumerate().map(listen).collect(),
        service: String::new(),
        routing: Some(routing),
        ..config()
    }
}

/// An address of our own that nobody listens on yet.
fn free() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

async fn asked(client: &mut Wire, target: &str) -> Option<String> {
    client.write(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
    client.message().await.map(|message| message.text())
}

#[test]
fn a_kept_connection_is_served_by_the_new_rules_and_a_mistake_changes_nothing() {
    local(async {
        let (one, two) = (Backend::named("one").await, Backend::named("two").await);
        let at = free();
        let first = routed(&[(at, &["one"])], &[("one", one.addr)], &[]);
        let proxy = Proxy::start(first).unwrap();
        let mut client = Wire::connect(at).await;
        assert_eq!(asked(&mut client, "/two").await.as_deref(), Some("one"));
        let services = [("one", one.addr), ("two", two.addr)];
        proxy.reload(&routed(&[(at, &["one", "two"])], &services, &[])).unwrap();
        assert_eq!(asked(&mut client, "/two").await.as_deref(), Some("two"));
        assert_eq!(asked(&mut client, "/").await.as_deref(), Some("one"));

        // Somebody else has the second address.
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let elsewhere = taken.local_addr().unwrap();
        let both = routed(&[(at, &["two"]), (elsewhere, &["two"])], &services, &[]);
        assert!(matches!(proxy.reload(&both), Err(Error::Listen { .. })));
        assert_eq!(asked(&mut client, "/").await.as_deref(), Some("one"));
        drop(taken);
        proxy.reload(&both).unwrap();
        assert_eq!(asked(&mut client, "/").await.as_deref(), Some("two"));
        assert_eq!(asked(&mut Wire::connect(elsewhere).await, "/").await.as_deref(), Some("two"));

        proxy.reload(&routed(&[(at, &["two"])], &services, &["two"])).unwrap();
        assert_eq!(asked(&mut client, "/").await.as_deref(), Some("closed"));
        proxy.reload(&routed(&[(at, &["two"])], &services, &[])).unwrap();
        assert_eq!(asked(&mut client, "/").await.as_deref(), Some("two"));
    });
}

#[test]
fn a_listener_that_goes_answers_what_is_under_way_by_what_it_was_for() {
    local(async {
        let (stays, goes) = (free(), free());
        let slow = Backend::script(|mut wire, _, seen| async move {
            while let Some(request) = wire.message().await {
                let is_held = request.start.contains("/hold");
                seen.requests.borrow_mut().push(request);
                if is_held {
                    seen.go.notified().await;
                }
                let _ = wire.stream.write_all(&ok("slow")).await;
            }
        })
        .await;
        let one = Backend::named("one").await;
        let services = [("one", one.addr), ("slow", slow.addr)];
        let proxy = Proxy::start(routed(&[(stays, &["one"]), (goes, &["slow"])], &services, &[])).unwrap();
        let (mut under_way, mut idle) = (Wire::connect(goes).await, Wire::connect(goes).await);
        assert_eq!(asked(&mut idle, "/").await.as_deref(), Some("slow"));
        under_way.write("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
        until("the request is under way", || in_flight(&proxy.report()) == 1).await;
        // Let in by the kernel, and not by us yet.
        let late = Wire::connect(goes);
        proxy.reload(&routed(&[(stays, &["one"])], &services[..1], &[])).unwrap();
        let mut late = late.await;
        late.write("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n").await;
        until("the late one is under way", || in_flight(&proxy.report()) == 2).await;
        slow.seen.go.notify_waiters();
        let answer = under_way.message().await.unwrap();
        assert_eq!((answer.text().as_str(), answer.field("connection")), ("slow", Some("close")));
        assert_eq!(late.message().await.unwrap().text(), "slow");
        assert!(idle.message().await.is_none(), "an idle one is closed");
        let is_refused = || std::net::TcpStream::connect(goes).is_err();
        until("nobody is let in", is_refused).await;
        assert_eq!(asked(&mut Wire::connect(stays).await, "/").await.as_deref(), Some("one"));
        drop((under_way, late, idle));
        until("the service is forgotten with its last request", || {
            proxy.report().backends.iter().all(|backend| backend.service == "one")
        })
        .await;
    });
}

#[test]
fn no_request_fails_while_the_configuration_changes_hundreds_of_times() {
    local(async {
        let (one, two) = (Backend::named("one").await, Backend::named("two").await);
        let (stays, comes) = (free(), free());
        let services = [("one", one.addr), ("two", two.addr)];
        let plans = [
            routed(&[(stays, &["one", "two"])], &services, &[]),
            routed(&[(comes, &["two"]), (stays, &["two", "one"])], &services, &[]),
            routed(&[(stays, &["two"])], &services[1..], &[]),
        ];
        let proxy = Proxy::start(plans[0].clone()).unwrap();
        let (answers, done) = (Rc::new(RefCell::new(BTreeMap::new())), Rc::new(Cell::new(false)));
        let client = |keeps: bool| {
            let (answers, done) = (Rc::clone(&answers), Rc::clone(&done));
            async move {
                let mut wire = Wire::connect(stays).await;
                while !done.get() {
                    for target in ["/", "/one", "/two/x"] {
                        let text = asked(&mut wire, target).await.unwrap_or_else(|| "cut".into());
                        *answers.borrow_mut().entry(text).or_insert(0) += 1;
                    }
                    if !keeps {
                        wire = Wire::connect(stays).await;
                    }
                }
            }
        };
        let clients: Vec<_> = (0..8).map(|nth| tokio::task::spawn_local(client(nth % 2 == 0))).collect();
        for nth in 1..300 {
            proxy.left().await;
            proxy.reload(&plans[nth % plans.len()]).unwrap();
            let before: i32 = answers.borrow().values().sum();
            until("some more requests", || answers.borrow().values().sum::<i32>() > before + 4).await;
        }
        done.set(true);
        for client in clients {
            client.await.unwrap();
        }
        let answers = answers.borrow();
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["one", "two"], "{answers:?}");
    });
}

#[test]
fn one_service_becomes_another_and_what_takes_a_restart_is_named() {
    local(async {
        let web = Backend::named("web").await;
        let (proxy, addr) = proxy_with(config(), &picture(1, &[web.addr]));
        let mut client = Wire::connect(addr).await;
        assert_eq!(asked(&mut client, "/").await.as_deref(), Some("web"));
        let listen = vec![addr.into()];
        let other = Config { service: "other".into(), idle_max: 3, listen, ..config() };
        assert_eq!(proxy.reload(&other).unwrap(), ["idle_max"]);
        client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().status(), 503);
    });
}
