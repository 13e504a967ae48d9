//! All sections together: the plan, and what is beside it.

use crate::backend::Backend;
use crate::file::{File, Front, Section};
use crate::log::{LogFormat, LogTo};
use crate::proxy::{Draft, Proxy};
use crate::refusal::{Refusal, Refusals};
use crate::section::Kind;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::vec::Vec;
use muster_routes::{
    self as routes, Action, Condition, Frontend, Gravity, How, Limits, Mode, Page, Pattern, Plan, Rule,
    Service, Test,
};

/// What HAProxy does when nothing is said (configuration manual, `retries`).
const RETRIES: u32 = 3;

/// What is said at a `monitor-uri`.
const MONITOR: &[u8] = b"<html><body><h1>200 OK</h1>\nService ready.\n</body></html>\n";

pub(crate) fn assemble(draft: Draft, mut refusals: Refusals) -> Result<File, Vec<Refusal>> {
    let Draft { global, proxies } = draft;
    names(&proxies, &mut refusals);
    modes(&proxies, &mut refusals);
    let mut plan = routes::Draft::default();
    let (mut fronts, mut backends, mut sections) = (Vec::new(), Vec::new(), Vec::new());
    for proxy in proxies {
        checks(&proxy, &mut refusals);
        sections.push(Section {
            name: proxy.name.clone(),
            front: (proxy.kind != Kind::Backend).then_some(fronts.len()),
            backend: (proxy.kind != Kind::Frontend).then_some(backends.len()),
        });
        if proxy.kind != Kind::Frontend {
            backends.push(backend(&proxy));
            plan.services.insert(proxy.name.clone(), service(&proxy));
        }
        if proxy.kind != Kind::Backend {
            fronts.push(front(&proxy, &global.logs));
            plan.frontends.push(frontend(proxy));
        }
    }
    let plan = match Plan::new(plan) {
        Ok(plan) => Some(plan),
        Err(findings) => {
            for finding in findings.iter().filter(|finding| finding.gravity == Gravity::Refused) {
                refusals.add(&finding.place, finding.words.clone());
            }
            None
        }
    };
    let refusals = refusals.into_vec();
    match plan {
        Some(plan) if refusals.is_empty() => Ok(File { global, plan, fronts, backends, sections }),
        _ => Err(refusals),
    }
}

/// Frontends are told apart by the plan; here the same of backends.
fn names(proxies: &[Proxy], refusals: &mut Refusals) {
    let mut seen = BTreeMap::new();
    for proxy in proxies.iter().filter(|proxy| proxy.kind != Kind::Frontend && !proxy.name.is_empty()) {
        if let Some(first) = seen.insert(&proxy.name, &proxy.place) {
            refusals.add(
                &proxy.place,
                format!(
                    "there is a backend `{}` already, at {first}; give this one another name",
                    proxy.name
                ),
            );
        }
    }
}

/// A frontend and the backends that it uses speak the same.
fn modes(proxies: &[Proxy], refusals: &mut Refusals) {
    let servers = proxies.iter().filter(|proxy| proxy.kind != Kind::Frontend);
    let modes: BTreeMap<&str, Mode> =
        servers.map(|proxy| (proxy.name.as_str(), proxy.settings.mode)).collect();
    for proxy in proxies.iter().filter(|proxy| proxy.kind != Kind::Backend) {
        let chosen = proxy.choices.iter().filter_map(|rule| match &rule.action {
            Action::Service(name) => Some((name, &rule.place)),
            _ => None,
        });
        let default = proxy.settings.default_backend.as_ref().map(|(name, place)| (name, place));
        for (name, place) in chosen.chain(default) {
            if modes.get(name.as_str()).is_some_and(|mode| *mode != proxy.settings.mode) {
                refusals.add(
                    place,
                    format!(
                        "`{}` and `{name}` are not in the same mode; one is http and one tcp",
                        proxy.name
                    ),
                );
            }
        }
    }
}

/// What concerns several lines of a proxy.
fn checks(proxy: &Proxy, refusals: &mut Refusals) {
    let is_tcp = proxy.settings.mode == Mode::Tcp;
    if proxy.kind != Kind::Backend && !proxy.has_bind {
        refusals.add(&proxy.place, format!("`{}` has no `bind`: no client could come", proxy.name));
    }
    if let Some(redirect) = proxy.redirects.first()
        && proxy.requests.iter().any(|rule| rule.action == Action::Allow)
    {
        refusals.add(
            &redirect.place,
            "behind `http-request allow`, write `http-request redirect`: this one is done for all",
        );
    }
    if is_tcp {
        for rule in proxy.responses.iter().chain(&proxy.redirects).chain(&proxy.requests) {
            if !matches!(rule.action, Action::Allow | Action::Deny(_)) || rule.when.needs_http() {
                let words = format!(
                    "`{}` is in `mode tcp`, where no request is read; this needs `mode http`",
                    proxy.name
                );
                refusals.add(&rule.place, words);
            }
        }
        if proxy.stats.is_some() {
            refusals.add(
                &proxy.place,
                format!(
                    "`{}` is in `mode tcp` and has a page of statistics, which needs `mode http`",
                    proxy.name
                ),
            );
        }
    }
    if proxy.kind != Kind::Frontend && !(is_tcp && proxy.settings.cookie.is_some()) {
        let without =
            |server: &&crate::server::Server| server.cookie.is_some() && proxy.settings.cookie.is_none();
        if let Some(server) = proxy.servers.iter().find(without) {
            refusals.add(
                &server.place,
                "a server has a `cookie` and its backend has none; write `cookie NAME insert` there too",
            );
        }
    } else if proxy.kind != Kind::Frontend {
        refusals.add(
            &proxy.place,
            format!("`{}` is in `mode tcp` and has a `cookie`, which needs `mode http`", proxy.name),
        );
    }
}

fn backend(proxy: &Proxy) -> Backend {
    let settings = &proxy.settings;
    Backend {
        name: proxy.name.clone(),
        place: proxy.place.clone(),
        mode: settings.mode,
        balance: settings.balance,
        servers: proxy.servers.clone(),
        check: settings.check.clone(),
        cookie: settings.cookie.clone(),
        retries: settings.retries.unwrap_or(RETRIES),
        redispatch: settings.redispatch,
        abort_on_close: settings.abort_on_close,
        all_backups: settings.all_backups,
        log_checks: settings.log_checks,
        connections: settings.connections,
        timeouts: settings.servers,
    }
}

fn service(proxy: &Proxy) -> Service {
    // Those of a `listen` are done where its clients come.
    if proxy.kind == Kind::Listen {
        return Service::default();
    }
    let rules = proxy.requests.iter().chain(&proxy.responses).chain(&proxy.redirects);
    Service {
        rules: behind_allow(rules.cloned().collect()),
        forwarded_for: proxy.settings.forwarded_for.clone(),
    }
}

/// What is allowed skips rules for requests alone: those for responses, which do not depend on them, come first.
fn behind_allow(mut rules: Vec<Rule>) -> Vec<Rule> {
    rules.sort_by_key(|rule| !matches!(rule.action, Action::Response(_)));
    rules
}

fn front(proxy: &Proxy, of_global: &[crate::log::Log]) -> Front {
    let settings = &proxy.settings;
    let logs = settings.logs.iter().flat_map(|to| match to {
        LogTo::Global => of_global.to_vec(),
        LogTo::Here(log) => alloc::vec![log.clone()],
    });
    let log_format = match (settings.log_format, settings.mode) {
        // Without requests, there is only this to be said.
        (LogFormat::Http, Mode::Tcp) => LogFormat::Tcp,
        (format, _) => format,
    };
    Front {
        name: proxy.name.clone(),
        logs: logs.collect(),
        log_format,
        log_tag: settings.log_tag.clone(),
        skips_silent: settings.skips_silent,
        skips_normal: settings.skips_normal,
        separates_errors: settings.separates_errors,
        connections: settings.connections,
        closes_idle_on_response: settings.closes_idle_on_response,
        stats: proxy.stats.clone(),
    }
}

fn frontend(proxy: Proxy) -> Frontend {
    let Proxy { kind, name, place, settings, binds, requests, redirects, choices, responses, .. } = proxy;
    let monitor = settings.monitor_uri.map(|(uri, place)| {
        let when = Condition::all([Test::Path(alloc::vec![Pattern::new(How::Exact, &uri, false)])]);
        let page = Page {
            status: 200,
            content_type: "text/html".into(),
            body: MONITOR.to_vec(),
            fields: Vec::new(),
        };
        Rule { when, action: Action::Page(page), place }
    });
    let (service, service_place) = match settings.default_backend {
        Some((name, place)) => (Some(name), place),
        None if kind == Kind::Listen => (Some(name.clone()), place.clone()),
        None => (None, place.clone()),
    };
    let rules =
        monitor.into_iter().chain(behind_allow([requests, responses, redirects].concat())).chain(choices);
    Frontend {
        name,
        place,
        mode: settings.mode,
        binds,
        timeouts: routes::Timeouts { tunnel: settings.servers.tunnel, ..settings.clients },
        limits: Limits { clients_max: settings.clients_max },
        rules: rules.collect(),
        service,
        service_place,
        forwarded_for: settings.forwarded_for,
    }
}
