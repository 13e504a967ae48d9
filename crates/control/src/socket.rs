//! Where the control socket is.

use std::path::PathBuf;

/// The default path: `/run/muster/muster.sock` for root or where `/run/muster` is writable, else
/// `$XDG_RUNTIME_DIR/muster.sock`. `None` when neither can be used.
pub fn default_path() -> Option<PathBuf> {
    todo!()
}
