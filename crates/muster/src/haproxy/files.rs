//! The files that a command line names: each itself, or all of a directory.

use muster_haproxy_driver::CONFIG_BYTES_MAX;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One file, read.
#[derive(Debug)]
pub(crate) struct Text {
    /// As it is named in what is said of it.
    pub(crate) name: String,
    /// What stands in it.
    pub(crate) text: String,
}

/// Reads what is named. Of a directory, all that end in `.cfg`, in the order of their bytes, without hidden ones.
///
/// # Errors
/// In words, with the file.
pub(crate) fn read(named: &[PathBuf]) -> Result<Vec<Text>, String> {
    let mut texts = Vec::new();
    let mut left = CONFIG_BYTES_MAX;
    for path in paths(named)? {
        let name = path.display().to_string();
        let mut bytes = Vec::new();
        let limit = u64::try_from(left).unwrap_or(u64::MAX).saturating_add(1);
        let read = File::open(&path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        read.map_err(|cause| format!("cannot read {name}: {cause}"))?;
        left = left
            .checked_sub(bytes.len())
            .ok_or_else(|| format!("{name}: the configuration is longer than {CONFIG_BYTES_MAX} bytes"))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            format!("{name}:{line}: here are bytes that are no text (UTF-8); write them as \\xNN")
        })?;
        texts.push(Text { name, text });
    }
    Ok(texts)
}

fn paths(named: &[PathBuf]) -> Result<Vec<PathBuf>, String> {
    let mut paths = Vec::new();
    for path in named {
        if !path.is_dir() {
            paths.push(path.clone());
            continue;
        }
        let entries = fs::read_dir(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let entries = entries.map_err(|cause| format!("cannot read {}: {cause}", path.display()))?;
        let mut found: Vec<PathBuf> =
            entries.iter().map(fs::DirEntry::path).filter(|path| is_wanted(path)).collect();
        found.sort_by(|one, other| one.as_os_str().as_bytes().cmp(other.as_os_str().as_bytes()));
        paths.append(&mut found);
    }
    Ok(paths)
}

fn is_wanted(path: &Path) -> bool {
    let is_hidden = path.file_name().is_none_or(|name| name.as_bytes().starts_with(b"."));
    !is_hidden && path.extension() == Some(OsStr::new("cfg")) && path.is_file()
}
