//! A child process that cannot outlive its test, with everything it said.

use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tempfile::NamedTempFile;

/// A running child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: NamedTempFile,
    /// What former lives said.
    earlier: String,
}

impl Process {
    /// Starts `command`; its output goes to a temporary file, shown when the test fails.
    pub fn start(name: &str, command: &mut Command) -> Self {
        let log = NamedTempFile::new().expect("a temporary file can be made");
        // Standard output and error share the file; only appending handles do not overwrite each other.
        let append = || File::options().append(true).open(log.path()).expect("the temporary file is there");
        let child = command
            .stdin(Stdio::null())
            .stdout(append())
            .stderr(append())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} cannot be started: {error}"));
        Self { name: name.into(), child, log, earlier: String::new() }
    }

    /// Replaces an ended process by a new life of it, which remembers what the former said.
    pub fn succeed(&mut self, mut next: Self) {
        next.earlier = self.said();
        *self = next;
    }

    /// Everything it has printed so far, former lives included.
    pub fn said(&self) -> String {
        let now = std::fs::read(self.log.path()).unwrap_or_default();
        format!("{}{}", self.earlier, String::from_utf8_lossy(&now))
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Most KiB of memory it ever had resident.
    pub fn peak_kib(&self) -> u64 {
        self.memory_kib("VmHWM:")
    }

    /// KiB of memory it has resident now.
    pub fn resident_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    fn memory_kib(&self, what: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(what)).expect("it runs on Linux");
        line.split_whitespace().next().and_then(|kib| kib.parse().ok()).expect("a number of KiB")
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            // Gone already: then there is nothing left to signal.
            let _ = kill_process(pid, signal);
        }
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// TERM, then waits for its end.
    pub async fn stop(&mut self) -> ExitStatus {
        self.signal(Signal::TERM);
        self.ends().await
    }

    /// Waits for its end.
    pub async fn ends(&mut self) -> ExitStatus {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().ok().flatten() {
                return status;
            }
            assert!(started.elapsed() < crate::PATIENCE, "{} does not end:\n{}", self.name, self.said());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- {} said ----\n{}", self.name, self.said());
        }
    }
}

/// Runs a command to its end; what it printed, as a success or not.
pub(crate) fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text) } else { Err(text) }
}
