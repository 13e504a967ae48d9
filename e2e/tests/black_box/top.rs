//! `muster top` in a real terminal emulator: tmux, which tells what is on its screen.

use muster_e2e::{Agent, AgentOptions, Backend, Hosts, Proxy, binary, skip, wait_for};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A tmux server of its own, with one program in it. Killed when dropped.
struct Screen {
    dir: TempDir,
}

impl Screen {
    fn start(size: (u16, u16), program: &str) -> Self {
        let dir = tempfile::tempdir().expect("a place for tests");
        let screen = Self { dir };
        let (width, height) = (size.0.to_string(), size.1.to_string());
        // What it ends with stays to be read.
        let program = format!("{program}; echo ended with $?; exec sleep 1000");
        screen.tmux(&["new-session", "-d", "-x", &width, "-y", &height, &program]);
        screen
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(self.dir.path().join("tmux"))
            .args(["-f", "/dev/null"])
            .args(arguments)
            .output()
            .expect("tmux runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// What is on the screen.
    fn shown(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    async fn shows(&self, words: &str) {
        wait_for(&format!("{words:?} is shown"), || async {
            let shown = self.shown();
            if shown.contains(words) { Ok(()) } else { Err(shown) }
        })
        .await;
    }

    fn press(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = Command::new("tmux").arg("-S").arg(self.dir.path().join("tmux")).arg("kill-server").output();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_is_shown_live_and_a_node_is_drained_by_a_key() {
    if !Path::new("/usr/bin/tmux").exists() {
        return skip("tmux is not installed (apt install tmux)");
    }
    let hosts = Hosts::claim();
    let balancer = Agent::start(&hosts, 1, "lb", AgentOptions::default().tag("balances=1"));
    let _proxy = Proxy::start(&hosts, 1, &balancer);
    let _app = Backend::start(&hosts, 10, "s1").await;
    let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("role=backend").tag("port=3000");
    let s1 = Agent::start(&hosts, 10, "s1", options);

    let top =
        format!("NO_COLOR=1 {} top --socket {}", binary().display(), balancer.control.socket().display());
    let screen = Screen::start((80, 24), &top);
    screen.shows("2 alive").await;
    screen.shows("> s1").await;
    screen.shows("s1 member alive").await;
    // 30 to 37 are colours, 39 is that of the terminal; bold, dim and turned round are none.
    let raw = screen.tmux(&["capture-pane", "-p", "-e"]);
    let is_colour =
        |number: u8| [format!("[{number}m"), format!(";{number}m")].iter().any(|code| raw.contains(code));
    assert!(!(30..=37).any(is_colour), "{raw:?}");

    screen.press(&["/", "x", "Enter"]);
    screen.shows("only: x").await;
    screen.shows("nothing matches").await;
    screen.press(&["Escape"]);
    screen.tmux(&["resize-window", "-x", "200", "-y", "50"]);
    screen.shows("WHY").await;
    screen.press(&["Tab"]);
    screen.shows("role=backend").await;
    screen.press(&["d"]);
    screen.shows("take lb out of rotation? y / n").await;
    screen.press(&["y"]);
    screen.shows("drained: no new requests come here").await;
    screen.shows("notready=*").await;
    screen.press(&["r", "y"]);
    screen.shows("ready: requests come here again").await;

    wait_for("the tag is gone", || async {
        let shown = screen.shown();
        if shown.contains("notready=*") { Err(shown) } else { Ok(()) }
    })
    .await;
    drop(s1);
    screen.shows("s1 member failed").await;
    drop(balancer);
    screen.shows("no answer, what is shown is old").await;
    screen.press(&["q"]);
    screen.shows("ended with 0").await;
    // The screen is as it was before.
    assert!(!screen.shown().contains("BACKEND"), "{}", screen.shown());
}

#[test]
fn without_a_terminal_it_says_what_to_use_instead() {
    let output = Command::new(binary()).arg("top").output().expect("muster runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("muster members --watch"));
}
