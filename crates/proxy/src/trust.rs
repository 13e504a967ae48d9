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
//!
//! So it is with who may serve the service: the rule is the agent's to apply, for all sinks and since only it knows every
//! member's tags. A proxy that was told a rule sees to it that its agent was told the same.

use crate::config::Config;
use muster_fleet::{Gossip, Rules, Terms};
use std::path::PathBuf;

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
    /// The agent was told something else about who may serve.
    #[error(
        "the agent behind {} does not restrict who serves `{}` as [services.{}] in this proxy's configuration does: \
         start it again with the same configuration, and both when that changes", socket.display(), service.escape_debug(), service.escape_debug()
    )]
    Rule {
        /// The service.
        service: String,
        /// The agent's control socket.
        socket: PathBuf,
    },
}

/// Whether pictures drawn on these `terms` may be acted on, where `rules` say who may serve.
pub(crate) fn judge(terms: &Terms, config: &Config, rules: &Rules) -> Result<(), Distrust> {
    let Config { plaintext, socket, .. } = config;
    match terms.gossip {
        Gossip::Open if !plaintext => return Err(Distrust::Plaintext { socket: socket.clone() }),
        // An agent of this host that is of an earlier release and cannot say. Refusing it would make the proxy's upgrade
        // an outage until the agent's.
        Gossip::Open | Gossip::Sealed | Gossip::Local | Gossip::Untold => {}
    }
    // A rule of the agent alone is no reason: it only narrows.
    for (service, rule) in rules {
        if !rule.is_empty() && terms.rules.get(service) != Some(rule) {
            return Err(Distrust::Rule { service: service.clone(), socket: socket.clone() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    use muster_fleet::Rule;
    use std::time::Duration;

    fn config(plaintext: bool, rule: Rule) -> Config {
        Config {
            listen: Vec::new(),
            proxy_protocol_from: Vec::new(),
            send_proxy_protocol: None,
            tls: crate::tls::Tls::default(),
            handshake_timeout: Duration::ZERO,
            policy: muster_balance::Policy::default(),
            service: "web".into(),
            routing: None,
            socket: "/m.sock".into(),
            upstream_protocol: crate::service::Protocol::Http1,
            connect_timeout: Duration::ZERO,
            response_timeout: Duration::ZERO,
            stall_timeout: Duration::ZERO,
            idle_timeout: Duration::ZERO,
            tcp_idle_timeout: Duration::ZERO,
            idle_max: 0,
            drain_timeout: Duration::ZERO,
            access_logs: Vec::new(),
            plaintext,
            rules: [("web".into(), rule)].into(),
            stats: None,
        }
    }

    fn judged(terms: &Terms, config: &Config) -> Result<(), Distrust> {
        judge(terms, config, &config.rules)
    }

    fn accepted(gossip: Gossip, plaintext: bool) -> bool {
        judged(&Terms { gossip, ..Terms::default() }, &config(plaintext, Rule::default())).is_ok()
    }

    #[test]
    fn a_rule_must_be_the_agents_too_and_the_agent_may_have_more() {
        let rule = |text: &str| Rule { from: vec![text.parse().unwrap()], ..Rule::default() };
        let terms =
            |service: &str, rule: Rule| Terms { rules: [(service.into(), rule)].into(), ..Terms::default() };
        let ours = config(false, rule("10.0.0.0/8"));
        assert_eq!(judged(&terms("web", rule("10.0.0.0/8")), &ours), Ok(()));
        for terms in [Terms::default(), terms("web", rule("0.0.0.0/0")), terms("api", rule("10.0.0.0/8"))] {
            let why = judged(&terms, &ours).unwrap_err();
            assert!(
                why.to_string().contains("as [services.web] in this proxy's configuration does"),
                "{why}"
            );
        }
        assert_eq!(judged(&terms("web", rule("10.0.0.0/8")), &config(false, Rule::default())), Ok(()));
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
        let terms = Terms { gossip: Gossip::Open, ..Terms::default() };
        let text = judged(&terms, &config(false, Rule::default())).unwrap_err().to_string();
        for words in
            ["agent behind /m.sock", "muster keygen", "--encrypt-file", "--plaintext", "plaintext = true"]
        {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
}
