//! The file in the hands of fate: killed writers, full disks, damage, other releases.

use muster_control::history::{Fact, History, HistoryQuery};
use muster_history::{Keeper, SCHEMA_VERSION, Settings, read_file};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(60);
const CHILD: &str = "MUSTER_TEST_HISTORY";

fn settings(path: &Path) -> Settings {
    Settings { path: Some(path.to_owned()), keep: Duration::from_secs(86_400), max_size: 1 << 30 }
}

fn fact(node: &str, what: &str) -> Fact {
    Fact { kind: "member".into(), node: node.into(), what: what.into(), ..Fact::default() }
}

/// Asks until `is_right`.
fn found(keeper: &Keeper, is_right: impl Fn(&History) -> bool) -> History {
    let begun = Instant::now();
    loop {
        let history = keeper.find(&HistoryQuery::default());
        if let Ok(history) = &history
            && is_right(history)
        {
            return history.clone();
        }
        assert!(begun.elapsed() < LONG, "{history:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Not a test: the process that is killed. It says of each commit that it was made.
#[test]
#[ignore = "run by the test below"]
fn child() {
    let Some(path) = std::env::var_os(CHILD) else { return };
    let keeper = Keeper::start(settings(Path::new(&path))).unwrap();
    let mut cursor = None;
    for n in 0_u64.. {
        keeper.record(fact("a", &n.to_string()));
        let history = keeper.find(&HistoryQuery { cursor, ..HistoryQuery::default() }).unwrap_or_default();
        if history.next > cursor.unwrap_or(0) {
            cursor = Some(history.next);
            println!("kept {}", history.next);
        }
    }
}

#[test]
fn nothing_that_was_kept_is_lost_by_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    for round in 0..100 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored", "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        // The words of the test's own harness may stand before the first.
        let mut kept = lines.filter_map(|line| line.rsplit_once("kept ")?.1.parse::<i64>().ok());
        let mut last = kept.nth(round % 3).expect("something is kept");
        child.kill().unwrap();
        child.wait().unwrap();
        last = kept.last().unwrap_or(last);
        let sqlite = rusqlite::Connection::open(&path).unwrap();
        let text = |sql: &str| sqlite.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(text("PRAGMA integrity_check"), "ok");
        let (max, count): (i64, i64) = sqlite
            .query_row("SELECT max(id), count(*) FROM facts", [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap();
        assert!(
            max >= last && count == max,
            "round {round}: {last} were kept; there are {count} up to {max}"
        );
    }
}

#[test]
fn it_is_for_its_owner_only_and_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    for round in 1..=2 {
        let keeper = Keeper::start(settings(&path)).unwrap();
        keeper.record(fact("a", "alive"));
        keeper.end(LONG);
        assert_eq!(read_file(&path).unwrap().find(&HistoryQuery::default()).unwrap().facts.len(), round);
    }
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_is_damaged_or_newer_is_set_aside() {
    let newer = |path: &Path| {
        let sqlite = rusqlite::Connection::open(path).unwrap();
        sqlite.pragma_update(None, "application_id", 0x4d53_5452).unwrap();
        sqlite.pragma_update(None, "user_version", SCHEMA_VERSION + 1).unwrap();
    };
    let garbage = |path: &Path| std::fs::write(path, "no database ".repeat(1000)).unwrap();
    for (word, make) in [("newer", &newer as &dyn Fn(&Path)), ("damaged", &garbage)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.db");
        make(&path);
        let before = std::fs::read(&path).unwrap();
        let keeper = Keeper::start(settings(&path)).unwrap();
        keeper.record(fact("a", "alive"));
        let history = found(&keeper, |history| history.facts.len() == 1);
        assert_eq!(history.kept, path.display().to_string());
        let aside = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
        let aside: Vec<_> = aside.filter(|path| path.to_string_lossy().contains(word)).collect();
        assert_eq!(std::fs::read(&aside[0]).unwrap(), before, "{word}: nothing of it is lost");
        keeper.end(LONG);
    }
}

#[test]
fn what_a_link_leads_to_and_anothers_database_keep_their_modes() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let [target, link, theirs] = ["target", "link", "theirs.db"].map(|name| dir.path().join(name));
    std::fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let sqlite = rusqlite::Connection::open(&theirs).unwrap();
    sqlite.execute_batch("CREATE TABLE theirs(x)").unwrap();
    for (path, at) in [(&target, &link), (&theirs, &theirs)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let keeper = Keeper::start(settings(at)).unwrap();
        keeper.record(fact("a", "alive"));
        let history = found(&keeper, |history| history.facts.len() == 1);
        assert_ne!(history.kept, at.display().to_string());
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o644);
        keeper.end(LONG);
    }
}

#[test]
fn anothers_database_and_a_folder_that_is_not_there_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("theirs.db");
    rusqlite::Connection::open(&theirs).unwrap().execute_batch("CREATE TABLE theirs(x)").unwrap();
    let before = std::fs::read(&theirs).unwrap();
    for path in [&theirs, &dir.path().join("none/history.db"), &dir.path().to_owned()] {
        let keeper = Keeper::start(settings(path)).unwrap();
        keeper.record(fact("a", "alive"));
        let history = found(&keeper, |history| history.facts.len() == 1);
        assert_eq!(history.kept, "memory", "{}", path.display());
        keeper.end(LONG);
    }
    assert_eq!(std::fs::read(&theirs).unwrap(), before);
}

/// A file system of half a megabyte, where we may have one. Unmounted when dropped.
struct Tmpfs(tempfile::TempDir);

impl Tmpfs {
    fn new() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a place for tests");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
            .arg(dir.path())
            .stderr(Stdio::null())
            .status();
        mount.is_ok_and(|status| status.success()).then_some(Self(dir))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_costs_nothing_that_was_kept_and_is_tried_again() {
    let Some(disk) = Tmpfs::new() else {
        return eprintln!("not tested: nobody may mount here");
    };
    let path = disk.0.path().join("history.db");
    let filler = disk.0.path().join("filler");
    let keeper = Keeper::start(settings(&path)).unwrap();
    keeper.record(fact("before", "alive"));
    found(&keeper, |history| history.facts.len() == 1);
    // It fails at the end of the disk.
    let _ = std::fs::write(&filler, vec![1; 1 << 20]);
    for n in 0..200 {
        keeper.record(Fact { why: "w".repeat(1000), ..fact("during", &n.to_string()) });
    }
    std::thread::sleep(Duration::from_millis(500));
    let during = keeper.find(&HistoryQuery::default()).unwrap();
    assert_eq!(during.facts.len(), 1, "what was kept is there, and nothing in part");
    std::fs::remove_file(&filler).unwrap();
    let query = HistoryQuery { limit: Some(1000), ..HistoryQuery::default() };
    let begun = Instant::now();
    while keeper.find(&query).unwrap().facts.len() < 201 {
        assert!(begun.elapsed() < LONG, "{} are kept", keeper.find(&query).unwrap().facts.len());
        std::thread::sleep(Duration::from_millis(50));
    }
    keeper.end(LONG);
}
