//! What goes beyond SWIM and beyond the reference, each with its switch.
//!
//! Agents have all of it. The switches are there for simulations that compare: with SWIM as published, with memberlist,
//! and with one extension at a time as the Lifeguard paper does (arXiv 1707.00788).

/// Which extensions are in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches, not the states of one thing")]
pub struct Extensions {
    /// Lifeguard's local-health-aware probe: who hears little from everyone probes more slowly and asks for nacks.
    pub aware_probe: bool,
    /// Lifeguard's local-health-aware suspicion: a suspicion starts long, and independent confirmations shorten it.
    pub aware_suspicion: bool,
    /// Lifeguard's buddy system: a suspected member is told of it by whoever probes it.
    pub buddy_system: bool,
    /// Relays nack before the asker's probe is over.
    pub early_nacks: bool,
    /// News after a pause goes out at once instead of at the next tick.
    pub prompt_gossip: bool,
    /// Telling the dead does not end the life of a message.
    pub news_for_the_living: bool,
    /// A leave reaches up to 64 members with each round.
    pub wide_leave: bool,
    /// News that concern traffic are told straight, confirmed, and by stream if need be.
    pub direct_news: bool,
    /// A node's own word for its leave counts without a leave intent, and after it was found dead.
    pub own_word: bool,
    /// Who accuses a node that left, or a life that is over, is told so.
    pub leave_repair: bool,
    /// A suspicion that nobody shares is told to the accused, and each is before it ends.
    pub tell_accused: bool,
    /// A name whose holder is silent may be taken over from another address.
    pub takeover: bool,
    /// Who is probed by a stranger asks it for its state, and tells one that it holds gone so.
    pub greet_strangers: bool,
    /// More exchanges after a burst of changes.
    pub burst_sync: bool,
}

impl Extensions {
    /// Everything: what agents do.
    pub const ALL: Self = Self {
        early_nacks: true,
        prompt_gossip: true,
        news_for_the_living: true,
        wide_leave: true,
        direct_news: true,
        own_word: true,
        leave_repair: true,
        tell_accused: true,
        takeover: true,
        greet_strangers: true,
        burst_sync: true,
        ..Self::MEMBERLIST
    };
    /// The reference's rules: Lifeguard, and nothing of ours.
    pub const MEMBERLIST: Self =
        Self { aware_probe: true, aware_suspicion: true, buddy_system: true, ..Self::SWIM };
    /// SWIM with suspicion, as memberlist has it without Lifeguard.
    pub const SWIM: Self = Self {
        aware_probe: false,
        aware_suspicion: false,
        buddy_system: false,
        early_nacks: false,
        prompt_gossip: false,
        news_for_the_living: false,
        wide_leave: false,
        direct_news: false,
        own_word: false,
        leave_repair: false,
        tell_accused: false,
        takeover: false,
        greet_strangers: false,
        burst_sync: false,
    };
}

impl Default for Extensions {
    fn default() -> Self {
        Self::ALL
    }
}
