//! What a command says on its way, as far as it is told: the end of it. It ends when the command does, whoever of its children still holds
//! the pipe: one that reloads by starting another HAProxy leaves that behind, with all that it inherited.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::process::Stdio;
use tokio::net::unix::pipe::Receiver;

/// Of the end of what it says.
const SAID_BYTES_MAX: usize = 2 << 10;

/// What was said so far.
#[derive(Debug)]
pub(crate) struct Said {
    from: Receiver,
    end: Vec<u8>,
    is_cut: bool,
}

/// One end for here, and one for a command.
pub(crate) fn pipe() -> io::Result<(Said, Stdio)> {
    let (ours, theirs) = io::pipe()?;
    let from = Receiver::from_owned_fd(ours.into())?;
    Ok((Said { from, end: Vec::new(), is_cut: false }, theirs.into()))
}

impl Said {
    /// Reads until `ended`, and then what is there; its words, or how many of them are.
    pub(crate) async fn until<T>(mut self, ended: impl Future<Output = T>) -> (T, String) {
        let mut ended = pin!(ended);
        let value = loop {
            tokio::select! {
                biased;
                value = &mut ended => break value,
                // Nobody is left who would say anything.
                Ok(()) = self.from.readable() => {
                    if !self.read() {
                        break ended.await;
                    }
                }
            }
        };
        // What is there is no more than a pipe holds, whoever goes on writing.
        self.read();
        let words = String::from_utf8_lossy(&self.end).trim().to_owned();
        let words = if self.is_cut { format!("(the last {SAID_BYTES_MAX} bytes) {words}") } else { words };
        (value, words)
    }

    /// Reads what is there; whether there may be more later.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 << 10];
        // At most what a pipe holds: somebody may write faster than this reads.
        for _ in 0..64 {
            match self.from.try_read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => self.keep(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            }
        }
        true
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.end.extend_from_slice(bytes);
        let more = self.end.len().saturating_sub(SAID_BYTES_MAX);
        self.is_cut |= more > 0;
        self.end.drain(..more);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::process::Command;

    async fn says(script: &str) -> (bool, String) {
        let (said, theirs) = pipe().unwrap();
        let mut command = Command::new("sh");
        let mut child = command.args(["-c", script]).stderr(theirs).spawn().unwrap();
        drop(command);
        // Far beyond what it takes, and far below what its child sleeps.
        let ended = tokio::time::timeout(Duration::from_secs(60), said.until(child.wait())).await;
        let (status, words) = ended.expect("it ended");
        (status.unwrap().success(), words)
    }

    #[tokio::test]
    async fn its_end_is_told_whatever_it_says_and_whom_it_leaves_behind() {
        assert_eq!(says("echo no way >&2; exit 3").await, (false, "no way".to_owned()));
        assert_eq!(says("exec 2>&-; exit 0").await, (true, String::new()));
        let (is_well, words) = says("head -c 3000000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1").await;
        assert!(
            !is_well && words.starts_with("(the last 2048 bytes) xxx") && words.ends_with("xend"),
            "{}",
            words.len()
        );
        let directory = tempfile::tempdir().unwrap();
        let pid = directory.path().join("pid");
        let (is_well, words) = says(&format!("sleep 1000 & echo $! >{}; echo fine >&2", pid.display())).await;
        let pid = std::fs::read_to_string(pid).unwrap().trim().parse().unwrap();
        rustix::process::kill_process(
            rustix::process::Pid::from_raw(pid).unwrap(),
            rustix::process::Signal::KILL,
        )
        .unwrap();
        assert_eq!((is_well, words.as_str()), (true, "fine"));
    }
}
