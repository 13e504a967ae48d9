//! On what terms a picture was drawn: what a sink must know before it acts on it.

use crate::Rules;
use serde::{Deserialize, Serialize};

/// The terms of one life of an agent; they do not change within an epoch, so deltas do not carry them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// Who can become a member, and so a backend.
    pub gossip: Gossip,
    /// Who may serve, by service.
    #[serde(skip_serializing_if = "Rules::is_empty")]
    pub rules: Rules,
}

/// Who can become a member of the cluster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Gossip {
    /// Whoever has the cluster's key.
    Sealed,
    /// Whoever is on this host: gossip is in plaintext, on loopback only.
    Local,
    /// Whoever reaches the agent: gossip is in plaintext.
    Open,
    /// The agent does not say, as those of earlier releases, or in words of a later one.
    #[default]
    #[serde(other)]
    Untold,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Picture, Rule};

    #[test]
    fn a_picture_of_another_release_is_read_and_tells_nothing() {
        let earlier = r#"{"epoch":1,"version":2,"phase":"live","services":{}}"#;
        let picture: Picture = serde_json::from_str(earlier).unwrap();
        assert_eq!(picture.terms.gossip, Gossip::Untold);
        let later: Terms = serde_json::from_str(r#"{"gossip":"quantum","more":[]}"#).unwrap();
        assert_eq!(later.gossip, Gossip::Untold);
    }

    #[test]
    fn terms_come_back_from_json() {
        for gossip in [Gossip::Sealed, Gossip::Local, Gossip::Open] {
            let rules =
                [("web".into(), Rule { ports: vec!["80".parse().unwrap()], ..Rule::default() })].into();
            let terms = Terms { gossip, rules };
            let json = serde_json::to_string(&terms).unwrap();
            assert_eq!(serde_json::from_str::<Terms>(&json).unwrap(), terms, "{json}");
        }
    }
}
