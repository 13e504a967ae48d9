use super::*;
use crate::roster::tests::{member as serf_member, roster, tagged};
use muster_fleet::Standing;

const OPTIONS: DrawOptions = DrawOptions { default_port: 3000, allow_loopback: true };

struct Kept {
    pictures: watch::Receiver<Arc<Picture>>,
    inbox: Arc<Inbox>,
    synced: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn keep() -> Kept {
    let (inbox, roster) = roster();
    let fleet = Fleet::new(OPTIONS);
    let pictures = fleet.pictures();
    let synced = watch::Sender::new(false);
    let task = tokio::spawn(fleet.keep(Arc::new(roster), Arc::clone(&inbox), synced.subscribe()));
    Kept { pictures, inbox, synced, task }
}

fn web(name: &str, status: serf::Status) -> serf::Member {
    tagged(name, status, &[("role", "web")])
}

#[tokio::test]
async fn every_change_of_a_backend_is_a_new_version() {
    let mut kept = keep();
    kept.inbox.put(web("b1", serf::Status::Alive));
    let picture = kept.pictures.wait_for(|picture| !picture.services.is_empty()).await.unwrap().clone();
    assert_eq!(picture.version, 2);
    assert_eq!(picture.services["web"].backends["b1"].standing, Standing::Ready);

    kept.inbox.put(web("b1", serf::Status::Leaving));
    let picture = kept.pictures.wait_for(|picture| picture.version == 3).await.unwrap().clone();
    assert_eq!(picture.services["web"].backends["b1"].standing, Standing::Withdrawn);
}

#[tokio::test(start_paused = true)]
async fn a_member_without_a_service_changes_no_version() {
    let mut kept = keep();
    kept.synced.send_replace(true);
    kept.pictures.wait_for(|picture| picture.phase == Phase::Live).await.unwrap();
    kept.pictures.mark_unchanged();
    kept.inbox.put(serf_member("plain", serf::Status::Alive));
    assert!(tokio::time::timeout(Duration::from_secs(60), kept.pictures.changed()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_fresh_agent_warms_until_its_first_exchange() {
    let mut kept = keep();
    assert_eq!(kept.pictures.borrow().phase, Phase::Warming);
    let before = Instant::now();
    kept.synced.send_replace(true);
    kept.pictures.wait_for(|picture| picture.phase == Phase::Live).await.unwrap();
    assert!(before.elapsed() < WARMING_MAX);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_meets_nobody_is_live_after_ten_seconds() {
    let mut kept = keep();
    let before = Instant::now();
    kept.pictures.wait_for(|picture| picture.phase == Phase::Live).await.unwrap();
    assert!(before.elapsed() >= WARMING_MAX);
}
