//! All that happens, as server-sent events (HTML Living Standard, 9.2).
//!
//! hyper asks for the next event only when the last one could be written, so a reader that stops costs one event; it is read
//! from the [`History`] when it is wanted.

use super::Served;
use super::connections::told;
use super::history::{History, Next, Place};
use super::members::row;
use super::refusal::Refusal;
use super::slots::StreamSlot;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, header};
use futures_util::{StreamExt, stream};
use muster_control::routes::{Payload, StreamEvent, StreamQuery};
use muster_events::{Filters, Notice};
use muster_serf::MemberEvent;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

/// After so much silence a comment shows that we are still there (the standard advises about 15 s).
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long a reader waits before it connects again.
const RETRY_MS: u32 = 1000;

pub(super) async fn stream(
    State(served): State<Served>,
    slot: StreamSlot,
    query: Result<Query<StreamQuery>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<([(HeaderName, &'static str); 2], Body), Refusal> {
    let Query(query) = query.map_err(|error| Refusal::bad_request(error.to_string()))?;
    let filters = Filters::parse_for_stream(query.filter.as_deref().unwrap_or_default())
        .map_err(|error| Refusal::new(400, "Invalid event filter", error.to_string()))?;
    let history = Arc::clone(&served.history);
    let (place, missing) = match headers.get("last-event-id") {
        // Where nobody was before, nothing is missing.
        None => (history.now(), false),
        Some(id) => history.resume(id.to_str().ok().and_then(Place::parse)),
    };
    // The place is told at once: whoever is cut off before the first event can resume, too.
    let mut greeting = format!("retry: {RETRY_MS}\nid: {place}\n\n");
    if missing {
        greeting += &written(place, &StreamEvent::Missed { count: None });
    }
    let news = history.news();
    let reader = Reader { history, place, filters, news };
    let mut stop = served.shared.stop.clone();
    let events = stream::unfold((reader, slot), async |(mut reader, slot)| {
        Some((reader.next().await?, (reader, slot)))
    });
    let events = stream::iter([greeting]).chain(events).map(Ok::<_, std::convert::Infallible>);
    let events = events.take_until(async move { told(&mut stop).await });
    let headers = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(events)))
}

#[derive(Debug)]
struct Reader {
    history: Arc<History>,
    place: Place,
    filters: Filters,
    news: watch::Receiver<u64>,
}

impl Reader {
    /// The next event that is wanted, or a sign of life. `None` when nothing is told any more.
    async fn next(&mut self) -> Option<String> {
        // It is asked for when the last one was written. What is not wanted is no sign of life.
        let due = Instant::now() + KEEP_ALIVE;
        loop {
            self.news.mark_unchanged();
            match self.history.next(&mut self.place) {
                Next::Notice(notice) if self.filters.want(&notice) => {
                    return Some(written(self.place, &shown(&notice)));
                }
                Next::Notice(_) if Instant::now() < due => {}
                Next::Notice(_) => return Some(self.sign_of_life()),
                Next::Missed(count) => {
                    return Some(written(self.place, &StreamEvent::Missed { count: Some(count) }));
                }
                Next::Nothing => match timeout_at(due, self.news.changed()).await {
                    Ok(changed) => changed.ok()?,
                    Err(_) => return Some(self.sign_of_life()),
                },
            }
        }
    }

    /// With the place: what was of no interest need not be looked at again.
    fn sign_of_life(&self) -> String {
        format!(": still there\nid: {}\n\n", self.place)
    }
}

fn written(place: Place, event: &StreamEvent) -> String {
    let data = serde_json::to_string(event).expect("our types have text keys and no failing serializer");
    format!("id: {place}\nevent: {}\ndata: {data}\n\n", word(event))
}

/// The word that the data has as its `event`.
fn word(event: &StreamEvent) -> &'static str {
    match event {
        StreamEvent::MemberJoin { .. } => MemberEvent::Join.as_str(),
        StreamEvent::MemberLeave { .. } => MemberEvent::Leave.as_str(),
        StreamEvent::MemberFailed { .. } => MemberEvent::Failed.as_str(),
        StreamEvent::MemberUpdate { .. } => MemberEvent::Update.as_str(),
        StreamEvent::MemberReap { .. } => MemberEvent::Reap.as_str(),
        StreamEvent::User { .. } => "user",
        StreamEvent::Query { .. } => "query",
        StreamEvent::Missed { .. } => "missed",
    }
}

/// A notice in the control socket's JSON.
pub(crate) fn shown(notice: &Notice) -> StreamEvent {
    match notice {
        Notice::Members { event, members } => {
            let members = members.iter().map(row).collect();
            match event {
                MemberEvent::Join => StreamEvent::MemberJoin { members },
                MemberEvent::Leave => StreamEvent::MemberLeave { members },
                MemberEvent::Failed => StreamEvent::MemberFailed { members },
                MemberEvent::Update => StreamEvent::MemberUpdate { members },
                MemberEvent::Reap => StreamEvent::MemberReap { members },
            }
        }
        Notice::User { ltime, name, payload, coalesce } => StreamEvent::User {
            name: name.clone(),
            ltime: *ltime,
            coalesce: *coalesce,
            payload: Payload::of(payload),
        },
        Notice::Query { id, name, payload, from, .. } => StreamEvent::Query {
            name: name.clone(),
            ltime: id.ltime,
            from: from.clone(),
            payload: Payload::of(payload),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Hub;
    use tokio::time::{sleep, timeout};

    #[test]
    fn the_type_is_the_word_in_the_data() {
        for event in [
            MemberEvent::Join,
            MemberEvent::Leave,
            MemberEvent::Failed,
            MemberEvent::Update,
            MemberEvent::Reap,
        ] {
            let event = shown(&Notice::Members { event, members: Vec::new() });
            assert_eq!(serde_json::to_value(&event).unwrap()["event"], word(&event));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_shows_life_however_much_happens_that_it_does_not_want() {
        let (hub, history) = (Hub::default(), Arc::new(History::new(7)));
        history.follow(&hub);
        let (place, filters) = (history.now(), Filters::parse_for_stream("user:wanted").unwrap());
        let news = history.news();
        let mut reader = Reader { history, place, filters, news };
        tokio::spawn(async move {
            loop {
                let (name, payload) = ("other".to_owned(), Vec::new());
                hub.tell(Notice::User { ltime: 1, name, payload, coalesce: false });
                sleep(Duration::from_secs(1)).await;
            }
        });
        for _ in 0..2 {
            let told = timeout(KEEP_ALIVE * 2, reader.next()).await.unwrap().unwrap();
            assert!(told.starts_with(": still there\nid: 7-"), "{told}");
        }
    }

    #[test]
    fn no_name_breaks_out_of_its_line() {
        let name = "x\n\nevent: user\ndata: {}\r\u{2028}".to_owned();
        let event = StreamEvent::User { name, ltime: 1, coalesce: false, payload: Payload::default() };
        let text = written(Place { epoch: 1, number: 2 }, &event);
        assert_eq!(text.lines().count(), 4, "{text}");
        assert!(!text.contains('\r'));
    }
}
