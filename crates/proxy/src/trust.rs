//! Whether an agent's pictures may be acted on at all.
//!
//! Who can become a member decides where requests go. The agent keeps Serf's default, which is plaintext, and so it is the
//! proxy that asks for a key, as soon as gossip leaves loopback. Where clients come from does not matter: a proxy on
//! loopback, in front of an application that trusts it, sends its requests to whoever joined just the same.
//!
//! The question can only be put to a picture, since keys are the agent's business and the agent may come later. So a proxy
//! waits for its agent as ever, and ends when the first picture is one it must not use: it has served nobody yet, and only
//! a person can mend it. Once it serves, it does not end: an agent that lost its key is not followed, and the last picture
//! holds, as if it were away.

use muster_fleet::{Gossip, Terms};
use std::path::{Path, PathBuf};

/// Why an agent is not followed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Distrust {
    /// Strangers can become members.
    #[error(
        "the agent behind {} gossips in plaintext beyond loopback: whoever reaches it can become a member and get this \
         proxy's requests. Give all agents the same key (`muster keygen > key` once, then `muster agent --encrypt-file \
         key`), or, if everybody on that network is trusted, say so to the proxy with `--plaintext` (or `plaintext = true` in \
         [proxy])", socket.display()
    )]
    Plaintext {
        /// The agent's control socket.
        socket: PathBuf,
    },
}

/// Whether pictures drawn on these `terms` may be acted on; `plaintext`: strangers among the members are accepted.
pub(crate) fn judge(terms: &Terms, plaintext: bool, socket: &Path) -> Result<(), Distrust> {
    match terms.gossip {
        Gossip::Open if !plaintext => Err(Distrust::Plaintext { socket: socket.to_owned() }),
        // An agent of this host that is of an earlier release and cannot say. Refusing it would make the proxy's upgrade
        // an outage until the agent's.
        Gossip::Open | Gossip::Sealed | Gossip::Local | Gossip::Untold => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(gossip: Gossip, plaintext: bool) -> bool {
        judge(&Terms { gossip }, plaintext, Path::new("/m.sock")).is_ok()
    }

    #[test]
    fn only_plaintext_beyond_loopback_must_be_asked_for() {
        for gossip in [Gossip::Sealed, Gossip::Local, Gossip::Untold] {
            assert!(accepted(gossip, false), "{gossip:?}");
        }
        assert!(!accepted(Gossip::Open, false));
        assert!(accepted(Gossip::Open, true));
    }

    #[test]
    fn the_refusal_says_whose_fault_it_is_and_both_ways_out() {
        let terms = Terms { gossip: Gossip::Open };
        let text = judge(&terms, false, Path::new("/m.sock")).unwrap_err().to_string();
        for words in
            ["agent behind /m.sock", "muster keygen", "--encrypt-file", "--plaintext", "plaintext = true"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
