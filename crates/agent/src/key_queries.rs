//! What this node answers when the cluster's keys are to be changed or listed.
//!
//! Whoever changes keys counts the answers, and takes silence for an unreachable node: so there is always one.

use muster_serf::{KeyAnswer, KeyOperation};
use muster_wire::crypt::Keyring;

/// The answer of a node with these keys. Serf's words, where it has them.
pub(crate) fn answer(operation: &KeyOperation, keys: Option<&Keyring>) -> KeyAnswer {
    let refused = |why: &str| KeyAnswer { message: why.to_owned(), ..KeyAnswer::default() };
    match (operation, keys) {
        (KeyOperation::List, None) => refused("Keyring is empty (encryption not enabled)"),
        (KeyOperation::List, Some(keys)) => KeyAnswer {
            done: true,
            message: String::new(),
            keys: keys.iter().map(|key| key.to_base64().to_string()).collect(),
            primary_key: keys.primary().to_base64().to_string(),
        },
        (_, None) => refused("No keyring to modify (encryption not enabled)"),
        (_, Some(_)) => {
            refused("this Muster agent reads its keys at the start only: change its key file and restart it")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_wire::crypt::Key;

    #[test]
    fn keys_are_listed_and_their_change_is_refused_with_words() {
        let keys = [[1; 16], [2; 16]].map(|bytes| Key::from_bytes(&bytes).unwrap());
        let ring = Keyring::of(keys);
        let listed = answer(&KeyOperation::List, ring.as_ref());
        assert!(listed.done);
        assert_eq!(listed.keys, ["AQEBAQEBAQEBAQEBAQEBAQ==", "AgICAgICAgICAgICAgICAg=="]);
        assert_eq!(listed.primary_key, listed.keys[0]);
        let refused = answer(&KeyOperation::Use(vec![2; 16]), ring.as_ref());
        assert!(!refused.done && refused.message.contains("restart"));
        let without = answer(&KeyOperation::Remove(vec![2; 16]), None);
        assert_eq!(without.message, "No keyring to modify (encryption not enabled)");
    }
}
