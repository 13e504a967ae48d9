//! Key operations of the whole cluster, in RPC's shape.

use crate::key_manager::{self, KeyReport};
use crate::shared::Shared;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use muster_rpc::KeysResult;
use muster_serf::KeyOperation;

/// What came of one.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Empty if every node did it.
    pub(super) error: String,
    report: KeyReport,
    is_list: bool,
}

/// Asks every node, or nobody if there is nothing to ask.
pub(super) async fn run(shared: &Shared, operation: Result<KeyOperation, String>) -> Outcome {
    let operation = match operation {
        Ok(operation) => operation,
        Err(error) => return Outcome { error, ..Outcome::default() },
    };
    let is_list = operation == KeyOperation::List;
    match key_manager::run(&shared.gossip, &shared.roster, operation).await {
        Ok(report) => {
            let error = report.verdict().err().unwrap_or_default();
            Outcome { error, report, is_list }
        }
        Err(error) => Outcome { error: error.to_string(), is_list, ..Outcome::default() },
    }
}

impl Outcome {
    /// As it is sent. Serf tells of the keys only in the list.
    pub(super) fn result(&self) -> KeysResult<'_> {
        let report = &self.report;
        let count = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let keys = || report.keys.iter().map(|(key, nodes)| (&**key, count(*nodes))).collect();
        KeysResult {
            messages: report.messages.iter().map(|(node, message)| (&**node, &**message)).collect(),
            keys: self.is_list.then(keys),
            num_nodes: count(report.nodes),
            num_err: count(report.errors),
            num_resp: count(report.responses),
        }
    }
}

/// A key of whatever length: those who are asked say what is wrong with it. The error is Go's.
pub(super) fn decode(key: &str) -> Result<Vec<u8>, String> {
    // Go skips line breaks.
    let key: String = key.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(&key).map_err(|error| {
        let at = match error {
            base64::DecodeError::InvalidByte(at, _) | base64::DecodeError::InvalidLastSymbol(at, _) => at,
            // Go blames the beginning of a group of four that is not whole.
            base64::DecodeError::InvalidLength(_) | base64::DecodeError::InvalidPadding => key.len() / 4 * 4,
        };
        format!("illegal base64 data at input byte {at}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_have_any_length_but_must_be_base64() {
        assert_eq!(decode("AQID\n"), Ok(vec![1, 2, 3]));
        assert_eq!(decode("AQ!D"), Err("illegal base64 data at input byte 2".to_owned()));
        assert_eq!(decode("AQIDAQ"), Err("illegal base64 data at input byte 4".to_owned()));
    }
}
