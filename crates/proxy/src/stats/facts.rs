//! What this proxy knows, as the facts that tools are told.

use super::counters::{Counted, Sums};
use super::desk;
use crate::plane::Plane;
use crate::stats::{Shown, ShownBackend};
use muster_balance::Algorithm;
use muster_fleet::BackendReport;
use muster_haproxy_stats::{
    Backend, Check, Counters, Facts, Front, Health, Missing, Mode, Process, Proxy, Server, State,
};
use std::collections::HashMap;
use std::time::SystemTime;

/// All.
pub(super) fn all(plane: &Plane) -> Facts {
    let counted = Counted::now(plane);
    let reports = plane.report().backends;
    let reports: HashMap<(&str, &str), &BackendReport> =
        reports.iter().map(|report| ((report.service.as_str(), report.node.as_str()), report)).collect();
    let proxies = shown(plane).into_iter().map(|shown| proxy(plane, shown, &reports, &counted));
    Facts { process: process(plane, &counted), proxies: proxies.collect() }
}

/// One server.
pub(super) fn one(plane: &Plane, service: &str, node: &str) -> Result<Server, Missing> {
    plane.service_called(service).ok_or(Missing::Backend)?;
    let report = plane.report_of(service, node);
    server(plane, service, node, report.as_ref(), Counters::default()).ok_or(Missing::Server)
}

/// The number of a frontend.
pub(super) fn frontend(plane: &Plane, name: &str) -> Option<usize> {
    shown(plane).into_iter().find(|shown| shown.name == name)?.frontend
}

fn process(plane: &Plane, counted: &Counted) -> Process {
    let uptime = plane.elapsed();
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let metrics = tokio::runtime::Handle::current().metrics();
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let clients_max = plane.desk.clients_max();
    let Sums { clients, clients_total, requests_total, bytes_out } = counted.sums();
    Process {
        version: env!("CARGO_PKG_VERSION").into(),
        pid: std::process::id(),
        uptime,
        started_s: since_1970.saturating_sub(uptime).as_secs(),
        descriptors_max: limit,
        clients_max,
        clients,
        clients_total: Some(clients_total),
        requests_total: Some(requests_total),
        bytes_out: Some(bytes_out),
        tasks: Some((number(metrics.num_alive_tasks()), number(metrics.global_queue_depth()))),
        listeners: number(plane.config.listen.len()),
        node: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        is_stopping: plane.desk.is_stopping(),
    }
}

/// The sections, as they were named or as they are.
fn shown(plane: &Plane) -> Vec<Shown> {
    let stats = plane.config.stats.as_ref();
    if let Some(stats) = stats.filter(|stats| !stats.shown.is_empty()) {
        return stats.shown.clone();
    }
    let of_service = |name: &str| {
        let policy = plane.service_called(name).map(|service| service.policy.algorithm);
        let algorithm = match policy.unwrap_or_default() {
            Algorithm::RoundRobin => "roundrobin",
            Algorithm::LeastConn => "leastconn",
            Algorithm::Random => "random",
            // HAProxy has no name for others.
            _ => "random",
        };
        Some(ShownBackend { algorithm: algorithm.into(), servers: Vec::new() })
    };
    let routes = plane.routes();
    let Some(routing) = &routes.routing else {
        let is_tcp = plane.config.listen.iter().all(|listen| listen.tcp);
        let name = routes.service.name.clone();
        let backend = of_service(&name);
        let mode = if is_tcp { Mode::Tcp } else { Mode::Http };
        return vec![Shown { name, mode, frontend: Some(0), clients_max: None, backend }];
    };
    let mode = |mode| match mode {
        muster_routes::Mode::Http => Mode::Http,
        muster_routes::Mode::Tcp => Mode::Tcp,
    };
    let fronts = routing.plan.frontends().iter().enumerate().map(|(number, front)| Shown {
        name: front.name.clone(),
        mode: mode(front.mode),
        frontend: Some(number),
        clients_max: front.limits.clients_max,
        backend: None,
    });
    let backends = routing.services.keys().map(|name| Shown {
        name: name.clone(),
        mode: Mode::Http,
        frontend: None,
        clients_max: None,
        backend: of_service(name),
    });
    fronts.chain(backends).collect()
}

fn proxy(
    plane: &Plane,
    shown: Shown,
    reports: &HashMap<(&str, &str), &BackendReport>,
    counted: &Counted,
) -> Proxy {
    let Shown { name, mode, frontend, clients_max, backend } = shown;
    let front = frontend.map(|number| Front {
        clients_max: clients_max.map_or(plane.desk.clients_max(), u64::from),
        is_paused: plane.desk.paused.borrow().contains(&number),
        counters: counted.front(number),
    });
    let backend = backend.map(|ShownBackend { algorithm, servers }| {
        let picture = plane.desk.picture.borrow();
        let listed = picture.services.get(&name).into_iter().flat_map(|service| service.backends.keys());
        let others = listed.filter(|node| !servers.contains(node));
        let all = servers.iter().chain(others);
        let all = all.filter_map(|node| {
            let report = reports.get(&(name.as_str(), node.as_str())).copied();
            server(plane, &name, node, report, counted.server(&name, node))
        });
        Backend {
            algorithm,
            servers: all.collect(),
            is_fixed: plane.is_fixed(&name),
            counters: counted.service(&name),
        }
    });
    Proxy { name, mode, front, backend }
}

fn server(
    plane: &Plane,
    service: &str,
    node: &str,
    report: Option<&BackendReport>,
    mut counters: Counters,
) -> Option<Server> {
    let picture = plane.desk.picture.borrow();
    let listed = picture.backend(service, node)?;
    let (said, configured) = (plane.desk.said(service, node), desk::configured(plane, service, node));
    let is_disabled = configured.maintenance;
    let of_configuration = if is_disabled { State::Maintenance } else { State::Ready };
    let withdrawn = listed.standing == muster_fleet::Standing::Withdrawn;
    // A node that says it takes nothing is as good as one that an operator drains.
    let state = said.state.unwrap_or(if withdrawn { State::Drain } else { of_configuration });
    let is_down = report.is_some_and(|report| report.state == "ejected");
    let is_checked = plane.service_called(service).is_some_and(|service| service.check.is_some());
    let health = match (is_down, plane.is_fixed(service) && !is_checked) {
        (true, _) => Health::Down,
        (false, true) => Health::Unchecked,
        (false, false) => Health::Up,
    };
    let checks = plane.counters.checks(service, node).filter(|_| is_checked).unwrap_or_default();
    let check = checks.last.map(|(found, took)| Check {
        word: found.kind.word(),
        code: found.status,
        took_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    });
    let counted = |count: u64| Some(count).filter(|_| is_checked);
    (counters.checks_failed, counters.downs) = (counted(checks.failed), counted(checks.downs));
    let weight_initial = configured.weight.unwrap_or(listed.weight);
    Some(Server {
        name: node.into(),
        addr: Some(listed.addr),
        is_fixed: plane.is_fixed(service),
        weight: said.weight.unwrap_or(weight_initial),
        weight_initial,
        is_backup: configured.backup,
        state,
        is_disabled,
        health,
        why: report.and_then(|report| report.why.clone()),
        requests_max: configured.max_in_flight.filter(|most| *most > 0),
        check,
        idle: None,
        counters,
    })
}
