//! `muster log` as a process with real pipes and sockets.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]
#![expect(clippy::print_stderr, reason = "what is skipped and what was counted must be seen")]

mod collector;
mod killed;
mod lines;
mod reading;
mod slow;
mod syslog;

use std::fs::{self, File};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a fact may take before the test fails: far beyond any promise, since machines are shared and slow.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for a fact.
fn eventually<T>(what: &str, mut check: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(fact) = check() {
            return fact;
        }
        assert!(started.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The end of a pipe that `muster log` inherits, which outlives it.
struct Input {
    read: PipeReader,
    name: &'static str,
}

/// A pipe, written as `NAME:out` or `NAME:err`.
fn input(name: &'static str) -> (Input, PipeWriter) {
    let (read, write) = io::pipe().unwrap();
    // It is inherited; the other end is not, so that its end is seen.
    rustix::io::fcntl_setfd(&read, rustix::io::FdFlags::empty()).unwrap();
    (Input { read, name }, write)
}

/// A `muster log` that does not outlive its test.
struct Log {
    child: Child,
}

impl Log {
    /// Its standard output goes to `stdout`, its complaints to the file at `stderr`.
    fn start(inputs: &[&Input], args: &[&str], stdout: impl Into<Stdio>, stderr: &Path) -> Self {
        let pipes: Vec<String> =
            inputs.iter().map(|input| format!("{}={}", input.read.as_raw_fd(), input.name)).collect();
        let child = Command::new(env!("CARGO_BIN_EXE_muster"))
            .arg("log")
            .args(args)
            .env_clear()
            .env("MUSTER_LOG_PIPES", pipes.join(","))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(File::options().append(true).create(true).open(stderr).unwrap())
            .spawn()
            .unwrap();
        Self { child }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    fn ends(&mut self) -> ExitStatus {
        eventually("it ends", || self.child.try_wait().unwrap())
    }

    /// TERM, then its end.
    fn stop(&mut self) -> ExitStatus {
        self.signal(rustix::process::Signal::TERM);
        self.ends()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a file holds now.
fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// Everything a pipe gives until its end.
fn all(mut pipe: impl Read) -> String {
    let mut text = Vec::new();
    pipe.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

/// The lines of `NAME.log` and of the full ones before it, oldest first.
fn lines_of(folder: &Path, file: &str) -> Vec<String> {
    let mut numbers: Vec<u32> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_str()?.strip_prefix(file)?.strip_prefix('.')?.parse().ok()
        })
        .collect();
    numbers.sort_unstable_by(|a, b| b.cmp(a));
    let old = numbers.iter().map(|number| text(&folder.join(format!("{file}.{number}"))));
    let whole: String = old.chain([text(&folder.join(file))]).collect();
    whole.lines().map(str::to_owned).collect()
}

/// The number of a line `n NUMBER end`, whatever stands before it; none, if it is not whole.
fn number(line: &str) -> Option<u64> {
    line.strip_suffix(" end")?.rsplit_once("n ")?.1.parse().ok()
}

/// Writes lines with these numbers.
fn write_numbered(pipe: &mut impl io::Write, numbers: std::ops::Range<u64>) {
    let mut buffer = Vec::new();
    for number in numbers {
        buffer.extend_from_slice(format!("n {number} end\n").as_bytes());
        // No multiple of anything, so that writes end within lines.
        if buffer.len() > 4999 {
            pipe.write_all(&buffer[..4999]).unwrap();
            buffer.drain(..4999);
        }
    }
    pipe.write_all(&buffer).unwrap();
}

/// How many lines the notices among these tell as dropped.
fn told_dropped(lines: &[String]) -> u64 {
    let told = |line: &String| -> Option<u64> {
        if line.ends_with("a line was dropped here") {
            return Some(1);
        }
        line.strip_suffix(" lines were dropped here")?.rsplit(' ').next()?.parse().ok()
    };
    lines.iter().filter_map(told).sum()
}
