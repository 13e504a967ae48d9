//! The commands for services, with a real `muster init` that supervises them.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{muster, run};

/// `muster init` with these services, each a name and what its `run` does.
struct Init {
    dir: tempfile::TempDir,
    child: Child,
}

impl Init {
    fn start(services: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, script) in services {
            let run = dir.path().join("services.d").join(name).join("run");
            fs::create_dir_all(run.parent().unwrap()).unwrap();
            fs::write(&run, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).unwrap();
            // Who does not tell is not disturbed by it.
            if script.contains("&3") {
                fs::write(run.with_file_name("notification-fd"), "3\n").unwrap();
            }
        }
        let mut command = muster(&["init", "--etc"]);
        command.arg(dir.path()).arg("--control").arg(dir.path().join("run"));
        command
            .env("PATH", "/usr/bin:/bin")
            .env("MUSTER_CONTAINER_ENVIRONMENT", dir.path().join("environment"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().unwrap();
        let init = Self { dir, child };
        for (name, _) in services {
            init.until(&["status", name], |code, _| code == 0 || code == 3);
        }
        init
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = muster(args);
        command.env("MUSTER_CONTROL", self.dir.path().join("run"));
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        run(&mut self.command(args))
    }

    /// Until an answer is as wanted.
    fn until(&self, args: &[&str], mut wanted: impl FnMut(i32, &str) -> bool) -> String {
        for _ in 0..2000 {
            let (code, out, _) = self.run(args);
            if wanted(code, &out) {
                return out;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("never: {args:?}: {:?}", self.run(args));
    }

    fn place(&self, service: &str) -> PathBuf {
        self.dir.path().join("run").join(service)
    }

    /// What `status --format json` says of one service.
    fn told(&self, service: &str, field: &str) -> serde_json::Value {
        let (_, out, _) = self.run(&["status", service, "--format", "json"]);
        let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
        answer["services"][0][field].clone()
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

#[test]
fn services_are_shown_stopped_started_and_restarted() {
    let init = Init::start(&[("web", "exec sleep 1000"), ("ha", "echo >&3; exec sleep 1000")]);
    init.until(&["status", "ha"], |_, out| out.contains("  ready  "));
    let (code, out, err) = init.run(&["status"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let first: Vec<&str> = out.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(first, ["SERVICE", "ha", "web"], "{out}");

    assert_eq!(init.run(&["stop", "web"]), (0, "web is down\n".into(), String::new()));
    let (code, out, _) = init.run(&["status", "web"]);
    assert!(code == 3 && out.contains("down   down"), "{out}");
    assert_eq!(init.told("web", "last_exit"), "signal TERM");
    // One that is stopped is no reason to wait, and stays stopped.
    assert_eq!(init.run(&["stop", "web"]).1, "web is down\n");
    let (code, out, _) = init.run(&["start", "web", "--wait"]);
    assert!(code == 0 && out.starts_with("web is up (pid "), "{out}");

    let before = init.told("ha", "pid");
    let (code, out, _) = init.run(&["restart", "ha", "web"]);
    assert!(code == 0 && out.starts_with("ha is ready (pid ") && out.contains("\nweb is up (pid "), "{out}");
    assert_ne!(init.told("ha", "pid"), before);
    assert!(init.told("ha", "memory_bytes").as_u64().is_some_and(|bytes| bytes > 0));
    assert_eq!(init.run(&["stop", "web", "--no-wait"]), (0, String::new(), String::new()));
    init.until(&["status", "web"], |code, _| code == 3);
    let (code, out, _) = init.run(&["restart", "web"]);
    assert!(code == 0 && out.starts_with("web is up"), "what is down is started: {out}");
}

#[test]
fn one_that_does_not_come_to_it_is_told_and_waits_for_no_longer_than_asked() {
    let init = Init::start(&[("stubborn", "trap '' TERM; echo >&3; while :; do sleep 1; done")]);
    init.until(&["status", "stubborn"], |_, out| out.contains("  ready  "));
    let (code, out, err) = init.run(&["stop", "stubborn", "--timeout", "100ms"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("muster: `stubborn`: not as wanted within 100ms"), "{err}");
    assert_eq!(init.told("stubborn", "wanted"), "down");
    let (code, out, _) = init.run(&["signal", "stubborn", "SIGKILL"]);
    assert_eq!((code, out.as_str()), (0, ""));
    assert_eq!(init.run(&["stop", "stubborn"]).1, "stubborn is down\n");
}

#[test]
fn signals_reach_the_process_by_letter_and_by_number() {
    let script =
        "trap 'echo hup >>$0.got' HUP; trap 'echo winch >>$0.got' WINCH; trap 'echo urg >>$0.got' URG
        echo >&3; while :; do sleep 0.01; done";
    let init = Init::start(&[("web", script)]);
    init.until(&["status", "web"], |_, out| out.contains("  ready  "));
    let got = init.dir.path().join("services.d/web/run.got");
    // s6 has letters for the first two.
    for (signal, word) in [("HUP", "hup"), ("28", "winch"), ("sigurg", "urg")] {
        assert_eq!(init.run(&["signal", "web", signal]), (0, String::new(), String::new()));
        init.until(&["status"], |_, _| {
            fs::read_to_string(&got).is_ok_and(|got| got.ends_with(&format!("{word}\n")))
        });
    }
    assert_eq!(init.run(&["signal", "web", "STOP"]).0, 0);
    init.until(&["status", "web"], |_, out| out.contains("  paused  "));
    assert_eq!(init.run(&["signal", "web", "CONT"]).0, 0);
    init.until(&["status", "web"], |code, _| code == 0);
    assert_eq!(init.run(&["stop", "web"]).0, 0);
    let (code, _, err) = init.run(&["signal", "web", "URG"]);
    assert_eq!((code, err.as_str()), (1, "muster: `web` does not run: URG went to nobody\n"));
}

#[test]
fn processes_stand_below_their_service_and_what_was_left_behind_is_named() {
    let init = Init::start(&[("web", "sleep 1001 & echo >&3; exec sleep 1002")]);
    init.until(&["status", "web"], |_, out| out.contains("  ready  "));
    let tree = init.until(&["tree"], |_, out| out.contains("sleep 1002"));
    let line = |tree: &str, word: &str| tree.lines().find(|line| line.ends_with(word)).map(str::to_owned);
    let (main, child) = (line(&tree, "  sleep 1002").unwrap(), line(&tree, "    sleep 1001").unwrap());
    assert!(main.starts_with("web ") && child.starts_with("web "), "{tree}");
    assert!(tree.lines().nth(1).unwrap().starts_with("supervisor"), "{tree}");

    assert_eq!(init.run(&["signal", "web", "KILL"]).0, 0);
    let tree = init.until(&["tree"], |_, out| out.contains("left behind") && out.contains("    sleep 1001"));
    let left = tree.lines().find(|line| line.starts_with("left behind")).unwrap();
    assert!(left.ends_with("  sleep 1001") && !left.ends_with("    sleep 1001"), "on top: {tree}");
    let (_, json, _) = init.run(&["tree", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    let kinds: Vec<_> =
        answer["processes"].as_array().unwrap().iter().map(|one| one["kind"].clone()).collect();
    assert!(kinds.contains(&"left behind".into()) && kinds.contains(&"service".into()), "{json}");
}

#[test]
fn nobody_waits_for_a_supervisor_that_has_ended() {
    let mut init = Init::start(&[("web", "exec sleep 1000")]);
    init.until(&["status", "web"], |code, _| code == 0);
    let pid = init.told("web", "pid").as_i64().and_then(|pid| i32::try_from(pid).ok()).unwrap();
    init.child.kill().unwrap();
    init.child.wait().unwrap();
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    for args in [&["start", "web"][..], &["stop", "web"], &["restart", "web"], &["signal", "web", "HUP"]] {
        let (code, _, err) = init.run(args);
        assert!(code == 1 && err.starts_with("muster: nobody supervises `web` now"), "{args:?}: {err}");
    }
    let (code, out, _) = init.run(&["status", "web"]);
    assert!(code == 3 && out.contains("web      unsupervised"), "{out}");
    assert_eq!(init.run(&["tree"]).0, 1);
    assert!(init.place("web").exists());
}

#[test]
fn what_is_remembered_of_a_service_is_shown_and_nothing_hostile_reaches_the_terminal() {
    let init = Init::start(&[("web", "exec sleep 1000")]);
    init.until(&["status", "web"], |code, _| code == 0);
    assert_eq!(init.told("web", "restarts"), 0);
    assert_eq!(init.run(&["signal", "web", "KILL"]).0, 0);
    let again =
        |code, out: &str| code == 0 && out.contains("  1         signal KILL, ") && out.ends_with(" ago\n");
    init.until(&["status", "web"], again);
    assert_eq!(init.told("web", "exits").as_array().map(Vec::len), Some(1));

    let history = "starts=4\nexit=exit code 1\nexit=signal 9 \u{1b}[2J\n";
    fs::write(init.place("web").join("supervise/history"), history).unwrap();
    let (_, out, _) = init.run(&["status", "web"]);
    assert!(out.trim_end().ends_with("3         signal 9 \\u{1b}[2J"), "{out}");
}

#[test]
fn mistakes_are_told_with_what_may_be_meant() {
    let init = Init::start(&[("web", "exec sleep 1000"), ("db", "exec sleep 1000")]);
    let (code, _, err) = init.run(&["stop", "db", "wbe"]);
    assert!(code == 1 && err.trim_end().ends_with("; did you mean `web`?"), "{err}");
    init.until(&["status", "db"], |code, _| code == 0);
    assert_eq!(init.told("db", "wanted"), "up", "nothing was done to the others");
    let (code, _, err) = init.run(&["signal", "web", "HUB"]);
    assert!(code == 2 && err.contains("did you mean `HUP`?"), "{err}");
    let (code, _, err) = run(&mut muster(&["status", "--control", "/nonexistent"]));
    assert!(code == 1 && err.starts_with("muster: there is no folder /nonexistent"), "{err}");
}

#[test]
fn who_waits_for_what_cannot_be_started_is_told_so() {
    let init = Init::start(&[("web", "exec sleep 1000")]);
    init.until(&["status", "web"], |code, _| code == 0);
    let run = init.dir.path().join("services.d/web/run");
    fs::write(&run, "#!/nonexistent/interpreter\n").unwrap();
    let (code, _, err) = init.run(&["restart", "web", "--timeout", "3500ms"]);
    assert_eq!(code, 1);
    assert!(err.contains("waiting for `web`: it is down"), "{err}");
}
