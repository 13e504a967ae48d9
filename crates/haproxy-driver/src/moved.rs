//! Servers that got another address while requests were in flight on the former one.
//!
//! HAProxy counts by name, so these requests would count where the server is now, and whoever listens at the former address would be told
//! that it has none. Which of a server's requests began before it moved, HAProxy does not say; but they only become fewer, so
//! there are never more of them than the server had at any look since.

use muster_haproxy::{Load, ServerName};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Most that are remembered. Each has requests in flight from before it moved.
const MOVED_MAX: usize = 10_000;

/// At most so many requests are in flight there.
#[derive(Debug, Default)]
pub(crate) struct Moved(BTreeMap<(ServerName, SocketAddr), u32>);

impl Moved {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// It was at `addr` until now.
    pub(crate) fn note(&mut self, name: &ServerName, addr: SocketAddr) {
        if self.0.len() < MOVED_MAX {
            self.0.insert((name.clone(), addr), u32::MAX);
        }
    }

    /// Takes note of what all workers have.
    pub(crate) fn look(&mut self, all: &[Load]) {
        let in_flight = by_name(all);
        for ((name, _), most) in &mut self.0 {
            *most = (*most).min(in_flight.get(name).copied().unwrap_or(0));
        }
        self.0.retain(|_, most| *most > 0);
    }

    /// What is in flight there, given what all workers have.
    pub(crate) fn loads(&self, all: &[Load]) -> Vec<Load> {
        let in_flight = by_name(all);
        let now = |name| in_flight.get(name).copied().unwrap_or(0);
        self.0
            .iter()
            .map(|((name, addr), most)| Load::gone(name.clone(), Some(*addr), now(name).min(*most)))
            .collect()
    }
}

fn by_name(all: &[Load]) -> BTreeMap<&ServerName, u32> {
    let mut in_flight: BTreeMap<&ServerName, u32> = BTreeMap::new();
    for load in all {
        let sum = in_flight.entry(&load.name).or_default();
        *sum = sum.saturating_add(load.in_flight);
    }
    in_flight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_in_flight_before_a_move_only_becomes_less() {
        let name = ServerName { backend: "b".into(), server: "s".into() };
        let (there, elsewhere) = ("10.0.0.1:80".parse().unwrap(), "10.0.0.2:80".parse().unwrap());
        let all = |in_flight| [Load::gone(name.clone(), Some(elsewhere), in_flight)];
        let mut moved = Moved::default();
        moved.note(&name, there);
        let mut told = |in_flight| {
            moved.look(&all(in_flight));
            moved.loads(&all(in_flight)).iter().map(|load| (load.address, load.in_flight)).collect::<Vec<_>>()
        };
        assert_eq!(told(3), [(Some(there), 3)]);
        assert_eq!(told(1), [(Some(there), 1)]);
        assert_eq!(told(7), [(Some(there), 1)], "the others are its new ones");
        assert_eq!(told(0), []);
        assert_eq!(told(7), []);
    }
}
