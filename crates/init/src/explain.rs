//! Why a program could not be executed, in words. The kernel says "No such file or directory" both of a script that is not there
//! and of one whose interpreter is not, and nobody sees a carriage return; hours are lost to that.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The first line of a script is read up to here; the kernel takes 256 bytes.
const FIRST_LINE_BYTES_MAX: u64 = 512;

/// Says why `program`, executed in `directory`, failed with `error`.
pub(crate) fn explain(program: &OsStr, directory: Option<&Path>, error: &io::Error) -> String {
    let shown = program.display();
    let Some(path) = find(program, directory) else {
        return format!("{shown} is not there, or not in PATH");
    };
    let shown = path.display();
    let metadata = match path.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return format!("{shown} is not there"),
        Err(error) => return format!("{shown}: {error}"),
    };
    if metadata.is_dir() {
        return format!("{shown} is a directory");
    }
    if metadata.mode() & 0o111 == 0 {
        return format!("{shown} is not executable; in the Dockerfile: RUN chmod +x {shown}");
    }
    match interpreter(&path) {
        Ok(Some(line)) => explain_interpreter(&path, &line, error),
        // Who has a shell does not come here: a script without #! is given to it, as execvp(3) does.
        Ok(None) if is_exec_format(error) => {
            format!("{shown} is no program of this machine, and has no line like #!/bin/sh at its start")
        }
        Ok(None) if error.kind() == ErrorKind::NotFound => {
            format!(
                "{shown} needs a program loader or library that this image lacks (a program for glibc in an image of musl?)"
            )
        }
        _ => format!("{shown}: {error}"),
    }
}

fn explain_interpreter(path: &Path, line: &[u8], error: &io::Error) -> String {
    let shown = path.display();
    if line.ends_with(b"\r") {
        return format!(
            "{shown} has Windows line ends (CRLF): its interpreter's name ends in a carriage return; \
             save it with LF line ends, or: sed -i 's/\\r$//' {shown}"
        );
    }
    let name = line.trim_ascii().split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let name = Path::new(OsStr::from_bytes(name));
    match name.metadata() {
        Err(_) => format!("{shown} wants the interpreter {}, which this image lacks", name.display()),
        Ok(metadata) if metadata.mode() & 0o111 == 0 => {
            format!("{shown} wants the interpreter {}, which is not executable", name.display())
        }
        Ok(_) => format!("{shown}: {error}"),
    }
}

/// The first line of a script behind its `#!`; `None` if it has none.
fn interpreter(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut start = Vec::new();
    // Opening a pipe would wait for its other end.
    if !path.metadata()?.is_file() {
        return Ok(None);
    }
    File::options()
        .read(true)
        .custom_flags(nix::libc::O_NONBLOCK)
        .open(path)?
        .take(FIRST_LINE_BYTES_MAX)
        .read_to_end(&mut start)?;
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(line.strip_prefix(b"#!").map(<[u8]>::to_vec))
}

fn is_exec_format(error: &io::Error) -> bool {
    error.raw_os_error() == Some(nix::errno::Errno::ENOEXEC as i32)
}

fn find(program: &OsStr, directory: Option<&Path>) -> Option<PathBuf> {
    if program.as_bytes().contains(&b'/') {
        let path = Path::new(program);
        return Some(
            directory.filter(|_| path.is_relative()).map_or_else(|| path.to_owned(), |at| at.join(path)),
        );
    }
    let path = std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin"));
    std::env::split_paths(&path).map(|at| at.join(program)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    use super::*;

    /// What is said of a script with this text and mode.
    fn said_of(text: &str, mode: u32) -> String {
        let directory = tempfile::tempdir().expect("a place for tests");
        let path = directory.path().join("run");
        fs::write(&path, text).expect("the script is written");
        fs::set_permissions(&path, Permissions::from_mode(mode)).expect("and its mode set");
        let error =
            Command::new("./run").current_dir(directory.path()).spawn().expect_err("it cannot be executed");
        let said = explain(OsStr::new("./run"), Some(directory.path()), &error);
        said.replace(&*directory.path().to_string_lossy(), "DIR")
    }

    #[test]
    fn what_people_get_wrong_is_told_as_it_is() {
        assert_eq!(
            said_of("#!/bin/sh\n", 0o644),
            "DIR/./run is not executable; in the Dockerfile: RUN chmod +x DIR/./run"
        );
        assert!(said_of("#!/bin/sh\r\necho\r\n", 0o755).contains("Windows line ends (CRLF)"));
        assert_eq!(
            said_of("#!/no/bash -e\n", 0o755),
            "DIR/./run wants the interpreter /no/bash, which this image lacks"
        );
    }

    #[test]
    fn what_is_not_there_is_told_so() {
        let error = io::Error::from(ErrorKind::NotFound);
        assert_eq!(
            explain(OsStr::new("no-such-program"), None, &error),
            "no-such-program is not there, or not in PATH"
        );
        assert_eq!(explain(OsStr::new("./run"), Some(Path::new("/no")), &error), "/no/./run is not there");
        assert_eq!(explain(OsStr::new("/"), None, &error), "/ is a directory");
    }
}
