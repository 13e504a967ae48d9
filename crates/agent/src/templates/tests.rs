//! Groups as a whole: real files, real programs, and a fleet that only plays one.

mod configured_anew;

use super::*;
use crate::roster::tests::roster;
use muster_fleet::{Backend, Phase, Service, Standing as Believed, Terms};
use muster_render::{Escape, Pace};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// As short as it can be: nothing here depends on how long they are.
const PACE: Pace = Pace {
    settle: Duration::from_millis(5),
    settle_max: Duration::from_millis(50),
    retry: Duration::from_millis(20),
    retry_max: Duration::from_millis(100),
};
const LINES: &str = "{{#each addresses}}server {{host}} {{ip}}:{{port}}\n{{/each}}";

struct Node {
    dir: tempfile::TempDir,
    pictures: watch::Sender<Arc<Picture>>,
    sources: Sources,
    templates: Option<Templates>,
}

/// A node whose fleet has these backends.
fn node(phase: Phase, backends: &[&str]) -> Node {
    let pictures = watch::Sender::new(Arc::new(picture(1, phase, backends)));
    let (_, roster) = roster();
    let sources = Sources {
        node: "me".to_owned(),
        roster: Arc::new(roster),
        pictures: pictures.subscribe(),
        reports: Arc::default(),
        withheld: vec!["HOME".to_owned()],
    };
    Node { dir: tempfile::tempdir().unwrap(), pictures, sources, templates: None }
}

fn picture(version: u64, phase: Phase, backends: &[&str]) -> Picture {
    let mut service = Service::default();
    for (name, last) in backends.iter().zip(1..) {
        let addr = std::net::SocketAddr::from(([10, 0, 0, last], 3000));
        let backend = Backend { addr, weight: 10, standing: Believed::Ready };
        service.backends.insert((*name).to_owned(), backend);
    }
    let services = [("backend".to_owned(), service)].into();
    Picture { epoch: 7, version, phase, services, terms: Terms::default(), refusals: Vec::new() }
}

impl Node {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// A group that makes `out` of `out.hb`.
    fn config(&self) -> TemplatesConfig {
        let file =
            FileConfig { template: self.path("out.hb"), target: self.path("out"), escape: Escape::None };
        TemplatesConfig {
            name: "group".to_owned(),
            files: vec![file],
            partials: Vec::new(),
            strict: true,
            folder: None,
            check: None,
            check_within: Duration::from_secs(30),
            action: Action::None,
            action_within: Duration::from_secs(30),
            pace: PACE,
        }
    }

    /// A script that runs in the directory.
    fn script(&self, script: &str) -> Vec<String> {
        let script = format!("cd {}; {script}", self.dir.path().display());
        ["/bin/sh", "-c", &script].map(str::to_owned).to_vec()
    }

    fn start(&mut self, config: TemplatesConfig) {
        self.templates = Some(Templates::start(&[config], self.sources.clone()));
    }

    async fn stop(&mut self) {
        if let Some(templates) = self.templates.take() {
            templates.stop().await;
        }
    }

    fn see(&self, phase: Phase, backends: &[&str]) {
        self.pictures.send_modify(|now| *now = Arc::new(picture(now.version + 1, phase, backends)));
    }

    fn row(&self) -> TemplateRow {
        self.templates.as_ref().unwrap().board().rows().remove(0)
    }

    async fn until(&self, what: impl Fn(&Self) -> bool) {
        let waited = async {
            while !what(self) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(Duration::from_secs(60), waited).await.unwrap_or_else(|_| {
            panic!("it does not come to that: {:#?}, out: {:?}", self.row(), self.read("out"));
        });
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

#[tokio::test]
async fn the_file_follows_the_fleet_and_is_not_touched_when_nothing_differs() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    let action = Action::Run(node.script("cat out >> told"));
    node.start(TemplatesConfig { action, ..node.config() });
    node.until(|node| node.read("told") == "server s1 10.0.0.1:3000\n").await;
    let inode = |node: &Node| fs::metadata(node.path("out")).unwrap().ino();
    let (first, made) = (inode(&node), node.row().made);
    node.see(Phase::Live, &["s1"]);
    node.until(|node| node.row().made > made).await;
    assert_eq!((inode(&node), node.row().changed), (first, 1));
    node.see(Phase::Live, &["s1", "s2"]);
    node.until(|node| node.row().changed == 2).await;
    assert_eq!(node.read("out"), "server s1 10.0.0.1:3000\nserver s2 10.0.0.2:3000\n");
    node.until(|node| node.names() == ["out", "out.hb", "told"]).await;
    node.stop().await;
}

#[tokio::test]
async fn while_the_whole_is_not_known_only_what_is_missing_is_made() {
    let mut node = node(Phase::Warming, &[]);
    node.write("out.hb", LINES);
    node.write("out", "of an earlier life\n");
    let mut config = node.config();
    config.files.push(FileConfig { target: node.path("other"), ..config.files[0].clone() });
    node.start(config);
    node.until(|node| node.path("other").exists()).await;
    assert_eq!((node.read("out"), node.read("other")), ("of an earlier life\n".to_owned(), String::new()));
    // What this life made holds nothing that it does not know.
    node.see(Phase::Warming, &["s1"]);
    node.until(|node| node.read("other") == "server s1 10.0.0.1:3000\n").await;
    assert_eq!(node.read("out"), "of an earlier life\n");
    node.see(Phase::Live, &["s1"]);
    node.until(|node| node.row().changed == 3).await;
    assert_eq!(node.read("out"), "server s1 10.0.0.1:3000\n");
    assert_eq!(node.read("other"), node.read("out"));
    node.stop().await;
}

#[tokio::test]
async fn a_refused_file_never_takes_its_place_and_a_mended_template_does() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", "broken\n");
    node.write("out", "good\n");
    let target = node.path("out").display().to_string();
    let check = Some(node.script(&format!("grep -q server {target} || {{ echo no server; exit 3; }}")));
    let action = Action::Run(node.script("echo told >> told"));
    node.start(TemplatesConfig { check, action, ..node.config() });
    node.until(|node| node.row().failed > 1).await;
    let row = node.row();
    let why = row.why.unwrap();
    assert_eq!((row.state.as_str(), row.changed), ("failing", 0));
    assert!(why.contains("refused") && why.contains("exit code 3: no server"), "{why}");
    assert_eq!((node.read("out"), node.read("told")), ("good\n".to_owned(), String::new()));
    node.write("out.hb", LINES);
    node.until(|node| node.row().state == "right").await;
    assert_eq!(node.row().why, None);
    assert_eq!(
        (node.read("out").as_str(), node.read("told").as_str()),
        ("server s1 10.0.0.1:3000\n", "told\n")
    );
    node.until(|node| node.names() == ["out", "out.hb", "told"]).await;
    node.stop().await;
}

#[tokio::test]
async fn a_broken_template_is_told_with_its_place() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", "ok\n{{#each adresses}}{{/each}}");
    node.start(node.config());
    node.until(|node| node.row().why.is_some()).await;
    let why = node.row().why.unwrap();
    assert!(why.contains("out.hb: line 2, column 9: `adresses` is unknown"), "{why}");
    node.stop().await;
}

#[tokio::test]
async fn after_a_failed_action_the_old_file_is_there_and_told_of() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    node.write("out", "good\n");
    let action = Action::Run(node.script("cat out >> told; ! grep -q s2 out"));
    node.start(TemplatesConfig { action, ..node.config() });
    node.until(|node| node.row().changed == 1).await;
    node.see(Phase::Live, &["s1", "s2"]);
    node.until(|node| node.row().restored == 1).await;
    assert_eq!(node.read("out"), "server s1 10.0.0.1:3000\n");
    let s1 = "server s1 10.0.0.1:3000\n";
    assert!(node.read("told").starts_with(&format!("{s1}{s1}server s2 10.0.0.2:3000\n{s1}")));
    // It is well again as soon as the fleet is one that works.
    node.see(Phase::Live, &["s1", "s3"]);
    node.until(|node| node.row().changed == 2).await;
    assert_eq!(node.row().state, "right");
    node.until(|node| node.names().len() == 3).await;
    node.stop().await;
}

#[tokio::test]
async fn what_an_earlier_life_did_not_come_to_is_done() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    node.write("out", "server s1 10.0.0.1:3000\n");
    // Killed between putting and telling.
    node.write(".out.old", "before\n");
    let action = Action::Run(node.script("echo told >> told"));
    node.start(TemplatesConfig { action, ..node.config() });
    node.until(|node| node.row().changed == 1).await;
    assert_eq!(node.read("told"), "told\n");
    node.until(|node| node.names() == ["out", "out.hb", "told"]).await;
    node.stop().await;
}

/// Else a node that goes would be told that nothing is sent to it any more.
#[tokio::test]
async fn a_file_of_an_earlier_life_puts_no_picture_in_force() {
    let mut node = node(Phase::Warming, &["s1"]);
    node.write("out.hb", LINES);
    node.write("out", "of an earlier life\n");
    node.write(".out.old", "before\n");
    let action = Action::Run(node.script("cat out >> told"));
    node.start(TemplatesConfig { action, ..node.config() });
    node.until(|node| node.row().changed == 1 && !node.path(".out.old").exists()).await;
    assert_eq!(node.read("told"), "of an earlier life\n");
    assert!(node.sources.reports.all().is_empty());
    node.see(Phase::Live, &["s1"]);
    node.until(|node| node.sources.reports.all().iter().any(|report| report.version == 2)).await;
    assert_eq!(node.read("out"), "server s1 10.0.0.1:3000\n");
    node.stop().await;
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_told_and_waited_for() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    let mut config = node.config();
    config.files[0].target = node.path("later/out");
    node.start(config);
    node.until(|node| node.row().failed > 0).await;
    let why = node.row().why.unwrap();
    assert!(why.contains("cannot write beside") && why.contains("later/out: No such file"), "{why}");
    fs::create_dir(node.path("later")).unwrap();
    node.until(|node| node.row().state == "right").await;
    assert_eq!(node.read("later/out"), "server s1 10.0.0.1:3000\n");
    node.stop().await;
}

#[tokio::test]
async fn an_action_that_hangs_is_ended_when_its_time_is_over_and_when_the_agent_ends() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    node.write("out", "good\n");
    let action = Action::Run(node.script("echo begun >> told; exec sleep 1000"));
    let action_within = Duration::from_millis(200);
    node.start(TemplatesConfig { action, action_within, ..node.config() });
    node.until(|node| node.row().why.is_some_and(|why| why.contains("ran for longer"))).await;
    node.until(|node| node.read("told").lines().count() > 2).await;
    node.stop().await;
}

#[tokio::test]
async fn a_disk_that_does_not_answer_holds_up_nobodys_end() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    // Somebody else is making that file, and never comes to an end.
    let held = fs::File::create(node.path(".out.new")).unwrap();
    held.lock().unwrap();
    node.start(node.config());
    // Who waits for a lock stands behind an arrow (proc_locks(5)).
    let inode = format!(":{} ", held.metadata().unwrap().ino());
    let waits = |_: &Node| {
        let locks = fs::read_to_string("/proc/locks").unwrap();
        locks.lines().any(|line| line.contains("->") && line.contains(&inode))
    };
    node.until(waits).await;
    timeout(Duration::from_secs(60), node.stop()).await.expect("it ends");
    assert_eq!(node.read("out"), "");
    drop(held);
}

#[tokio::test]
async fn a_template_that_is_a_pipe_is_told_and_not_waited_for() {
    let mut node = node(Phase::Live, &["s1"]);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        node.path("out.hb"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    node.start(node.config());
    node.until(|node| node.row().why.is_some_and(|why| why.ends_with("out.hb: it is a pipe, and no file")))
        .await;
    node.stop().await;
}

#[tokio::test]
async fn the_folder_has_a_file_for_each_backend_and_nothing_of_an_earlier_life() {
    let mut node = node(Phase::Live, &["s1", "../etc/evil", ".muster"]);
    let folder = node.path("nodes");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("gone"), "gone 10.0.0.9\n").unwrap();
    fs::write(folder.join("somebodys"), "").unwrap();
    fs::write(folder.join(".muster"), "gone\n../somebodys\n").unwrap();
    let content = "{{host}} {{ip}}\n".to_owned();
    let config = TemplatesConfig {
        files: Vec::new(),
        folder: Some(FolderConfig { path: folder.clone(), content }),
        ..node.config()
    };
    node.start(config);
    node.until(|node| node.row().changed == 1).await;
    let names = || {
        let entries = fs::read_dir(&folder).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["%2E.%2Fetc%2Fevil", "%2Emuster", ".muster", "s1", "somebodys"]);
    assert_eq!(fs::read_to_string(folder.join("s1")).unwrap(), "s1 10.0.0.1\n");
    node.see(Phase::Live, &["s2"]);
    node.until(|node| node.row().changed == 2).await;
    assert_eq!(names(), [".muster", "s2", "somebodys"]);
    assert_eq!(fs::read_to_string(folder.join(".muster")).unwrap(), "s2\n");
    node.stop().await;
}

#[tokio::test]
async fn which_picture_is_in_force_is_reported_when_it_is() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    let action = Action::Run(node.script("while [ -e hold ]; do sleep 0.01; done"));
    node.write("hold", "");
    node.start(TemplatesConfig { action, ..node.config() });
    node.until(|node| node.path("out").exists()).await;
    let versions = |node: &Node| {
        let reports = node.sources.reports.all();
        reports.into_iter().map(|report| (report.sink, report.version)).collect::<Vec<_>>()
    };
    assert_eq!(versions(&node), []);
    fs::remove_file(node.path("hold")).unwrap();
    node.until(|node| versions(node) == [("templates.group".to_owned(), 1)]).await;
    // Also when the new picture makes the same file.
    node.see(Phase::Live, &["s1"]);
    node.until(|node| versions(node) == [("templates.group".to_owned(), 2)]).await;
    node.stop().await;
}

#[tokio::test]
async fn what_was_put_and_never_told_of_is_not_in_force() {
    let mut node = node(Phase::Live, &["s1"]);
    node.write("out.hb", LINES);
    node.write("out", "server s1 10.0.0.1:3000\n");
    // Killed between putting and telling; and whoever is to be told does not listen now either.
    node.write(".out.old", "before\n");
    let action = Action::Run(node.script("[ -e listens ]"));
    node.start(TemplatesConfig { action, ..node.config() });
    node.until(|node| node.row().failed > 2).await;
    assert_eq!(node.sources.reports.all(), [], "it still reads what was there before");
    node.write("listens", "");
    node.until(|node| node.sources.reports.all().iter().any(|report| report.version == 1)).await;
    node.stop().await;
}

#[tokio::test]
async fn what_somebody_else_put_into_the_folder_is_not_touched_whatever_nodes_are_called() {
    let mut node = node(Phase::Live, &["list", "passwd", "s1", "s2"]);
    let folder = node.path("nodes");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("passwd"), "root\n").unwrap();
    // The same as it would be, and still not ours.
    fs::write(folder.join("list"), "list\n").unwrap();
    fs::write(node.path("elsewhere"), "untouched").unwrap();
    std::os::unix::fs::symlink(node.path("elsewhere"), folder.join("s2")).unwrap();
    let config = TemplatesConfig {
        files: Vec::new(),
        folder: Some(FolderConfig { path: folder.clone(), content: "{{host}}\n".to_owned() }),
        ..node.config()
    };
    node.start(config);
    node.until(|node| node.row().changed == 1).await;
    let refusals = node.row().refusals;
    assert_eq!(refusals.len(), 3, "{refusals:?}");
    assert!(refusals.iter().all(|text| text.contains("is somebody else's")), "{refusals:?}");
    let listed = fs::read_to_string(folder.join(".muster")).unwrap();
    assert_eq!(listed, "s1\n");
    node.see(Phase::Live, &["s1"]);
    node.until(|node| node.row().refusals.is_empty()).await;
    assert_eq!(fs::read_to_string(folder.join("passwd")).unwrap(), "root\n");
    assert_eq!(fs::read_to_string(folder.join("list")).unwrap(), "list\n");
    assert_eq!(node.read("elsewhere"), "untouched");
    // When that is gone, the file is the node's.
    fs::remove_file(folder.join("passwd")).unwrap();
    node.see(Phase::Live, &["passwd", "s1"]);
    node.until(|node| node.row().changed == 2).await;
    assert_eq!(fs::read_to_string(folder.join("passwd")).unwrap(), "passwd\n");
    node.stop().await;
}

#[test]
fn a_path_is_replaced_where_it_stands_whole() {
    let paths = [(Path::new("/etc/a.cfg"), Path::new("/etc/.a.cfg.new"))];
    let cases = [
        ("/etc/a.cfg", "/etc/.a.cfg.new"),
        ("--file=/etc/a.cfg", "--file=/etc/.a.cfg.new"),
        ("test -s /etc/a.cfg && grep é '/etc/a.cfg'", "test -s /etc/.a.cfg.new && grep é '/etc/.a.cfg.new'"),
        ("/etc/a.cfg.bak /x/etc/a.cfg", "/etc/a.cfg.bak /x/etc/a.cfg"),
    ];
    for (word, made) in cases {
        assert_eq!(substitute(word, &paths), made);
    }
}
