//! How many clients may be in the middle of a handshake.
//!
//! Each costs memory and has shown nothing yet, so there is a bound; and when it is reached, the one that has taken longest goes, as
//! it is the one that least likely gets on. Were newcomers kept waiting instead, whoever opens that many connections and says
//! nothing would keep all others out; so he must open that many in the time of one honest handshake.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use tokio::sync::Notify;

/// Handshakes under way, in the order they began.
#[derive(Debug)]
pub(crate) struct Handshakes {
    under_way: RefCell<BTreeMap<u64, Rc<Notify>>>,
    begun: Cell<u64>,
    max: usize,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Handshake<'a> {
    all: &'a Handshakes,
    number: u64,
    ousted: Rc<Notify>,
}

impl Handshakes {
    /// At most `max` at once.
    pub(crate) fn new(max: usize) -> Self {
        Self { under_way: RefCell::default(), begun: Cell::new(0), max }
    }

    /// One more, which may cost the oldest its place.
    pub(crate) fn begin(&self) -> Handshake<'_> {
        let mut under_way = self.under_way.borrow_mut();
        if under_way.len() >= self.max
            && let Some((_, oldest)) = under_way.pop_first()
        {
            oldest.notify_one();
        }
        let number = self.begun.replace(self.begun.get() + 1);
        let ousted = Rc::new(Notify::new());
        under_way.insert(number, Rc::clone(&ousted));
        Handshake { all: self, number, ousted }
    }
}

impl Handshake<'_> {
    /// Returns when a newer one needs the place.
    pub(crate) async fn ousted(&self) {
        self.ousted.notified().await;
    }
}

impl Drop for Handshake<'_> {
    fn drop(&mut self) {
        self.all.under_way.borrow_mut().remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_makes_room_and_an_ended_one_leaves_it() {
        let all = Handshakes::new(2);
        let is_ousted = async |one: &Handshake<'_>| {
            tokio::select! { biased; () = one.ousted() => true, () = std::future::ready(()) => false }
        };
        let (first, second) = (all.begin(), all.begin());
        drop(second);
        let third = all.begin();
        assert!(!is_ousted(&first).await);
        let fourth = all.begin();
        assert!(is_ousted(&first).await && !is_ousted(&third).await);
        drop(first);
        let fifth = all.begin();
        assert!(is_ousted(&third).await && !is_ousted(&fourth).await && !is_ousted(&fifth).await);
    }
}
