//! `[processes.NAME]` as `muster run` keeps them: each key does to a real process what its page says.

use muster_e2e::{Hosts, WholeNode, wait_for};
use rustix::process::Signal;

/// Waits until the node has said all of these.
async fn says(node: &WholeNode, texts: &[&str]) {
    wait_for(&format!("{} says {texts:?}", node.name), || async {
        let said = node.process.said();
        match texts.iter().find(|text| !said.contains(**text)) {
            None => Ok(()),
            Some(missing) => Err(format!("{missing:?} is missing in:\n{said}")),
        }
    })
    .await;
}

#[tokio::test]
async fn a_process_runs_where_as_whom_and_with_what_it_is_to() {
    let hosts = Hosts::claim();
    let node = WholeNode::start(
        &hosts,
        1,
        "where",
        "[processes.it]\ncommand = [\"sh\", \"-c\", \"echo $(pwd) $(id -u):$(id -g) $(id -G) $(ulimit -Sn):$(ulimit -Hn) \
         $$MODE $$PORT; exec sleep 1000\"]\ndirectory = \"/usr\"\nuser = \"65534:65534\"\ngroups = [\"4\", \"20\"]\n\
         limits = { nofile = \"100:200\" }\nenvironment = { MODE = \"{name} {replica}\" }\nport = 31\nready = \"started\"",
    );
    says(&node, &["/usr 65534:65534 65534 4 20 100:200 it 1 31\n"]).await;
}

#[tokio::test]
async fn no_process_sees_the_secrets_of_ours() {
    let hosts = Hosts::claim();
    let node = WholeNode::start(
        &hosts,
        1,
        "secrets",
        "[processes.it]\ncommand = [\"sh\", \"-c\", \"env; echo that is all; exec sleep 1000\"]\n\
         environment = { MINE = \"here\" }",
    );
    says(&node, &["MINE=here", "that is all"]).await;
    let said = node.process.said();
    assert!(!said.contains("MUSTER_INIT_FD") && !said.contains("ENCRYPT"), "{said}");
}

/// Tells systemd's way, by what Debian has for that.
const NOTIFIES: &str = "import os,socket,time;s=socket.socket(socket.AF_UNIX,socket.SOCK_DGRAM);a=os.environ['NOTIFY_SOCKET'];\
                        s.sendto(b'STATUS=almost\\nREADY=1',a);time.sleep(1000)";

#[tokio::test]
async fn whoever_waits_starts_when_the_others_are_ready_in_whatever_way_they_say_so() {
    let hosts = Hosts::claim();
    let node = WholeNode::start(
        &hosts,
        1,
        "order",
        &format!(
            "[processes.one]\ncommand = \"sh -c 'echo one runs; sleep 0.2; echo one is done'\"\nonce = true\n\
             [processes.two]\ncommand = [\"python3\", \"-c\", {NOTIFIES:?}]\nready = \"notify\"\nafter = [\"one\"]\n\
             [processes.three]\ncommand = [\"sh\", \"-c\", \"sleep 0.2; echo three; echo >&5; exec sleep 1000\"]\n\
             ready = \"fd 5\"\nafter = [\"two\"]\n\
             [processes.four]\ncommand = [\"sh\", \"-c\", \"sleep 0.2; echo four: listening on 4; exec sleep 1000\"]\n\
             ready = 'log listening on \\d$$'\nafter = [\"three\"]\n\
             [processes.five]\ncommand = [\"sh\", \"-c\", \"echo five; touch $$0; exec sleep 1000\", \"{{name}}\"]\n\
             directory = \"/tmp\"\nready = \"command test -e five\"\nafter = [\"four\"]\n\
             [processes.six]\ncommand = [\"sh\", \"-c\", \"rm five; echo six; exec sleep 1000\"]\ndirectory = \"/tmp\"\n\
             after = [\"five\"]"
        ),
    );
    says(&node, &["\nsix\n"]).await;
    let said = node.process.said();
    let lines = ["one runs", "one is done", "three", "four: listening on 4", "five", "six"];
    let places: Vec<Option<usize>> = lines.iter().map(|line| said.find(&format!("{line}\n"))).collect();
    assert!(places.is_sorted() && places[0].is_some(), "{places:?}\n{said}");
}

#[tokio::test]
async fn whoever_is_not_alive_any_more_is_started_again_and_whoever_fails_too_often_is_not() {
    let hosts = Hosts::claim();
    let node = WholeNode::start(
        &hosts,
        1,
        "alive",
        "[processes.stuck]\ncommand = [\"sh\", \"-c\", \"echo stuck begins; exec sleep 1000\"]\nalive = \"command false\"\n\
         alive_every = \"50ms\"\nalive_fall = 2\n\
         [processes.broken]\ncommand = \"sh -c 'exit 3'\"\npause = \"10ms\"\ngive_up_after = 3\n\
         [processes.first]\ncommand = \"sh -c 'exit 4'\"\nonce = true\n\
         [processes.second]\ncommand = \"echo second runs\"\nafter = [\"first\"]",
    );
    says(
        &node,
        &[
            "stuck does not answer well any more and is started again",
            "broken ended too often and is not started again",
            "second is not started, since what it waits for failed",
        ],
    )
    .await;
    let said = node.process.said();
    wait_for("stuck begins again", || async {
        if node.process.said().matches("stuck begins").count() >= 2 { Ok(()) } else { Err("once".into()) }
    })
    .await;
    assert_eq!(said.matches("broken ended with exit code 3").count(), 3, "{said}");
    assert!(!said.contains("second runs"), "{said}");
}

#[tokio::test]
async fn the_end_of_a_critical_process_is_the_nodes_with_its_code() {
    let hosts = Hosts::claim();
    let mut node = WholeNode::start(
        &hosts,
        1,
        "critical",
        "[processes.main]\ncommand = \"sh -c 'sleep 0.3; exit 42'\"\ncritical = true\nrestart = \"never\"\n\
         [processes.other]\ncommand = [\"sh\", \"-c\", \"trap 'echo other was told; exit' TERM; while :; do sleep 0.05; done\"]\n\
         finish = \"echo other finished\"",
    );
    let status = node.process.ends().await;
    assert_eq!(status.code(), Some(42), "{}", node.process.said());
    says(&node, &["other was told", "other finished"]).await;
}

#[tokio::test]
async fn a_wrong_configuration_is_told_with_its_line_and_starts_nothing() {
    let hosts = Hosts::claim();
    let mut node = WholeNode::start(
        &hosts,
        1,
        "wrong",
        "[processes.a]\ncommand = \"true\"\nafter = [\"b\"]\nrestart = \"often\"",
    );
    let status = node.process.ends().await;
    let said = node.process.said();
    assert_eq!(status.code(), Some(2), "{said}");
    for text in [
        "muster.toml:4: [processes.a] waits for `b`, which is no process",
        "muster.toml:5: restart: `often` is none of",
    ] {
        assert!(said.contains(text), "{text}\n{said}");
    }
    assert!(!said.contains("agent running"), "{said}");
}

#[tokio::test]
async fn a_second_signal_hurries_a_node_whose_process_takes_its_time() {
    let hosts = Hosts::claim();
    let mut node = WholeNode::start(
        &hosts,
        1,
        "slow",
        "[processes.slow]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; echo deaf; while :; do sleep 0.1; done\"]\n\
         stop_within = \"1h\"\n[run]\nstop_within = \"1h\"",
    );
    says(&node, &["deaf"]).await;
    node.signal(Signal::TERM);
    says(&node, &["left the cluster"]).await;
    node.signal(Signal::TERM);
    node.signal(Signal::TERM);
    let status = node.process.ends().await;
    assert_eq!(status.code(), Some(0), "{}", node.process.said());
}
