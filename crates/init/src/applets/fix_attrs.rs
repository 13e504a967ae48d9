//! `muster fix-attrs FILE...`: gives files the owners and modes that the lines of `/etc/fix-attrs.d` say (s6-overlay's
//! `libexec/fix-attrs`).
//!
//! ```text
//! PATH          RECURSE    ACCOUNT[,FALLBACK]      MODE OF FILES   MODE OF FOLDERS
//! /var/lib/db   true       mysql,999:999           0600            0700
//! ```
//! A path may be a pattern as of a shell. It may be a link, since people link their volumes; what is found in a folder is never
//! followed, since whoever wrote there before would say whose `/etc/shadow` is.

use std::ffi::OsString;
use std::fs;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, Uid, chmod, chownat, fstat, openat};

use super::fail;
use crate::accounts;

const NAME: &str = "fix-attrs";

/// 1 when a line could not be followed; the others are, all the same.
pub(super) fn run(words: &[OsString]) -> u8 {
    let hidden_too =
        std::env::var("S6_FIX_ATTRS_HIDDEN").is_ok_and(|text| text.parse().is_ok_and(|is: u32| is > 0));
    let mut code = 0;
    for file in words.iter().map(Path::new) {
        match fs::read_to_string(file) {
            Ok(text) => {
                for (number, line) in text.lines().enumerate() {
                    if let Err(why) = follow(line, Path::new("/etc"), hidden_too) {
                        code = fail(NAME, format_args!("{}:{}: {why}", file.display(), number + 1), 1);
                    }
                }
            }
            Err(error) => code = fail(NAME, format_args!("{}: {error}", file.display()), 1),
        }
    }
    code
}

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
struct Rule<'t> {
    pattern: &'t str,
    recurse: bool,
    uid: u32,
    gid: u32,
    file_mode: u32,
    folder_mode: u32,
    hidden_too: bool,
}

/// Does what a line asks for.
fn follow(line: &str, etc: &Path, hidden_too: bool) -> Result<(), String> {
    let Some(rule) = parse(line, etc, hidden_too)? else { return Ok(()) };
    let paths = glob::glob(rule.pattern).map_err(|error| format!("{}: {error}", rule.pattern))?;
    let mut found = false;
    for path in paths {
        found = true;
        let path = path.map_err(|error| error.to_string())?;
        let top = openat(CWD, &path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
        let top = top.map_err(|error| format!("{}: {error}", path.display()))?;
        rule.apply(&top, &path)?;
    }
    if found { Ok(()) } else { Err(format!("{}: there is no such file", rule.pattern)) }
}

/// `None`: an empty line, or a comment.
fn parse<'t>(line: &'t str, etc: &Path, hidden_too: bool) -> Result<Option<Rule<'t>>, String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    if fields.first().is_none_or(|first| first.starts_with('#')) {
        return Ok(None);
    }
    let &[pattern, recurse, account, file_mode, folder_mode] = &fields[..] else {
        return Err(format!(
            "{} words, of 5: path, recurse, account, mode of files, mode of folders",
            fields.len()
        ));
    };
    let recurse = match recurse {
        "true" => true,
        "false" => false,
        other => return Err(format!("{other:?}: whether folders are entered is said by true or false")),
    };
    let (account, fallback) = account.split_once(',').unwrap_or((account, ""));
    let account = accounts::find(account, etc).or_else(|error| match fallback {
        "" => Err(error),
        fallback => accounts::find(fallback, etc),
    })?;
    let mode = |text: &str| match u32::from_str_radix(text, 8) {
        Ok(mode @ ..=0o7777) => Ok(mode),
        _ => Err(format!("{text:?} is no mode, such as 0644")),
    };
    Ok(Some(Rule {
        pattern,
        recurse,
        uid: account.uid,
        gid: account.gid,
        file_mode: mode(file_mode)?,
        folder_mode: mode(folder_mode)?,
        hidden_too,
    }))
}

impl Rule<'_> {
    /// `file` was opened for its path only, so that a device does not notice.
    fn apply(&self, file: &OwnedFd, shown: &Path) -> Result<(), String> {
        let told = |error: rustix::io::Errno| format!("{}: {error}", shown.display());
        let kind = FileType::from_raw_mode(fstat(file).map_err(told)?.st_mode);
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        chownat(file, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH).map_err(told)?;
        let mode = match kind {
            // A link has none of its own.
            FileType::Symlink => return Ok(()),
            FileType::Directory => self.folder_mode,
            _ => self.file_mode,
        };
        // By its number: whatever has its name now.
        let by_number = format!("/proc/self/fd/{}", file.as_raw_fd());
        chmod(by_number, Mode::from_raw_mode(mode)).map_err(told)?;
        if kind == FileType::Directory && self.recurse { self.enter(file.as_fd(), shown) } else { Ok(()) }
    }

    /// Everything in a folder. So deep as descriptors allow, one for each folder on the way.
    fn enter(&self, folder: BorrowedFd<'_>, shown: &Path) -> Result<(), String> {
        let told = |error: rustix::io::Errno| format!("{}: {error}", shown.display());
        let opened = openat(folder, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty());
        for entry in Dir::read_from(opened.map_err(told)?).map_err(told)? {
            let entry = entry.map_err(told)?;
            let name = entry.file_name();
            let is_hidden = name.to_bytes().starts_with(b".");
            if matches!(name.to_bytes(), b"." | b"..") || is_hidden && !self.hidden_too {
                continue;
            }
            let shown = shown.join(std::ffi::OsStr::from_bytes(name.to_bytes()));
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(folder, name, flags, Mode::empty()) {
                Ok(file) => self.apply(&file, &shown)?,
                // It was removed meanwhile.
                Err(rustix::io::Errno::NOENT) => {}
                Err(error) => return Err(format!("{}: {error}", shown.display())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn mode(path: &Path) -> u32 {
        path.metadata().expect("it is there").permissions().mode() & 0o7777
    }

    /// Whoever runs the tests may give files to itself.
    fn own() -> String {
        format!("{}:{}", nix::unistd::getuid(), nix::unistd::getgid())
    }

    #[test]
    fn files_and_folders_get_their_modes_and_links_lead_nowhere() {
        let place = tempfile::tempdir().expect("a place for tests");
        let at = |name: &str| place.path().join(name);
        fs::create_dir_all(at("data/below")).expect("folders");
        for file in ["data/a", "data/below/b", "data/.hidden", "secret"] {
            fs::write(at(file), "").expect("files");
            fs::set_permissions(at(file), fs::Permissions::from_mode(0o640)).expect("their modes");
        }
        symlink(at("secret"), at("data/link")).expect("a link");
        symlink(at("data"), at("volume")).expect("a link that is named");
        let line = |path: &str| format!("{} true {} 0604 2701", at(path).display(), own());
        follow(&line("vol*"), Path::new("/nowhere"), false).expect("it is followed");
        assert_eq!(mode(&at("data")), 0o2701);
        assert_eq!(mode(&at("data/below")), 0o2701);
        assert_eq!([mode(&at("data/a")), mode(&at("data/below/b"))], [0o604; 2]);
        assert_eq!([mode(&at("secret")), mode(&at("data/.hidden"))], [0o640; 2]);
        follow(&line("data"), Path::new("/nowhere"), true).expect("it is followed");
        assert_eq!(mode(&at("data/.hidden")), 0o604);
    }

    #[test]
    fn a_folder_that_is_not_to_be_entered_is_not() {
        let place = tempfile::tempdir().expect("a place for tests");
        let file = place.path().join("a");
        fs::write(&file, "").expect("a file");
        let before = mode(&file);
        let line = format!("{} false {} 0600 0711", place.path().display(), own());
        follow(&line, Path::new("/nowhere"), false).expect("it is followed");
        assert_eq!((mode(place.path()), mode(&file)), (0o711, before));
    }

    #[test]
    fn an_unknown_account_has_its_fallback() {
        let rule = parse("/x false nobody-here,7:8 0644 0755", Path::new("/nowhere"), false);
        let rule = rule.expect("it is understood").expect("a rule");
        assert_eq!((rule.uid, rule.gid, rule.file_mode, rule.folder_mode), (7, 8, 0o644, 0o755));
    }

    #[test]
    fn what_is_wrong_is_told() {
        let etc = Path::new("/nowhere");
        for (line, words) in [
            ("/x true root 0644", "4 words, of 5"),
            ("/x yes 0 0644 0755", "true or false"),
            ("/x true nobody-here 0644 0755", "no user"),
            ("/x true 0 rw 0755", "is no mode"),
            ("/x true 0 0644 77777", "is no mode"),
            ("/no/such/file true 0 0644 0755", "no such file"),
        ] {
            let why = follow(line, etc, false).expect_err(line);
            assert!(why.contains(words), "{line}: {why}");
        }
        for line in ["", "  ", "# /x true 0 0644 0755"] {
            assert_eq!(follow(line, etc, false), Ok(()));
        }
    }
}
