//! The shapes of the picture and of reports, for the document. `muster_fleet` is pure and knows no schemas, so they stand
//! here once more, and a test holds them to what that crate writes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Whether the picture is known to be whole.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Phase {
    /// A fresh or cut-off agent: keep what you have and only add.
    Warming,
    /// Whole: what is absent is gone.
    Live,
}

/// What gossip says about a backend's fitness.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = BackendStanding)]
#[serde(rename_all = "lowercase")]
pub(super) enum Standing {
    /// Alive and not withdrawn.
    Ready,
    /// Its node failed: tried last.
    Demoted,
    /// No new request.
    Withdrawn,
}

/// One address of a service.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Backend {
    /// `ip:port`.
    addr: String,
    /// Share of traffic, relative to the others.
    weight: u16,
    /// Fitness according to gossip.
    standing: Standing,
}

/// A named pool of equal servers.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Service {
    /// Backends by the name of their node.
    backends: BTreeMap<String, Backend>,
}

/// The services at one instant.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Picture {
    /// Differs for each life of the agent; not ordered.
    epoch: u64,
    /// Grows within an epoch.
    version: u64,
    /// Whether absence means anything.
    phase: Phase,
    /// Services by name.
    services: BTreeMap<String, Service>,
    /// On what terms it was drawn; the same for a whole epoch.
    terms: Terms,
    /// Claims that were not believed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    refusals: Vec<Refusal>,
}

/// What a sink must know before it acts on a picture.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Terms {
    /// Who can become a member, and so a backend.
    gossip: Gossip,
    /// Who may serve, by service.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    rules: BTreeMap<String, Rule>,
}

/// Who can become a member of the cluster.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Gossip {
    /// Whoever has the cluster's key.
    Sealed,
    /// Whoever is on this host.
    Local,
    /// Whoever reaches the agent.
    Open,
    /// The agent does not say.
    Untold,
}

/// Which members may serve a service. What is absent restricts nothing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Rule {
    /// Networks, such as `10.0.0.0/8`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    from: Vec<String>,
    /// Ports or ranges of them, such as `8000-8999`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ports: Vec<String>,
    /// Tags and their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    tags: BTreeMap<String, String>,
}

/// A member's claim that was not believed.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Refusal {
    /// Who claims; any text.
    node: String,
    /// Why it is not believed, in words.
    reason: String,
}

/// The change from one picture to the next of the same epoch.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Delta {
    /// Epoch of both pictures.
    epoch: u64,
    /// Version it starts from; who holds another one connects again.
    from_version: u64,
    /// Version it leads to.
    version: u64,
    /// Phase of the new picture.
    phase: Phase,
    /// By service and node.
    backends: BTreeMap<String, BTreeMap<String, BackendChange>>,
    /// All claims that are not believed now, when these are others than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusals: Option<Vec<Refusal>>,
}

/// The new backend, or null for one that is gone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct BackendChange(Option<Backend>);

/// One line of the stream.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Update {
    /// Forget what you had.
    Full(Picture),
    /// Change what you have.
    Delta(Delta),
    /// Nothing changed; the agent is there.
    Same {
        /// Current epoch.
        epoch: u64,
        /// Current version.
        version: u64,
    },
}

/// One balancer's account of itself.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Report {
    /// Names it among those of this node, such as `proxy`.
    sink: String,
    /// Epoch of the picture it applies.
    epoch: u64,
    /// Version of the picture it applies.
    version: u64,
    /// Requests since it started.
    requests: u64,
    /// Requests that ended in an error of ours or were cut.
    failed: u64,
    /// Of `failed`: unsafe requests that a backend had when it died or fell silent.
    failed_unsafe: u64,
    /// Requests that failed on one backend and were sent to another.
    retried: u64,
    /// Every backend that it serves.
    backends: Vec<BackendReport>,
    /// What it counted of its services, of at most 100.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    services: Vec<ServiceReport>,
    /// Lines of its access log that nobody took; absent: 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    log_lines_lost: Option<u64>,
}

/// One service's part of a report.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct ServiceReport {
    /// Name of the service.
    service: String,
    /// Requests, or connections in TCP mode, in progress.
    sessions: u32,
    /// The most of them at the same time.
    sessions_max: u32,
    /// All that began.
    sessions_total: u64,
    /// Requests that wait for a place.
    queued: u32,
    /// Requests that ended with a status of 100 to 199, and so on to 599; the last of all others.
    statuses: Vec<u64>,
    /// Bytes from clients.
    bytes_in: u64,
    /// Bytes to clients.
    bytes_out: u64,
    /// Requests for which no backend could be reached, or none was there.
    connect_errors: u64,
    /// Requests that a backend had and gave no response to.
    response_errors: u64,
    /// Responses that could not be passed on.
    bad_responses: u64,
    /// Backends that ended in the middle of a response.
    server_aborts: u64,
    /// Clients that went away or fell silent.
    client_aborts: u64,
    /// Attempts after the first.
    retries: u64,
    /// How many requests took how long, each counted once.
    durations: Vec<Bucket>,
    /// All their times together, in microseconds.
    duration_sum_us: u64,
}

/// Times of about the same length.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct Bucket {
    /// Longest time in it, in microseconds; absent: there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    le_us: Option<u64>,
    /// How many there were that no shorter bucket has.
    count: u64,
}

/// One backend's part of a report.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct BackendReport {
    /// Service name.
    service: String,
    /// Node name.
    node: String,
    /// new, up, demoted, ejected, draining or withdrawn; later releases may add words.
    state: String,
    /// Requests on it now.
    in_flight: u32,
    /// Requests sent to it.
    requests: u64,
    /// Attempts that failed on it.
    failures: u64,
    /// Why it is ejected, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_fleet as real;
    use serde::de::DeserializeOwned;

    /// What `real` writes is read as `T`, and written the same: no field is unknown, none is missing.
    fn agrees<T: Serialize + DeserializeOwned>(real: &impl Serialize) {
        let written = serde_json::to_value(real).unwrap();
        let read: T = serde_json::from_value(written.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), written);
    }

    fn backend(standing: real::Standing) -> real::Backend {
        real::Backend { addr: "127.0.0.1:1".parse().unwrap(), weight: 1, standing }
    }

    #[test]
    fn the_picture_has_the_documented_shape() {
        use real::Standing::{Demoted, Ready, Withdrawn};
        let standings = [("a", Ready), ("b", Demoted), ("c", Withdrawn)];
        let backends = standings.map(|(node, standing)| (node.to_owned(), backend(standing)));
        let services = [("web".to_owned(), real::Service { backends: backends.into() })].into();
        let rule = real::Rule {
            from: vec!["10.0.0.0/8".parse().unwrap()],
            ports: vec!["80".parse().unwrap(), "8000-8999".parse().unwrap()],
            tags: [("zone".into(), "a".into())].into(),
        };
        let terms = real::Terms { gossip: real::Gossip::Sealed, rules: [("web".into(), rule)].into() };
        let refusals = vec![real::Refusal { node: "d".into(), reason: "because".into() }];
        let (epoch, version, phase) = (u64::MAX, 1, real::Phase::Warming);
        let full = real::Picture { epoch, version, phase, services, terms, refusals };
        let empty = real::Picture {
            version: 2,
            phase: real::Phase::Live,
            services: [].into(),
            refusals: vec![],
            ..full.clone()
        };
        agrees::<Picture>(&full);
        for update in [
            real::Update::Delta(real::Delta::between(&full, &empty)),
            real::Update::Delta(real::Delta::between(&empty, &full)),
            real::Update::Full(full),
            real::Update::Same { epoch: 1, version: 2 },
        ] {
            agrees::<Update>(&update);
        }
    }

    #[test]
    fn a_report_has_the_documented_shape() {
        let backend = |why| real::BackendReport {
            service: "web".into(),
            node: "a".into(),
            state: "up".into(),
            in_flight: 1,
            requests: 2,
            failures: 3,
            why,
        };
        let report = real::Report {
            sink: "proxy".into(),
            epoch: 1,
            version: 2,
            requests: 3,
            failed: 4,
            failed_unsafe: 5,
            retried: 6,
            backends: vec![backend(None), backend(Some("refused".into()))],
            services: vec![real::ServiceReport {
                service: "web".into(),
                statuses: vec![0; 6],
                durations: vec![
                    real::Bucket { le_us: Some(64), count: 1 },
                    real::Bucket { le_us: None, count: 1 },
                ],
                ..real::ServiceReport::default()
            }],
            log_lines_lost: 7,
        };
        agrees::<Report>(&report);
    }
}
