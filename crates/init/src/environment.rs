//! The container's environment as files, one per variable: what s6-overlay keeps in `/run/s6/container_environment`, so that start
//! scripts can change it for those that come later, and `with-contenv` puts it back.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Where it is, unless `MUSTER_CONTAINER_ENVIRONMENT` names another folder (for tests, and where `/run` is not ours).
pub(crate) fn folder() -> PathBuf {
    std::env::var_os("MUSTER_CONTAINER_ENVIRONMENT")
        .map_or_else(|| PathBuf::from("/run/s6/container_environment"), PathBuf::from)
}

/// Writes the process's own environment there.
pub(crate) fn write(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (name, value) in std::env::vars_os().filter(|(name, _)| is_file_name(name)) {
        fs::write(folder.join(name), value.as_bytes())?;
    }
    Ok(())
}

/// A variable and its value; `None`: it is to be unset.
pub(crate) type Variable = (OsString, Option<OsString>);

/// What the folder says, by the rules of `s6-envdir -f -n`: a file's whole content, an empty file unsets, zero bytes are newlines.
pub(crate) fn read(folder: &Path) -> io::Result<Vec<Variable>> {
    let mut variables = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if !is_file_name(&name) || !entry.path().is_file() {
            continue;
        }
        let mut value = fs::read(entry.path())?;
        for byte in value.iter_mut().filter(|byte| **byte == 0) {
            *byte = b'\n';
        }
        variables.push((name, (!value.is_empty()).then(|| OsString::from_vec(value))));
    }
    Ok(variables)
}

fn is_file_name(name: &OsStr) -> bool {
    let bytes = name.as_bytes();
    !bytes.is_empty()
        && bytes[0] != b'.'
        && !bytes.contains(&b'/')
        && !bytes.contains(&b'=')
        && bytes.len() < 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_scripts_may_change_it() {
        let place = tempfile::tempdir().expect("a place for tests");
        write(place.path()).expect("the environment is written");
        fs::write(place.path().join("ADDED"), "two\nlines\n").expect("a script adds");
        fs::write(place.path().join("REMOVED"), "").expect("and removes");
        fs::write(place.path().join(".hidden"), "x").expect("what is no variable is left alone");
        let read = read(place.path()).expect("it is read");
        let value = |name: &str| read.iter().find(|(found, _)| found == name).map(|(_, value)| value.clone());
        assert_eq!(value("PATH"), Some(std::env::var_os("PATH")));
        assert_eq!(value("ADDED"), Some(Some("two\nlines\n".into())));
        assert_eq!(value("REMOVED"), Some(None));
        assert_eq!(value(".hidden"), None);
    }
}
