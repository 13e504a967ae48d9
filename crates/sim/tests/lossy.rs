//! Members that lose most of what they send, and the healthy ones that they must not take with them.

use muster_serf::{Event, Extensions, MemberEvent};
use muster_sim::{Spec, World};
use std::time::Duration;

const HOSTS: usize = 100;
const LOSSY: std::ops::Range<usize> = 50..53;

/// How often a healthy host held another for failed in two minutes.
fn healthy_removed(extensions: Extensions) -> usize {
    let spec = |at| Spec { extensions, ..Spec::named(format!("n{at}")) };
    let mut world = World::acquainted((0..HOSTS).map(spec), 3);
    for host in LOSSY {
        world.network.port(host).loss_out = 0.8;
    }
    let mut removed = 0;
    world.run_watching(Duration::from_secs(120), |_, noticed| {
        for noticed in noticed {
            let Event::Member(MemberEvent::Failed, member) = &noticed.event else { continue };
            let about: usize = member.name[1..].parse().expect("hosts are n and a number");
            removed += usize::from(!LOSSY.contains(&about) && !LOSSY.contains(&noticed.host));
        }
        false
    });
    removed
}

#[test]
fn members_that_lose_most_of_what_they_send_remove_nobody_healthy() {
    assert_eq!(healthy_removed(Extensions::ALL), 0);
    let silent = healthy_removed(Extensions { tell_accused: false, ..Extensions::ALL });
    assert!(silent > HOSTS / 2, "{silent} times without telling the accused: the test shows nothing");
}
