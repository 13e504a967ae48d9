//! What operators and programs tell the whole cluster.

use crate::msgpack::record;

/// A user event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UserEvent<'a> {
    /// Lamport time of the event clock.
    pub ltime: u64,
    /// Event name.
    pub name: &'a str,
    /// `None` is nil on the wire.
    pub payload: Option<&'a [u8]>,
    /// Whether handlers may coalesce it.
    pub coalesce: bool,
}
record!(UserEvent<'a> { LTime => ltime, Name => name, Payload => payload, CC => coalesce });
