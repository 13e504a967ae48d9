//! Real clusters as dots on the simulator's lines: what `membership` measured on processes.

use crate::chart::Series;
use crate::results;
use serde_json::Value;

/// Steps as `membership` names them, and as they are drawn.
const STEPS: [(&str, &str); 4] =
    [("join", "join"), ("tag", "tags"), ("leave", "leave"), ("kill", "crash, all")];

/// The medians of one thing that happened, in seconds by cluster size: Muster's in the colour of the first line, Serf's in that
/// of the second. None if nothing was measured yet.
pub(crate) fn beside(what: &str, colours: [usize; 2]) -> Vec<Series> {
    let text = std::fs::read_to_string(results::path("membership", "json")).unwrap_or_default();
    let Ok(kept) = serde_json::from_str::<Value>(&text) else { return Vec::new() };
    let Some((step, _)) = STEPS.iter().find(|(_, drawn)| *drawn == what) else { return Vec::new() };
    [("muster", "Muster"), ("serf", "Serf 0.9.4")]
        .into_iter()
        .zip(colours)
        .map(|((cluster, name), colour)| {
            Series::dots(
                format!("{what}, {name}, real processes"),
                points(&kept["figures"], step, cluster),
                colour,
            )
        })
        .collect()
}

fn points(figures: &Value, step: &str, cluster: &str) -> Vec<(f64, f64)> {
    let sizes = figures.as_object().into_iter().flatten();
    let median = |figures: &Value| figures[step][cluster]["median_ms"].as_f64();
    sizes.filter_map(|(hosts, figures)| Some((hosts.parse().ok()?, median(figures)? / 1000.0))).collect()
}
