//! All files of a group in their places, or none; and the way back.
//!
//! Beside each file whose action is not over lies the old one, `.NAME.old`. Whoever finds one at its start knows that an earlier
//! life put new files in place and did not come to tell of them, and what was good before. Blocks on the disk.

use super::make::FreshFile;
use muster_whole_file::{New, companion, real};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The word of its name.
const OLD: &str = "old";
/// Mode of an empty `.NAME.old` that stands for no file.
const NO_FILE: u32 = 0o000;

/// Where the old one is kept.
fn old_of(target: &Path) -> PathBuf {
    companion(target, OLD)
}

/// Whether an earlier life did not come to tell of `target`.
pub(super) fn is_unfinished(target: &Path) -> bool {
    old_of(target).symlink_metadata().is_ok()
}

/// Puts all of them in their places.
///
/// # Errors
/// All old ones are in theirs.
pub(super) fn put(files: Vec<FreshFile>) -> Result<(), String> {
    let mut done: Vec<PathBuf> = Vec::new();
    for FreshFile { target, new } in files {
        let outcome = keep(&target).and_then(|()| new.put());
        done.push(target);
        if let Err(error) = outcome {
            let failed = done.last().map(|target| target.display().to_string()).unwrap_or_default();
            let back = done.iter().map(|target| go_back(target)).collect::<io::Result<Vec<bool>>>();
            let all = match back {
                Ok(_) => "all files are as they were".to_owned(),
                Err(error) => format!("and the old ones could not all be put back: {error}"),
            };
            return Err(format!("cannot replace {failed}: {error}; {all}"));
        }
    }
    Ok(())
}

/// Keeps the one that is there, unless an older one is kept since what followed was never told of.
fn keep(target: &Path) -> io::Result<()> {
    let old = old_of(target);
    if old.symlink_metadata().is_ok() {
        return Ok(());
    }
    let target = real(target);
    match fs::hard_link(&target, &old) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // With its mode from the first moment: without it an empty file would be put back.
            File::options().write(true).create_new(true).mode(NO_FILE).open(&old).map(|_| ())
        }
        // A file system without hard links, or somebody else's file (proc_sys_fs(5) `protected_hardlinks`).
        Err(_) => copy(&target, &old),
    }
}

/// Whole or not at all: half of it would be put back when the disk is full.
fn copy(target: &Path, old: &Path) -> io::Result<()> {
    let metadata = fs::metadata(target)?;
    let new = New::beside(old, &fs::read(target)?, metadata.mode() & 0o7777)?;
    // It is as old as what it keeps.
    File::open(new.path())?.set_modified(metadata.modified()?)?;
    new.put()
}

/// Puts the old one back; whether there was one. Without any, what is there stays: it is more than nothing.
fn go_back(target: &Path) -> io::Result<bool> {
    let old = old_of(target);
    let metadata = match old.symlink_metadata() {
        Ok(metadata) => metadata,
        // It was not replaced.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if metadata.len() == 0 && metadata.mode() & 0o777 == NO_FILE {
        return Ok(false);
    }
    let target = real(target);
    if fs::metadata(&target).is_ok_and(|now| now.ino() == metadata.ino() && now.dev() == metadata.dev()) {
        // rename(2) does nothing to two names of one file.
        return fs::remove_file(&old).map(|()| true);
    }
    fs::rename(&old, &target).map(|()| true)
}

/// Puts all old ones back.
///
/// # Errors
/// In words why not all of them are in force.
pub(super) fn restore<'t>(targets: impl Iterator<Item = &'t Path>) -> Result<(), String> {
    let mut had_none = Vec::new();
    for target in targets {
        match go_back(target) {
            Ok(true) => {}
            Ok(false) => had_none.push(target.display().to_string()),
            Err(error) => return Err(format!("cannot put the old {} back: {error}", target.display())),
        }
    }
    match &had_none[..] {
        [] => Ok(()),
        new => Err(format!("there was no {} before to go back to", new.join(", "))),
    }
}

/// The new ones are good: the old ones go.
pub(super) fn forget<'t>(targets: impl Iterator<Item = &'t Path>) {
    for target in targets {
        let old = old_of(target);
        match fs::remove_file(&old) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(
                    "cannot remove {}: {error}; the next start tells of the files again",
                    old.display()
                );
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fresh(target: &Path, text: &str) -> FreshFile {
        FreshFile { target: target.to_owned(), new: New::beside(target, text.as_bytes(), 0o644).unwrap() }
    }

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_old_file_is_kept_until_the_new_one_is_good() {
        let directory = tempfile::tempdir().unwrap();
        let a = directory.path().join("a");
        fs::write(&a, "old").unwrap();
        put(vec![fresh(&a, "new")]).unwrap();
        assert!(is_unfinished(&a));
        assert_eq!(fs::read_to_string(&a).unwrap(), "new");
        forget([&*a].into_iter());
        assert_eq!(names(directory.path()), ["a"]);
        assert!(!is_unfinished(&a));
    }

    #[test]
    fn the_way_back_leads_to_what_was_good_before_all_that_failed() {
        let directory = tempfile::tempdir().unwrap();
        let a = directory.path().join("a");
        fs::write(&a, "good").unwrap();
        put(vec![fresh(&a, "bad")]).unwrap();
        // An agent that died here comes back and makes another one, which is no better.
        put(vec![fresh(&a, "worse")]).unwrap();
        restore([&*a].into_iter()).unwrap();
        assert_eq!(fs::read_to_string(&a).unwrap(), "good");
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[test]
    fn where_it_cannot_be_linked_the_old_file_is_copied_whole_or_not_at_all() {
        let directory = tempfile::tempdir().unwrap();
        let [a, old] = ["a", ".a.old"].map(|name| directory.path().join(name));
        fs::write(&a, "good").unwrap();
        let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        File::open(&a).unwrap().set_modified(then).unwrap();
        // Nobody can write there.
        let in_the_way = directory.path().join("..a.old.new");
        fs::create_dir(&in_the_way).unwrap();
        copy(&a, &old).unwrap_err();
        assert_eq!(names(directory.path()), ["..a.old.new", "a"]);
        fs::remove_dir(&in_the_way).unwrap();
        copy(&a, &old).unwrap();
        assert_eq!(fs::metadata(&old).unwrap().modified().unwrap(), then);
        fs::write(&a, "bad").unwrap();
        restore([&*a].into_iter()).unwrap();
        assert_eq!(fs::read_to_string(&a).unwrap(), "good");
    }

    #[test]
    fn a_file_that_was_not_there_before_stays() {
        let directory = tempfile::tempdir().unwrap();
        let a = directory.path().join("a");
        put(vec![fresh(&a, "new")]).unwrap();
        assert!(is_unfinished(&a));
        restore([&*a].into_iter()).unwrap_err();
        assert_eq!(fs::read_to_string(&a).unwrap(), "new");
        forget([&*a].into_iter());
        assert_eq!(names(directory.path()), ["a"]);
    }

    #[test]
    fn of_several_files_all_are_put_or_none() {
        let directory = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| directory.path().join(name));
        fs::write(&a, "old").unwrap();
        let files = vec![fresh(&a, "new"), fresh(&b, "new")];
        // Nobody can rename a file over a directory that is not empty.
        fs::create_dir_all(b.join("x")).unwrap();
        let why = put(files).unwrap_err();
        assert!(why.contains("cannot replace") && why.contains("/b: "), "{why}");
        assert_eq!(fs::read_to_string(&a).unwrap(), "old");
        assert!(!is_unfinished(&a));
    }

    #[test]
    fn behind_a_link_the_target_goes_forth_and_back() {
        let directory = tempfile::tempdir().unwrap();
        let (target, link) = (directory.path().join("target"), directory.path().join("link"));
        fs::write(&target, "old").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        put(vec![fresh(&link, "new")]).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        restore([&*link].into_iter()).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
