//! The control places: which services there are, and where each stands.

use crate::config::suggest;
use muster_init::status::Status;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Longest file that is read in a place: a status has 35 bytes, a history some hundred.
const FILE_BYTES_MAX: u64 = 4096;

/// Why a service cannot be asked or told.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error(
        "there is no folder {}: nobody supervises services there. `muster init` and s6-overlay have them in /run/service; \
         --control DIR or MUSTER_CONTROL name another folder", .0.display()
    )]
    NoPlaces(PathBuf),
    #[error("there is no service `{name}` in {}{hint}", dir.display())]
    Unknown { name: String, dir: PathBuf, hint: String },
    #[error("nobody supervises `{0}` now: its supervisor has ended, or has not begun yet")]
    Unsupervised(String),
    #[error("nobody supervises services here now, so that nothing is known of whose the processes are")]
    AllUnsupervised,
    #[error("the supervisor of `{0}` does not read what it is told: it is stopped, or hangs")]
    Deaf(String),
    #[error("{}: {what} is not as s6 makes it: another program put it there, or another release of s6", path.display())]
    Foreign { path: PathBuf, what: &'static str },
    #[error("{}: permission denied: services are for root and for the user who runs their supervisor", .0.display())]
    Denied(PathBuf),
    #[error("{}: {cause}", path.display())]
    System { path: PathBuf, cause: io::Error },
}

impl Trouble {
    /// What the system said of a path.
    pub(super) fn of(path: &Path, cause: io::Error) -> Self {
        match cause.kind() {
            ErrorKind::PermissionDenied => Self::Denied(path.to_owned()),
            _ => Self::System { path: path.to_owned(), cause },
        }
    }
}

/// One service's control place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Place {
    /// As people call the service.
    pub(super) name: String,
    /// Its folder.
    pub(super) folder: PathBuf,
}

/// All services of one folder.
#[derive(Debug)]
pub(super) struct Places {
    dir: PathBuf,
    all: Vec<Place>,
}

impl Places {
    /// Looks which there are.
    pub(super) fn look(dir: PathBuf) -> Result<Self, Trouble> {
        let entries = std::fs::read_dir(&dir).map_err(|cause| match cause.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Trouble::NoPlaces(dir.clone()),
            _ => Trouble::of(&dir, cause),
        })?;
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|cause| Trouble::of(&dir, cause))?;
            // Names that begin with a dot are the supervisor's own, as in s6. Ours are text.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if name.starts_with('.') {
                continue;
            }
            let folder = entry.path();
            // In s6 a service's logger is a service within it.
            for (name, folder) in [(format!("{name}/log"), folder.join("log")), (name, folder)] {
                if folder.join("supervise").is_dir() {
                    all.push(Place { name, folder });
                }
            }
        }
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(Self { dir, all })
    }

    /// Those of these names; all, if none is named.
    pub(super) fn named(self, names: &[String]) -> Result<Vec<Place>, Trouble> {
        if names.is_empty() {
            return Ok(self.all);
        }
        let find = |name: &String| {
            let found = self.all.iter().find(|place| place.name == *name);
            found.cloned().ok_or_else(|| self.unknown(name))
        };
        names.iter().map(find).collect()
    }

    fn unknown(&self, name: &str) -> Trouble {
        let known = || self.all.iter().map(|place| place.name.as_str());
        let hint = match (suggest::hint(name, known()), known().count()) {
            (hint, _) if !hint.is_empty() => hint,
            (_, 0) => ", nor any other".to_owned(),
            (_, 1..=20) => format!("; there are: {}", known().collect::<Vec<_>>().join(", ")),
            _ => "; `muster status` shows all".to_owned(),
        };
        Trouble::Unknown { name: name.to_owned(), dir: self.dir.clone(), hint }
    }
}

impl Place {
    /// A file that its supervisor keeps for it.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join("supervise").join(name)
    }

    /// What stands in such a file, at most [`FILE_BYTES_MAX`].
    pub(super) fn read(&self, name: &str) -> Result<Vec<u8>, Trouble> {
        let path = self.file(name);
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes));
        match read {
            Ok(_) => Ok(bytes),
            Err(cause) if cause.kind() == ErrorKind::NotFound => {
                Err(Trouble::Unsupervised(self.name.clone()))
            }
            Err(cause) => Err(Trouble::of(&path, cause)),
        }
    }

    /// Where the service stands.
    pub(super) fn status(&self) -> Result<Status, Trouble> {
        let bytes = self.read("status")?;
        Status::from_bytes(&bytes)
            .ok_or_else(|| Trouble::Foreign { path: self.file("status"), what: "the status" })
    }

    /// Whether it is to be up from the start.
    pub(super) fn is_normally_up(&self) -> bool {
        !self.folder.join("down").exists()
    }

    /// Whether its process says that it is ready, as far as can be known: s6 has a file for it in the folder; of ours, one that said
    /// it once says it again.
    pub(super) fn tells_readiness(&self, status: &Status) -> bool {
        is_up(status) && status.ready || self.folder.join("notification-fd").exists()
    }
}

/// Whether the service itself runs, and not its `finish`.
pub(super) fn is_up(status: &Status) -> bool {
    status.pid.is_some() && !status.finishing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(names: &[&str]) -> (tempfile::TempDir, Places) {
        let dir = tempfile::tempdir().unwrap();
        for name in names {
            std::fs::create_dir_all(dir.path().join(name).join("supervise")).unwrap();
        }
        let places = Places::look(dir.path().to_owned()).unwrap();
        (dir, places)
    }

    #[test]
    fn services_are_what_has_a_place_and_loggers_are_services() {
        let (dir, _) = places(&["web", "db", "web/log", ".s6-svscan"]);
        std::fs::create_dir(dir.path().join("no-service")).unwrap();
        let all = Places::look(dir.path().to_owned()).unwrap().named(&[]).unwrap();
        let names: Vec<_> = all.iter().map(|place| place.name.as_str()).collect();
        assert_eq!(names, ["db", "web", "web/log"]);
    }

    #[test]
    fn an_unknown_name_is_told_with_what_may_be_meant() {
        let unknown = |names: &[&str], name: &str| {
            let (_dir, places) = places(names);
            let text = places.named(&[name.to_owned()]).unwrap_err().to_string();
            text.split_once(name).unwrap().1.split_once("/").unwrap().1.to_owned()
        };
        assert!(unknown(&["web", "db"], "wbe").ends_with("did you mean `web`?"));
        assert!(unknown(&["web", "db"], "balancer").ends_with("; there are: db, web"));
        assert!(unknown(&[], "web").ends_with(", nor any other"));
        assert!(unknown(&["web"], "../web").ends_with("; there are: web"));
    }

    #[test]
    fn no_folder_is_told_with_the_ways_to_name_one() {
        let text = Places::look("/nonexistent".into()).unwrap_err().to_string();
        assert!(text.contains("--control DIR or MUSTER_CONTROL"), "{text}");
    }

    #[test]
    fn a_place_without_a_status_is_nobodys_and_another_form_is_told() {
        let (dir, places) = places(&["web"]);
        let place = &places.named(&[]).unwrap()[0];
        assert!(matches!(place.status(), Err(Trouble::Unsupervised(_))));
        std::fs::write(dir.path().join("web/supervise/status"), [0; 43]).unwrap();
        assert!(matches!(place.status(), Err(Trouble::Foreign { .. })));
    }
}
