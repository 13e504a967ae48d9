//! A file that is not to be had, broken, newer or foreign: what we cannot use is set aside or left alone, never destroyed, and told.

use crate::store::{Error, Store};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use rustix::fs::OFlags;
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What was opened, and what is to be told of it.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    /// The file; `None` is memory.
    pub(crate) file: Option<PathBuf>,
    pub(crate) words: Option<String>,
}

/// Opens the file at `path` for writing, a new one where it cannot be used, or memory where there can be none. `now_ms` makes the
/// names of what is set aside.
pub(crate) fn open(path: &Path, now_ms: u64) -> Result<Opened, Error> {
    let why = match write_file(path) {
        Ok(store) => return Ok(Opened { store, file: Some(path.to_owned()), words: None }),
        Err(why) => why,
    };
    let word = match &why {
        Error::Damaged(_) => "damaged",
        Error::Newer(_) => "newer",
        Error::Sqlite(rusqlite::Error::SqliteFailure(failure, _))
            if matches!(failure.code, ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) =>
        {
            "damaged"
        }
        _ => return memory(path, &why),
    };
    let aside = suffixed(path, &format!(".{word}-{now_ms}"));
    let moved = std::fs::rename(path, &aside).and_then(|()| {
        for of_it in ["-wal", "-shm"] {
            let other = suffixed(path, of_it);
            if other.exists() {
                std::fs::rename(other, suffixed(&aside, of_it))?;
            }
        }
        Ok(())
    });
    if let Err(cause) = moved {
        return memory(path, &format_args!("{why}; and it cannot be set aside: {cause}"));
    }
    match write_file(path) {
        Ok(store) => {
            let words = format!("{why}; it was set aside as {}, and a new one begun", aside.display());
            Ok(Opened { store, file: Some(path.to_owned()), words: Some(words) })
        }
        Err(why) => memory(path, &why),
    }
}

fn memory(path: &Path, why: &dyn std::fmt::Display) -> Result<Opened, Error> {
    let words = format!(
        "{} cannot be used, so the history is kept in memory and ends with the agent: {why}",
        path.display()
    );
    Ok(Opened { store: Store::in_memory()?, file: None, words: Some(words) })
}

fn write_file(path: &Path) -> Result<Store, Error> {
    let io = |cause: std::io::Error| Error::Damaged(cause.to_string());
    // Made by us with this mode: SQLite gives its companions the mode of the file.
    // A link leads to somebody else's file, and what is no file (`/dev/null`) is nobody's to give another mode.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(path);
    let ours = opened.and_then(|file| {
        let about = file.metadata()?;
        let is_ours = about.is_file() && about.uid() == rustix::process::geteuid().as_raw();
        if is_ours { Ok(()) } else { Err(std::io::Error::other("it is no file of this user")) }
    });
    match ours {
        Ok(()) => {}
        Err(cause) => {
            return Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
                Some(cause.to_string()),
            )
            .into());
        }
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let store = Store::begin(connection)?;
    // Only now is it known to be a history, and no other program's.
    for suffix in ["", "-wal", "-shm"] {
        match std::fs::set_permissions(suffixed(path, suffix), Permissions::from_mode(0o600)) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                tracing::warn!("the history {}{suffix} may be read by others: {cause}", path.display());
            }
            _ => {}
        }
    }
    let said: String = store.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if said == "ok" { Ok(store) } else { Err(io(std::io::Error::other(said))) }
}

/// Opens a file for reading beside whoever writes it, or without any.
///
/// # Errors
/// When it is not there, or no history of a version that we know.
pub fn read_file(path: &Path) -> Result<Store, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).map_err(Error::from).and_then(check);
    match opened {
        // Where no file can be made, not even a companion for those who read, nobody writes either.
        Err(Error::Sqlite(rusqlite::Error::SqliteFailure(failure, _)))
            if matches!(failure.code, ErrorCode::CannotOpen | ErrorCode::ReadOnly) && path.exists() =>
        {
            let uri = format!("file:{}?immutable=1", encoded(path));
            check(Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?)
        }
        opened => opened,
    }
}

fn check(connection: Connection) -> Result<Store, Error> {
    connection.busy_timeout(std::time::Duration::from_secs(2))?;
    match Store::check(&connection)? {
        true => Err(Error::Damaged("it is empty".to_owned())),
        false => Ok(Store { connection }),
    }
}

/// A path as SQLite's addresses have it.
fn encoded(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut text = path.as_os_str().to_owned();
    text.push(suffix);
    text.into()
}
