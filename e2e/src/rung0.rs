//! The images of `examples/original/rung0`, by their own Dockerfiles, of the binary under test and this machine's
//! HAProxy; or of the programs that Muster stands for, which the very same Dockerfiles and scripts take as well.

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
    /// What both have as `/init`, `serf`, `handlebars` and `s6-svc`.
    pub stack: Image,
    /// What a distribution has: bash and HAProxy.
    pub base: Image,
}

impl Rung0 {
    /// On Muster's image. `None` where they cannot be made; says why not.
    pub fn build() -> Option<Self> {
        can_be_made().then(|| {
            let stack = muster_image();
            let base = base("host", &[]);
            let ha = image("ha", &[("BASE", base.name()), ("STACK", stack.name())]);
            let backend = image("backend", &[("BASE", base.name()), ("STACK", stack.name())]);
            Self { ha, backend, stack, base }
        })
    }

    /// The balancer of rung 1, on the same: no handler and no script. Its backends are `stack` with `muster run`.
    pub fn rung1(&self) -> Image {
        of_rung("rung1", "ha", &[("BASE", self.base.name()), ("STACK", self.stack.name())])
    }

    /// On the programs that Muster stands for: s6, Serf, Node and handlebars.js of this machine.
    pub fn original() -> Option<Self> {
        for (program, package) in [
            ("/usr/bin/s6-svscan", "s6"),
            ("/usr/bin/serf", "serf"),
            ("/usr/bin/node", "nodejs"),
            ("/usr/share/javascript/handlebars/handlebars.js", "libjs-handlebars"),
        ] {
            if !Path::new(program).exists() {
                skip(&format!("{program} is not installed (apt install {package})"));
                return None;
            }
        }
        can_be_made().then(|| {
            // The application is the same, and no part of the stack.
            let program = binary().display().to_string();
            let application = format!("{program} demo backend");
            let (base, stack, stack_and_application) =
                (base("host", &[]), base("stack", &[]), base("stack", &[&program]));
            let ha = image("ha", &[("BASE", base.name()), ("STACK", stack.name())]);
            let own = [("BASE", base.name()), ("STACK", stack_and_application.name()), ("APP", &application)];
            let backend = image("backend", &own);
            Self { ha, backend, stack, base }
        })
    }
}

fn can_be_made() -> bool {
    let haproxy = Path::new("/usr/sbin/haproxy").exists();
    if !haproxy {
        skip("haproxy is not installed (apt install haproxy)");
    }
    haproxy && docker_is_here()
}

/// By the example's own script.
fn base(kind: &str, programs: &[&str]) -> Image {
    Image::made(|name| {
        let mut command = Command::new(Path::new(ORIGINAL).join("base"));
        let made = command.args([kind, name]).args(programs).output();
        assert!(made.as_ref().is_ok_and(|output| output.status.success()), "base: {made:?}");
    })
}

fn image(name: &str, arguments: &[(&str, &str)]) -> Image {
    of_rung("rung0", name, arguments)
}

fn of_rung(rung: &str, name: &str, arguments: &[(&str, &str)]) -> Image {
    let context: PathBuf = [ORIGINAL, rung, name].iter().collect();
    Image::by(&context.join("Dockerfile"), &context, arguments)
}

/// Muster's image by its own Dockerfile, as `make image` does.
pub fn muster_image() -> Image {
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
