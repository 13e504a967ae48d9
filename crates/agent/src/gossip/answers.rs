//! Answers to our queries, on their way to whoever asked.

use muster_serf::QueryId;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::mpsc;

/// What a member sent back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Answer {
    /// It received the query, and the query is for it.
    Ack { from: String },
    /// Its answer.
    Response { from: String, payload: Vec<u8> },
}

/// The answers to one query. Not bounded here: the core lets through one of each kind per member, and each came in a
/// datagram.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) id: QueryId,
    /// How long answers count.
    pub(crate) wait: Duration,
    answers: mpsc::UnboundedReceiver<Answer>,
}

impl Answers {
    /// The next; `None` once no more will come.
    pub(crate) async fn next(&mut self) -> Option<Answer> {
        self.answers.recv().await
    }

    /// Plays a query, for tests of those who ask.
    #[cfg(test)]
    pub(crate) fn played(id: QueryId, wait: Duration) -> (mpsc::UnboundedSender<Answer>, Self) {
        let (sender, answers) = mpsc::unbounded_channel();
        (sender, Self { id, wait, answers })
    }
}

/// Those who wait for answers.
#[derive(Debug, Default)]
pub(super) struct Askers(BTreeMap<QueryId, mpsc::UnboundedSender<Answer>>);

impl Askers {
    pub(super) fn begin(&mut self, id: QueryId, wait: Duration) -> Answers {
        let (sender, answers) = mpsc::unbounded_channel();
        self.0.insert(id, sender);
        Answers { id, wait, answers }
    }

    pub(super) fn tell(&mut self, id: QueryId, answer: Answer) {
        if let Some(asker) = self.0.get(&id) {
            // Who went away before the end is forgotten with the next question.
            let _ = asker.send(answer);
        }
    }

    /// Forgets those who went away before the end; what they had asked.
    pub(super) fn take_gone(&mut self) -> Vec<QueryId> {
        self.0.extract_if(.., |_, asker| asker.is_closed()).map(|(id, _)| id).collect()
    }

    /// No more will come.
    pub(super) fn end(&mut self, id: QueryId) {
        self.0.remove(&id);
    }
}
