//! A scenario: some nodes, what befalls them and when, and what should be seen of it.
//!
//! It is a text file, one thing a line; what it means stands in [`FORMAT`], which `muster sim --help` shows too. A scenario
//! written by the [fault generator](crate::faults) is of the same kind and can be printed, cut down and kept.

mod parse;
mod print;

pub use parse::ParseError;

use muster_wire::tags::Tags;
use std::time::Duration;

/// Most nodes of a scenario file, and most steps: a file from somebody else must not fill the memory.
pub(crate) const NODES_MAX: usize = 1000;
pub(crate) const STEPS_MAX: usize = 10_000;
/// The longest a scenario runs.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

/// The format of scenario files, for people.
pub const FORMAT: &str = "\
A scenario is a text file. A # begins a comment. First the cluster, at time 0 long since at peace:
  nodes 5                              n1 to n5; n1 and n2 are everyone's seeds
  seed 7                               of every random choice; 1 without it
  stock n2 n3                          these follow the reference's rules only
  tags n2 role=web port=80             these tags from the start
  link latency 1ms jitter 2ms loss 5% duplicate 1% late 2%

Then what happens, with times that never go back:
  at 10s crash n3 n4                   gone without a word
  at 20s start n3                      again, knowing nothing
  at 20s start n3 remembering          again, with its snapshot
  at 20s recreate n3                   a new container of that name at another address; the old one is gone
  at 20s leave n3                      in order
  at 20s force-leave n3 by n1          n1 declares the failed n3 left
  at 20s pause n3 for 30s              stopped; it notices that it slept. Also: unnoticed, deaf (nothing queues meanwhile)
  at 20s slow n3 50ms                  the time each message takes it; 0ms ends it
  at 20s cut n1 -> n2                  nothing passes; <-> for both ways; udp at the end cuts datagrams only
  at 20s part n1 n2 | n3 n4 n5         a partition
  at 20s lose n3 30%                   datagrams to and from it
  at 20s link loss 5%                  of the whole network, as above
  at 20s heal                          no cut, part or loss any more, and the link as in the beginning
  at 20s tag n2 role=web               these tags instead of its own
  at 20s tell n2 deploy v1             a user event and its payload
  at 20s show wire                     every message from here on; hide wire, hide events, show events
  at 30s expect n1 sees n3 failed      alive, leaving, left, failed, nobody
  at 30s expect all see n3 left        all others that are up
  at 30s expect all right              everyone up sees exactly those who are up, with their tags and addresses
  at 30s expect all right within 60s   at that time or up to a minute later
  at 30s expect no failure of n2       nobody ever found it failed; without `of n2`: nobody at all
  at 40s end
";

/// A node of a scenario: `Node(0)` is n1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Node(pub usize);

/// A whole scenario.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// How many nodes there are at first.
    pub nodes: usize,
    /// Of every random choice.
    pub seed: u64,
    /// Those that follow the reference's rules.
    pub stock: Vec<Node>,
    /// Tags from the start.
    pub tags: Vec<(Node, Tags)>,
    /// The network at the beginning.
    pub link: Vec<Condition>,
    /// What happens, by time.
    pub steps: Vec<Step>,
}

/// Something that happens.
#[derive(Clone, PartialEq, Debug)]
pub struct Step {
    /// When.
    pub at: Duration,
    /// The line of the file; 0 if it comes from no file.
    pub line: usize,
    /// What.
    pub action: Action,
}

/// One property of the network.
#[derive(Clone, Copy, PartialEq, Debug)]
#[allow(missing_docs, reason = "the fields of network::Link")]
pub enum Condition {
    Latency(Duration),
    Jitter(Duration),
    Loss(f64),
    Duplicate(f64),
    Late(f64),
}

/// What can happen; each is explained in [`FORMAT`].
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs, reason = "explained in FORMAT")]
pub enum Action {
    Crash(Vec<Node>),
    Start { nodes: Vec<Node>, remembering: bool },
    Recreate(Node),
    Leave(Vec<Node>),
    ForceLeave { node: Node, by: Node },
    Pause { nodes: Vec<Node>, time: Duration, unnoticed: bool, deaf: bool },
    Slow { node: Node, delay: Duration },
    Cut { from: Node, to: Node, both_ways: bool, udp_only: bool },
    Part(Vec<Vec<Node>>),
    Lose { node: Node, share: f64 },
    Link(Vec<Condition>),
    Heal,
    Tag { node: Node, tags: Tags },
    Tell { node: Node, name: String, payload: String },
    Show { what: Layer, on: bool },
    Expect { what: Expectation, within: Duration },
    End,
}

/// What a trace can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Layer {
    /// What nodes notice.
    Events,
    /// What they send.
    Wire,
}

/// What should be seen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expectation {
    /// One node sees another so.
    Sees {
        /// Who; all others that are up, if none is named.
        by: Option<Node>,
        /// Whom.
        node: Node,
        /// How; nobody of that name, if none.
        status: Option<muster_serf::Status>,
    },
    /// Everyone sees what is.
    AllRight,
    /// Nobody was found failed so far; or not this one.
    NoFailure(Option<Node>),
}

impl Scenario {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first line that cannot be understood, and what would be right there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        parse::scenario(text)
    }
}
