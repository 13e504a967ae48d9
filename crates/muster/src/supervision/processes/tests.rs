//! Configurations as they are written, and what PID 1 is told.

use super::*;
use crate::config::{Sources, load};
use muster_init::plan::Speaker;
use muster_supervise::ServiceId;
use muster_supervise::{Condition, Dependency, Kind, Restart, Whom};

/// The entries of a file with this text, behind two others.
fn entries(text: &str) -> Result<Vec<Entry>, Vec<String>> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("muster.toml"), text).unwrap();
    std::fs::write(directory.path().join("passwd"), "www:x:33:34::/:/bin/sh\n").unwrap();
    std::fs::write(directory.path().join("group"), "www:x:34:\nlog:x:50:www\nvideo:x:51:\n").unwrap();
    let place = directory.path().to_owned();
    let sources = Sources { config: None, serf: vec![], given: vec![], env: [].into(), directory: place };
    let loaded = load(&sources);
    let read: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
    if !read.is_empty() {
        return Err(read);
    }
    read_in(&loaded.settings, directory.path())
}

fn read_in(settings: &Settings, etc: &Path) -> Result<Vec<Entry>, Vec<String>> {
    read(settings, 2, etc).map_err(|found| found.iter().map(ToString::to_string).collect())
}

fn words(exec: Option<&muster_init::plan::Exec>) -> Vec<String> {
    let words = exec.map(|exec| exec.words.as_slice()).unwrap_or_default();
    words.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}

#[test]
fn one_with_a_port_is_asked_there_and_offers_its_service() {
    let made = entries(
        "[processes.web]\ncommand = 'serve --port {port}'\nport = 3000\nservice = 'web'\nuser = 'www'\n\
         environment = { MODE = 'a {name}' }\nlimits = { nofile = '1024:65536' }",
    )
    .unwrap();
    let [web] = &made[..] else { panic!("{made:?}") };
    let exec = web.main.as_ref().unwrap();
    assert_eq!(words(web.main.as_ref()), ["serve", "--port", "3000"]);
    assert_eq!(words(web.ready_probe.as_ref())[1..], ["probe", "tcp", "127.0.0.1:3000"]);
    assert_eq!(web.offers.as_deref(), Some("web"));
    let account = exec.account.as_ref().unwrap();
    assert_eq!((account.uid, account.gid, &account.groups[..]), (33, 34, &[50][..]));
    let variables: Vec<(&str, &str)> =
        exec.environment.iter().map(|(k, v)| (k.to_str().unwrap(), v.to_str().unwrap())).collect();
    assert_eq!(variables, [("MODE", "a web"), ("PORT", "3000")]);
    assert_eq!((exec.limits[0].soft, exec.limits[0].hard), (1024, 65536));
    assert_eq!(web.service.readiness, muster_supervise::Readiness::Told);
}

#[test]
fn replicas_have_names_and_ports_of_their_own_and_whoever_waits_waits_for_all() {
    let made = entries(
        "[processes.web]\ncommand = ['serve', '{port}', '{replica}']\nport = 3000\nreplicas = 2\n\
         [processes.front]\ncommand = 'front'\nafter = ['web:started']",
    )
    .unwrap();
    let named: Vec<&str> = made.iter().map(|entry| &*entry.service.name).collect();
    assert_eq!(named, ["web-1", "web-2", "front"]);
    assert_eq!(words(made[1].main.as_ref()), ["serve", "3001", "2"]);
    let on = |id| Dependency { on: ServiceId(id), until: Condition::Started };
    assert_eq!(made[2].service.after, [on(2), on(3)], "counted behind two others");
}

#[test]
fn those_that_are_waited_for_come_first_whatever_their_names() {
    let made = entries(
        "[processes.a]\ncommand = 'a'\nafter = ['b']\n[processes.b]\ncommand = 'b'\nafter = ['c:completed']\n\
         [processes.c]\ncommand = 'c'\nonce = true\nundo = 'uc'",
    )
    .unwrap();
    let named: Vec<&str> = made.iter().map(|entry| &*entry.service.name).collect();
    assert_eq!(named, ["c", "b", "a"]);
    assert_eq!(made[0].service.kind, Kind::Oneshot { up: true, down: true });
    assert_eq!(words(made[0].after.as_ref()), ["uc"]);
}

#[test]
fn a_line_of_the_log_is_watched_for_by_another_process() {
    let made =
        entries("[processes.db]\ncommand = 'db'\nready = 'log ready to accept'\nkill = 'group'").unwrap();
    let [watcher, db] = &made[..] else { panic!("{made:?}") };
    assert_eq!(words(watcher.main.as_ref())[1..], ["probe", "log", "ready to accept"]);
    assert_eq!(db.stdout_to, Some(ServiceId(2)));
    assert_eq!(db.notify_socket, Some(Speaker::Another(ServiceId(2))));
    assert_eq!(db.service.whom, Whom::Group);
    assert!(watcher.service.ends_with_input && !watcher.is_public);
}

#[test]
fn nobody_waits_for_whoever_watches_a_log() {
    let made = entries(
        "[processes.a]\ncommand = 'a'\nready = 'log x'\nrestart = 'never'\n[processes.b]\ncommand = 'b'\nafter = ['a:completed']",
    )
    .unwrap();
    let b = &made[2].service;
    assert_eq!(
        b.after,
        [Dependency { on: ServiceId(3), until: Condition::Completed }],
        "the watcher never ends"
    );
}

#[test]
fn what_nothing_is_said_about_is_as_documented() {
    let made = entries("[processes.a]\ncommand = 'a'").unwrap();
    let service = &made[0].service;
    assert_eq!((service.restart, service.critical, service.wanted), (Restart::Always, false, true));
    assert_eq!((service.stop_signal, service.whom), (15, Whom::Process));
    assert_eq!(service.kill_after, Some(std::time::Duration::from_secs(5)));
    assert!(service.pauses.jitter && service.pauses.give_up_after.is_none());
}

#[test]
fn everything_that_is_wrong_is_told_with_file_and_line() {
    let problems = entries(
        "[processes.a]\nready = 'soon'\nafter = ['nobody', 'b:sometimes']\nstop_signal = 'STOPP'\nuser = 'me'\n\
         limits = { files = '1' }\nservice = 'a'\n[processes.b]\ncommand = 'b {port}'\nonce = true\nalive = 'tcp 1'",
    )
    .unwrap_err()
    .join("\n");
    for says in [
        "muster.toml:3: [processes.a] waits for `nobody`, which is no process",
        "`b:sometimes`: a process is waited for until",
        "muster.toml:2: [processes.a] ready: `soon` is none of",
        "[processes.a] command: it is not set",
        "muster.toml:4: [processes.a] stop_signal: there is no signal `STOPP`",
        "muster.toml:5: [processes.a] user: there is no user \"me\"",
        "[processes.a] limits: `files` is none of as,",
        "muster.toml:7: [processes.a] service: `port` is not set",
        "muster.toml:9: [processes.b] command: `{port}` has {port}, and `port` is not set",
        "muster.toml:11: [processes.b] alive: what runs once cannot be asked",
    ] {
        assert!(problems.contains(says), "{says}\n--\n{problems}");
    }
}

#[test]
fn names_that_would_be_paths_and_circles_are_refused() {
    let refused = entries("[processes.\"../x\"]\ncommand = 'a'").unwrap_err();
    assert!(refused[0].contains("a process is named by at most"), "{refused:?}");
    let circle = "[processes.a]\ncommand = 'a'\nafter = ['b']\n[processes.b]\ncommand = 'b'\nafter = ['a']";
    let refused = entries(circle).unwrap_err();
    assert!(refused[0].contains("in a circle, or for one that does: a, b"), "{refused:?}");
}
