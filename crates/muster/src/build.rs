//! What this binary is, in one line.

use std::env::consts::{ARCH, OS};
use std::sync::LazyLock;

/// `0.1.0`.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `0.1.0 (x86_64-linux, release, commit 1a2b3c)`. Whoever builds a release sets `MUSTER_COMMIT`; git is not asked, so that
/// the same sources give the same binary anywhere.
pub(crate) fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(text);
    &TEXT
}

fn text() -> String {
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let commit = option_env!("MUSTER_COMMIT").map_or_else(String::new, |commit| format!(", commit {commit}"));
    format!("{VERSION} ({ARCH}-{OS}, {profile}{commit})")
}
