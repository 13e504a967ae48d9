//! The tags file: own tags that outlive the agent, as Serf keeps them.
//!
//! A JSON object with strings (agent.go, `loadTagsFile` and `writeTagsFile`). Serf empties the file and then writes it, so
//! that a full disk takes the tags of yesterday too. Here it is replaced whole (`whole_file`).

use muster_whole_file as whole_file;
use muster_wire::tags::Tags;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Many times what tags can take.
const FILE_BYTES_MAX: u64 = 64 << 10;

/// A tags file, which need not exist yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TagsFile(PathBuf);

/// What is wrong with a tags file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TagsFileError {
    /// It cannot be read.
    #[error("Failed to read tags file {}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
    /// It holds something else.
    #[error("Failed to decode tags file {}: {reason}; it was left as it is: mend it or remove it", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        reason: String,
    },
    /// It cannot be written.
    #[error("Failed to write tags file {}: {cause}; tags and file stay as they were", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        cause: io::Error,
    },
}

impl TagsFile {
    /// The tags file at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Its tags; none when there is no file.
    pub fn load(&self) -> Result<Tags, TagsFileError> {
        let text = match read(&self.0) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Tags::new()),
            Err(cause) => return Err(TagsFileError::Unreadable { path: self.0.clone(), cause }),
        };
        serde_json::from_str(&text)
            .map_err(|error| TagsFileError::Content { path: self.0.clone(), reason: error.to_string() })
    }

    /// Replaces its tags, whole or not at all.
    pub(crate) fn store(&self, tags: &Tags) -> Result<(), TagsFileError> {
        let bytes = serde_json::to_vec_pretty(tags).map_err(io::Error::from);
        let stored = bytes.and_then(|bytes| whole_file::replace(&self.0, &bytes, whole_file::PRIVATE));
        stored.map_err(|cause| TagsFileError::Unwritable { path: self.0.clone(), cause })
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    match length as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other(format!("it is longer than {FILE_BYTES_MAX} bytes"))),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
    }

    #[test]
    fn what_is_stored_is_loaded_and_looks_as_serf_writes_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tags.json");
        let file = TagsFile::new(&path);
        assert_eq!(file.load().unwrap(), Tags::new());
        file.store(&tags(&[("c", "d=e"), ("a", "b")])).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": \"b\",\n  \"c\": \"d=e\"\n}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(file.load().unwrap(), tags(&[("a", "b"), ("c", "d=e")]));
    }

    #[test]
    fn what_cannot_be_read_or_written_is_told_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tags.json");
        for (content, why) in [
            ("{\"a\": \"b\"", "EOF while parsing an object at line 1"),
            ("{\"a\": 5}", "expected a string at line 1"),
            ("", "EOF while parsing a value at line 1"),
        ] {
            fs::write(&path, content).unwrap();
            let error = TagsFile::new(&path).load().unwrap_err().to_string();
            assert!(error.starts_with("Failed to decode tags file /") && error.contains(why), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        // A full disk: everything can be opened, and nothing be written.
        let full = TagsFile::new("/dev/full").load();
        assert!(matches!(full, Err(TagsFileError::Unreadable { .. })), "{full:?}");
        for place in [
            directory.path().to_owned(),
            directory.path().join("no/such/tags.json"),
            "/proc/tags.json".into(),
        ] {
            let error = TagsFile::new(&place).store(&Tags::new()).unwrap_err().to_string();
            assert!(error.starts_with("Failed to write tags file /"), "{error}");
            assert!(error.ends_with("; tags and file stay as they were"), "{error}");
        }
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
