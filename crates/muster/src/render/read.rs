//! Files and standard input as text, no longer than they may be.

use muster_whole_file::read::text_of;
use std::fs::File;
use std::io;
use std::path::Path;

/// Longest file of data: far above ten thousand members, below what would hurt.
pub(super) const DATA_BYTES_MAX: usize = 64 << 20;

/// The file; `-` is standard input.
pub(super) fn text(path: &Path, most: usize) -> Result<String, String> {
    let name = path.display();
    if path.as_os_str() == "-" {
        return text_of(io::stdin().lock(), most).map_err(|error| format!("standard input: {error}"));
    }
    // A pipe as well: a shell's `<(...)` is one.
    let text = File::open(path).and_then(|file| text_of(file, most));
    text.map_err(|error| format!("{name}: {error}"))
}
