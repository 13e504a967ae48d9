//! The page of statistics: in a frontend of the plan, for what its rules let through, or at an address of its own.

use super::desk::{self, Asked};
use crate::client::Client;
use crate::front::{Ask, Front};
use crate::http2::body::Unframed;
use crate::pages::Page;
use crate::plane::Plane;
use muster_haproxy_stats::{self as pure, FORM_BYTES_MAX, PageSettings};
use muster_http1::{Request, Slots, Target};
use std::future::poll_fn;
use std::rc::Rc;

/// Answers on their way at the same time, each of which may be some MB where there are thousands of servers.
const ANSWERS_MAX: usize = 8;

/// A place among the answers on their way.
pub(crate) struct Turn(Rc<Plane>);

impl Drop for Turn {
    fn drop(&mut self) {
        let pages = &self.0.desk.pages;
        pages.set(pages.get().saturating_sub(1));
    }
}

impl Turn {
    fn take(plane: &Rc<Plane>) -> Option<Self> {
        let taken = plane.desk.pages.get();
        (taken < ANSWERS_MAX).then(|| {
            plane.desk.pages.set(taken + 1);
            Self(Rc::clone(plane))
        })
    }
}

/// What answers a request of `client`, if that is a page. `is_left_over`: no rule answers it.
pub(crate) fn of<'p>(
    plane: &'p Plane,
    client: &Client,
    ask: &Ask,
    is_left_over: bool,
) -> Option<&'p PageSettings> {
    let stats = plane.config.stats.as_ref()?;
    let listen = client.entry.spec();
    if let Some(own) = listen.page {
        return stats.pages.get(own).map(|(_, settings)| settings);
    }
    let (_, settings) = stats.frontends.iter().find(|(frontend, _)| *frontend == listen.frontend)?;
    let is_for = is_left_over && target(ask).is_some_and(|target| pure::is_for(settings, &target));
    is_for.then_some(settings)
}

fn target(ask: &Ask) -> Option<String> {
    let mut slots = Slots::new();
    let request = Request::parse(&ask.head, &mut slots).ok()??;
    match request.target {
        Target::Origin(path) => Some(path.to_owned()),
        _ => None,
    }
}

/// The answer. What is returned beside it is held until it is out.
pub(crate) async fn answer(
    plane: &Rc<Plane>,
    settings: &PageSettings,
    ask: &Ask,
    front: &mut impl Front,
) -> (Page, Option<Turn>) {
    let Some(turn) = Turn::take(plane) else {
        return (Page::busy(), None);
    };
    let mut slots = Slots::new();
    // It is ours: we have just written it.
    let Ok(Some(request)) = Request::parse(&ask.head, &mut slots) else { return (Page::denied(400), None) };
    let form = form(front, Unframed::new(request.body, false)).await;
    let Target::Origin(target) = request.target else { return (Page::denied(400), None) };
    if !pure::is_for(settings, target) {
        return (Page::denied(404), None);
    }
    let field = |wanted: &str| {
        let mut values = request.fields().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        values.next().and_then(|(_, value)| std::str::from_utf8(value).ok())
    };
    let asked = pure::Ask {
        method: request.method,
        target,
        host: request.host().and_then(|host| std::str::from_utf8(host).ok()),
        authorization: field("authorization"),
        origin: field("origin"),
        fetch_site: field("sec-fetch-site"),
        form: form.as_deref(),
    };
    let reply = pure::reply(settings, &asked, &Asked(plane));
    for change in reply.changes {
        desk::change(plane, change);
    }
    let written = muster_routes::Page {
        status: reply.status,
        content_type: reply.content_type.into(),
        body: reply.body.into_bytes(),
        fields: reply.fields.into_iter().map(|(name, value)| (name.into(), value)).collect(),
    };
    (Page::made(written), Some(turn))
}

/// The body of a form; `None` if it is too long or none, or its client goes.
async fn form(front: &mut impl Front, mut body: Unframed) -> Option<Vec<u8>> {
    let mut form = Vec::new();
    loop {
        let ready = front.ready();
        let moved = body.advance(ready).ok()?;
        let ends = moved.skip + moved.pass;
        if form.len() + moved.pass > FORM_BYTES_MAX {
            return None;
        }
        form.extend_from_slice(&ready[moved.skip..ends]);
        front.taken(ends);
        match ends {
            0 if front.is_uploaded() => return Some(form),
            0 => poll_fn(|cx| front.poll_more(cx)).await.ok()?,
            _ => {}
        }
    }
}
