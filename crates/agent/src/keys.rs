//! Where the gossip keys come from: the configuration itself, a file with one key, or Serf's keyring file.

use muster_wire::crypt::{Key, KeyError, Keyring};
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file of keys is never longer; some fourteen hundred keys.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// Of a file's mode: anything that others than its owner may do.
const OTHERS: u32 = 0o077;

/// Where to find the keys. Shown without the key.
#[derive(Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The key itself, in base64 (Serf's `encrypt_key`).
    Key(String),
    /// A file that holds one key in base64, as containers are given secrets.
    File(PathBuf),
    /// Serf's keyring file: a JSON array of keys in base64, the primary one first.
    Keyring(PathBuf),
}

/// Keys that were read.
#[derive(Debug)]
pub struct Keys {
    /// The keys.
    pub ring: Keyring,
    /// Something its owner should know about their file.
    pub warning: Option<String>,
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The key in the configuration is none.
    #[error("{0}; `muster keygen` makes one")]
    Key(KeyError),
    /// The file cannot be read.
    #[error("cannot read {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no keys: {reason}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it; says nothing of its content, which may be secret.
        reason: String,
    },
}

impl KeySource {
    /// Reads the keys; at least one.
    pub fn load(&self) -> Result<Keys, KeysError> {
        match self {
            Self::Key(text) => {
                let key = Key::from_base64(text).map_err(KeysError::Key)?;
                Ok(Keys { ring: Keyring::new(key), warning: None })
            }
            Self::File(path) => load_file(path, one_key),
            Self::Keyring(path) => load_file(path, keyring),
        }
    }
}

fn load_file(path: &Path, parse: fn(&str) -> Result<Keyring, String>) -> Result<Keys, KeysError> {
    let (text, mode) = read(path).map_err(|cause| KeysError::Unreadable { path: path.into(), cause })?;
    let ring = parse(&text).map_err(|reason| KeysError::Content { path: path.into(), reason })?;
    let warning = (mode & OTHERS != 0).then(|| {
        format!(
            "{} holds gossip keys and is open to others than its owner (mode {:04o}); `chmod 600` closes it",
            path.display(),
            mode & 0o7777
        )
    });
    Ok(Keys { ring, warning })
}

/// The text of a small file, and its mode.
fn read(path: &Path) -> io::Result<(String, u32)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.mode();
    let mut text = String::new();
    let length = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if length as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it is longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok((text, mode))
}

fn one_key(text: &str) -> Result<Keyring, String> {
    Key::from_base64(text).map(Keyring::new).map_err(|error| error.to_string())
}

/// Serf's keyring file (cmd/serf/command/agent/agent.go, `loadKeyringFile`).
fn keyring(text: &str) -> Result<Keyring, String> {
    // serde's own words would quote what it found.
    let texts: Vec<String> = serde_json::from_str(text)
        .map_err(|_| "it is no JSON array of texts, one for each key".to_owned())?;
    let key = |(at, text): (usize, &String)| {
        Key::from_base64(text).map_err(|error| format!("key {}: {error}", at + 1))
    };
    let keys = texts.iter().enumerate().map(key).collect::<Result<Vec<_>, _>>()?;
    Keyring::of(keys).ok_or_else(|| "the array is empty".to_owned())
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(_) => f.write_str("Key(not shown)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Keyring(path) => f.debug_tuple("Keyring").field(path).finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{Permissions, set_permissions, write};
    use std::os::unix::fs::PermissionsExt;

    const KEY: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
    const OTHER: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYX";

    /// Loads what a file of this content and mode would give.
    fn load(text: &str, mode: u32, source: fn(PathBuf) -> KeySource) -> Result<Keys, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys");
        write(&path, text).unwrap();
        set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        source(path).load().map_err(|error| error.to_string())
    }

    fn texts(ring: &Keyring) -> Vec<String> {
        ring.iter().map(|key| key.to_base64().to_string()).collect()
    }

    #[test]
    fn a_key_may_stand_in_the_configuration_or_in_a_file() {
        let keys = KeySource::Key(KEY.into()).load().unwrap();
        assert_eq!((texts(&keys.ring), keys.warning), (vec![KEY.to_owned()], None));
        let keys = load(&format!("{OTHER}\n"), 0o600, KeySource::File).unwrap();
        assert_eq!((texts(&keys.ring), keys.warning), (vec![OTHER.to_owned()], None));
    }

    #[test]
    fn the_first_key_of_a_keyring_file_is_the_primary_one() {
        // As Serf writes it: two spaces, no newline at the end.
        let text = format!("[\n  \"{OTHER}\",\n  \"{KEY}\"\n]");
        let keys = load(&text, 0o400, KeySource::Keyring).unwrap();
        assert_eq!((texts(&keys.ring), keys.warning), (vec![OTHER.to_owned(), KEY.to_owned()], None));
    }

    #[test]
    fn a_file_that_others_can_read_is_warned_about() {
        let keys = load(KEY, 0o640, KeySource::File).unwrap();
        let warning = keys.warning.unwrap();
        assert!(warning.contains("(mode 0640); `chmod 600` closes it"), "{warning}");
    }

    #[test]
    fn what_is_no_key_is_refused_without_quoting_it() {
        let secret = "dG9vIHNob3J0IHRvIGJlIGEga2V5";
        let refusals = [
            KeySource::Key("c2VjcmV0".into()).load().unwrap_err().to_string(),
            load("", 0o600, KeySource::File).unwrap_err(),
            load("[]", 0o600, KeySource::Keyring).unwrap_err(),
            load(&format!("\"{secret}\""), 0o600, KeySource::Keyring).unwrap_err(),
            load(&format!("[\"{KEY}\", \"{secret}\"]"), 0o600, KeySource::Keyring).unwrap_err(),
            load(&" ".repeat(70_000), 0o600, KeySource::Keyring).unwrap_err(),
            KeySource::Keyring("/nowhere/keyring.json".into()).load().unwrap_err().to_string(),
        ];
        let reasons = [
            "this one has 6; `muster keygen` makes one",
            "this one has 0",
            "the array is empty",
            "no JSON array of texts",
            "key 2: key size must be 16, 24 or 32 bytes, but this one has 21",
            "longer than 65536 bytes",
            "cannot read /nowhere/keyring.json: No such file",
        ];
        for (refusal, reason) in refusals.iter().zip(reasons) {
            assert!(refusal.contains(reason), "{refusal}");
            assert!(!refusal.contains(secret) && !refusal.contains("c2VjcmV0"), "{refusal}");
        }
    }

    #[test]
    fn a_configuration_that_is_logged_shows_no_key() {
        assert_eq!(format!("{:?}", KeySource::Key(KEY.into())), "Key(not shown)");
    }
}
