//! The cluster at a time: the last fact about each member and each backend since the observer began.

use muster_control::history::{Fact, Was};
use std::collections::BTreeMap;

/// States in which a member or backend is no more.
const GONE: [&str; 2] = ["gone", "reaped"];

/// Makes it of the facts up to `at_ms`, in the order in which they were kept, beginning with the start of the observer's life if that
/// is still kept. `later` tells whether anything was kept after that time.
pub(crate) fn was(at_ms: u64, facts: impl IntoIterator<Item = Fact>, later: bool) -> Was {
    let mut members = BTreeMap::new();
    let mut backends = BTreeMap::new();
    let mut unknown = Vec::new();
    let (mut began, mut ended, mut seen) = (false, false, false);
    for fact in facts {
        seen = true;
        let key = (fact.service.clone(), fact.node.clone());
        match (&*fact.kind, &*fact.what) {
            ("agent", "started") => {
                members.clear();
                backends.clear();
                unknown.clear();
                (began, ended) = (true, false);
            }
            ("agent", _) => ended = true,
            ("history", _) => unknown.push(format!("facts are missing: {}", fact.why)),
            ("member", what) if GONE.contains(&what) => drop(members.remove(&fact.node)),
            ("member", _) => drop(members.insert(fact.node.clone(), fact)),
            ("backend", what) if GONE.contains(&what) => drop(backends.remove(&key)),
            ("backend", _) => drop(backends.insert(key, fact)),
            _ => {}
        }
    }
    if !seen {
        unknown.push("everything: no fact of that time or before it is kept".to_owned());
    } else if !began {
        unknown.push("what was last said before the oldest kept fact".to_owned());
    }
    if ended {
        unknown.push("what happened since the agent ended: this is what it saw last".to_owned());
    } else if seen && !later {
        unknown.push("whether the agent still ran then: no later fact is kept".to_owned());
    }
    Was {
        at_ms,
        members: members.into_values().collect(),
        backends: backends.into_values().collect(),
        unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(kind: &str, node: &str, what: &str) -> Fact {
        Fact { kind: kind.into(), node: node.into(), what: what.into(), ..Fact::default() }
    }

    fn names(facts: &[Fact]) -> Vec<String> {
        facts.iter().map(|fact| format!("{} {}", fact.node, fact.what)).collect()
    }

    #[test]
    fn the_last_word_about_each_counts() {
        let life = [
            fact("member", "old", "alive"),
            fact("agent", "me", "started"),
            fact("member", "a", "alive"),
            fact("member", "b", "alive"),
            fact("backend", "a", "ready"),
            fact("backend", "b", "ready"),
            fact("member", "a", "failed"),
            fact("backend", "b", "gone"),
        ];
        let was = was(9, life, true);
        assert_eq!(names(&was.members), ["a failed", "b alive"], "a new life knows nothing of the old");
        assert_eq!((names(&was.backends), was.unknown), (vec!["a ready".to_owned()], vec![]));
    }

    #[test]
    fn what_is_not_known_is_said() {
        let words = |facts: &[Fact], later| was(9, facts.to_vec(), later).unknown.join("; ");
        assert!(words(&[], true).starts_with("everything"));
        assert!(words(&[fact("member", "a", "alive")], true).contains("before the oldest"));
        let started = fact("agent", "me", "started");
        assert!(
            words(&[started.clone(), fact("agent", "me", "ended")], true).contains("since the agent ended")
        );
        assert!(words(&[started.clone(), fact("history", "me", "dropped")], true).contains("missing"));
        assert!(words(&[started], false).contains("still ran"));
    }
}
