//! Metrics in the form that Prometheus reads, `OpenMetrics` 1.0.
//!
//! Names begin with `muster_`. How many lines there can be is bounded: what peers may name, backends, is cut at
//! [`fleet::BACKENDS_MAX`], and how many were left out is a metric too.

mod fleet;
mod gossip;
mod templates;
mod traffic;

use crate::facts::Facts;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use std::fmt::Error;

/// Of what [`metrics`] returns.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a node.
pub fn metrics(facts: Facts) -> String {
    let mut registry = Registry::with_prefix("muster");
    registry.register_collector(Box::new(Shown(facts)));
    let mut text = String::new();
    // Writing to a text does not fail.
    let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    text
}

#[derive(Debug)]
struct Shown(Facts);

impl Collector for Shown {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut writer = Writer(encoder);
        let facts = &self.0;
        let build = [("version", facts.version), ("node", facts.node.as_str())];
        writer.gauges("build_info", "This program and its node; always 1", [(build, 1)])?;
        gossip::write(&mut writer, facts)?;
        fleet::write(&mut writer, facts)?;
        traffic::write(&mut writer, &facts.reports)?;
        templates::write(&mut writer, &facts.templates)
    }
}

/// Writes families; one without values is left out.
struct Writer<'a>(DescriptorEncoder<'a>);

impl Writer<'_> {
    /// As they are now.
    fn gauges<L: Labels>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> Result<(), Error> {
        self.family(name, help, MetricType::Gauge, values, |metric, value| metric.encode_gauge(&value))
    }

    /// The same of what is no whole number, such as seconds.
    fn fractions<L: Labels>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, f64)>,
    ) -> Result<(), Error> {
        self.family(name, help, MetricType::Gauge, values, |metric, value: f64| metric.encode_gauge(&value))
    }

    /// Since the start. The form adds `_total` to the name.
    fn counters<L: Labels>(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (L, u64)>,
    ) -> Result<(), Error> {
        self.family(name, help, MetricType::Counter, values, |metric, value: u64| {
            metric.encode_counter::<NoLabelSet, u64, u64>(&value, None)
        })
    }

    fn family<L: Labels, V>(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        values: impl IntoIterator<Item = (L, V)>,
        write: impl Fn(&mut MetricEncoder<'_>, V) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut values = values.into_iter().peekable();
        if values.peek().is_none() {
            return Ok(());
        }
        let mut family = self.0.encode_descriptor(name, help, None, kind)?;
        for (labels, value) in values {
            labels.with(&mut family, |metric| write(metric, value))?;
        }
        Ok(())
    }
}

/// The labels of one line.
trait Labels {
    fn with(
        &self,
        family: &mut MetricEncoder<'_>,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> Result<(), Error>,
    ) -> Result<(), Error>;
}

/// None.
impl Labels for () {
    fn with(
        &self,
        family: &mut MetricEncoder<'_>,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        write(family)
    }
}

impl<V: EncodeLabelValue, const N: usize> Labels for [(&'static str, V); N]
where
    Self: EncodeLabelSet,
{
    fn with(
        &self,
        family: &mut MetricEncoder<'_>,
        write: impl FnOnce(&mut MetricEncoder<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        write(&mut family.encode_family(self)?)
    }
}

#[cfg(test)]
pub(crate) mod tests;
