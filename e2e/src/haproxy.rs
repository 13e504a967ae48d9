//! Real HAProxies: the one that is installed, and those of other Debians in folders of their own.

use crate::{Process, skip, wait_for};
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// Where `.ci/haproxy-roots` puts them.
const ROOTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/haproxy-roots");
/// Making these folders takes a minute, which the second ring does not have.
const ASKED_FOR: &str = "MUSTER_E2E_HAPROXIES";
/// Runs the HAProxy of a root, which sees our temporary files under their names. Its process is the one that is started.
const IN_ROOT: &str = r#"root=$1 shared=$2; shift 2
mkdir -p "$root$shared" && mount --bind "$shared" "$root$shared" && exec chroot "$root" /usr/sbin/haproxy "$@""#;

/// Which one.
#[derive(Clone, Debug)]
pub struct Release {
    /// Of Debian.
    pub name: &'static str,
    root: Option<PathBuf>,
}

impl Release {
    /// The one that is installed; nothing and a word if none is.
    pub fn installed() -> Option<Self> {
        let is_here = Path::new("/usr/sbin/haproxy").exists();
        if !is_here {
            skip("haproxy is not installed (apt install haproxy)");
        }
        is_here.then_some(Self { name: "installed", root: None })
    }

    /// The one of another Debian, where somebody asks for it as the third ring does: `bullseye` has 2.2, `trixie` 3.0.
    pub fn of(name: &'static str) -> Option<Self> {
        if std::env::var_os(ASKED_FOR).is_none() {
            eprintln!("not asked for, with {ASKED_FOR}=1: HAProxy of {name}");
            return None;
        }
        let root = Path::new(ROOTS).join(name);
        let is_here = root.join("usr/sbin/haproxy").exists() && rustix::process::geteuid().is_root();
        if !is_here {
            skip(&format!("HAProxy of {name} is not here, or we are not root (.ci/haproxy-roots)"));
        }
        is_here.then_some(Self { name, root: Some(root) })
    }

    /// All of them that are here.
    pub fn all() -> Vec<Self> {
        [Self::installed(), Self::of("bullseye"), Self::of("trixie")].into_iter().flatten().collect()
    }

    fn command(&self) -> Command {
        let Some(root) = &self.root else { return Command::new("/usr/sbin/haproxy") };
        let mut command = Command::new("unshare");
        command.args(["--mount", "--propagation", "private", "sh", "-c", IN_ROOT, "sh"]);
        command.arg(root).arg(std::env::temp_dir());
        command
    }

    /// What `haproxy -c` says of a file: whether it takes it, and its words.
    pub fn checks(&self, file: &Path) -> (bool, String) {
        let output = self.command().arg("-c").arg("-f").arg(file).output().expect("it can be run");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

/// A running one, in master-worker mode, in a folder of its own.
#[derive(Debug)]
pub struct Haproxy {
    release: Release,
    process: Process,
    directory: TempDir,
}

impl Haproxy {
    /// Starts it with `text`, in which `DIR` stands for its folder, and waits until it answers.
    pub async fn start(release: &Release, text: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let file = directory.path().join("haproxy.cfg");
        let text = text.replace("DIR", &directory.path().display().to_string());
        fs::write(&file, text).expect("the configuration can be written");
        // Who starts it as soon as the file is there cannot be told from who started it before: files are stamped by the tick.
        wait_for("the file is older than a tick of the clock", || async {
            let put = fs::metadata(&file).and_then(|metadata| metadata.modified());
            let age = put.map_err(|error| error.to_string())?.elapsed().unwrap_or_default();
            if age > Duration::from_millis(30) { Ok(()) } else { Err(format!("{age:?}")) }
        })
        .await;
        let process = Self::run(release, directory.path());
        let haproxy = Self { release: release.clone(), process, directory };
        haproxy.answers().await;
        haproxy
    }

    fn run(release: &Release, directory: &Path) -> Process {
        let mut command = release.command();
        command
            .arg("-W")
            .arg("-S")
            .arg(directory.join("master.sock"))
            .arg("-f")
            .arg(directory.join("haproxy.cfg"));
        Process::start("haproxy", &mut command)
    }

    async fn answers(&self) {
        wait_for("HAProxy answers on both sockets", || async {
            self.ask("show info")
                .and_then(|_| self.ask_master("show proc"))
                .map_err(|error| format!("{error}: {}", self.process.said()))
        })
        .await;
    }

    /// `kill -9` of all of it, then a new one with the file as it is.
    pub async fn is_killed_and_comes_back(&mut self) {
        let worker = self.pid();
        self.process.kill();
        let _ = worker.and_then(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok());
        self.process.succeed(Self::run(&self.release, self.directory.path()));
        wait_for("another HAProxy answers", || async {
            if self.pid().is_some_and(|now| Some(now) != worker) { Ok(()) } else { Err(self.said()) }
        })
        .await;
        self.answers().await;
    }

    /// Starts it again after its end, and waits for nothing.
    pub fn begins_anew(&mut self) {
        self.process.succeed(Self::run(&self.release, self.directory.path()));
    }

    /// TERM, and waits for its end.
    pub async fn stop(&mut self) {
        self.process.stop().await;
    }

    /// Its master's process id.
    pub fn master(&self) -> u32 {
        self.process.id()
    }

    /// A file in its folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// What it said.
    pub fn said(&self) -> String {
        self.process.said()
    }

    /// The worker that takes connections.
    pub fn pid(&self) -> Option<rustix::process::Pid> {
        let info = self.ask("show info").ok()?;
        let pid = info.lines().find_map(|line| line.strip_prefix("Pid: "))?;
        rustix::process::Pid::from_raw(pid.parse().ok()?)
    }

    /// One question on its runtime API.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ask(&self, command: &str) -> io::Result<String> {
        ask(&self.path("admin.sock"), command)
    }

    /// One question to its master.
    ///
    /// # Errors
    /// It does not answer.
    pub fn ask_master(&self, command: &str) -> io::Result<String> {
        ask(&self.path("master.sock"), command)
    }

    /// `SERVER STATUS` of each server, in order.
    pub fn servers(&self) -> Vec<String> {
        let stat = self.ask("show stat").unwrap_or_default();
        let mut columns = stat.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let head = columns.next().unwrap_or_default();
        let Some(status) = head.iter().position(|column| *column == "status") else { return Vec::new() };
        let mut servers: Vec<String> = columns
            .filter(|fields| fields.len() > status && !["FRONTEND", "BACKEND"].contains(&fields[1]))
            .map(|fields| format!("{} {}", fields[1], fields[status]))
            .collect();
        servers.sort();
        servers
    }
}

fn ask(socket: &Path, command: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut text = String::new();
    writeln!(stream, "{command}")?;
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.read_to_string(&mut text)?;
    Ok(text)
}
