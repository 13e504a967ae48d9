//! Files and standard input as text, no longer than they may be.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Longest file of data: far above ten thousand members, below what would hurt.
pub(super) const DATA_BYTES_MAX: usize = 64 << 20;

/// The file; `-` is standard input.
pub(super) fn text(path: &Path, most: usize) -> Result<String, String> {
    let name = path.display();
    if path.as_os_str() == "-" {
        return from(io::stdin().lock(), most).map_err(|why| format!("standard input: {why}"));
    }
    let file = File::open(path).map_err(|error| format!("{name}: {error}"))?;
    from(file, most).map_err(|why| format!("{name}: {why}"))
}

/// All of it.
pub(super) fn from(source: impl Read, most: usize) -> Result<String, String> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    source.take(limit).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() > most {
        return Err(format!("it is longer than {most} bytes"));
    }
    String::from_utf8(bytes).map_err(|_| "it is no text in UTF-8".to_owned())
}
