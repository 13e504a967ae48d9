//! One run of a program, for handlers and templates: input in, output kept, within its time, and nothing of it left.
//!
//! It runs in a process group of its own. At its timeout, or when the agent ends, the group gets TERM, and KILL a second
//! later. The leader is not waited for in between: as long as nobody has, its number belongs to the group, and no signal
//! can meet a stranger.

pub(crate) mod outcome;

use muster_events::Tail;
use outcome::{End, Outcome};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// Between TERM and KILL.
pub(crate) const KILL_AFTER: Duration = Duration::from_secs(1);
/// What a program leaves running may hold its output; so long it is read on. In the reference it blocks all handlers until
/// it ends.
const LINGER: Duration = Duration::from_secs(1);

/// Runs `command` to its end, at the latest when `limit` passed or `stop` becomes true.
pub(crate) async fn run(
    mut command: Command,
    input: Vec<u8>,
    limit: Option<Duration>,
    mut stop: watch::Receiver<bool>,
) -> Outcome {
    let started = Instant::now();
    let mut running = match Running::start(&mut command) {
        Ok(running) => running,
        Err(cause) => {
            let end = End::NotRun(cause.to_string());
            return Outcome { end, output: Tail::default(), took: started.elapsed() };
        }
    };
    // It holds the writing end of the output.
    drop(command);
    let overdue = async {
        match limit {
            Some(limit) => sleep(limit).await,
            None => std::future::pending().await,
        }
        limit.unwrap_or_default()
    };
    let end = tokio::select! {
        status = running.finish(input) => end_of(status),
        limit = overdue => End::TimedOut(limit),
        () = stopped(&mut stop) => End::Stopped,
    };
    let end = match (end, running.status) {
        // It had exited, and only what it left behind still held its output.
        (End::TimedOut(_) | End::Stopped, Some(status)) => end_of(Ok(status)),
        (end @ (End::TimedOut(_) | End::Stopped), None) => {
            running.kill().await;
            end
        }
        (end, _) => end,
    };
    Outcome { end, output: running.output, took: started.elapsed() }
}

/// Returns when all must end.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error means that nobody is left who could say so, and then the runtime ends.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn end_of(status: io::Result<ExitStatus>) -> End {
    match status {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => End::Exited(code),
            (None, signal) => End::Signalled(signal.unwrap_or_default()),
        },
        Err(cause) => End::NotRun(cause.to_string()),
    }
}

struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    pipe: Option<pipe::Receiver>,
    output: Tail,
    group: Option<Pid>,
    /// Once it exited: its number may then be another's.
    status: Option<ExitStatus>,
}

impl Running {
    fn start(command: &mut Command) -> io::Result<Self> {
        // One pipe for both, so that their order is kept.
        let (reader, writer) = io::pipe()?;
        let pipe = pipe::Receiver::from_owned_fd(OwnedFd::from(reader))?;
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::from(OwnedFd::from(writer.try_clone()?)))
            .stderr(Stdio::from(OwnedFd::from(writer)))
            .process_group(0)
            // Only if this task is dropped, which it is not while the agent runs.
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let group = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let stdin = child.stdin.take();
        Ok(Self { child, stdin, pipe: Some(pipe), output: Tail::default(), group, status: None })
    }

    /// Feeds it, reads what it says, and waits for its end.
    async fn finish(&mut self, input: Vec<u8>) -> io::Result<ExitStatus> {
        let stdin = self.stdin.take();
        let mut feeding = pin!(feed(stdin, input));
        let mut is_fed = false;
        let status = loop {
            let reading = read(&mut self.pipe, &mut self.output);
            tokio::select! {
                status = self.child.wait() => break status?,
                () = &mut feeding, if !is_fed => is_fed = true,
                is_open = reading => if !is_open { self.pipe = None },
            }
        };
        self.status = Some(status);
        let rest = async { while self.pipe.is_some() && read(&mut self.pipe, &mut self.output).await {} };
        // Whoever still holds it is no longer listened to.
        let _ = timeout(LINGER, rest).await;
        Ok(status)
    }

    /// Ends its whole group, of which nobody may have exited yet.
    async fn kill(&mut self) {
        self.signal(Signal::TERM);
        let rest = async { while read(&mut self.pipe, &mut self.output).await {} };
        // All who could say something are gone when it ends.
        let _ = timeout(KILL_AFTER, rest).await;
        self.signal(Signal::KILL);
        // It cannot fail to die; a failure to hear of it is nobody's fault.
        let _ = self.child.wait().await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // Nobody left is what is wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

/// Whoever does not read it need not.
async fn feed(stdin: Option<ChildStdin>, input: Vec<u8>) {
    if let Some(mut stdin) = stdin {
        let _ = stdin.write_all(&input).await;
    }
}

/// Reads some; whether there may be more. Waits for ever where nothing is open. Cancel safe.
async fn read(pipe: &mut Option<pipe::Receiver>, output: &mut Tail) -> bool {
    let Some(open) = pipe else { return std::future::pending().await };
    let mut buffer = [0; 4096];
    match open.read(&mut buffer).await {
        Ok(0) | Err(_) => false,
        Ok(length) => {
            output.push(&buffer[..length]);
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(script);
        command
    }

    async fn ran(script: &str, input: &[u8], limit: Option<Duration>) -> Outcome {
        let (_stop, stopping) = watch::channel(false);
        run(shell(script), input.to_vec(), limit, stopping).await
    }

    /// Not there, or only until init has taken note of its end.
    fn is_gone(pid: &str) -> bool {
        let stat = std::path::Path::new("/proc").join(pid.trim()).join("stat");
        std::fs::read_to_string(stat).map_or(true, |stat| stat.contains(") Z "))
    }

    #[tokio::test]
    async fn both_outputs_are_one_and_input_is_read() {
        let outcome = ran("cat; echo err >&2; echo out; exit 3", b"in\n", None).await;
        assert_eq!((outcome.end, outcome.output.bytes()), (End::Exited(3), &b"in\nerr\nout\n"[..]));
    }

    #[tokio::test]
    async fn much_input_that_nobody_reads_and_much_output_hang_nobody() {
        let outcome = ran("head -c 300000 /dev/zero; echo end", &vec![b'x'; 1 << 20], None).await;
        assert_eq!((outcome.end.code(), outcome.output.total()), (Some(0), 300_004));
        assert!(outcome.output.bytes().ends_with(b"\0end\n"));
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_killed_with_its_children() {
        let limit = Duration::from_secs(2);
        let script = "trap '' TERM; sleep 1000 & echo $! $$; wait; wait";
        let outcome = ran(script, b"", Some(limit)).await;
        assert_eq!(outcome.end, End::TimedOut(limit));
        let pids = String::from_utf8(outcome.output.bytes().to_vec()).unwrap();
        assert_eq!(pids.split_whitespace().count(), 2, "{pids}");
        for pid in pids.split_whitespace() {
            // Only the shell's end was waited for; its child, killed with it, goes in its own time.
            while !is_gone(pid) {
                sleep(Duration::from_millis(5)).await;
            }
        }
    }

    #[tokio::test]
    async fn one_that_is_stopped_may_clean_up() {
        let (stop, stopping) = watch::channel(false);
        let dir = tempfile::tempdir().unwrap();
        let ready = dir.path().join("ready");
        let script = format!(
            "trap 'echo cleaned; exit 0' TERM; touch {}; while :; do sleep 0.01; done",
            ready.display()
        );
        let running = tokio::spawn(run(shell(&script), Vec::new(), None, stopping));
        while !ready.exists() {
            sleep(Duration::from_millis(5)).await;
        }
        stop.send_replace(true);
        let outcome = running.await.unwrap();
        // A shell may first tell how its child ended.
        assert!(outcome.end == End::Stopped && outcome.output.bytes().ends_with(b"cleaned\n"), "{outcome:?}");
    }

    #[tokio::test]
    async fn what_it_leaves_running_holds_nobody_up_and_lives() {
        let outcome = ran("sleep 30 & echo $!", b"", Some(Duration::from_secs(20))).await;
        assert_eq!(outcome.end, End::Exited(0));
        let pid = String::from_utf8(outcome.output.bytes().to_vec()).unwrap();
        assert!(!is_gone(&pid));
        let pid = Pid::from_raw(pid.trim().parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
    }

    #[tokio::test]
    async fn what_is_no_program_is_told() {
        let (_stop, stopping) = watch::channel(false);
        let outcome = run(Command::new("/no/such/program"), Vec::new(), None, stopping).await;
        assert!(matches!(outcome.end, End::NotRun(_)) && !outcome.is_success());
        assert_eq!(ran("kill -9 $$", b"", None).await.end, End::Signalled(9));
    }
}
