//! What the sinks of this node last reported.

use muster_fleet::Report;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Sinks remembered: a node has one or two.
const SINKS_MAX: usize = 16;
/// Longest name of a sink, in bytes.
pub(crate) const SINK_NAME_BYTES_MAX: usize = 64;

/// The last report of every sink; with too many sinks, the one silent longest is forgotten.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    last: Mutex<BTreeMap<String, (Instant, Report)>>,
    told: watch::Sender<()>,
}

impl Reports {
    pub(crate) fn put(&self, report: Report, now: Instant) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= SINKS_MAX && !last.contains_key(&report.sink) {
            let silent = last.iter().min_by_key(|(_, (at, _))| *at).map(|(sink, _)| sink.clone());
            silent.and_then(|sink| last.remove(&sink));
        }
        last.insert(report.sink.clone(), (now, report));
        drop(last);
        self.told.send_replace(());
    }

    /// There is no such sink any more.
    pub(crate) fn forget(&self, sink: &str) {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).remove(sink);
        self.told.send_replace(());
    }

    /// Changes with each report.
    pub(crate) fn told(&self) -> watch::Receiver<()> {
        self.told.subscribe()
    }

    /// Of those that reported within the last `span`.
    pub(crate) fn recent(&self, now: Instant, span: Duration) -> Vec<Report> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let recent = last.values().filter(|(at, _)| now.saturating_duration_since(*at) <= span);
        recent.map(|(_, report)| report.clone()).collect()
    }

    /// By name of the sink.
    pub(crate) fn all(&self) -> Vec<Report> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.values().map(|(_, report)| report.clone()).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn report(sink: &str, requests: u64) -> Report {
        Report {
            sink: sink.to_owned(),
            epoch: 1,
            version: 1,
            requests,
            failed: 0,
            failed_unsafe: 0,
            retried: 0,
            backends: Vec::new(),
            services: Vec::new(),
            log_lines_lost: 0,
        }
    }

    #[test]
    fn the_last_report_of_each_sink_is_kept() {
        let reports = Reports::default();
        let now = Instant::now();
        reports.put(report("proxy", 1), now);
        reports.put(report("haproxy", 5), now);
        reports.put(report("proxy", 2), now);
        let kept: Vec<_> = reports.all().into_iter().map(|report| (report.sink, report.requests)).collect();
        assert_eq!(kept, [("haproxy".to_owned(), 5), ("proxy".to_owned(), 2)]);
    }

    #[test]
    fn among_too_many_sinks_the_silent_one_is_forgotten() {
        let reports = Reports::default();
        let now = Instant::now();
        for n in 0..100_u32 {
            reports.put(report(&format!("sink{n:03}"), 1), now + Duration::from_millis(n.into()));
            reports.put(report("busy", 1), now + Duration::from_millis(n.into()));
        }
        let kept: Vec<_> = reports.all().into_iter().map(|report| report.sink).collect();
        assert_eq!(kept.len(), SINKS_MAX);
        assert!(kept.contains(&"busy".to_owned()) && kept.contains(&"sink099".to_owned()));
    }
}
