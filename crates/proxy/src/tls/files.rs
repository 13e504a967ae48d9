//! Which files hold certificates and keys.
//!
//! | named | read |
//! |---|---|
//! | a file with chain and key | that file, as HAProxy has it |
//! | a file with a chain | and its key from `NAME.key` beside `NAME.crt` or `NAME.pem`, from `NAME.pem.key`, or from `privkey.pem` beside `fullchain.pem` |
//! | a folder | `fullchain.pem` alone (certbot), else `tls.crt` alone (Kubernetes), else every `.pem` and `.crt` with a certificate, in name order |
//! | a folder of such folders | those, one level deep |

use super::pem;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// More are refused: each is read and checked at every change, and held in memory.
const CERTIFICATES_MAX: usize = 4096;

/// A certificate's files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Files {
    pub(super) chain: PathBuf,
    /// The same when both are in one.
    pub(super) key: PathBuf,
}

/// Those of `paths`, in that order, and what is wrong.
pub(super) fn find(paths: &[PathBuf]) -> (Vec<Files>, Vec<String>) {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        match of(path) {
            Ok(files) => found.extend(files),
            Err(problem) => problems.push(problem),
        }
    }
    if found.len() > CERTIFICATES_MAX {
        problems.push(format!("there are {} certificates; at most {CERTIFICATES_MAX} are read", found.len()));
        found.truncate(CERTIFICATES_MAX);
    }
    (found, problems)
}

fn of(path: &Path) -> Result<Vec<Files>, String> {
    let is_folder =
        fs::metadata(path).map_err(|cause| format!("cannot read {}: {cause}", path.display()))?.is_dir();
    if !is_folder {
        return pair(path).map(|files| vec![files]);
    }
    let mut found = folder(path)?;
    for inner in entries(path)?.into_iter().filter(|inner| inner.is_dir()) {
        if let Some(chain) = usual(&inner) {
            found.push(pair(&chain)?);
        }
    }
    if found.is_empty() {
        let path = path.display();
        return Err(format!(
            "there is no certificate in the folder {path}: it should have files named .pem or .crt with a chain, and the key in \
             the same file or beside it in one named .key"
        ));
    }
    Ok(found)
}

/// What programs that make certificates call theirs.
fn usual(folder: &Path) -> Option<PathBuf> {
    ["fullchain.pem", "tls.crt"].map(|name| folder.join(name)).into_iter().find(|path| path.is_file())
}

fn folder(path: &Path) -> Result<Vec<Files>, String> {
    if let Some(chain) = usual(path) {
        return Ok(vec![pair(&chain)?]);
    }
    let is_chain = |path: &PathBuf| {
        let named = path.extension().is_some_and(|ending| ending == "pem" || ending == "crt");
        named && path.is_file() && pem::read(path).is_ok_and(|bytes| pem::has_certificate(&bytes))
    };
    entries(path)?.iter().filter(|path| is_chain(path)).map(|path| pair(path)).collect()
}

/// In name order, without hidden ones (Kubernetes keeps its versions there).
fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let unread = |cause| format!("cannot read the folder {}: {cause}", folder.display());
    let all = fs::read_dir(folder).map_err(unread)?.collect::<Result<Vec<_>, _>>().map_err(unread)?;
    let is_shown = |name: &std::ffi::OsStr| !name.as_encoded_bytes().starts_with(b".");
    let shown = all.into_iter().filter(|entry| is_shown(&entry.file_name())).map(|entry| entry.path());
    let mut shown: Vec<PathBuf> = shown.collect();
    shown.sort();
    Ok(shown)
}

fn pair(chain: &Path) -> Result<Files, String> {
    let bytes = pem::read(chain)?;
    if !pem::has_certificate(&bytes) {
        return Err(format!("there is no certificate in {}", chain.display()));
    }
    let key = match pem::has_key(&bytes) {
        true => Some(chain.to_owned()),
        false => beside(chain).into_iter().find(|path| path.is_file()),
    };
    let key = key.ok_or_else(|| {
        let places: Vec<String> = beside(chain).iter().map(|path| path.display().to_string()).collect();
        format!("there is no key for {}: neither in it, nor in {}", chain.display(), places.join(" or "))
    })?;
    Ok(Files { chain: chain.to_owned(), key })
}

/// Where the key of a chain may be.
fn beside(chain: &Path) -> Vec<PathBuf> {
    let mut appended = chain.as_os_str().to_owned();
    appended.push(".key");
    let mut places = vec![chain.with_extension("key"), PathBuf::from(appended)];
    if chain.file_name().is_some_and(|name| name == "fullchain.pem") {
        places.insert(0, chain.with_file_name("privkey.pem"));
    }
    places
}

/// What changes when one of the files does: names, sizes, times and identities, also behind symbolic links.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Stamp(Vec<(PathBuf, Option<Seen>)>);

/// Inode, size and time of the last change.
type Seen = (u64, u64, Option<SystemTime>);

/// Of `paths` and of what was found there.
pub(super) fn stamp(paths: &[PathBuf]) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let (found, _) = find(paths);
    let all = found.into_iter().flat_map(|files| [files.chain, files.key]).chain(paths.iter().cloned());
    let of = |path: PathBuf| {
        let seen = fs::metadata(&path).ok().map(|file| (file.ino(), file.len(), file.modified().ok()));
        (path, seen)
    };
    Stamp(all.map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::super::testing::Made;
    use super::*;

    fn names(paths: &[PathBuf]) -> Vec<String> {
        let (found, problems) = find(paths);
        assert_eq!(problems, [""; 0]);
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        found.iter().map(|files| format!("{} {}", name(&files.chain), name(&files.key))).collect()
    }

    #[test]
    fn a_key_is_found_in_its_chain_or_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        let made = Made::new(&["a.test"]);
        fs::write(at("both.pem"), made.chain.clone() + &made.key).unwrap();
        fs::write(at("a.crt"), &made.chain).unwrap();
        fs::write(at("a.key"), &made.key).unwrap();
        fs::write(at("b.pem"), &made.chain).unwrap();
        fs::write(at("b.pem.key"), &made.key).unwrap();
        assert_eq!(names(&[at("both.pem")]), ["both.pem both.pem"]);
        let all = ["a.crt a.key", "b.pem b.pem.key", "both.pem both.pem"];
        assert_eq!(names(&[dir.path().into()]), all, "a folder, in name order");
        fs::write(at("fullchain.pem"), &made.chain).unwrap();
        fs::write(at("privkey.pem"), &made.key).unwrap();
        assert_eq!(names(&[dir.path().into()]), ["fullchain.pem privkey.pem"], "as certbot has it");
    }

    #[test]
    fn a_folder_of_folders_is_looked_into_and_hidden_ones_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let made = Made::new(&["a.test"]);
        for name in ["b", "a", "..2026"] {
            let inner = dir.path().join(name);
            fs::create_dir(&inner).unwrap();
            fs::write(inner.join("tls.crt"), &made.chain).unwrap();
            fs::write(inner.join("tls.key"), &made.key).unwrap();
        }
        assert_eq!(names(&[dir.path().into()]), ["tls.crt tls.key", "tls.crt tls.key"]);
    }

    #[test]
    fn what_is_missing_is_told_with_where_it_was_looked_for() {
        let dir = tempfile::tempdir().unwrap();
        let chain = dir.path().join("a.pem");
        let problem = |path: &Path| find(&[path.to_owned()]).1.remove(0);
        assert!(problem(dir.path()).contains("no certificate in the folder"));
        assert!(problem(&chain).starts_with("cannot read "), "{}", problem(&chain));
        fs::write(&chain, Made::new(&["a.test"]).chain).unwrap();
        assert!(problem(&chain).contains("a.key or ") && problem(&chain).contains("a.pem.key"));
        fs::write(&chain, "nothing").unwrap();
        assert!(problem(&chain).contains("no certificate in"));
        assert!(problem(Path::new("/dev/null")).contains("is no file"));
    }
}
