//! Real clusters as dots on the simulator's lines: what `membership` measured on processes.

use crate::chart::Series;
use crate::results;
use serde_json::Value;

/// Steps as `membership` names them, and as they are drawn.
const STEPS: [(&str, &str); 4] =
    [("join", "join"), ("tag", "tags"), ("leave", "leave"), ("kill", "crash, all")];

/// The medians of what is drawn, in seconds by cluster size; none if nothing was measured yet.
pub(crate) fn beside(whats: &[&str]) -> Vec<Series> {
    let text = std::fs::read_to_string(results::path("membership", "json")).unwrap_or_default();
    let Ok(kept) = serde_json::from_str::<Value>(&text) else { return Vec::new() };
    let mut series = Vec::new();
    for (step, what) in STEPS.iter().filter(|(_, what)| whats.contains(what)) {
        for (cluster, name) in [("muster", "Muster"), ("serf", "Serf 0.9.4")] {
            let points = points(&kept["figures"], step, cluster);
            series.push(Series::dots(format!("{what}, {name}, processes"), points));
        }
    }
    series
}

fn points(figures: &Value, step: &str, cluster: &str) -> Vec<(f64, f64)> {
    let sizes = figures.as_object().into_iter().flatten();
    let median = |figures: &Value| figures[step][cluster]["median_ms"].as_f64();
    sizes.filter_map(|(hosts, figures)| Some((hosts.parse().ok()?, median(figures)? / 1000.0))).collect()
}
