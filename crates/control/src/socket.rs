//! Where the control socket is.

use rustix::fs::Access;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The directory for an agent of the whole node.
const SYSTEM_DIR: &str = "/run/muster";
/// The socket's name in either directory.
const NAME: &str = "muster.sock";

/// The default path: `/run/muster/muster.sock` for root or where `/run/muster` is writable, else
/// `$XDG_RUNTIME_DIR/muster.sock`. `None` when neither can be used.
pub fn default_path() -> Option<PathBuf> {
    let system_wide = rustix::process::geteuid().is_root()
        || rustix::fs::access(SYSTEM_DIR, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    choose(system_wide, std::env::var_os("XDG_RUNTIME_DIR"))
}

/// The XDG specification wants relative values ignored.
fn choose(system_wide: bool, runtime_dir: Option<OsString>) -> Option<PathBuf> {
    if system_wide {
        return Some(Path::new(SYSTEM_DIR).join(NAME));
    }
    runtime_dir.map(PathBuf::from).filter(|dir| dir.is_absolute()).map(|dir| dir.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_may_write_to_run_muster_uses_it() {
        assert_eq!(choose(true, Some("/run/user/1".into())), Some("/run/muster/muster.sock".into()));
    }

    #[test]
    fn everyone_else_uses_the_runtime_directory_of_their_login() {
        assert_eq!(choose(false, Some("/run/user/1".into())), Some("/run/user/1/muster.sock".into()));
    }

    #[test]
    fn without_an_absolute_runtime_directory_there_is_no_default() {
        assert_eq!(choose(false, None), None);
        assert_eq!(choose(false, Some("".into())), None);
        assert_eq!(choose(false, Some("run".into())), None);
    }
}
