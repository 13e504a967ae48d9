//! The images of `examples/original/rung0`, by their own Dockerfiles, of the binary under test and this machine's HAProxy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Image, binary, docker_is_here, skip};

/// The folder of the example.
const ORIGINAL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/original");

/// The images, and what they stand on; all are removed with this value.
#[derive(Debug)]
pub struct Rung0 {
    /// The balancer: HAProxy, Serf and its handlers, handlebars.
    pub ha: Image,
    /// A backend: a web application, and Serf.
    pub backend: Image,
    /// Muster's own.
    pub muster: Image,
    /// What a distribution has: bash and HAProxy.
    pub base: Image,
}

impl Rung0 {
    /// `None` where they cannot be made; says why not.
    pub fn build() -> Option<Self> {
        if !docker_is_here() {
            return None;
        }
        if !Path::new("/usr/sbin/haproxy").exists() {
            skip("haproxy is not installed (apt install haproxy)");
            return None;
        }
        let base = Image::made(|name| {
            let script = Path::new(ORIGINAL).join("base");
            let made = Command::new(script).args(["host", name]).output();
            assert!(made.as_ref().is_ok_and(|output| output.status.success()), "base: {made:?}");
        });
        let muster = muster_image();
        let image = |name: &str| {
            let context: PathBuf = [ORIGINAL, "rung0", name].iter().collect();
            let arguments = [("BASE", base.name()), ("MUSTER", muster.name())];
            Image::by(&context.join("Dockerfile"), &context, &arguments)
        };
        let (ha, backend) = (image("ha"), image("backend"));
        Some(Self { ha, backend, muster, base })
    }
}

/// By Muster's own Dockerfile, as `make image` does.
fn muster_image() -> Image {
    let context = tempfile::tempdir().expect("a place for tests");
    let root = context.path().join("image");
    fs::create_dir_all(&root).expect("folders can be made");
    let laid = Command::new(binary()).arg("install").arg("--into").arg(&root).output();
    assert!(laid.as_ref().is_ok_and(|output| output.status.success()), "install: {laid:?}");
    for place in ["tmp", "run/muster", "run/service"] {
        let place = root.join(place);
        fs::create_dir_all(&place).expect("folders can be made");
        fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o1777))
            .expect("and their modes set");
    }
    let dockerfile = Path::new(ORIGINAL).join("../../docker/Dockerfile");
    Image::by(&dockerfile, context.path(), &[])
}
