//! Which of our crates may know which: the arrows of ARCHITECTURE.md. An arrow that is not here is a design change, and
//! is made in both places.

use super::dependencies;

const ARROWS: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("swim", &["wire"]),
    // Not fleet: the agent hands members over, so that the protocol knows nothing of traffic.
    ("serf", &["wire", "swim"]),
    ("events", &["serf"]),
    // Not serf: a client of a real agent needs bytes and rules, and no cluster.
    ("rpc", &["wire"]),
    ("sim", &["wire", "serf"]),
    ("supervise", &[]),
    // Not agent, nor anything else that grows: it is PID 1.
    ("init", &["supervise", "resident"]),
    ("logs", &[]),
    // A process of its own, which must go on when all others do not.
    ("logger", &["logs"]),
    ("fleet", &[]),
    ("balance", &["fleet"]),
    // fleet for its networks and ports only: a plan names services, and knows no backend.
    ("routes", &["fleet"]),
    ("proxy-header", &[]),
    ("tally", &[]),
    // Facts in, bytes out: whoever knows a request fills them in.
    ("access-log", &[]),
    // Pure: the shell hands it the fleet and writes what it makes.
    ("render", &["fleet"]),
    ("control", &["fleet"]),
    // control for the fact as plain data, which whoever asks is given.
    ("history", &["control"]),
    // Plain data in: it asks nobody.
    ("admin", &["fleet", "control"]),
    // Bytes in, bytes out: it knows nothing of backends.
    ("http1", &[]),
    ("haproxy", &[]),
    // Not haproxy-driver: it reads files, and steers nobody.
    ("haproxy-file", &["fleet", "haproxy", "routes"]),
    // Facts in, text out: whoever has the facts hands them over.
    ("haproxy-stats", &[]),
    ("haproxy-driver", &["haproxy", "whole-file"]),
    ("whole-file", &[]),
    ("resident", &[]),
    ("inherited", &[]),
    (
        "agent",
        &[
            "wire",
            "serf",
            "events",
            "rpc",
            "fleet",
            "control",
            "admin",
            "render",
            "haproxy-driver",
            "whole-file",
            "resident",
            "inherited",
            "history",
        ],
    ),
    // Not agent: the data plane outlives it and follows it only through the control socket.
    (
        "proxy",
        &[
            "fleet",
            "balance",
            "control",
            "inherited",
            "haproxy-stats",
            "http1",
            "proxy-header",
            "routes",
            "tally",
            "access-log",
        ],
    ),
    // supervise as plain data: what is to be kept running.
    (
        "muster",
        &[
            "wire",
            "serf",
            "rpc",
            "fleet",
            "control",
            "agent",
            "proxy",
            "init",
            "supervise",
            "logs",
            "logger",
            "sim",
            "render",
            "haproxy-driver",
            "haproxy-file",
            "routes",
            "whole-file",
            "inherited",
            "history",
        ],
    ),
];

pub(super) fn check(metadata: &serde_json::Value) -> Vec<String> {
    let found = dependencies(metadata);
    let ours: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
    let mut findings = Vec::new();
    for (name, used) in &found {
        let Some((_, allowed)) = ARROWS.iter().find(|(from, _)| from == name) else {
            findings.push(format!("graph: crate {name} is not in xtask/src/rules/graph.rs"));
            continue;
        };
        for other in used.iter().filter(|other| ours.contains(&other.as_str())) {
            if !allowed.contains(&other.as_str()) {
                findings.push(format!("graph: {name} must not know {other} (ARCHITECTURE.md, Map)"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn an_arrow_that_is_not_drawn_is_found() {
        let package = |name: &str, uses: &[&str]| {
            let uses: Vec<_> = uses.iter().map(|name| json!({"name": name, "kind": null})).collect();
            json!({"name": name, "manifest_path": "/x/crates/y/Cargo.toml", "dependencies": uses})
        };
        let metadata = json!({"packages": [
            package("muster-serf", &["muster-swim", "muster-fleet"]), package("muster-swim", &[]), package("muster-fleet", &[]),
        ]});
        assert_eq!(super::check(&metadata), ["graph: serf must not know fleet (ARCHITECTURE.md, Map)"]);
    }
}
