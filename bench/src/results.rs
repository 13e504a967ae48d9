//! Raw results on disk, each with its machine and the binary it tells of.

use crate::machine;
use serde_json::{Value, json};
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};

/// `bench/results/PART.json` of this checkout.
pub(crate) fn path(part: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results").join(format!("{part}.json"))
}

/// Whether the part was measured to its end with the very binary we would measure now.
pub(crate) fn is_current(part: &str) -> bool {
    kept(part).is_some_and(|kept| kept["unfinished"] != json!(true))
}

/// The figures that a broken-off run of the very binary we would measure now has kept.
pub(crate) fn unfinished(part: &str) -> Option<Value> {
    kept(part).filter(|kept| kept["unfinished"] == json!(true)).map(|mut kept| kept["figures"].take())
}

fn kept(part: &str) -> Option<Value> {
    let text = std::fs::read_to_string(path(part)).ok()?;
    let kept = serde_json::from_str::<Value>(&text).ok()?;
    (kept["binary"] == json!(fingerprint(part))).then_some(kept)
}

/// Writes the figures.
pub(crate) fn keep(part: &str, figures: &Value) -> std::io::Result<()> {
    write(part, figures, false)
}

/// Writes the figures so far: who breaks off now goes on with them.
pub(crate) fn keep_unfinished(part: &str, figures: &Value) -> std::io::Result<()> {
    write(part, figures, true)
}

fn write(part: &str, figures: &Value, unfinished: bool) -> std::io::Result<()> {
    let path = path(part);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let mut whole = json!({ "part": part, "machine": machine::describe(), "binary": fingerprint(part), "figures": figures });
    if unfinished {
        whole["unfinished"] = json!(true);
    }
    std::fs::write(&path, format!("{whole:#}\n"))?;
    println!("{} kept", path.display());
    Ok(())
}

/// Tells binaries apart; nothing more is asked of it. The simulator and the renderer are linked into this program.
fn fingerprint(part: &str) -> String {
    let mut hasher = DefaultHasher::new();
    let simulated = std::env::current_exe().ok().filter(|_| ["faults", "render"].contains(&part));
    std::fs::read(simulated.unwrap_or_else(|| muster_e2e::binary().clone()))
        .unwrap_or_default()
        .hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Minimum, median and maximum, in milliseconds.
pub(crate) fn spread_ms(samples: &[f64]) -> Value {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let round = |value: Option<&f64>| value.map(|ms| (ms * 10.0).round() / 10.0);
    json!({
        "min_ms": round(sorted.first()), "median_ms": round(sorted.get(sorted.len() / 2)), "max_ms": round(sorted.last()),
        "samples_ms": sorted.iter().map(|ms| (ms * 10.0).round() / 10.0).collect::<Vec<_>>(),
    })
}

/// Minimum, median and maximum, in microseconds.
pub(crate) fn spread_us(samples: &[f64]) -> Value {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let round = |value: Option<&f64>| value.map(|us| us.round());
    json!({
        "min_us": round(sorted.first()), "median_us": round(sorted.get(sorted.len() / 2)), "max_us": round(sorted.last()),
    })
}
