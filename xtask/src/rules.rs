//! The rules and what they share: the list of tracked files.

mod graph;
mod length;
mod purity;
mod words;

use std::path::{Path, PathBuf};
use std::process::Command;

/// Everything that is wrong in the checkout at `root`, sorted by rule.
pub(crate) fn check(root: &Path) -> Vec<String> {
    let files = tracked(root);
    let sources: Vec<Source> = files
        .iter()
        .filter_map(|path| {
            let text = std::fs::read_to_string(root.join(path)).ok()?;
            Some(Source { path: path.clone(), text })
        })
        .collect();
    let metadata = metadata(root);
    [
        graph::check(&metadata),
        purity::check(&metadata, &sources),
        length::check(&sources),
        words::check(&sources),
    ]
    .concat()
}

/// One tracked text file.
pub(crate) struct Source {
    /// Relative to the repository.
    pub(crate) path: PathBuf,
    /// Its contents.
    pub(crate) text: String,
}

impl Source {
    fn is_rust(&self) -> bool {
        self.path.extension().is_some_and(|extension| extension == "rs")
    }
}

/// Files git tracks, or would: what is ignored is nobody's business.
pub(crate) fn tracked(root: &Path) -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root)
        .output()
        .expect("git runs: the rules look at what it tracks");
    output
        .stdout
        .split(|&byte| byte == 0)
        .filter(|name| !name.is_empty())
        .map(|name| PathBuf::from(String::from_utf8_lossy(name).into_owned()))
        .collect()
}

fn metadata(root: &Path) -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .expect("cargo runs: it built this program");
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// (crate, its dependencies that are not dev-only) for each crate under `crates/`, without the `muster-` prefix.
fn dependencies(metadata: &serde_json::Value) -> Vec<(String, Vec<String>)> {
    let short = |value: &serde_json::Value| {
        let name = value.as_str().unwrap_or_default();
        name.strip_prefix("muster-").unwrap_or(name).to_owned()
    };
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|package| package["manifest_path"].as_str().is_some_and(|path| path.contains("/crates/")))
        .map(|package| {
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let names = dependencies
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .map(|dependency| short(&dependency["name"]));
            (short(&package["name"]), names.collect())
        })
        .collect()
}
