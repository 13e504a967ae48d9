//! A file as the configuration of our balancer.

use super::{access, servers_check as check};
use muster_fleet::{Backend as FleetBackend, Gossip, Phase, Picture, Service, Standing, Terms};
use muster_haproxy_file::{Backend, Balance, File, Server, Target};
use muster_proxy::{
    Algorithm, Config, Fixed, Guard, Listen, Policy, Protocol, Routing, ServiceConfig, Stickiness, Traits,
};
use muster_routes::{At, Bind, Mode};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Addresses of servers that have a name, by that name and port.
pub(super) type Names = BTreeMap<(String, u16), SocketAddr>;

/// The names that have to be looked up, with the first line that needs each.
pub(super) fn names(file: &File) -> Vec<(String, u16, String)> {
    let servers = file.backends.iter().flat_map(|backend| &backend.servers);
    let servers = servers.map(|server| (&server.target, &server.place));
    let fronts = file.plan.frontends().iter().zip(&file.fronts);
    let logs = fronts.flat_map(|(frontend, front)| access::targets(front).map(|to| (to, &frontend.place)));
    let mut names: Vec<(String, u16, String)> = Vec::new();
    for (target, place) in servers.chain(logs) {
        if let Target::Name { name, port } = target
            && !names.iter().any(|(known, known_port, _)| known == name && known_port == port)
        {
            names.push((name.clone(), *port, place.to_string()));
        }
    }
    names
}

/// `file` in place of what `base` says of listeners, services and waiting.
pub(super) fn config(base: Config, file: &File, names: &Names) -> Config {
    let frontends = file.plan.frontends();
    let listen = frontends
        .iter()
        .enumerate()
        .flat_map(|(at, frontend)| frontend.binds.iter().map(move |bind| listen_at(bind, at, frontend.mode)));
    // Each client has the longest of these, since only one can be said yet.
    let longest = |times: &mut dyn Iterator<Item = Option<Duration>>| times.flatten().max();
    let of_clients = longest(&mut frontends.iter().map(|frontend| frontend.timeouts.client));
    let of_tunnels = longest(&mut frontends.iter().map(|frontend| frontend.timeouts.tunnel));
    let services =
        file.backends.iter().map(|backend| (backend.name.clone(), service(&base, backend))).collect();
    let routing = Routing {
        plan: Arc::new(file.plan.clone()),
        services,
        fixed: Some(fixed(file, names)),
        tells_of_clients: false,
    };
    Config {
        listen: listen.collect(),
        service: String::new(),
        routing: Some(routing),
        access_logs: access::logs(file, names),
        idle_timeout: of_clients.unwrap_or(base.idle_timeout),
        tcp_idle_timeout: of_tunnels.or(of_clients).unwrap_or(base.tcp_idle_timeout),
        stats: super::stats::of(file),
        drain_timeout: file.global.hard_stop_after.unwrap_or(base.drain_timeout),
        ..base
    }
}

fn listen_at(bind: &Bind, frontend: usize, mode: Mode) -> Listen {
    let at = match &bind.at {
        At::Tcp(addr) => muster_proxy::At::Tcp(*addr),
        At::Unix { path, mode } => muster_proxy::At::Unix { path: path.into(), mode: *mode },
    };
    let mut listen = Listen::new(at);
    (listen.frontend, listen.tcp, listen.proxy_protocol) = (frontend, mode == Mode::Tcp, bind.accept_proxy);
    listen
}

/// HAProxy believes each check.
const AS_HAPROXY: Guard = Guard { max_drop_percent: 100, window: Duration::ZERO, usable_min_percent: 0 };

fn service(base: &Config, backend: &Backend) -> ServiceConfig {
    let (algorithm, sticky) = match backend.balance {
        Balance::RoundRobin | Balance::Uri => (Algorithm::RoundRobin, Stickiness::None),
        Balance::LeastConnections => (Algorithm::LeastConn, Stickiness::None),
        Balance::Random(_) => (Algorithm::Random, Stickiness::None),
        Balance::Source => (Algorithm::RoundRobin, Stickiness::Source),
    };
    let slow_start = backend.servers.iter().filter_map(|server| server.slow_start).max().unwrap_or_default();
    let connect_timeout = backend.timeouts.connect.unwrap_or(base.connect_timeout);
    // As HAProxy's manual says of `timeout queue`. There are no more who wait than clients, which are bounded.
    let (queue_max, queue_wait) = (u32::MAX, backend.timeouts.queue.unwrap_or(connect_timeout));
    ServiceConfig {
        policy: Policy {
            algorithm,
            sticky,
            slow_start,
            queue_max,
            queue_wait,
            checks: check::pace(backend),
            guard: AS_HAPROXY,
            ..Policy::default()
        },
        protocol: Protocol::Http1,
        connect_timeout,
        response_timeout: backend.timeouts.server.unwrap_or(base.response_timeout),
        stall_timeout: backend.timeouts.server.unwrap_or(base.stall_timeout),
        check: check::of(backend),
        maintenance: None,
    }
}

fn fixed(file: &File, names: &Names) -> Fixed {
    let mut services = BTreeMap::new();
    let mut all_traits = Vec::new();
    for backend in &file.backends {
        let mut backends = BTreeMap::new();
        for server in &backend.servers {
            let Some(addr) = address(server, names) else { continue };
            let listed = FleetBackend { addr, weight: server.weight.max(1), standing: Standing::Ready };
            backends.insert(server.name.clone(), listed);
            let traits = Traits {
                backup: server.backup,
                maintenance: server.disabled,
                max_in_flight: server.requests_max,
                weight: (server.weight == 0).then_some(0),
                ..Traits::default()
            };
            if traits != Traits::default() {
                all_traits.push((backend.name.clone(), server.name.clone(), traits));
            }
        }
        services.insert(backend.name.clone(), Service { backends });
    }
    // Nobody gossips: what is written down is as good as sealed.
    let terms = Terms { gossip: Gossip::Sealed, ..Terms::default() };
    let picture = Picture { epoch: 1, version: 1, phase: Phase::Live, services, terms, refusals: Vec::new() };
    Fixed { picture, traits: all_traits }
}

fn address(server: &Server, names: &Names) -> Option<SocketAddr> {
    address_of(&server.target, names)
}

/// Where a target is in the network.
pub(super) fn address_of(target: &Target, names: &Names) -> Option<SocketAddr> {
    match target {
        Target::Ip(addr) => Some(*addr),
        Target::Name { name, port } => names.get(&(name.clone(), *port)).copied(),
        Target::Unix(_) => None,
    }
}
