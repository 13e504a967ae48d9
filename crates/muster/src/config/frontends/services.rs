//! Services of the proxy: their backends, where those are written down, and whether they are closed.

use super::{check, views};
use crate::config::file::text_of;
use crate::config::keys::{self, service as service_keys};
use crate::config::named::Named;
use crate::config::origin::{Origin, Problem};
use crate::config::settings::Settings;
use muster_fleet::{Backend, Gossip, Phase, Picture, Service, Standing, Terms};
use muster_proxy::{Fixed, Maintenance, Outliers, Policy, ServiceConfig};
use muster_routes::Page;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;

/// Those that have a section, each with what is particular to it.
pub(super) fn all(settings: &Settings, problems: &mut Vec<Problem>) -> BTreeMap<String, ServiceConfig> {
    let one = |named: Named<'_>| {
        backends(&named, problems);
        let protocol = views::protocol(
            named
                .text(&service_keys::UPSTREAM_PROTOCOL)
                .unwrap_or(settings.text(&keys::proxy::UPSTREAM_PROTOCOL)),
        );
        let check = check::of(&named, protocol, problems);
        let checks = check.is_some().then(|| check::pace(&named));
        let outliers = named.bool(&service_keys::OUTLIERS).then(Outliers::default);
        let config = ServiceConfig {
            policy: Policy { checks, outliers, ..views::policy(settings) },
            connect_timeout: settings.duration(&keys::proxy::CONNECT_TIMEOUT),
            response_timeout: settings.duration(&keys::proxy::RESPONSE_TIMEOUT),
            stall_timeout: settings.duration(&keys::proxy::STALL_TIMEOUT),
            protocol,
            check,
            maintenance: maintenance(&named, problems),
        };
        (named.name.to_owned(), config)
    };
    settings.services().map(one).collect()
}

/// The services that the proxy serves by this configuration.
pub(in crate::config) fn served(settings: &Settings) -> BTreeSet<String> {
    if !super::are_named(settings) {
        return [settings.text(&keys::proxy::SERVICE).to_owned()].into();
    }
    let by_rules = settings.frontends().flat_map(|named| settings.rules_of(named.name));
    let by_rules = by_rules.filter_map(|rule| rule.text("service"));
    let of_frontends = settings.frontends().filter_map(|named| named.text(&super::frontend_keys::SERVICE));
    by_rules.chain(of_frontends).map(str::to_owned).collect()
}

/// Whether something is said of a service that only the proxy does.
pub(in crate::config) fn is_written_down(settings: &Settings, service: &str) -> bool {
    let said = |named: &Named<'_>, key| *named.own_origin(key) != Origin::Default;
    let keys = [
        &service_keys::BACKENDS,
        &service_keys::CHECK,
        &service_keys::OUTLIERS,
        &service_keys::MAINTENANCE,
        &service_keys::MAINTENANCE_FILE,
    ];
    settings.services().any(|named| named.name == service && keys.into_iter().any(|key| said(&named, key)))
}

/// The backends that are written down, as a picture that needs no agent.
pub(super) fn fixed(settings: &Settings, services: &BTreeMap<String, ServiceConfig>) -> Option<Fixed> {
    let listed = |named: Named<'_>| {
        let backends = backends(&named, &mut Vec::new());
        let backends = backends.into_iter().map(|backend| (backend.addr.to_string(), backend)).collect();
        (named.name.to_owned(), Service { backends })
    };
    let written = settings.services().filter(|named| !named.texts(&service_keys::BACKENDS).is_empty());
    let listed: BTreeMap<String, Service> =
        written.map(listed).filter(|(name, _)| services.contains_key(name)).collect();
    (!listed.is_empty()).then(|| {
        let terms = Terms { gossip: Gossip::Sealed, ..Terms::default() };
        let picture = Picture {
            epoch: 1,
            version: 1,
            phase: Phase::Live,
            services: listed,
            terms,
            refusals: Vec::new(),
        };
        Fixed { picture, traits: Vec::new() }
    })
}

fn backends(named: &Named<'_>, problems: &mut Vec<Problem>) -> Vec<Backend> {
    let mut backends: Vec<Backend> = Vec::new();
    for text in named.texts(&service_keys::BACKENDS) {
        let mut say = |why: String| {
            problems.push(Problem::at(named.origin(&service_keys::BACKENDS), format!("backends: {why}")));
        };
        let (addr, weight) =
            text.split_once('/').map_or((text.as_str(), None), |(addr, weight)| (addr, Some(weight)));
        let weight = weight.map_or(Some(1), |weight| weight.parse().ok().filter(|weight| *weight > 0));
        match (addr.parse::<SocketAddr>(), weight) {
            (Ok(addr), Some(_)) if backends.iter().any(|known| known.addr == addr) => {
                say(format!("{addr} is there twice"));
            }
            (Ok(addr), Some(_)) if addr.port() == 0 || addr.ip().is_unspecified() => {
                say(format!("nobody can be reached at {addr}"));
            }
            (Ok(addr), Some(weight)) => backends.push(Backend { addr, weight, standing: Standing::Ready }),
            _ => say(format!(
                "`{text}` is no backend; write IP:PORT, [IPv6]:PORT or IP:PORT/WEIGHT, not a host name"
            )),
        }
    }
    backends
}

fn maintenance(named: &Named<'_>, problems: &mut Vec<Problem>) -> Option<Maintenance> {
    let now = named.bool(&service_keys::MAINTENANCE);
    let file = named.text(&service_keys::MAINTENANCE_FILE).map(Into::into);
    let body = match named.text(&service_keys::MAINTENANCE_PAGE) {
        Some(path) => read(Path::new(path)).unwrap_or_else(|why| {
            problems.push(Problem::at(named.origin(&service_keys::MAINTENANCE_PAGE), why));
            (String::new(), Vec::new())
        }),
        None => text(&format!("The service {} is closed for maintenance. Try again later.\n", named.name)),
    };
    let seconds = named.duration(&service_keys::RETRY_AFTER).unwrap_or_default().as_secs().max(1);
    (now || file.is_some()).then(|| {
        let (content_type, body) = body;
        let fields = vec![("Retry-After".to_owned(), seconds.to_string())];
        Maintenance { now, file, page: Page { status: 503, content_type, body, fields } }
    })
}

/// The type and the bytes of a page.
pub(super) fn read(path: &Path) -> Result<(String, Vec<u8>), String> {
    let body = text_of(path).map_err(|why| format!("cannot read the page {}: {why}", path.display()))?;
    let extension = path.extension().unwrap_or_default();
    let (_, plain) = text(&body);
    match extension == "html" || extension == "htm" {
        true => Ok(("text/html; charset=utf-8".to_owned(), plain)),
        false => Ok(text(&body)),
    }
}

/// The same of a text.
pub(super) fn text(body: &str) -> (String, Vec<u8>) {
    ("text/plain; charset=utf-8".to_owned(), body.as_bytes().to_vec())
}
