//! How far the agent is, for a shell that tells it as it happens: `serf agent` prints each step of its start and its end.

use std::fmt;
use std::sync::Arc;

/// A step in the life of the agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Gossip and all servers listen.
    Listening,
    /// The seeds that must answer (`start_join`) are contacted.
    Joining,
    /// So many addresses of them answered.
    Joined(usize),
    /// The start is complete.
    Running,
    /// A signal was caught, by its name without `SIG`.
    Caught(&'static str),
    /// HUP: the configuration is read again.
    Reloading,
    /// The cluster is told that this node leaves, because of a signal.
    Leaving,
}

/// Who is told. By default nobody.
#[derive(Clone, Default)]
pub struct Stages(Option<Arc<dyn Fn(Stage) + Send + Sync>>);

impl Stages {
    /// `tell` is called at each step, on the agent's control thread, which waits for it.
    pub fn told_to(tell: impl Fn(Stage) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(crate) fn tell(&self, stage: Stage) {
        if let Some(tell) = &self.0 {
            tell(stage);
        }
    }
}

impl fmt::Debug for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Stages(somebody)" } else { "Stages(nobody)" })
    }
}
