use super::*;
use crate::gossip::testing::fake;
use crate::roster::tests::{member, roster};
use muster_serf::Status;
use std::fs;
use std::path::Path;

fn open(path: &Path) -> Opened {
    Opened::open(&SnapshotOptions { path: path.to_owned(), rejoin_after_leave: false }).unwrap()
}

/// Returns once the file holds exactly this.
async fn holds(path: &Path, text: &str) {
    let started = std::time::Instant::now();
    while fs::read_to_string(path).unwrap_or_default() != text {
        assert!(started.elapsed() < Duration::from_secs(60), "{:?}", fs::read_to_string(path));
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn the_file_follows_the_members_until_we_leave() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshot");
    let (inbox, roster) = roster();
    let roster = Arc::new(roster);
    let keeping = open(&path).keep(Arc::clone(&roster), fake(|_| Ok(())).0, &Hub::default());
    let put = |name: &str, status| {
        inbox.put(member(name, status));
        roster.look(|_| ());
    };
    put("web", Status::Alive);
    holds(&path, "alive: web 127.0.0.1:7946\n").await;
    put("db", Status::Alive);
    put("web", Status::Failed);
    holds(&path, "alive: web 127.0.0.1:7946\nalive: db 127.0.0.1:7946\nnot-alive: web\n").await;
    keeping.leave().await;
    let left = "alive: web 127.0.0.1:7946\nalive: db 127.0.0.1:7946\nnot-alive: web\nleave\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), left, "it was written before the answer");
    put("db", Status::Left);
    keeping.end().await;
    assert_eq!(fs::read_to_string(&path).unwrap(), left);
    assert!(open(&path).former.alive.is_empty());
}

#[tokio::test]
async fn what_happened_just_before_the_end_is_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("snapshot");
    let (inbox, roster) = roster();
    let keeping = open(&path).keep(Arc::new(roster), fake(|_| Ok(())).0, &Hub::default());
    for name in ["a", "b", "c"] {
        inbox.put(member(name, Status::Alive));
    }
    keeping.end().await;
    assert_eq!(open(&path).former.alive.len(), 3);
}
