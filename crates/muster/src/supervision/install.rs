//! `muster install --into DIR`: the program and all the names it answers to, laid out as an image wants them, so that one
//! `COPY --from=muster / /` takes the place of every download of s6-overlay, Serf, tini and handlebars-cmd.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use muster_init::applets;

use crate::cli::InstallArgs;
use crate::out;

/// Where the program itself goes.
const PROGRAM: &str = "usr/bin/muster";

pub(crate) fn run(args: &InstallArgs) -> ExitCode {
    match install(&args.into) {
        Ok(laid) => out::answer(&laid.iter().map(|path| format!("{}\n", path.display())).collect::<String>()),
        Err((path, error)) => out::fail(&format_args!("{}: {error}", path.display())),
    }
}

/// The names, below the root of an image. s6-overlay 3 has its programs in `/command`, version 2 had them in `/usr/bin`.
fn names() -> Vec<PathBuf> {
    let mut names: Vec<PathBuf> =
        ["init", "usr/bin/serf", "usr/bin/tini", "usr/bin/handlebars"].iter().map(PathBuf::from).collect();
    for (name, _) in applets::ALL {
        // An image's own `halt` is not ours to replace; ours is where s6-overlay's scripts look for it.
        if name != "halt" {
            names.push(Path::new("usr/bin").join(name));
        }
        names.push(Path::new("command").join(name));
    }
    names
}

fn install(root: &Path) -> Result<Vec<PathBuf>, (PathBuf, io::Error)> {
    let program = root.join(PROGRAM);
    let at = |path: &Path| {
        let path = path.to_owned();
        move |error| (path, error)
    };
    make_parent(&program)?;
    // Through a new file: the program may be the one that runs, and must be whole at every moment.
    let new = program.with_extension("new");
    fs::copy("/proc/self/exe", &new).map_err(at(&new))?;
    fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).map_err(at(&new))?;
    fs::rename(&new, &program).map_err(at(&program))?;
    let mut laid = vec![program];
    for name in names() {
        let link = root.join(&name);
        make_parent(&link)?;
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link).map_err(at(&link))?;
        }
        // Relative, so that it is right wherever the tree is copied to.
        let up: PathBuf = name.components().skip(1).map(|_| "..").collect();
        symlink(up.join(PROGRAM), &link).map_err(at(&link))?;
        laid.push(link);
    }
    Ok(laid)
}

fn make_parent(path: &Path) -> Result<(), (PathBuf, io::Error)> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(|error| (parent.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_the_program_and_laying_them_again_is_no_harm() {
        let root = tempfile::tempdir().expect("a place for tests");
        for _ in 0..2 {
            let laid = install(root.path()).expect("it can be laid");
            let program = fs::canonicalize(root.path().join(PROGRAM)).expect("the program is there");
            for link in &laid {
                assert_eq!(
                    fs::canonicalize(link).expect("a link that leads somewhere"),
                    program,
                    "{}",
                    link.display()
                );
            }
        }
        assert!(root.path().join("command/s6-svc").exists() && root.path().join("init").exists());
    }
}
