//! What sinks counted of their services' requests.

use super::Writer;
use muster_fleet::{Report, ServiceReport};
use prometheus_client::encoding::NoLabelSet;
use prometheus_client::metrics::MetricType;
use std::fmt::Error;

/// Services that have lines of their own, of all sinks together; each has some forty lines.
pub(super) const SERVICES_MAX: usize = 200;

/// The classes of [`ServiceReport::statuses`].
const CODES: [&str; 6] = ["1xx", "2xx", "3xx", "4xx", "5xx", "other"];

/// Buckets of a service that are shown. A proxy of ours sends fewer.
const BUCKETS_MAX: usize = 64;

pub(super) fn write(writer: &mut Writer<'_>, reports: &[Report]) -> Result<(), Error> {
    let all = || {
        let all = reports.iter().flat_map(|report| report.services.iter().map(move |of| (&report.sink, of)));
        all.take(SERVICES_MAX)
    };
    let each = |value: fn(&ServiceReport) -> u64| {
        all().map(move |(sink, of)| ([("sink", sink.as_str()), ("service", of.service.as_str())], value(of)))
    };
    let responses = all().flat_map(|(sink, of)| {
        CODES.iter().zip(&of.statuses).map(move |(code, count)| {
            ([("sink", sink.as_str()), ("service", of.service.as_str()), ("code", code)], *count)
        })
    });
    writer.counters(
        "responses",
        "Requests of a service that ended, by the class of their status",
        responses,
    )?;
    let errors = all().flat_map(|(sink, of)| {
        let kinds = [
            ("connect", of.connect_errors),
            ("response", of.response_errors),
            ("bad_response", of.bad_responses),
            ("server_abort", of.server_aborts),
            ("client_abort", of.client_aborts),
        ];
        kinds.map(|(kind, count)| {
            ([("sink", sink.as_str()), ("service", of.service.as_str()), ("kind", kind)], count)
        })
    });
    writer.counters(
        "request_errors",
        "Requests of a service that ended early, by what ended them",
        errors,
    )?;
    writer.counters("request_retries", "Attempts after the first", each(|of| of.retries))?;
    writer.counters("request_bytes", "Bytes from clients of a service", each(|of| of.bytes_in))?;
    writer.counters("response_bytes", "Bytes to clients of a service", each(|of| of.bytes_out))?;
    writer.counters("sessions", "Requests or connections that began", each(|of| of.sessions_total))?;
    writer.gauges("sessions_current", "Those in progress", each(|of| of.sessions.into()))?;
    writer.gauges("sessions_max", "The most at the same time", each(|of| of.sessions_max.into()))?;
    writer.gauges("requests_queued", "Those that wait for a backend", each(|of| of.queued.into()))?;
    durations(writer, all())?;
    let lost = reports.iter().map(|report| ([("sink", report.sink.as_str())], report.log_lines_lost));
    writer.counters("access_log_lines_lost", "Lines of a sink's access log that nobody took", lost)
}

fn durations<'r>(
    writer: &mut Writer<'_>,
    all: impl Iterator<Item = (&'r String, &'r ServiceReport)>,
) -> Result<(), Error> {
    let of_each = all
        .filter(|(_, of)| !of.durations.is_empty())
        .map(|(sink, of)| ([("sink", sink.as_str()), ("service", of.service.as_str())], of));
    let help = "From a request's head to the end of its response";
    writer.family("request_duration_seconds", help, MetricType::Histogram, of_each, |metric, of| {
        let seconds = |micros: u64| micros as f64 / 1e6;
        let buckets: Vec<(f64, u64)> = of
            .durations
            .iter()
            .take(BUCKETS_MAX)
            .map(|bucket| (bucket.le_us.map_or(f64::INFINITY, seconds), bucket.count))
            .collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        metric.encode_histogram::<NoLabelSet>(seconds(of.duration_sum_us), count, &buckets, None)
    })
}
