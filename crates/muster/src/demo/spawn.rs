//! Processes of the demo: this same binary in another role, with a log file. What they start in turn is theirs.

use super::tether;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Of a log, the end that is shown when a process ended by itself.
const LOG_TAIL_BYTES: u64 = 2_048;

/// A running, or ended, child. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts this binary with `args` and, of the environment, what is not Muster's plus `variables`.
    ///
    /// Must be called from the main thread: see [`tether`].
    ///
    /// # Errors
    /// No log could be made or no process started.
    pub(crate) fn spawn(args: &[OsString], variables: &[(&str, String)], log: PathBuf) -> io::Result<Self> {
        let out = OpenOptions::new().create(true).append(true).mode(0o600).open(&log)?;
        let mut command = Command::new(executable());
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_ours(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let child = command
            .args(args)
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .env(tether::VARIABLE, std::process::id().to_string())
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out)
            // A group of its own: Ctrl-C in a terminal reaches the demo alone, which then stops the rest in order.
            .process_group(0)
            .spawn()?;
        Ok(Self { child, log, ended: None })
    }

    /// Sends `signal`, unless it has ended.
    pub(crate) fn signal(&mut self, signal: Signal) {
        // Reaped by us alone, so the id cannot be another process's.
        if self.ended().is_none() {
            let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
            let _ = pid.map(|pid| kill_process(pid, signal));
        }
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().ok().flatten();
        }
        self.ended
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The last words of its log.
    pub(crate) fn last_words(&self) -> String {
        tail(&self.log).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

/// This binary; by the kernel's own link when its file was replaced meanwhile.
pub(super) fn executable() -> PathBuf {
    std::env::current_exe().ok().filter(|path| path.is_file()).unwrap_or_else(|| "/proc/self/exe".into())
}

/// Variables that would configure the roles from outside and so change the demo.
fn is_ours(name: &str) -> bool {
    ["MUSTER_", "SERVER_"].iter().any(|prefix| name.starts_with(prefix)) || matches!(name, "ROLE" | "JOIN")
}

fn tail(log: &Path) -> io::Result<String> {
    let mut file = File::open(log)?;
    let start = file.metadata()?.len().saturating_sub(LOG_TAIL_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(LOG_TAIL_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().skip(usize::from(start > 0)).collect();
    Ok(lines[lines.len().saturating_sub(5)..].join("\n"))
}
