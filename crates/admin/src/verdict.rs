//! Whether a node does what it is there for, for health checks.

use crate::facts::Facts;
use muster_control::health::{Health, HealthCheck};
use muster_fleet::Phase;
use std::fmt::Write;

/// What is right and wrong with a node.
pub fn verdict(facts: &Facts, is_stopping: bool) -> Health {
    let mut checks = readiness(facts, is_stopping);
    checks.extend(facts.templates.iter().map(|row| {
        let wrong = match row.state.as_str() {
            "failing" => Some(row.why.clone().unwrap_or_else(|| "the last attempt failed".to_owned())),
            "waiting" => Some("nothing has been made yet".to_owned()),
            _ => None,
        };
        HealthCheck { name: format!("templates {}", row.name), wrong }
    }));
    judge(checks)
}

/// Whether it may be relied on: it knows the whole cluster, and is not about to end.
pub fn ready(facts: &Facts, is_stopping: bool) -> Health {
    judge(readiness(facts, is_stopping))
}

fn readiness(facts: &Facts, is_stopping: bool) -> Vec<HealthCheck> {
    let is_warming = facts.picture.phase == Phase::Warming;
    vec![
        check("agent", is_stopping, "it was told to end"),
        check("fleet", is_warming, "this node does not yet know the whole cluster"),
    ]
}

fn check(name: &str, is_wrong: bool, words: &str) -> HealthCheck {
    HealthCheck { name: name.to_owned(), wrong: is_wrong.then(|| words.to_owned()) }
}

fn judge(checks: Vec<HealthCheck>) -> Health {
    Health { well: checks.iter().all(|check| check.wrong.is_none()), checks }
}

/// A line for each check.
pub fn lines(health: &Health) -> String {
    let mut text = String::new();
    for HealthCheck { name, wrong } in &health.checks {
        // Words of a node or a program may stand in it: they stay on their line. Writing to a text does not fail.
        let _ = match wrong {
            None => writeln!(text, "[+] {}: well", name.escape_default()),
            Some(wrong) => writeln!(text, "[-] {}: {}", name.escape_default(), wrong.escape_default()),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::tests::{facts, row};
    use muster_control::templates::TemplateRow;
    use muster_fleet::Picture;
    use std::sync::Arc;

    #[test]
    fn what_is_wrong_is_told_on_a_line_of_its_own() {
        let mut facts = facts();
        assert!(verdict(&facts, false).well && ready(&facts, false).well);
        assert!(!verdict(&facts, true).well && !ready(&facts, true).well);
        facts.templates = vec![
            TemplateRow { state: "failing".into(), why: Some("a\nb".into()), ..row("web") },
            row("other"),
        ];
        assert!(!verdict(&facts, false).well && ready(&facts, false).well);
        facts.picture = Arc::new(Picture { phase: Phase::Warming, ..Picture::clone(&facts.picture) });
        assert!(!ready(&facts, false).well);
        assert_eq!(
            lines(&verdict(&facts, false)),
            "[+] agent: well\n[-] fleet: this node does not yet know the whole cluster\n\
             [-] templates web: a\\nb\n[+] templates other: well\n"
        );
    }
}
