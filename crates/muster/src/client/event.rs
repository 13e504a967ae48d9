//! `muster event`.

use crate::cli::{EventArgs, Format};
use crate::json;
use crate::text::printable;
use muster_control::client::Client;
use muster_control::routes::{EVENTS, EventRequest, Payload};
use serde_json::json;
use std::process::ExitCode;

pub(crate) fn run(args: EventArgs) -> ExitCode {
    let EventArgs { name, payload, coalesce, format, configured } = args;
    let request = EventRequest { name, payload: Payload::of(payload.as_bytes()), coalesce };
    let question = async |client: &Client| client.post(EVENTS, &request).await;
    super::ask(configured, "send the event", question, |()| match format {
        // Serf's words.
        Format::Text => {
            format!("Event '{}' dispatched! Coalescing enabled: {coalesce}\n", printable(&request.name))
        }
        Format::Json => json::pretty(&json!({ "name": request.name, "coalesce": coalesce })) + "\n",
    })
}
