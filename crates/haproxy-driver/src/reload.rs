//! A new worker in place of the old one, without a connection refused: HAProxy hands its sockets over.

use crate::Failed;
use crate::config::{Config, Reload};
use crate::said;
use crate::socket::Socket;
use muster_haproxy::{Info, Processes, info, processes, refusal};
use rustix::process::{Pid, Signal, kill_process_group};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::time::{Instant, sleep, timeout};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Reloads, and returns when another process than `before` answers.
pub(crate) async fn reload(config: &Config, socket: &Socket, before: u32) -> Result<Info, Failed> {
    let until = Instant::now() + config.reload_within;
    match &config.reload {
        Reload::Master(path) => by_master(config, &Socket(path.clone()), until).await?,
        Reload::Command(words) => by_command(config, words).await?,
    }
    loop {
        // While the sockets are handed over, either of them may answer, or none.
        let now = socket.ask("show info").await.ok().and_then(|reply| info(&reply));
        match now {
            Some(info) if info.pid != before => return Ok(info),
            _ if Instant::now() > until => return Err(Failed::NoWorker { within: config.reload_within }),
            _ => sleep(LOOK).await,
        }
    }
}

async fn by_master(config: &Config, master: &Socket, until: Instant) -> Result<(), Failed> {
    let silent = |cause| Failed::Silent { socket: master.path().display().to_string(), cause };
    // One that has just been started listens a moment later.
    let before = loop {
        match master.ask("show proc").await {
            Ok(reply) => break processes(&reply),
            Err(cause) if Instant::now() > until => return Err(silent(cause)),
            Err(_) => sleep(LOOK).await,
        }
    };
    if before.old_workers.len() >= config.old_workers_max {
        return Err(Failed::OldWorkers { count: before.old_workers.len() });
    }
    // Since 2.7 it answers when the new worker is there or has failed.
    let left = until.saturating_duration_since(Instant::now());
    let reply = master.ask_within("reload", left).await.map_err(silent)?;
    if let Some(why) = refusal(&reply) {
        return Err(Failed::Refused(why));
    }
    loop {
        // It replaces itself, and does not answer meanwhile.
        if let Ok(reply) = master.ask("show proc").await {
            let now = processes(&reply);
            if now.failed_since(&before) {
                return Err(Failed::Refused(
                    "the new configuration did not come up; its log says why".to_owned(),
                ));
            }
            if has_new_worker(&before, &now) {
                return Ok(());
            }
        }
        if Instant::now() > until {
            return Err(Failed::NoWorker { within: config.reload_within });
        }
        sleep(LOOK).await;
    }
}

fn has_new_worker(before: &Processes, now: &Processes) -> bool {
    let known: Vec<_> = before.workers.iter().chain(&before.old_workers).collect();
    now.workers.iter().any(|worker| !known.contains(&worker))
}

async fn by_command(config: &Config, words: &[String]) -> Result<(), Failed> {
    let mut words = words.iter();
    let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
    command.args(words).stdin(Stdio::null()).kill_on_drop(true);
    // Ours hold the cluster's key.
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.as_encoded_bytes().starts_with(b"MUSTER_")) {
        command.env_remove(name);
    }
    command.stdout(Stdio::null()).process_group(0);
    let (said, theirs) = said::pipe().map_err(|error| Failed::Command(error.to_string()))?;
    command.stderr(theirs);
    let mut child = command.spawn().map_err(|error| Failed::Command(error.to_string()))?;
    // Ours of its end of the pipe would keep that open.
    drop(command);
    let group = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed()));
    let ended = timeout(config.reload_within, said.until(child.wait())).await;
    let (status, said) = match ended {
        Ok((status, said)) => (status.map_err(|error| Failed::Command(error.to_string()))?, said),
        Err(_) => {
            // With all that it began.
            let _ = group.map(|group| kill_process_group(group, Signal::KILL));
            return Err(Failed::Command(format!("it ran for longer than {:?}", config.reload_within)));
        }
    };
    if status.success() {
        return Ok(());
    }
    Err(Failed::Command(format!("{status}: {said}")))
}
