//! `muster status`, `start`, `stop`, `restart`, `signal` and `tree` on services that a real s6 supervises: the control places are
//! its own form.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use muster_e2e::{binary, skip};

/// s6-svscan over a folder, until dropped.
struct Scan {
    dir: tempfile::TempDir,
    child: Child,
}

impl Scan {
    fn start(services: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a place for tests");
        for (name, script) in services {
            let run = dir.path().join(name).join("run");
            fs::create_dir_all(run.parent().expect("it is in a folder")).expect("folders can be made");
            fs::write(&run, format!("#!/bin/sh\n{script}\n")).expect("files can be written");
            fs::set_permissions(&run, fs::Permissions::from_mode(0o755)).expect("and made executable");
            if script.contains("&3") {
                fs::write(run.with_file_name("notification-fd"), "3\n").expect("files can be written");
            }
        }
        // As PID 1 of a process namespace of its own: it adopts, and its end ends everybody in it.
        // Whoever runs the tests may ignore signals (nohup), and a shell cannot trap what it was born to ignore.
        let child = Command::new("env")
            .args(["--default-signal", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--"])
            .arg("s6-svscan")
            .arg(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("unshare and s6-svscan run");
        let scan = Self { dir, child };
        for (name, _) in services {
            scan.until(&["status", name], |out| out.contains("  up  ") || out.contains("  ready  "));
        }
        scan
    }

    /// Exit code, standard output and standard error together.
    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let unshare = self.child.id();
        let children =
            fs::read_to_string(format!("/proc/{unshare}/task/{unshare}/children")).unwrap_or_default();
        let Some(scan) = children.split_whitespace().next() else {
            return (None, "it does not run yet".into());
        };
        let mut command = Command::new("nsenter");
        command.args(["--target", scan, "--pid", "--mount", "--"]).arg(binary()).args(args);
        let output = command.arg("--control").arg(self.dir.path()).output().expect("nsenter and muster run");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&said).into_owned())
    }

    fn until(&self, args: &[&str], wanted: impl Fn(&str) -> bool) -> String {
        for _ in 0..1000 {
            let (_, said) = self.run(args);
            if wanted(&said) {
                return said;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never: {args:?}: {}", self.run(args).1);
    }
}

impl Drop for Scan {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_commands_for_services_work_on_a_real_s6() {
    if !Path::new("/usr/bin/s6-svscan").exists() {
        return skip("s6 is not installed (apt install s6)");
    }
    let scan = Scan::start(&[
        (
            "ha",
            "trap 'echo hup >>got' HUP; trap 'echo urg >>got' URG; echo >&3; while :; do sleep 0.02; done",
        ),
        ("web", "sleep 1001 & exec sleep 1002"),
    ]);
    scan.until(&["status", "ha"], |out| out.contains("  ready  "));
    let (code, tree) = scan.run(&["tree"]);
    assert_eq!(code, Some(0), "{tree}");
    for (start, end) in
        [("web ", "  sleep 1002"), ("web ", "    sleep 1001"), ("supervisor ", "s6-supervise web")]
    {
        assert!(tree.lines().any(|line| line.starts_with(start) && line.ends_with(end)), "{end}: {tree}");
    }

    for (signal, word) in [("HUP", "hup"), ("URG", "urg")] {
        assert_eq!(scan.run(&["signal", "ha", signal]), (Some(0), String::new()));
        let got = scan.dir.path().join("ha/got");
        scan.until(&["status"], |_| fs::read_to_string(&got).is_ok_and(|got| got.contains(word)));
    }
    assert_eq!(scan.run(&["signal", "ha", "STOP"]).0, Some(0));
    scan.until(&["status", "ha"], |out| out.contains("  paused  "));
    assert_eq!(scan.run(&["signal", "ha", "CONT"]).0, Some(0));

    assert_eq!(scan.run(&["stop", "web"]), (Some(0), "web is down\n".to_owned()));
    let (code, status) = scan.run(&["status", "web"]);
    assert!(code == Some(3) && status.contains("down   down") && status.contains("signal TERM"), "{status}");
    let (code, said) = scan.run(&["start", "web", "--wait"]);
    assert!(code == Some(0) && said.starts_with("web is up (pid "), "{said}");
    let (code, said) = scan.run(&["restart", "web", "ha"]);
    assert!(
        code == Some(0) && said.contains("web is up (pid ") && said.contains("ha is ready (pid "),
        "{said}"
    );
    let (_, tree) = scan.run(&["tree"]);
    let left = tree.lines().filter(|line| line.starts_with("left behind") && line.ends_with("  sleep 1001"));
    assert_eq!(left.count(), 2, "of both lives before: {tree}");
}
