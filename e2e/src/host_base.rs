//! An image base of this machine's own programs, where there is no registry to ask: a folder with the programs and the libraries that
//! they load. Its containers differ from those of a distribution's image in what they lack, not in what runs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Image, binary};

/// What scripts call, of busybox.
const APPLETS: &[&str] = &["cat", "date", "env", "kill", "ls", "mkdir", "ps", "rm", "sh", "sleep", "wget"];

/// An image with bash and HAProxy, as one of a distribution has them; `None` when they are not installed here.
pub fn haproxy_base() -> Option<Image> {
    let context = tempfile::tempdir().expect("a place for tests");
    let root = context.path().join("root");
    if !lay(&root, &["/usr/bin/bash", "/usr/sbin/haproxy", "/usr/bin/busybox"]) {
        return None;
    }
    for applet in APPLETS {
        symlink("busybox", root.join("usr/bin").join(applet)).expect("links can be made");
    }
    for (file, text) in [("passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("group", "root:x:0:\n")] {
        fs::write(root.join("etc").join(file), text).expect("files can be written");
    }
    let dockerfile = context.path().join("Dockerfile");
    fs::write(&dockerfile, "FROM scratch\nCOPY root/ /\n").expect("the Dockerfile can be written");
    Some(Image::by(&dockerfile, context.path(), &[]))
}

/// Muster's image, by its own Dockerfile, of the binary under test.
pub fn muster_image() -> Image {
    let context = tempfile::tempdir().expect("a place for tests");
    let root = context.path().join("image");
    fs::create_dir_all(&root).expect("folders can be made");
    let laid = Command::new(binary()).arg("install").arg("--into").arg(&root).output();
    assert!(laid.as_ref().is_ok_and(|output| output.status.success()), "install: {laid:?}");
    let dockerfile = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docker/Dockerfile"));
    Image::by(dockerfile, context.path(), &[])
}

/// Copies these programs of the machine, to the places where they are there, and their libraries. False when one is not installed.
fn lay(root: &Path, programs: &[&str]) -> bool {
    for folder in ["run", "tmp", "etc", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "var/log"] {
        fs::create_dir_all(root.join(folder)).expect("folders can be made");
    }
    // As distributions have it: what scripts call /bin and /var/run is elsewhere.
    for (link, target) in [
        ("bin", "usr/bin"),
        ("sbin", "usr/sbin"),
        ("lib", "usr/lib"),
        ("lib64", "usr/lib64"),
        ("var/run", "../run"),
    ] {
        symlink(target, root.join(link)).expect("links can be made");
    }
    programs.iter().all(|program| {
        let found = Path::new(program).is_file();
        if found {
            for file in std::iter::once(PathBuf::from(program)).chain(libraries(program)) {
                copy(root, &file);
            }
        }
        found
    })
}

fn copy(root: &Path, file: &Path) {
    let place = root.join(file.strip_prefix("/").unwrap_or(file));
    if place.exists() {
        return;
    }
    fs::create_dir_all(place.parent().expect("it is in a folder")).expect("folders can be made");
    fs::copy(file, &place).expect("files can be copied");
}

/// What the loader says it would load; nothing for a static program.
fn libraries(program: &str) -> Vec<PathBuf> {
    let Ok(told) = Command::new("ldd").arg(program).output() else { return Vec::new() };
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    let words = told.split_whitespace().filter(|word| word.starts_with('/'));
    words.map(PathBuf::from).collect()
}
