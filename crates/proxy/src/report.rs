//! Telling the agent what was seen: whole accounts, each second, and at once when a backend's state changes or somebody
//! waits for its last request.

use crate::bounds;
use crate::plane::Plane;
use muster_control::client::Client;
use muster_control::routes::FLEET_REPORT;
use std::rc::Rc;

/// Reports to the agent behind `client`, for ever.
///
/// A report is whole, so a lost one is made good by the next; after a failure the next comes sooner, because "nothing in
/// flight" may be what a backend waits for before it stops.
pub(crate) async fn run(plane: Rc<Plane>, client: Client) {
    let (first_pause, longest_pause) = bounds::AGENT_RETRY;
    let mut pause = first_pause;
    loop {
        let report = plane.report();
        let posted = client.post::<_, ()>(FLEET_REPORT, &report);
        match tokio::time::timeout(bounds::AGENT_SILENCE_MAX, posted).await {
            Ok(Ok(())) => {
                pause = first_pause;
                tokio::time::sleep(bounds::REPORT_GAP).await;
                let _ = tokio::time::timeout(bounds::REPORT_INTERVAL, plane.report_wanted.notified()).await;
            }
            failed => {
                if let Ok(Err(cause)) = failed {
                    tracing::debug!(%cause, "a report was not taken");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(longest_pause);
            }
        }
    }
}
