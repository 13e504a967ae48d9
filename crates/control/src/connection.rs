//! What keeps a connection to the agent moving.

use tokio::task::JoinHandle;

/// The task that moves one connection's bytes; it ends with this guard, and the connection with it.
#[derive(Debug)]
pub(crate) struct Connection(pub(crate) JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}
