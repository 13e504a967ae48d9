//! What the servers of this node have in common: the parts that they ask, and the facts that they tell.

use crate::advertise::Advertised;
use crate::gossip::Handle;
use crate::handlers::Handlers;
use crate::hub::Hub;
use crate::join::Joiner;
use crate::own_tags::OwnTags;
use crate::reports::Reports;
use crate::roster::Roster;
use crate::templates::Board;
use crate::{Ended, LogBook, ProfileName};
use muster_fleet::Picture;
use muster_history::Keeper;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// What a request may need.
#[derive(Debug)]
pub(crate) struct Shared {
    pub gossip: Handle,
    pub hub: Hub,
    pub handlers: Handlers,
    pub log: LogBook,
    pub joiner: Joiner,
    pub roster: Arc<Roster>,
    pub pictures: watch::Receiver<Arc<Picture>>,
    pub reports: Arc<Reports>,
    pub history: Keeper,
    pub templates: Board,
    pub tags: OwnTags,
    pub profile: ProfileName,
    pub protocol: u8,
    /// Asks for a leave; told how it ended.
    pub leave: mpsc::Sender<oneshot::Sender<Ended>>,
    /// Becomes true when streams without end must end.
    pub stop: watch::Receiver<bool>,
    pub node: String,
    /// Whether gossip is.
    pub encrypted: bool,
    pub advertised: Advertised,
    pub bound: SocketAddr,
    pub socket: PathBuf,
}
