//! RPC clients that nobody here wrote: serfclient from PyPI and Debian's Go library, against our agent and, where they only
//! look, against a real one as well.

use muster_e2e::{Agent, AgentOptions, Hosts, agree, reference, skip, wait_for};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const KEY: &str = "cg8StVXbQJ0gPvMd9o7yrg==";
const NEW_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Also what serfclient needs and does not ask for: `pkg_resources`.
const PYTHON_PACKAGES: [&str; 3] = ["serfclient==1.2.0", "msgpack==1.0.8", "setuptools==65.5.0"];
const GO_LIBRARY: &str = "/usr/share/gocode/src/github.com/hashicorp/serf/client";

pub(crate) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name)
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Python with `packages` of PyPI, in a directory of its own; a word if there is none.
pub(crate) fn python(directory: &TempDir, packages: &[&str]) -> Option<PathBuf> {
    let environment = directory.path().join("venv");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&environment).output();
    if !made.as_ref().is_ok_and(|output| output.status.success()) {
        skip(&format!("no virtual environment for Python can be made (package python3-venv): {made:?}"));
        return None;
    }
    let python = environment.join("bin/python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let installed = Command::new(&python).args(install).args(packages).output();
    if !installed.as_ref().is_ok_and(|output| output.status.success()) {
        skip(&format!("{packages:?} cannot be installed from PyPI: {installed:?}"));
        return None;
    }
    Some(python)
}

#[tokio::test(flavor = "multi_thread")]
async fn serfclient_from_pypi() {
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 2, "serf", &["-tag", "role=db", "-encrypt", KEY]).await else {
        return;
    };
    let directory = TempDir::new().expect("a temporary directory can be made");
    let Some(python) = python(&directory, &PYTHON_PACKAGES) else { return };
    let options = AgentOptions::default().join(&serf.address).tag("role=web");
    let options = options.flag("--encrypt").flag(KEY).flag("--rpc-auth").flag("secret");
    let muster = Agent::start(&hosts, 1, "muster", options.flag("--log-level").flag("debug"));
    agree(&muster, &serf, 2).await;
    wait_for("muster knows where it is", || async {
        let output = muster.serf(&["rtt", "-rpc-auth=secret", "muster", "serf"]).output();
        if output.as_ref().is_ok_and(|output| output.status.success()) {
            Ok(())
        } else {
            Err(format!("{output:?}"))
        }
    })
    .await;

    let (host, port) = muster.rpc.split_once(':').expect("an address");
    let output = Command::new(python)
        .arg(program("client.py"))
        .args([host, port, "secret", &serf.address, "muster"])
        .output()
        .expect("python runs");
    assert!(output.status.success(), "{}", text(&output));
    let mut seen: Value = serde_json::from_slice(&output.stdout).expect("it prints JSON");
    let error = seen["join_failed"][0].take();
    assert!(
        error
            .as_str()
            .is_some_and(|error| error.starts_with("1 error occurred:\n\t* Failed to join 127.0.0.1: "))
    );
    let wanted = json!({
        "members": [
            ["muster", hosts.ip(1).octets(), 7946, "alive", {"role": "web"}],
            ["serf", hosts.ip(2).octets(), 7946, "alive", {"role": "db"}],
        ],
        "filtered": ["serf"],
        "joined": 1,
        "join_failed": [null, 0],
        "stats": ["agent", "event_handlers", "runtime", "serf", "tags"],
        "event": {"Event": "user", "Name": "deploy", "Payload": "v1", "Coalesce": false, "LTime": seen["event"]["LTime"]},
        "query": {"Event": "query", "Name": "load", "Payload": "cpu?", "ID": 1},
        "answers": [["ack", "muster", null], ["done", "", null], ["response", "muster", "fine"]],
        "keys": [2],
        "coordinate": [true, 8],
        "log": true,
        "refused": "Authentication required",
    });
    assert_eq!(seen, wanted);
    wait_for("its tag is everywhere", || async {
        let members = serf.members()?.members;
        let by = members
            .iter()
            .find(|member| member.name == "muster")
            .and_then(|member| member.tags.get("by").cloned());
        if by.as_deref() == Some("python") { Ok(()) } else { Err(format!("{by:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn debians_go_library() {
    if !Path::new(GO_LIBRARY).exists() || !Path::new("/usr/bin/go").exists() {
        skip("Debian's packages golang-go and golang-github-hashicorp-serf-dev are not installed");
        return;
    }
    let hosts = Hosts::claim();
    let Some(serf) = reference(&hosts, 2, "serf", &["-tag", "role=db", "-encrypt", KEY]).await else {
        return;
    };
    let directory = TempDir::new().expect("a temporary directory can be made");
    let client = directory.path().join("client");
    let built = Command::new("go")
        .args(["build", "-o"])
        .arg(&client)
        .arg(program("client.go"))
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOFLAGS", "")
        .env("GOCACHE", directory.path().join("cache"))
        .output()
        .expect("go runs");
    assert!(built.status.success(), "{}", text(&built));

    let options = AgentOptions::default().join(&serf.address).tag("role=web");
    let options = options.flag("--encrypt").flag(KEY).flag("--rpc-auth").flag("secret");
    let mut muster = Agent::start(&hosts, 1, "muster", options.flag("--log-level").flag("debug"));
    agree(&muster, &serf, 2).await;
    wait_for("muster knows where it is", || async {
        let output = muster.serf(&["rtt", "-rpc-auth=secret", "muster", "serf"]).output();
        if output.as_ref().is_ok_and(|output| output.status.success()) {
            Ok(())
        } else {
            Err(format!("{output:?}"))
        }
    })
    .await;
    let run = Command::new(&client).args([&muster.rpc, "secret", "muster", &serf.address, NEW_KEY]).output();
    let run = run.expect("the client runs");
    assert!(run.status.success(), "{}", text(&run));
    // Its library complains on standard error that the agent is gone.
    assert!(run.stdout.ends_with(b"left\n"), "{}", text(&run));
    assert_eq!(muster.process.ends().await.code(), Some(0));
    serf.sees("muster", "left").await;
}
