//! Serf's files, alone and among the other sources.

use super::*;
use crate::config::{Loaded, Sources, load, views};
use std::path::PathBuf;

/// Loads these files, named one by one, and Muster's own TOML file besides.
fn loaded(toml: &str, files: &[&str], given: &[(&'static Key, &str)]) -> (Loaded, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("muster.toml"), toml).unwrap();
    let name = |(nth, text): (usize, &&str)| -> PathBuf {
        let path = directory.path().join(format!("{nth}.json"));
        std::fs::write(&path, text).unwrap();
        path
    };
    let sources = Sources {
        config: None,
        serf: files.iter().enumerate().map(name).collect(),
        given: given.iter().map(|(key, value)| (*key, vec![value.to_string()])).collect(),
        env: [].into(),
        directory: directory.path().to_owned(),
    };
    (load(&sources), directory)
}

fn settings(files: &[&str]) -> Settings {
    let (loaded, _directory) = loaded("", files, &[]);
    assert_eq!(loaded.problems, []);
    loaded.settings
}

fn problems(file: &str) -> Vec<String> {
    let (loaded, directory) = loaded("", &[file], &[]);
    let directory = format!("{}/", directory.path().display());
    loaded.problems.iter().map(|problem| problem.to_string().replace(&directory, "")).collect()
}

#[test]
fn every_name_is_spelled_as_in_serf_and_sets_one_key() {
    let mut names: Vec<&str> = NAMES.iter().map(|(name, _)| *name).collect();
    assert!(names.iter().all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b"_46".contains(&b))));
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), NAMES.len());
}

#[test]
fn each_kind_of_value_is_read() {
    let settings = settings(&[r#"{
        "Node_Name": "a", "bind": "127.0.0.1", "advertise": "10.0.0.1:99", "interface": "lo", "protocol": 4,
        "profile": "wan", "log_level": "WARN", "retry_interval": "1h30m", "retry_max_attempts": 3,
        "start_join": ["x"], "retry_join": ["y:1"], "enable_compression": false, "broadcast_timeout": "1.5s",
        "encrypt_key": "cg8StVXbQJ0gPvMd9o7yrg==", "tags": {"a": "b", "c": ""}, "role": "web",
        "event_handlers": ["member-join,member-leave=x.sh"], "mdns": {"interface": "eth0", "disable_ipv6": true},
        "leave_on_terminate": true, "rejoin_after_leave": true, "reconnect_timeout": "48h", "snapshot_path": null
    }"#]);
    let agent = views::agent(&settings);
    assert_eq!((agent.node.as_str(), agent.protocol), ("a", 4));
    assert_eq!(agent.bind, "127.0.0.1:7946".parse().unwrap());
    assert_eq!(agent.advertise.map(|at| at.port), Some(99));
    assert_eq!((agent.interface.as_deref(), agent.compress), (Some("lo"), false));
    assert_eq!(agent.retry_interval, Duration::from_secs(5400));
    assert_eq!((agent.retry_max, agent.broadcast_timeout), (3, Duration::from_millis(1500)));
    assert_eq!(agent.join, ["x", "y:1"]);
    assert_eq!(agent.profile, muster_agent::ProfileName::Wan);
    let tags: Vec<_> = agent.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(tags, ["a=b", "c=", "role=web"]);
    assert!(agent.keys.is_some());
    assert_eq!(views::log(&settings).level, tracing::Level::WARN);
    // One handler, whatever commas it has.
    assert_eq!(settings.texts(&serf::EVENT_HANDLERS), ["member-join,member-leave=x.sh"]);
    assert_eq!(settings.text(&serf::MDNS_INTERFACE), "eth0");
    assert!(settings.bool(&serf::MDNS_DISABLE_IPV6) && settings.bool(&serf::REJOIN_AFTER_LEAVE));
}

#[test]
fn lists_continue_tags_merge_switches_stay_on_and_nothing_says_nothing() {
    let settings = settings(&[
        r#"{"start_join": ["a"], "tags": {"x": "1", "y": "1"}, "replay_on_join": true, "profile": "wan", "protocol": 3}"#,
        r#"{"start_join": ["b"], "tags": {"x": "2"}, "replay_on_join": false, "profile": "", "protocol": 0, "node_name": "n"}"#,
    ]);
    assert_eq!(settings.texts(&serf::START_JOIN), ["a", "b"]);
    let tags: Vec<_> = settings.tags(&keys::TAGS).into_iter().collect();
    assert_eq!(tags, [("x", "2"), ("y", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())));
    assert!(settings.bool(&serf::REPLAY_ON_JOIN));
    assert_eq!((settings.text(&keys::PROFILE), settings.count::<u8>(&keys::PROTOCOL)), ("wan", 3));
    assert_eq!(settings.text(&keys::NODE), "n");
}

#[test]
fn a_flag_beats_serfs_file_or_continues_its_list_and_serfs_file_beats_ours() {
    let toml = "[agent]\nnode = 'ours'\njoin = ['ours']\nprofile = 'wan'\n";
    let serf = r#"{"node_name": "serf", "retry_join": ["serf"]}"#;
    let (loaded, _directory) = loaded(toml, &[serf], &[(&keys::NODE, "flag"), (&keys::JOIN, "flag")]);
    assert_eq!(loaded.settings.text(&keys::NODE), "flag");
    assert_eq!(loaded.settings.texts(&keys::JOIN), ["serf", "flag"]);
    assert_eq!(loaded.settings.text(&keys::PROFILE), "wan");
    assert_eq!(loaded.files.len(), 2);
}

#[test]
fn a_directory_gives_its_json_files_in_name_order() {
    let directory = tempfile::tempdir().unwrap();
    for (name, node) in
        [("b.json", "b"), ("c.json", "c"), ("a.json", "a"), ("z.json.bak", "z"), ("y.conf", "y")]
    {
        std::fs::write(directory.path().join(name), format!("{{\"node_name\": \"{node}\"}}")).unwrap();
    }
    std::fs::create_dir(directory.path().join("x.json")).unwrap();
    let serf = vec![directory.path().to_owned()];
    let sources =
        Sources { config: None, serf, given: vec![], env: [].into(), directory: "/nonexistent".into() };
    let loaded = load(&sources);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.settings.text(&keys::NODE), "c");
    assert_eq!(
        loaded.settings.origin(&keys::NODE).to_string(),
        format!("{}/c.json:1", directory.path().display())
    );
    assert_eq!(loaded.files.len(), 3);
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let file = r#"{
  "node_nme": "x",
  "protocol": "5",
  "tags": {
    "a": 1
  },
  "start_join": [
    "ok",
    "not ok",
    7
  ],
  "retry_interval": "soon",
  "reconnect_interval": 5,
  "mdns": {"interfac": "x"},
  "profile": "bogus",
  "replay_on_join": "yes"
}"#;
    assert_eq!(
        problems(file),
        [
            "0.json:2: Serf has no key `node_nme`; did you mean `node_name`?",
            "0.json:3: protocol: must be a number, not a string",
            "0.json:5: tag `a` must be a string, not a number",
            "0.json:9: start_join: cannot join \"not ok\": that is no host name and no address; write HOST, HOST:PORT or NAME/HOST:PORT",
            "0.json:10: start_join: must be a string, not a number",
            "0.json:12: retry_interval: `soon` is not a duration; write e.g. \"30s\" or \"1h30m\"",
            "0.json:13: reconnect_interval: must be a string with a unit, e.g. \"5s\", not a number",
            "0.json:14: Serf has no key `mdns.interfac`; did you mean `interface`?",
            "0.json:15: profile: `bogus` is none of lan, wan, local",
            "0.json:16: replay_on_join: must be true or false, not a string",
        ]
    );
}

#[test]
fn what_is_no_json_object_is_told_with_its_place() {
    for (file, place) in [
        ("{\n\"node_name\": \"x\",\n}", "0.json:3: not a JSON object, at character 1 of the line: "),
        ("", "0.json:1: not a JSON object, at character 0 of the line: EOF"),
        ("[]", "0.json:1: not a JSON object, at character 0 of the line: invalid type: sequence"),
        ("{} {}", "0.json:1: not a JSON object, at character 4 of the line: trailing characters"),
    ] {
        let found = problems(file);
        assert!(found.len() == 1 && found[0].starts_with(place), "{file}: {found:?}");
    }
    let missing = Sources {
        config: None,
        serf: vec!["/nonexistent/serf.json".into()],
        given: vec![],
        env: [].into(),
        directory: "/nonexistent".into(),
    };
    let told = load(&missing).problems[0].to_string();
    assert_eq!(told, "cannot read /nonexistent/serf.json: No such file or directory (os error 2)");
}

#[test]
fn durations_are_those_of_go() {
    for (text, millis) in [
        ("30s", 30_000),
        ("1h30m", 5_400_000),
        ("1.5s", 1500),
        (".5s", 500),
        ("250ms", 250),
        ("1m0s", 60_000),
        ("+2s", 2000),
        ("3000us", 3),
        ("3000µs", 3),
        ("0", 0),
    ] {
        assert_eq!(go_duration(text), Some(Duration::from_millis(millis)), "{text}");
    }
    for text in ["", "5", "-1s", "1day", "1 s", "s", ".s", "1..2s", "1s5", "1e9s", "9999999999999999h"] {
        assert_eq!(go_duration(text), None, "{text}");
    }
}

#[test]
fn hostile_files_are_refused_and_nothing_more() {
    for file in [
        "{\"tags\":".repeat(100_000),
        "[".repeat(100_000),
        format!("{{\"node_name\": {}", "[".repeat(10_000)),
        format!("{{\"protocol\": {}}}", "9".repeat(400)),
        "{\"tags\": {\"\": \"x\"}}".to_owned(),
        format!("{{\"node_name\": \"{}\"}}", "x".repeat(2 << 20)),
    ] {
        assert_eq!(problems(&file).len(), 1);
    }
}
