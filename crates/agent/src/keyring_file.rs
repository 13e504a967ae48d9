//! Serf's keyring file, rewritten whenever the keys of the cluster change (serf.go, `writeKeyringFile`).
//!
//! A JSON array of keys in base64, two spaces of indentation, no newline at the end, the primary key first: byte for byte
//! what Serf writes. Serf empties the file and then writes it, so that a full disk costs a node its keys; here it is
//! replaced whole.

use muster_whole_file as whole_file;
use muster_wire::crypt::Keyring;
use std::io;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// A keyring file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct KeyringFile(pub(crate) PathBuf);

impl KeyringFile {
    /// Replaces its keys, whole or not at all. Blocks on the disk.
    pub(crate) fn store(&self, ring: &Keyring) -> Result<(), KeyringFileError> {
        let keys: Vec<_> =
            ring.iter().map(|key| Zeroizing::new(format!("  \"{}\"", &*key.to_base64()))).collect();
        let lines: Vec<&str> = keys.iter().map(|line| line.as_str()).collect();
        let text = Zeroizing::new(format!("[\n{}\n]", Zeroizing::new(lines.join(",\n")).as_str()));
        whole_file::replace(&self.0, text.as_bytes(), whole_file::PRIVATE)
            .map_err(|cause| KeyringFileError { path: self.0.clone(), cause })
    }
}

/// In Serf's words, with the file's name.
#[derive(Debug, thiserror::Error)]
#[error("Failed to write keyring file: {}: {cause}", path.display())]
pub(crate) struct KeyringFileError {
    path: PathBuf,
    cause: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeySource;
    use muster_wire::crypt::Key;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn ring(keys: &[u8]) -> Keyring {
        Keyring::of(keys.iter().map(|&byte| Key::from_bytes(&[byte; 16]).unwrap())).unwrap()
    }

    #[test]
    fn the_file_is_what_serf_writes_and_is_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let file = KeyringFile(directory.path().join("keyring.json"));
        file.store(&ring(&[2, 1])).unwrap();
        let text = fs::read_to_string(&file.0).unwrap();
        assert_eq!(text, "[\n  \"AgICAgICAgICAgICAgICAg==\",\n  \"AQEBAQEBAQEBAQEBAQEBAQ==\"\n]");
        assert_eq!(fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
        let keys = KeySource::Keyring(file.0.clone()).load().unwrap();
        assert_eq!(keys.ring.iter().map(|key| key.as_bytes()[0]).collect::<Vec<_>>(), [2, 1]);
        file.store(&ring(&[1])).unwrap();
        assert_eq!(fs::read_to_string(&file.0).unwrap(), "[\n  \"AQEBAQEBAQEBAQEBAQEBAQ==\"\n]");
    }

    #[test]
    fn what_cannot_be_written_is_told_without_a_key() {
        let error = KeyringFile("/nowhere/keyring.json".into()).store(&ring(&[1])).unwrap_err().to_string();
        assert!(
            error.starts_with("Failed to write keyring file: /nowhere/keyring.json: No such file"),
            "{error}"
        );
    }
}
