//! The same configuration given to real Serf 0.9.4 and to Muster: others see the same member.

use muster_control::routes::MemberRow;
use muster_e2e::{Agent, AgentOptions, Hosts, Kind, Process, SerfAgent, agree, binary, reference, wait_for};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The command that starts an agent of this kind; all other arguments are the same.
fn agent(kind: Kind, directory: &Path, hosts: &Hosts, host: u8) -> Command {
    match kind {
        Kind::Serf => {
            let mut command = Command::new("serf");
            command.args(["agent", "-rpc-addr", &hosts.at(host, 7373)]);
            command
        }
        Kind::Muster => {
            let mut command = Command::new(binary());
            command
                .args(["agent", "-rpc-addr", &hosts.at(host, 7373), "-socket"])
                .arg(directory.join("m.sock"));
            command
        }
    }
}

/// How an observer of the reference's kind sees `name`, once it is alive.
async fn seen(observer: &SerfAgent, name: &str) -> MemberRow {
    wait_for(&format!("the observer sees {name}"), || async {
        let members = observer.members()?.members;
        members
            .into_iter()
            .find(|member| member.name == name && member.status == "alive")
            .ok_or_else(|| "not yet".to_owned())
    })
    .await
}

/// Starts each kind with the same files and flags, and returns how others see it.
async fn both(hosts: &Hosts, files: &[(&str, String)], flags: &[&str], name: &str) -> Option<[MemberRow; 2]> {
    let mut rows = Vec::new();
    for kind in [Kind::Serf, Kind::Muster] {
        let observer = reference(hosts, 9, "observer", &[]).await?;
        let directory = TempDir::new().expect("a temporary directory can be made");
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().expect("it is in the directory")).expect("it can be made");
            std::fs::write(path, text).expect("the file can be written");
        }
        let mut command = agent(kind, directory.path(), hosts, 1);
        let process = Process::start(&format!("{kind:?}"), command.args(flags).current_dir(&directory));
        rows.push(seen(&observer, name).await);
        drop(process);
    }
    rows.try_into().ok()
}

#[tokio::test]
async fn the_same_files_and_flags_make_the_same_member() {
    let hosts = Hosts::claim();
    let files = [
        (
            "first.json",
            format!(
                r#"{{"Node_Name": "early", "bind": "{}", "advertise": "{}", "log_level": "debug", "profile": "local",
                    "tags": {{"role": "db", "zone": "a b", "kept": "1"}}, "start_join": ["{}"]}}"#,
                hosts.at(1, 7950),
                hosts.at(1, 7950),
                hosts.at(9, 7946)
            ),
        ),
        (
            "d/20.json",
            r#"{"node_name": "late", "tags": {"zone": "z"}, "enable_compression": false}"#.to_owned(),
        ),
        (
            "d/10.json",
            r#"{"node_name": "middle", "role": "web", "protocol": 4, "retry_interval": "1m30s"}"#.to_owned(),
        ),
        ("d/30.json.bak", "{".to_owned()),
    ];
    let flags =
        ["-config-file", "first.json", "-config-dir=d", "-tag", "flag=x=y", "-broadcast-timeout", "2s"];
    let Some([serf, muster]) = both(&hosts, &files, &flags, "late").await else { return };
    assert_eq!(muster, serf);
    assert_eq!((serf.addr, serf.protocol.version), (hosts.at(1, 7950), 4));
    let tags: Vec<String> = serf.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(tags, ["flag=x=y", "kept=1", "role=web", "zone=z"]);
}

#[tokio::test]
async fn protocol_2_knows_no_tag_but_the_role_in_both() {
    let hosts = Hosts::claim();
    let (bind, observer) = (hosts.at(1, 7946), hosts.at(9, 7946));
    let flags = [
        "-node",
        "old",
        "-protocol",
        "2",
        "-bind",
        &bind,
        "-join",
        &observer,
        "-tag",
        "role=web",
        "-tag",
        "zone=a",
    ];
    let Some([serf, muster]) = both(&hosts, &[], &flags, "old").await else { return };
    assert_eq!(muster, serf);
    assert_eq!((serf.protocol.version, serf.tags.len()), (2, 1));
}

#[tokio::test]
async fn an_interface_gives_both_the_same_address() {
    let hosts = Hosts::claim();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let port = free.local_addr().expect("it is bound").port();
    drop(free);
    let (bind, observer) = (format!("0.0.0.0:{port}"), hosts.at(9, 7946));
    let flags = ["-node", "on-lo", "-iface", "lo", "-bind", &bind, "-join", &observer];
    let Some([serf, muster]) = both(&hosts, &[], &flags, "on-lo").await else { return };
    assert_eq!(muster, serf);
    assert_eq!(serf.addr, format!("127.0.0.1:{port}"));
}

/// Runs an agent that must refuse to start; what it said.
fn refused(kind: Kind, hosts: &Hosts, file: &str, flags: &[&str]) -> String {
    let directory = TempDir::new().expect("a temporary directory can be made");
    std::fs::write(directory.path().join("a.json"), file).expect("the file can be written");
    let mut command = agent(kind, directory.path(), hosts, 1);
    command.args(["-config-file", "a.json"]).args(flags).current_dir(&directory).stdin(Stdio::null());
    let output = command.output().expect("the agent runs");
    // A usage error is 1 in Serf and 2 in Muster.
    assert_eq!(
        output.status.code(),
        Some(if kind == Kind::Serf { 1 } else { 2 }),
        "{kind:?} {file}: {output:?}"
    );
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[tokio::test]
async fn what_serf_refuses_muster_refuses_and_says_where() {
    let hosts = Hosts::claim();
    if !muster_e2e::serf_is_installed() {
        return muster_e2e::skip("Debian's package serf is not installed");
    }
    let bind = hosts.at(1, 7946);
    for (file, flags, serf, muster) in [
        (r#"{"node_nme": "x"}"#, vec![], "invalid keys: node_nme", "a.json:1: Serf has no key `node_nme`"),
        (
            r#"{"protocol": "5"}"#,
            vec![],
            "'protocol' expected type 'int'",
            "a.json:1: protocol: must be a number",
        ),
        (r#"{"tags": ["x"]}"#, vec![], "'tags' expected a map", "a.json:1: tags: must be an object"),
        (r#"{"start_join": "x"}"#, vec![], "'start_join': source data must be", "start_join: must be a list"),
        (r#"{"retry_interval": "x"}"#, vec![], "invalid duration", "retry_interval: `x` is not a duration"),
        ("{\"node_name\": \"x\",\n}", vec![], "invalid character '}'", "a.json:2: not a JSON object"),
        ("", vec![], "EOF", "a.json:1: not a JSON object"),
        (r#"{"protocol": 1}"#, vec![], "too low", "`1` is not a number from 2 to 5"),
        (r#"{"profile": "x"}"#, vec![], "Unknown profile: x", "`x` is none of lan, wan, local"),
        (
            r#"{"interface": "nope0"}"#,
            vec![],
            "Invalid network interface",
            "a.json:1: Invalid network interface",
        ),
        (
            "{}",
            vec!["-iface", "lo"],
            "Interface 'lo' has no '127.",
            "flag --interface: Interface 'lo' has no '127.",
        ),
    ] {
        let flags = [vec!["-bind", bind.as_str()], flags].concat();
        let said = refused(Kind::Serf, &hosts, file, &flags);
        assert!(said.contains(serf), "{file}: {said}");
        let said = refused(Kind::Muster, &hosts, file, &flags);
        assert!(said.contains(muster), "{file}: {said}");
    }
}

/// Joins, and finds out by itself that a member died, at the timing of the other kind.
async fn one_cluster_of_profile(profile: &str) {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 1, "serf", &["-profile", profile]).await else { return };
    let options = AgentOptions::default().join(&serf.address).flag("-profile").flag(profile);
    let stays = Agent::start(&hosts, 2, "stays", options.clone());
    let mut dies = Agent::start(&hosts, 3, "dies", options);
    agree(&stays, &serf, 3).await;
    dies.process.kill();
    serf.sees("dies", "failed").await;
    stays.sees("dies", "failed").await;
    agree(&stays, &serf, 3).await;
}

#[tokio::test]
async fn muster_and_serf_are_one_cluster_in_the_profile_local() {
    one_cluster_of_profile("local").await;
}

#[tokio::test]
async fn muster_and_serf_are_one_cluster_in_the_profile_wan() {
    one_cluster_of_profile("wan").await;
}
