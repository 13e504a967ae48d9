use super::*;
use crate::roster::tests::{member as serf_member, roster, tagged};
use muster_fleet::{Gossip, Standing};

const OPTIONS: DrawOptions =
    DrawOptions { default_port: 3000, allow_loopback: true, rules: muster_fleet::Rules::new() };

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

impl Kept {
    /// Returns when `member` has this standing in the picture.
    async fn shows(&mut self, member: serf::Member, standing: Option<Standing>) {
        let name = member.name.clone();
        self.inbox.put(member);
        self.until(&name, standing).await;
    }

    async fn until(&mut self, name: &str, standing: Option<Standing>) {
        while self.standing(name) != standing {
            // An hour of the paused clock: never.
            let changed = tokio::time::timeout(Duration::from_secs(3600), self.pictures.changed()).await;
            changed.unwrap_or_else(|_| panic!("{name} stays {:?}", self.standing(name))).unwrap();
        }
    }

    fn standing(&mut self, name: &str) -> Option<Standing> {
        self.pictures.borrow_and_update().backend("web", name).map(|backend| backend.standing)
    }
}

fn keep() -> Kept {
    let (inbox, roster) = roster();
    let fleet = Fleet::new(OPTIONS, Gossip::Sealed);
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

/// The first return shows at once, the second when the member has not failed for a minute, and a leave has no say in that.
#[tokio::test(start_paused = true)]
async fn a_member_that_flaps_stays_demoted_until_it_has_been_quiet() {
    use serf::Status::{Alive, Failed, Leaving, Left};
    let mut kept = keep();
    kept.synced.send_replace(true);
    kept.shows(web("b1", Alive), Some(Standing::Ready)).await;
    kept.shows(web("b1", Failed), Some(Standing::Demoted)).await;
    kept.shows(web("b1", Alive), Some(Standing::Ready)).await;

    kept.shows(web("b1", Failed), Some(Standing::Demoted)).await;
    let fell = Instant::now();
    kept.inbox.put(web("b1", Alive));
    // Drawn with this newcomer, at the latest.
    kept.shows(web("b2", Alive), Some(Standing::Ready)).await;
    assert_eq!(kept.standing("b1"), Some(Standing::Demoted));
    kept.until("b1", Some(Standing::Ready)).await;
    assert_eq!(fell.elapsed().as_secs(), 60);

    kept.shows(web("b1", Failed), Some(Standing::Demoted)).await;
    kept.inbox.put(web("b1", Alive));
    kept.shows(web("b3", Alive), Some(Standing::Ready)).await;
    assert_eq!(kept.standing("b1"), Some(Standing::Demoted));
    kept.shows(web("b1", Leaving), Some(Standing::Withdrawn)).await;
    kept.shows(web("b1", Left), None).await;
    kept.shows(web("b1", Alive), Some(Standing::Ready)).await;
    assert_eq!(fell.elapsed().as_secs(), 60, "who left and is back is believed at once");
}

#[tokio::test(start_paused = true)]
async fn a_member_that_flaps_is_withdrawn_at_once() {
    use serf::Status::{Alive, Failed};
    let mut kept = keep();
    for status in [Alive, Failed, Alive, Failed] {
        let standing = if status == Alive { Standing::Ready } else { Standing::Demoted };
        kept.shows(web("b1", status), Some(standing)).await;
    }
    let notready = tagged("b1", Alive, &[("role", "web"), ("notready", "web")]);
    kept.shows(notready, Some(Standing::Withdrawn)).await;
    kept.shows(web("b1", Alive), Some(Standing::Demoted)).await;
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
