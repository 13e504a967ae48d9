//! A service's control place: a folder in which people and scripts find it, as s6-supervise lays it out.
//!
//! | in it | what |
//! |---|---|
//! | `supervise/control` | a pipe: each byte written to it is a command (`s6-svc`) |
//! | `supervise/lock` | locked for as long as somebody supervises the service |
//! | `supervise/status` | where the service stands ([`crate::status`]) |
//! | `supervise/history` | ours, not s6's: how often it was started, when and how it ended |
//! | `supervise/death_tally` | its last ends, for s6's tools ([`crate::tally`]) |
//! | `notify` | ours: the socket for sd_notify(3), of a service that says so that it is ready |
//! | `event/` | who waits puts a pipe here (`s6-svwait`), and is told in letters: `u` up, `U` ready, `d` down, `D` all of it |
//!
//! Nobody is waited for: what cannot be written now is not written. A full disk costs watchers their news, not the service.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use muster_supervise::Exit;
use nix::sys::stat::Mode;

use crate::status::Status;
use crate::tally;

/// One service's control place.
#[derive(Debug)]
pub(crate) struct Place {
    folder: PathBuf,
    control: File,
    /// A pipe without a writer says "end" for ever; so we are one ourselves.
    _control_writer: File,
    _lock: File,
}

impl Place {
    /// Makes the place; one left over from an earlier life is taken over. `down`: the service is not started by itself.
    pub(crate) fn make(folder: &Path, down: bool) -> io::Result<Self> {
        let supervise = folder.join("supervise");
        fs::create_dir_all(&supervise)?;
        fs::set_permissions(&supervise, fs::Permissions::from_mode(0o700))?;
        // First of all: a place that somebody supervises is not ours to change.
        let lock = lock(&supervise.join("lock"))?;
        let event = folder.join("event");
        fs::create_dir_all(&event)?;
        // As s6 has it: who is in the group may put a pipe there and nobody can remove another's.
        fs::set_permissions(&event, fs::Permissions::from_mode(0o3730))?;
        // Said by a file in s6, whose tools look for it here.
        match down {
            true => drop(File::create(folder.join("down"))?),
            false => drop(fs::remove_file(folder.join("down"))),
        }
        // Ends of an earlier life are not this one's.
        let _ = fs::remove_file(supervise.join(tally::FILE));
        let path = supervise.join("control");
        if !path.symlink_metadata().is_ok_and(|metadata| metadata.file_type().is_fifo()) {
            let _ = fs::remove_file(&path);
            nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        }
        let place = folder.to_owned();
        // Before anybody can find it supervised: whoever does looks at the status next.
        let now = SystemTime::now();
        let status = Status {
            since: now,
            ready_since: now,
            pid: None,
            exit: Exit::Code(0),
            paused: false,
            finishing: false,
            wanted_up: !down,
            ready: true,
        };
        write_whole(&place, "status", &status.to_bytes())?;
        let open = |write: bool| {
            OpenOptions::new().read(!write).write(write).custom_flags(nix::libc::O_NONBLOCK).open(&path)
        };
        let control = open(false)?;
        let _control_writer = open(true)?;
        Ok(Self { folder: place, control, _control_writer, _lock: lock })
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// What to wait on for commands.
    pub(crate) fn control(&self) -> BorrowedFd<'_> {
        self.control.as_fd()
    }

    /// The commands that came, at most as many as fit.
    pub(crate) fn commands(&mut self, into: &mut [u8]) -> usize {
        self.control.read(into).unwrap_or(0)
    }

    /// Writes where the service stands.
    pub(crate) fn write_status(&self, status: &Status) -> io::Result<()> {
        self.write_whole("status", &status.to_bytes())
    }

    /// Writes a file of the place, whole or not at all.
    pub(crate) fn write_whole(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_whole(&self.folder, name, bytes)
    }

    /// Writes down how its process ended, beside earlier ends.
    pub(crate) fn write_death(&self, at: SystemTime, exit: Exit, kept: usize) -> io::Result<()> {
        let path = self.folder.join("supervise").join(tally::FILE);
        self.write_whole(tally::FILE, &tally::with(&path, at, exit, kept)?)
    }

    /// Tells those who wait.
    pub(crate) fn notify(&self, letters: &[u8]) {
        for entry in fs::read_dir(self.folder.join("event")).into_iter().flatten().flatten() {
            let is_waiter = entry.file_name().to_string_lossy().starts_with("ftrig1")
                && entry.file_type().is_ok_and(|kind| kind.is_fifo());
            if !is_waiter {
                continue;
            }
            let opened = OpenOptions::new()
                .write(true)
                // A link put there meanwhile leads nowhere.
                .custom_flags(nix::libc::O_NONBLOCK | nix::libc::O_NOFOLLOW)
                .open(entry.path());
            match opened {
                // A waiter that does not read loses letters; it reads the status next.
                Ok(mut pipe) => drop(pipe.write_all(letters)),
                Err(error) if error.raw_os_error() == Some(nix::libc::ENXIO) => {
                    drop(fs::remove_file(entry.path()));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(_) => {}
            }
        }
    }
}

fn write_whole(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join("supervise").join(name);
    let new = path.with_extension("new");
    fs::write(&new, bytes)?;
    fs::rename(new, path)
}

/// A lock that ends with us, whatever ends us. Two that supervise one place would both start its process.
fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    let short = |constant: i32| i16::try_from(constant).map_err(io::Error::other);
    let whole = nix::libc::flock {
        l_type: short(nix::libc::F_WRLCK)?,
        l_whence: short(nix::libc::SEEK_SET)?,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETLK(&whole)) {
        Ok(_) => Ok(file),
        Err(_) => Err(io::Error::other("somebody else supervises it")),
    }
}

/// Where s6-overlay has its places.
pub(crate) const S6_OVERLAYS: &str = "/run/service";

/// What s6-overlay's own scripts and its users' know beside the services: older names of the place, and how a script ends the
/// container. Only where the places are s6-overlay's; what is there already is left alone.
pub(crate) fn lay_names_of_s6_overlay(places: &Path) {
    if places != Path::new(S6_OVERLAYS) {
        return;
    }
    let program = std::env::current_exe().unwrap_or_default();
    let links = [
        ("/run/s6/services", places),
        ("/var/run/s6/services", places),
        ("/run/s6/basedir/bin/halt", &program),
    ];
    for (link, target) in links {
        let link = Path::new(link);
        if link.symlink_metadata().is_err()
            && link.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok())
        {
            let _ = std::os::unix::fs::symlink(target, link);
        }
    }
    let _ = Path::new(EXIT_CODE_FILE).parent().map(fs::create_dir_all);
}

/// Where a script writes the exit code that the container is to have, before it calls `halt`.
const EXIT_CODE_FILE: &str = "/run/s6-linux-init-container-results/exitcode";

/// The exit code that a script left.
pub(crate) fn exit_code_left() -> Option<u8> {
    let mut text = String::new();
    // A pipe there would be waited for.
    let file = File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(EXIT_CODE_FILE).ok()?;
    file.metadata().ok().filter(fs::Metadata::is_file)?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}
