//! Figures and pictures on disk, beside those of the other benchmarks.

use crate::chart::Chart;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// `bench/results/NAME.EXTENSION` of this checkout.
pub(crate) fn path(name: &str, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../results").join(format!("{name}.{extension}"))
}

/// Writes the figures. They follow from seeds and code; only run times and memory are the machine's.
pub(crate) fn keep(name: &str, figures: &Value) -> std::io::Result<()> {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let machine = model.trim_start_matches([' ', '\t', ':']);
    let whole = json!({ "part": name, "from": "the simulator", "cpu": machine, "figures": figures });
    let path = path(name, "json");
    std::fs::write(&path, format!("{whole:#}\n"))?;
    println!("{} kept", path.display());
    Ok(())
}

/// The figures of a part; null if there are none.
pub(crate) fn kept(name: &str) -> Value {
    let text = std::fs::read_to_string(path(name, "json")).unwrap_or_default();
    serde_json::from_str(&text).map(|mut whole: Value| whole["figures"].take()).unwrap_or_default()
}

/// Draws a picture.
pub(crate) fn draw(name: &str, chart: &Chart) {
    let path = path(name, "svg");
    match chart.save(&path) {
        Ok(()) => println!("{} drawn", path.display()),
        Err(error) => eprintln!("{}: {error}", path.display()),
    }
}
