//! Which group of templates makes what: two that make one file or fill one folder would undo each other's work for ever.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// What is taken, by where it really is, and by whom.
#[derive(Debug, Default)]
pub(super) struct Owners(BTreeMap<PathBuf, String>);

impl Owners {
    /// `group` makes what is at `path`; in words who does so already.
    pub(super) fn take(&mut self, path: &Path, group: &str) -> Option<String> {
        let other = self.0.insert(place(path), group.to_owned())?;
        let path = path.display();
        Some(if other == group {
            format!("{path} is made twice by [templates.{group}]")
        } else {
            format!("{path} is made by [templates.{group}] and by [templates.{other}]")
        })
    }
}

/// Where it is, however it is written: through links as far as these are there.
fn place(path: &Path) -> PathBuf {
    let mut ancestors = path.ancestors();
    let real = ancestors.find_map(|there| Some((there.canonicalize().ok()?, path.strip_prefix(there).ok()?)));
    let (mut place, rest) = real.unwrap_or((PathBuf::new(), path));
    for part in rest.components() {
        match part {
            Component::ParentDir => {
                place.pop();
            }
            Component::CurDir => {}
            _ => place.push(part),
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_place_has_one_owner_however_it_is_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = |text: &str| PathBuf::from(format!("{}/{text}", directory.path().display()));
        std::os::unix::fs::symlink(directory.path(), path("link")).unwrap();
        let mut owners = Owners::default();
        assert_eq!(owners.take(&path("out"), "a"), None);
        assert_eq!(owners.take(&path("other"), "a"), None);
        for same in ["out", "/out", "./out", "link/out", "none/../out", "out/"] {
            let told = owners.take(&path(same), "b").unwrap();
            assert!(told.contains("is made by [templates.b] and by [templates.a]"), "{told}");
            owners.take(&path("out"), "a");
        }
        let told = owners.take(&path("other"), "a").unwrap();
        assert!(told.ends_with("is made twice by [templates.a]"), "{told}");
    }
}
