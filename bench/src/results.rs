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

/// Whether the part was measured with the very binary we would measure now.
pub(crate) fn is_current(part: &str) -> bool {
    let Ok(text) = std::fs::read_to_string(path(part)) else { return false };
    serde_json::from_str::<Value>(&text).is_ok_and(|kept| kept["binary"] == json!(fingerprint()))
}

/// Writes the figures.
pub(crate) fn keep(part: &str, figures: &Value) -> std::io::Result<()> {
    let path = path(part);
    std::fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let whole =
        json!({ "part": part, "machine": machine::describe(), "binary": fingerprint(), "figures": figures });
    std::fs::write(&path, format!("{whole:#}\n"))?;
    println!("{} kept", path.display());
    Ok(())
}

/// Tells binaries apart; nothing more is asked of it.
fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    std::fs::read(muster_e2e::binary()).unwrap_or_default().hash(&mut hasher);
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
