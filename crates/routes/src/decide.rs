//! The decision about one request.

use crate::action::{Action, Edit, Page, Redirect, Rewrite, To};
use crate::edits::{Edits, Kind, TooMuch, View};
use crate::head::{RequestHead, split};
use crate::plan::{ForwardedFor, Frontend, Mode, Plan, Rule};
use alloc::vec::Vec;

/// What becomes of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome<'p> {
    /// A backend of this service answers.
    Service(&'p str),
    /// The client is sent to [`Edits::location`] with this status.
    Redirect(u16),
    /// The client is refused with this status.
    Deny(u16),
    /// The client gets this page.
    Page(&'p Page),
    /// No rule chose a service, and the frontend has none for the rest.
    Nobody,
}

/// Decides about a request that came to frontend `frontend`, by its place in the plan. What changes in the heads is put into
/// `edits`, whose memory is used again: once it has grown to what the plan needs, nothing is allocated, except by expressions and by
/// rewriting.
///
/// Rules see what the rules before them have made of the request. A `frontend` that the plan does not have is [`Outcome::Nobody`].
pub fn decide<'p>(plan: &'p Plan, frontend: usize, head: &RequestHead<'_>, edits: &mut Edits) -> Outcome<'p> {
    edits.clear();
    let Some(frontend) = plan.frontends().get(frontend) else { return Outcome::Nobody };
    // Header Fields Too Large (RFC 6585, 5): what the client sent is what made the rules write so much.
    by_frontend(plan, frontend, head, edits).unwrap_or(Outcome::Deny(431))
}

fn by_frontend<'p>(
    plan: &'p Plan,
    frontend: &'p Frontend,
    head: &RequestHead<'_>,
    edits: &mut Edits,
) -> Result<Outcome<'p>, TooMuch> {
    let service = match by_rules(&frontend.rules, head, edits)? {
        Some(Outcome::Service(service)) => service,
        Some(outcome) => return Ok(outcome),
        None => match &frontend.service {
            Some(service) => service,
            None => return Ok(Outcome::Nobody),
        },
    };
    let mut forwarded_for = &frontend.forwarded_for;
    let mut outcome = Outcome::Service(service);
    if let Some(of_service) = plan.services().get(service) {
        edits.enter_service();
        outcome = by_rules(&of_service.rules, head, edits)?.unwrap_or(outcome);
        if of_service.forwarded_for.is_some() {
            forwarded_for = &of_service.forwarded_for;
        }
    }
    if let (Some(forwarded_for), Mode::Http, Outcome::Service(_)) = (forwarded_for, frontend.mode, outcome) {
        tell_client(forwarded_for, head, edits)?;
    }
    Ok(outcome)
}

fn by_rules<'p>(
    rules: &'p [Rule],
    head: &RequestHead<'_>,
    edits: &mut Edits,
) -> Result<Option<Outcome<'p>>, TooMuch> {
    let mut is_allowed = false;
    for rule in rules {
        if is_allowed && rule.action.service().is_none() || !rule.when.holds(View { head, edits }) {
            continue;
        }
        for step in rule.action.steps() {
            is_allowed |= *step == Action::Allow;
            if let Some(outcome) = by_step(step, head, edits)? {
                return Ok(Some(outcome));
            }
        }
    }
    Ok(None)
}

/// What becomes of the request, if this decides about it.
fn by_step<'p>(
    step: &'p Action,
    head: &RequestHead<'_>,
    edits: &mut Edits,
) -> Result<Option<Outcome<'p>>, TooMuch> {
    match step {
        Action::Service(service) => return Ok(Some(Outcome::Service(service))),
        Action::Deny(status) => return Ok(Some(Outcome::Deny(*status))),
        Action::Page(page) => return Ok(Some(Outcome::Page(page))),
        Action::Redirect(redirect) => {
            edits.set_location(|edits, out| write_location(redirect, View { head, edits }, out))?;
            return Ok(Some(Outcome::Redirect(redirect.code.status())));
        }
        // A list in a list is one that nobody writes.
        Action::Allow | Action::Steps(_) => {}
        Action::Request(edit) => keep(edit, false, head, edits)?,
        Action::Response(edit) => keep(edit, true, head, edits)?,
        Action::Rewrite(rewrite) => apply(rewrite, head, edits)?,
    }
    Ok(None)
}

fn keep(edit: &Edit, of_response: bool, head: &RequestHead<'_>, edits: &mut Edits) -> Result<(), TooMuch> {
    let (kind, template) = match edit {
        Edit::Set(_, value) => (Kind::Set, Some(value)),
        Edit::Add(_, value) => (Kind::Add, Some(value)),
        Edit::Delete(_) => (Kind::Delete, None),
    };
    edits.keep(kind, of_response, edit.name(), |edits, out| {
        if let Some(template) = template {
            template.write(View { head, edits }, out);
        }
    })
}

fn apply(rewrite: &Rewrite, head: &RequestHead<'_>, edits: &mut Edits) -> Result<(), TooMuch> {
    let mut raw = Vec::new();
    let view = View { head, edits };
    // `OPTIONS *` has no path.
    if view.target() == b"*" || !rewrite.write(view, &mut raw) {
        return Ok(());
    }
    edits.set_target(|edits, out| {
        if raw.first() != Some(&b'/') {
            out.push(b'/');
        }
        for byte in &raw {
            match byte {
                // A path ends there (RFC 3986, 3.3).
                b'?' | b'#' => write_encoded(*byte, out),
                b'!'..=b'~' | 0x80.. => out.push(*byte),
                _ => write_encoded(*byte, out),
            }
        }
        if let Some(query) = (View { head, edits }).query() {
            out.push(b'?');
            out.extend_from_slice(query);
        }
    })
}

fn write_encoded(byte: u8, out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.extend([b'%', DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
}

fn write_location(redirect: &Redirect, view: View<'_>, out: &mut Vec<u8>) {
    match &redirect.to {
        To::Location(location) => return location.write(view, out),
        To::Prefix(prefix) => {
            prefix.write(view, out);
            // The path begins with one; two would be another host.
            if out == b"/" {
                out.clear();
            }
        }
        To::Scheme(scheme) => {
            scheme.write(view, out);
            out.extend_from_slice(b"://");
            out.extend_from_slice(view.host().unwrap_or_default());
        }
    }
    let (path, query) = split(view.target());
    out.extend_from_slice(path);
    let query = query.filter(|_| !redirect.drop_query);
    if redirect.append_slash && query.is_none() && path.last() != Some(&b'/') {
        out.push(b'/');
    }
    if let Some(query) = query {
        out.push(b'?');
        out.extend_from_slice(query);
    }
}

/// `X-Forwarded-For` and its like: one more value, behind those that came.
fn tell_client(told: &ForwardedFor, head: &RequestHead<'_>, edits: &mut Edits) -> Result<(), TooMuch> {
    let ip = head.connection.source.ip();
    let is_excepted = told.except.is_some_and(|network| network.contains(ip));
    let name = told.field.as_str();
    if is_excepted || told.if_none && (View { head, edits }).any_value(name, &mut |_| true) {
        return Ok(());
    }
    edits.keep(Kind::Add, false, name, |edits, out| {
        crate::template::write_client(View { head, edits }, out);
    })
}

#[cfg(test)]
mod tests;
