//! What others may ask of the gossip thread, and how they ask.

use super::answers::Answers;
use crate::telemetry::Counters;
use crate::throttle::Throttled;
use muster_serf::{
    Coordinate, Instant, KeyAnswer, KeyOperation, Member, QueryError, QueryId, QueryParams, RespondError,
    Stats, TagsTooLong, UserEventError, Why,
};
use muster_wire::tags::Tags;
use std::net::SocketAddr;
use tokio::sync::{mpsc, oneshot};

/// Commands waiting; senders wait beyond that.
const COMMANDS_MAX: usize = 64;

/// What others may ask of the gossip thread.
#[derive(Debug)]
pub(crate) enum Command {
    Join { to: SocketAddr, replay: bool, done: oneshot::Sender<Result<(), String>> },
    ForceLeave { node: String, prune: bool, done: oneshot::Sender<()> },
    Leave { done: oneshot::Sender<()> },
    SetTags { tags: Tags, done: oneshot::Sender<Result<(), TagsTooLong>> },
    UserEvent { event: UserEvent, done: oneshot::Sender<Result<(), UserEventError>> },
    Query { question: Question, done: oneshot::Sender<Result<Answers, QueryError>> },
    Respond { id: QueryId, payload: Vec<u8>, done: oneshot::Sender<Result<(), RespondError>> },
    RespondKeys { id: QueryId, answer: KeyAnswer, done: oneshot::Sender<Result<(), RespondError>> },
    Coordinate { node: String, done: oneshot::Sender<Option<Coordinate>> },
    Why { node: String, done: oneshot::Sender<Known> },
    Stats(oneshot::Sender<(Stats, Option<Throttled>)>),
    Telemetry(oneshot::Sender<(Counters, Stats)>),
    Stop,
}

/// Something to tell the whole cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct UserEvent {
    pub name: String,
    pub payload: Vec<u8>,
    /// Handlers may be shown only the last of several with this name.
    pub coalesce: bool,
}

/// Something to ask the cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Question {
    /// Answered by handlers.
    Query { name: String, payload: Vec<u8>, params: QueryParams },
    /// Answered by each node itself.
    Keys(KeyOperation),
}

/// What is known of a name, and how far to trust it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Known {
    /// When this was asked, on the core's clock.
    pub now: Instant,
    pub why: Option<Why>,
    pub member: Option<Member>,
    /// When its status last changed.
    pub since: Instant,
    pub health_score: u32,
}

/// The gossip thread is gone: the agent is ending.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the agent is ending")]
pub(crate) struct Gone;

/// Asks the gossip thread.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    commands: mpsc::Sender<Command>,
}

impl Handle {
    /// A handle, and where its commands arrive.
    pub(crate) fn new() -> (Self, mpsc::Receiver<Command>) {
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        (Self { commands }, receiver)
    }

    /// One push/pull with `to`.
    pub(crate) async fn join(&self, to: SocketAddr, replay: bool) -> Result<(), String> {
        self.ask(|done| Command::Join { to, replay, done }).await.unwrap_or_else(|gone| Err(gone.to_string()))
    }

    pub(crate) async fn force_leave(&self, node: String, prune: bool) -> Result<(), Gone> {
        self.ask(|done| Command::ForceLeave { node, prune, done }).await
    }

    /// Returns when the cluster was told that we leave.
    pub(crate) async fn leave(&self) -> Result<(), Gone> {
        self.ask(|done| Command::Leave { done }).await
    }

    pub(crate) async fn set_tags(&self, tags: Tags) -> Result<Result<(), TagsTooLong>, Gone> {
        self.ask(|done| Command::SetTags { tags, done }).await
    }

    /// Tells the cluster, ourselves included.
    pub(crate) async fn user_event(&self, event: UserEvent) -> Result<Result<(), UserEventError>, Gone> {
        self.ask(|done| Command::UserEvent { event, done }).await
    }

    /// Asks the cluster, ourselves included.
    pub(crate) async fn query(&self, question: Question) -> Result<Result<Answers, QueryError>, Gone> {
        self.ask(|done| Command::Query { question, done }).await
    }

    /// Answers a query that was told as a notice.
    pub(crate) async fn respond(
        &self,
        id: QueryId,
        payload: Vec<u8>,
    ) -> Result<Result<(), RespondError>, Gone> {
        self.ask(|done| Command::Respond { id, payload, done }).await
    }

    /// Answers who asked about our keys.
    pub(crate) async fn respond_keys(
        &self,
        id: QueryId,
        answer: KeyAnswer,
    ) -> Result<Result<(), RespondError>, Gone> {
        self.ask(|done| Command::RespondKeys { id, answer, done }).await
    }

    /// Where a member is in the space of round-trip times; none if it was never measured.
    pub(crate) async fn coordinate(&self, node: String) -> Result<Option<Coordinate>, Gone> {
        self.ask(|done| Command::Coordinate { node, done }).await
    }

    pub(crate) async fn why(&self, node: String) -> Result<Known, Gone> {
        self.ask(|done| Command::Why { node, done }).await
    }

    /// And how much of the CPU was withheld from us lately, if any was.
    pub(crate) async fn stats(&self) -> Result<(Stats, Option<Throttled>), Gone> {
        self.ask(Command::Stats).await
    }

    /// What was counted since the start.
    pub(crate) async fn telemetry(&self) -> Result<(Counters, Stats), Gone> {
        self.ask(Command::Telemetry).await
    }

    pub(crate) async fn stop(&self) {
        // Already stopped is stopped.
        let _ = self.commands.send(Command::Stop).await;
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Gone> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}
