//! `[proxy.frontends.NAME]` and their services as the proxy wants them, and what is wrong with them.
//!
//! `[proxy] listen` and `service` are the short form of one frontend. It needs a plan only where its service has something that
//! the cluster does not tell.

mod check;
mod rule;
mod services;
#[cfg(test)]
mod tests;

use super::keys;
use super::keys::frontend as frontend_keys;
use super::named::Named;
use super::origin::{Origin, Problem};
use super::settings::Settings;
use super::suggest;
use super::views;
use muster_proxy::{Listen, Routing};
use muster_routes::{Draft, Frontend, Gravity, Limits, Mode, Place, Plan, Service, Timeouts};
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) use services::{is_written_down, served};

/// A place where clients come, and who said so.
#[derive(Clone, Debug)]
pub(super) struct Listener {
    pub(super) listen: Listen,
    pub(super) origin: Origin,
}

/// Whether there are any.
pub(super) fn are_named(settings: &Settings) -> bool {
    settings.frontends().next().is_some()
}

/// All places where clients come.
pub(super) fn listeners(settings: &Settings) -> Vec<Listener> {
    // Each text was read when its source was.
    let read = |texts: &[String]| texts.iter().filter_map(|text| text.parse().ok()).collect::<Vec<Listen>>();
    if !are_named(settings) {
        let origin = settings.origin(&keys::proxy::LISTEN);
        let is_mixed = is_written_down(settings, settings.text(&keys::proxy::SERVICE));
        let all = read(settings.texts(&keys::proxy::LISTEN)).into_iter().map(|mut listen| {
            listen.frontend = usize::from(is_mixed && listen.tcp);
            Listener { listen, origin: origin.clone() }
        });
        return all.collect();
    }
    let of_one = |(nth, named): (usize, Named<'_>)| {
        let is_tcp = mode(&named) == Mode::Tcp;
        let origin = named.origin(&frontend_keys::LISTEN).clone();
        read(named.texts(&frontend_keys::LISTEN)).into_iter().map(move |mut listen| {
            listen.frontend = nth;
            listen.tcp |= is_tcp;
            Listener { listen, origin: origin.clone() }
        })
    };
    settings.frontends().enumerate().flat_map(of_one).collect()
}

/// The rules of all frontends; `None` where one service gets all, of which the cluster tells.
pub(super) fn routing(settings: &Settings) -> Option<Routing> {
    assemble(settings, &mut Vec::new(), &mut Vec::new())
}

/// Everything wrong with them; and what is worth knowing.
pub(super) fn check(settings: &Settings, problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) {
    if are_named(settings) {
        for key in [&keys::proxy::LISTEN, &keys::proxy::SERVICE] {
            let origin = settings.origin(key);
            if *origin != Origin::Default {
                let text = format!(
                    "`{}` of [proxy] is the short form of one frontend, and there are [proxy.frontends]: write it there",
                    key.name
                );
                problems.push(Problem::at(origin, text));
            }
        }
    }
    for named in settings.frontends() {
        let problem = |text: String| Problem::at(named.origin(&frontend_keys::LISTEN), text);
        if named.texts(&frontend_keys::LISTEN).is_empty() {
            problems.push(problem(format!("[proxy.frontends.{}] has no `listen`", named.name)));
        }
        let has_tcp = read_listen(&named).any(|listen| listen.tcp);
        if has_tcp && mode(&named) == Mode::Http {
            let text = "`tcp` behind an address of a frontend is said by its mode: write mode = \"tcp\"";
            problems.push(problem(text.to_owned()));
        }
        if read_listen(&named).any(|listen| listen.redirect_https.is_some()) && mode(&named) == Mode::Tcp {
            problems.push(problem(
                "`redirect-https` is for requests of HTTP, and this frontend has mode = \"tcp\"".into(),
            ));
        }
    }
    assemble(settings, problems, notes);
}

fn read_listen(named: &Named<'_>) -> impl Iterator<Item = Listen> {
    named.texts(&frontend_keys::LISTEN).iter().filter_map(|text| text.parse().ok())
}

fn mode(named: &Named<'_>) -> Mode {
    if named.text(&frontend_keys::MODE) == Some("tcp") { Mode::Tcp } else { Mode::Http }
}

fn assemble(settings: &Settings, problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) -> Option<Routing> {
    let frontends = match are_named(settings) {
        true => settings.frontends().map(|named| frontend(settings, &named, problems)).collect(),
        false => short_form(settings)?,
    };
    let services = services::all(settings, problems);
    let mut draft = Draft {
        frontends,
        services: services.keys().map(|name| (name.clone(), Service::default())).collect(),
    };
    unknown(&mut draft, problems);
    let found = Plan::new(draft);
    let (plan, findings) = match found {
        Ok(plan) => {
            let findings = plan.notes().to_vec();
            (Some(plan), findings)
        }
        Err(findings) => (None, findings),
    };
    for finding in findings {
        let told = Problem::anywhere(finding.to_string());
        match finding.gravity {
            Gravity::Refused => problems.push(told),
            Gravity::Note => notes.push(told),
        }
    }
    let fixed = services::fixed(settings, &services);
    Some(Routing { plan: Arc::new(plan?), services, fixed, tells_of_clients: true })
}

/// Services without a section: a name that nobody offers is a slip, and the cluster cannot be asked here.
fn unknown(draft: &mut Draft, problems: &mut Vec<Problem>) {
    let mut told = BTreeSet::new();
    let mut spoken_of: Vec<(String, Place)> = Vec::new();
    for frontend in &draft.frontends {
        spoken_of.extend(
            frontend
                .rules
                .iter()
                .filter_map(|rule| Some((rule.action.service()?.to_owned(), rule.place.clone()))),
        );
        spoken_of.extend(frontend.service.clone().map(|service| (service, frontend.service_place.clone())));
    }
    for (service, place) in spoken_of {
        if draft.services.contains_key(&service) && !told.contains(&service) {
            continue;
        }
        if told.insert(service.clone()) {
            let hint = suggest::hint(&service, draft.services.keys().map(String::as_str));
            let text = format!(
                "{place}: there is no service `{service}`{hint}; each has a section, if only the line [services.{service}] for one that the cluster offers"
            );
            problems.push(Problem::anywhere(text));
        }
        // Told here, and better than the plan could.
        draft.services.insert(service, Service::default());
    }
}

fn frontend(settings: &Settings, named: &Named<'_>, problems: &mut Vec<Problem>) -> Frontend {
    let rules = settings.rules_of(named.name).iter().filter_map(|said| rule::read(said, problems)).collect();
    Frontend {
        mode: mode(named),
        rules,
        service: named.text(&frontend_keys::SERVICE).map(str::to_owned),
        service_place: place(named.origin(&frontend_keys::SERVICE)),
        ..empty(named.name, place(named.origin(&frontend_keys::LISTEN)))
    }
}

/// One for HTTP and one for TCP, if the service has anything of its own.
fn short_form(settings: &Settings) -> Option<Vec<Frontend>> {
    let service = settings.text(&keys::proxy::SERVICE);
    let place = place(settings.origin(&keys::proxy::SERVICE));
    is_written_down(settings, service).then(|| {
        let one = |mode, name: &str| Frontend {
            mode,
            service: Some(service.to_owned()),
            ..empty(name, place.clone())
        };
        vec![one(Mode::Http, "http"), one(Mode::Tcp, "tcp")]
    })
}

fn empty(name: &str, place: Place) -> Frontend {
    Frontend {
        name: name.to_owned(),
        mode: Mode::Http,
        // The proxy's own form of them has more to say.
        binds: Vec::new(),
        timeouts: Timeouts::default(),
        limits: Limits::default(),
        rules: Vec::new(),
        service: None,
        service_place: place.clone(),
        place,
        forwarded_for: None,
    }
}

fn place(origin: &Origin) -> Place {
    match origin {
        Origin::File { path, line } | Origin::SerfFile { path, line } => {
            Place::new(&path.to_string_lossy().into(), u32::try_from(*line).unwrap_or(u32::MAX))
        }
        other => Place::new(&other.to_string().into(), 1),
    }
}
