//! The picture that sinks act on, and what they report back.

use super::Writer;
use crate::facts::Facts;
use muster_fleet::{BackendReport, Phase, Report, Standing};
use std::collections::BTreeMap;
use std::fmt::Error;

/// Backends that have lines of their own, of all sinks together.
pub(super) const BACKENDS_MAX: usize = 1000;

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> Result<(), Error> {
    let picture = &facts.picture;
    let is_live = u64::from(picture.phase == Phase::Live);
    writer.gauges("fleet_live", "1 when this node knows the whole, 0 while it warms", [((), is_live)])?;
    writer.gauges("fleet_version", "Version of the picture that sinks are told", [((), picture.version)])?;
    let mut counts = BTreeMap::new();
    for (service, _, backend) in picture.backends() {
        let standing = match backend.standing {
            Standing::Ready => "ready",
            Standing::Demoted => "demoted",
            Standing::Withdrawn => "withdrawn",
        };
        *counts.entry((service, standing)).or_insert(0) += 1;
    }
    let counts = counts
        .into_iter()
        .map(|((service, standing), count)| ([("service", service), ("standing", standing)], count));
    writer.gauges("backends", "Backends by what gossip says of them", counts)?;
    let refused = u64::try_from(picture.refusals.len()).unwrap_or(u64::MAX);
    writer.gauges("claims_refused", "Claims of members that are not believed", [((), refused)])?;
    sinks(writer, &facts.reports)
}

fn sinks(writer: &mut Writer<'_>, reports: &[Report]) -> Result<(), Error> {
    let each = |value: fn(&Report) -> u64| {
        reports.iter().map(move |report| ([("sink", report.sink.as_str())], value(report)))
    };
    writer.gauges(
        "sink_version",
        "Version of the picture that a sink applies",
        each(|report| report.version),
    )?;
    writer.counters("requests", "Requests that a sink was asked", each(|report| report.requests))?;
    writer.counters(
        "requests_failed",
        "Requests that ended in an error of the sink or were cut",
        each(|report| report.failed),
    )?;
    writer.counters(
        "requests_failed_unsafe",
        "Of those, unsafe ones that a backend may have acted on",
        each(|report| report.failed_unsafe),
    )?;
    writer.counters(
        "requests_retried",
        "Requests that failed on one backend and went to another",
        each(|report| report.retried),
    )?;

    let all = || {
        reports.iter().flat_map(|report| report.backends.iter().map(move |backend| (&report.sink, backend)))
    };
    let left_out = u64::try_from(all().count().saturating_sub(BACKENDS_MAX)).unwrap_or(u64::MAX);
    let each = |value: fn(&BackendReport) -> u64| {
        all().take(BACKENDS_MAX).map(move |(sink, backend)| {
            let (service, node) = (backend.service.as_str(), backend.node.as_str());
            ([("sink", sink.as_str()), ("service", service), ("node", node)], value(backend))
        })
    };
    let is_up = |backend: &BackendReport| u64::from(backend.state == "up");
    let is_ejected = |backend: &BackendReport| u64::from(backend.state == "ejected");
    writer.gauges("backend_up", "1 when a sink prefers this backend", each(is_up))?;
    writer.gauges("backend_ejected", "1 when a sink's evidence says that it is broken", each(is_ejected))?;
    writer.gauges("backend_in_flight", "Requests on it now", each(|backend| backend.in_flight.into()))?;
    writer.counters("backend_requests", "Requests sent to it", each(|backend| backend.requests))?;
    writer.counters("backend_failures", "Attempts that failed on it", each(|backend| backend.failures))?;
    writer.gauges(
        "backends_left_out",
        "Backends without lines here, for there are too many",
        [((), left_out)],
    )
}
