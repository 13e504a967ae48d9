//! Changes or lists the keys of the whole cluster, and says how that went.
//!
//! One question to all, answered by each node itself (`key_queries`). Every member must answer before a key is exchanged
//! further: one that missed the new key could not read those who seal with it. So the answers are counted against the
//! members there are, and who is silent is named. Counting and words are Serf's (keymanager.go), which operators and
//! scripts know.

use crate::gossip::{Answer, Answers, Gone, Handle, Question};
use crate::roster::Roster;
use muster_serf::{KeyOperation, QueryError, Status};
use muster_wire::serf::{KeyResponse, kind};
use std::collections::{BTreeMap, BTreeSet};

/// What came of a key operation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct KeyReport {
    /// Members that were to answer: those alive, and any other that answered.
    pub nodes: usize,
    /// Those who answered.
    pub responses: usize,
    /// Those who answered that it was not done, or whose answer could not be read.
    pub errors: usize,
    /// What members had to say, by name: why not, or that a list is not whole.
    pub messages: BTreeMap<String, String>,
    /// For a list: how many have each key, in base64.
    pub keys: BTreeMap<String, usize>,
    /// For a list: how many seal with each key, in base64.
    pub primary_keys: BTreeMap<String, usize>,
    /// Who did not answer in time.
    pub silent: BTreeSet<String>,
}

/// Why nobody was asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum KeyError {
    #[error("{0}")]
    Query(#[from] QueryError),
    #[error("{0}")]
    Gone(#[from] Gone),
}

/// One member answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct KeyProgress<'a> {
    /// Who.
    pub node: &'a str,
    /// Whether it was done there.
    pub done: bool,
    /// What it said; often nothing.
    pub message: &'a str,
    /// Answers so far, this one included.
    pub responses: usize,
    /// Members that are to answer.
    pub nodes: usize,
}

/// Asks everyone; returns when all have answered, or their time is over.
pub(crate) async fn run(
    gossip: &Handle,
    roster: &Roster,
    operation: KeyOperation,
) -> Result<KeyReport, KeyError> {
    run_watched(gossip, roster, operation, |_| ()).await
}

/// As [`run`]; each answer is shown to `watch` as it comes.
pub(crate) async fn run_watched(
    gossip: &Handle,
    roster: &Roster,
    operation: KeyOperation,
    watch: impl FnMut(KeyProgress<'_>),
) -> Result<KeyReport, KeyError> {
    let answers = gossip.query(Question::Keys(operation)).await??;
    // Those who memberlist calls alive or suspect: `NumMembers` of the reference.
    let expected = roster.look(|members| {
        let present = members.values().filter(|m| matches!(m.status, Status::Alive | Status::Leaving));
        present.map(|member| member.name.to_string()).collect()
    });
    Ok(collect(answers, expected, watch).await)
}

async fn collect(
    mut answers: Answers,
    expected: BTreeSet<String>,
    mut watch: impl FnMut(KeyProgress<'_>),
) -> KeyReport {
    let mut report = KeyReport { nodes: expected.len(), silent: expected, ..KeyReport::default() };
    // Those who are away by now may still answer; those who join meanwhile have to do with it, too.
    while !report.silent.is_empty()
        && let Some(answer) = answers.next().await
    {
        let Answer::Response { from, payload } = answer else { continue };
        let (done, message) = report.count(&from, &payload);
        watch(KeyProgress {
            node: &from,
            done,
            message: &message,
            responses: report.responses,
            nodes: report.nodes,
        });
    }
    report
}

impl KeyReport {
    /// Everyone did it, or in Serf's words what is wrong.
    pub(crate) fn verdict(&self) -> Result<(), String> {
        let Self { nodes, responses, errors, .. } = self;
        if *errors != 0 {
            Err(format!("{errors}/{nodes} nodes reported failure"))
        } else if responses != nodes {
            Err(format!("{responses}/{nodes} nodes reported success"))
        } else {
            Ok(())
        }
    }

    /// Takes in an answer; the core lets through one of each member. Whether it was done there, and what was said.
    fn count(&mut self, from: &str, payload: &[u8]) -> (bool, String) {
        if !self.silent.remove(from) {
            self.nodes += 1;
        }
        self.responses += 1;
        let (done, message) = match read(payload) {
            Ok(response) => {
                for key in response.keys {
                    *self.keys.entry(key.to_owned()).or_default() += 1;
                }
                if !response.primary_key.is_empty() {
                    *self.primary_keys.entry(response.primary_key.to_owned()).or_default() += 1;
                }
                (response.result, response.message.to_owned())
            }
            Err(words) => (false, words),
        };
        self.errors += usize::from(!done);
        if !done || !message.is_empty() {
            self.messages.insert(from.to_owned(), message.clone());
        }
        (done, message)
    }
}

/// Another kind of answer is told apart from an unreadable one, as in the reference.
fn read(payload: &[u8]) -> Result<KeyResponse<'_>, String> {
    if payload.first() != Some(&kind::KEY_RESPONSE) {
        return Err(format!("Invalid key query response type: {}", as_go_prints(payload)));
    }
    KeyResponse::decode(payload)
        .map_err(|_| format!("Failed to decode key query response: {}", as_go_prints(payload)))
}

/// Go's `%v` of bytes: `[1 2 3]`.
fn as_go_prints(bytes: &[u8]) -> String {
    let numbers: Vec<_> = bytes.iter().map(u8::to_string).collect();
    format!("[{}]", numbers.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_serf::QueryId;
    use std::time::Duration;

    const OLD: &str = "AQEBAQEBAQEBAQEBAQEBAQ==";
    const NEW: &str = "AgICAgICAgICAgICAgICAg==";

    fn answer(result: bool, message: &str, keys: &[&str]) -> Vec<u8> {
        let primary_key = keys.first().copied().unwrap_or_default();
        KeyResponse { result, message, keys: keys.to_vec(), primary_key }.encode()
    }

    /// What comes of these answers of three members, and what was shown meanwhile.
    async fn collected(responses: &[(&str, Vec<u8>)]) -> (KeyReport, Vec<String>) {
        let (asker, answers) = Answers::played(QueryId { ltime: 1, id: 1 }, Duration::from_secs(1));
        for (from, payload) in responses {
            asker.send(Answer::Response { from: (*from).into(), payload: payload.clone() }).unwrap();
        }
        drop(asker);
        let mut shown = Vec::new();
        let expected = ["a", "b", "c"].map(str::to_owned).into();
        let report = collect(answers, expected, |progress| {
            let KeyProgress { node, done, message, responses, nodes } = progress;
            shown.push(format!("{node} {done} {message:?} {responses}/{nodes}"));
        });
        (report.await, shown)
    }

    #[tokio::test]
    async fn keys_are_counted_over_all_who_answer() {
        let (report, shown) = collected(&[
            ("a", answer(true, "", &[OLD, NEW])),
            ("b", answer(true, "truncated key list response, showing first 1 of 2 keys", &[OLD])),
            ("c", answer(true, "", &[NEW, OLD])),
            ("late", answer(false, "", &[])),
        ])
        .await;
        assert_eq!(report.verdict(), Ok(()));
        assert_eq!(report.keys, [(OLD.to_owned(), 3), (NEW.to_owned(), 2)].into());
        assert_eq!(report.primary_keys, [(OLD.to_owned(), 2), (NEW.to_owned(), 1)].into());
        assert_eq!(report.messages.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(shown[2], "c true \"\" 3/3");
    }

    #[tokio::test]
    async fn one_failure_is_told_with_its_reason() {
        let refusal = "Requested key is not in the keyring";
        let (report, shown) = collected(&[
            ("c", answer(true, "", &[])),
            ("a", answer(false, refusal, &[])),
            ("b", answer(true, "", &[])),
        ])
        .await;
        assert_eq!(report.verdict().unwrap_err(), "1/3 nodes reported failure");
        assert_eq!(report.messages, [("a".to_owned(), refusal.to_owned())].into());
        assert_eq!(shown[1], format!("a false {refusal:?} 2/3"));
    }

    #[tokio::test]
    async fn who_is_silent_is_named() {
        let (report, _) = collected(&[("a", answer(true, "", &[])), ("b", answer(true, "", &[]))]).await;
        assert_eq!(report.verdict().unwrap_err(), "2/3 nodes reported success");
        assert_eq!(report.silent, ["c".to_owned()].into());
    }

    #[tokio::test]
    async fn a_newcomer_answers_for_nobody_else() {
        let (report, _) = collected(&[
            ("new", answer(true, "", &[])),
            ("a", answer(true, "", &[])),
            ("b", answer(true, "", &[])),
        ])
        .await;
        assert_eq!(report.verdict().unwrap_err(), "3/4 nodes reported success");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_a_failure_in_serfs_words() {
        let (report, _) = collected(&[("a", vec![]), ("b", vec![7, 1]), ("c", vec![8, 0x80 | 15])]).await;
        assert_eq!(report.verdict().unwrap_err(), "3/3 nodes reported failure");
        let words: Vec<_> = report.messages.values().map(String::as_str).collect();
        assert_eq!(
            words,
            [
                "Invalid key query response type: []",
                "Invalid key query response type: [7 1]",
                "Failed to decode key query response: [8 143]",
            ]
        );
    }
}
