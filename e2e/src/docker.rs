//! Real containers of the machine's Docker Engine. No registry is asked: images are made from scratch, of Debian's static busybox and
//! the binary under test.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::{PATIENCE, binary, skip};

/// Programs of busybox that containers have under their own names.
const PROGRAMS: [&str; 17] = [
    "sh", "cat", "echo", "sleep", "ps", "kill", "grep", "wc", "id", "touch", "mkdir", "rm", "env", "ls",
    "printf", "true", "mkfifo",
];
/// A container that outlives its test, since that was killed, does not fill the disk.
const LOG_BOUND: &str = "--log-opt=max-size=20m";
static NEXT: AtomicU32 = AtomicU32::new(0);

/// Whether containers can be made here; says why not.
pub fn docker_is_here() -> bool {
    if !Path::new("/bin/busybox").exists() {
        skip("busybox is not installed (apt install busybox-static)");
        return false;
    }
    let asked = Command::new("docker").args(["info", "--format", "{{.ServerVersion}}"]).output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        skip("Docker Engine does not answer (docker info)");
        return false;
    }
    true
}

/// An image that is removed with this value.
#[derive(Debug)]
pub struct Image {
    name: String,
}

impl Image {
    /// Of busybox, the binary under test with all its names, and these files. What starts with `#!` is executable.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let name = unused_name();
        let context = tempfile::tempdir().expect("a place for tests");
        let root = context.path().join("root");
        for folder in ["bin", "run", "tmp", "etc"] {
            fs::create_dir_all(root.join(folder)).expect("folders can be made");
        }
        fs::copy("/bin/busybox", root.join("bin/busybox")).expect("busybox is there");
        for program in PROGRAMS {
            symlink("busybox", root.join("bin").join(program)).expect("links can be made");
        }
        let laid =
            Command::new(binary()).arg("install").arg("--into").arg(&root).output().expect("the binary runs");
        assert!(laid.status.success(), "install: {laid:?}");
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("it is in a folder")).expect("folders can be made");
            fs::write(&path, text).expect("files can be written");
            let mode = if text.starts_with("#!") { 0o755 } else { 0o644 };
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("and their modes set");
        }
        fs::write(
            context.path().join("Dockerfile"),
            "FROM scratch\nCOPY root/ /\nENV PATH=/command:/usr/bin:/bin\n",
        )
        .expect("the Dockerfile can be written");
        Self::built(name, context.path(), &context.path().join("Dockerfile"), &[])
    }

    /// By something that is told the image's name.
    pub fn made(make: impl FnOnce(&str)) -> Self {
        let name = unused_name();
        make(&name);
        Self { name }
    }

    /// By a Dockerfile, in its context, with build arguments.
    pub fn by(dockerfile: &Path, context: &Path, arguments: &[(&str, &str)]) -> Self {
        Self::built(unused_name(), context, dockerfile, arguments)
    }

    fn built(name: String, context: &Path, dockerfile: &Path, arguments: &[(&str, &str)]) -> Self {
        let mut words =
            ["build", "--quiet", "--force-rm", "--tag", &name, "--file"].map(str::to_owned).to_vec();
        words.push(dockerfile.display().to_string());
        for (key, value) in arguments {
            words.extend(["--build-arg".to_owned(), format!("{key}={value}")]);
        }
        words.push(context.display().to_string());
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let built = docker(&words);
        assert!(built.status.success(), "docker build: {}", said(&built));
        Self { name }
    }

    /// Bytes of all its layers.
    pub fn size(&self) -> u64 {
        let answer = docker(&["image", "inspect", "--format", "{{.Size}}", &self.name]);
        String::from_utf8_lossy(&answer.stdout).trim().parse().expect("docker tells a size")
    }

    /// What `FROM` calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a container until it ends: its exit code and what it printed.
    pub fn run(&self, options: &[&str], command: &[&str]) -> (i32, String) {
        let all: Vec<&str> = ["run", "--rm", "--network=none"].iter().chain(options).copied().collect();
        let output = docker(&[&*all, &[&*self.name], command].concat());
        (output.status.code().unwrap_or(-1), said(&output))
    }

    /// Starts a container that goes on.
    pub fn start(&self, options: &[&str], command: &[&str]) -> Container {
        let own = ["run", "--detach", LOG_BOUND, "--network=none"];
        let all: Vec<&str> = own.iter().chain(options).copied().collect();
        let output = docker(&[&*all, &[&*self.name], command].concat());
        assert!(output.status.success(), "docker run: {output:?}");
        Container { id: String::from_utf8_lossy(&output.stdout).trim().to_owned() }
    }
}

impl Image {
    /// A network of containers of this image, which know each other by name.
    pub fn network(&self) -> Bridge<'_> {
        let name = format!("{}-network", self.name);
        let made = docker(&["network", "create", &name]);
        assert!(made.status.success(), "docker network create: {made:?}");
        Bridge { image: self, name }
    }
}

/// A network that is removed with this value.
#[derive(Debug)]
pub struct Bridge<'a> {
    image: &'a Image,
    name: String,
}

impl Bridge<'_> {
    /// Starts a container, whose host name this is, too.
    pub fn start(&self, host: &str, options: &[&str], command: &[&str]) -> Container {
        self.start_of(self.image, host, options, command)
    }

    /// Starts a container of another image.
    pub fn start_of(&self, image: &Image, host: &str, options: &[&str], command: &[&str]) -> Container {
        let network = format!("--network={}", self.name);
        let own = ["run", "--detach", LOG_BOUND, &network, "--hostname", host, "--network-alias", host];
        let output = docker(&[&own, options, &[&*image.name], command].concat());
        assert!(output.status.success(), "docker run: {output:?}");
        Container { id: String::from_utf8_lossy(&output.stdout).trim().to_owned() }
    }
}

impl Drop for Bridge<'_> {
    fn drop(&mut self) {
        docker(&["network", "rm", "--force", &self.name]);
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        docker(&["image", "rm", "--force", &self.name]);
    }
}

/// A container that is removed with this value.
#[derive(Debug)]
pub struct Container {
    id: String,
}

impl Container {
    /// What it printed so far.
    pub fn said(&self) -> String {
        said(&docker(&["logs", &self.id]))
    }

    /// Waits until it has printed this.
    pub fn says(&self, text: &str) {
        until(text, || self.said());
    }

    /// Runs a command in it again and again, until that prints this.
    pub fn exec_says(&self, command: &[&str], text: &str) {
        until(text, || self.exec(command));
    }

    /// Runs a command in it: what that printed.
    pub fn exec(&self, command: &[&str]) -> String {
        said(&docker(&[&["exec", &self.id], command].concat()))
    }

    /// Sends its PID 1 a signal.
    pub fn signal(&self, signal: &str) {
        docker(&["kill", "--signal", signal, &self.id]);
    }

    /// Its processes, as the host numbers them.
    pub fn processes(&self) -> Vec<u32> {
        let answer = docker(&["top", &self.id, "-o", "pid"]);
        let text = String::from_utf8_lossy(&answer.stdout).into_owned();
        text.lines().skip(1).filter_map(|line| line.trim().parse().ok()).collect()
    }

    /// `docker pause`: none of its processes gets the processor.
    pub fn pause(&self) {
        docker(&["pause", &self.id]);
    }

    /// `docker unpause`.
    pub fn unpause(&self) {
        docker(&["unpause", &self.id]);
    }

    /// Its address in its network.
    pub fn address(&self) -> String {
        self.inspect("{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")
    }

    /// Waits until its HEALTHCHECK has passed.
    pub fn is_healthy(&self) {
        until("healthy!", || self.inspect("{{.State.Health.Status}}!"));
    }

    fn inspect(&self, form: &str) -> String {
        let answer = docker(&["inspect", "--format", form, &self.id]);
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    }

    /// Starts it again, as it was.
    pub fn start_again(&self) {
        let output = docker(&["start", &self.id]);
        assert!(output.status.success(), "docker start: {output:?}");
    }

    /// `docker stop`, with its ten seconds: the exit code.
    pub fn stop(&self) -> i32 {
        docker(&["stop", &self.id]);
        self.ends()
    }

    /// Waits for its end: the exit code.
    pub fn ends(&self) -> i32 {
        String::from_utf8_lossy(&docker(&["wait", &self.id]).stdout)
            .trim()
            .parse()
            .expect("docker tells a code")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        docker(&["rm", "--force", &self.id]);
    }
}

fn unused_name() -> String {
    format!("muster-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn until(text: &str, said: impl Fn() -> String) {
    let began = Instant::now();
    while !said().contains(text) {
        assert!(began.elapsed() < PATIENCE, "never {text:?}:\n{}", said());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn docker(words: &[&str]) -> Output {
    Command::new("docker").args(words).stdin(Stdio::null()).output().expect("docker runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
