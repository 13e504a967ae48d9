//! How far news get.

use super::world::{World, secs};
use crate::{Event, UserQueue};

/// A message is sent a few times, to random members; the recently dead are among them so that they can refute.
#[test]
fn what_the_dead_are_told_does_not_count_as_told() {
    for seed in 0..20 {
        let mut world = World::cluster(5, seed);
        for at in 2..5 {
            world.kill(at);
        }
        assert!(world.run_until(secs(60), |world| {
            (2..5).all(|at| (0..2).all(|by| !world.losses(by, at).is_empty()))
        }));
        world.forget_history();
        world.command(0, |swim, _| swim.broadcast(UserQueue::Intents, b"\x00news".to_vec(), None));
        world.run_for(secs(5));
        let heard =
            world.count(1, |event| matches!(event, Event::User(message) if message.ends_with(b"news")));
        assert!(heard > 0, "seed {seed}: the only living one never heard");
    }
}
