//! The pure crates stay pure: `no_std` outside tests, so that no clock, socket, file, thread, environment or random hasher
//! exists for them, and no dependency that would bring one.

use super::{Source, dependencies};
use std::path::Path;

const PURE: &[&str] = &[
    "wire",
    "swim",
    "serf",
    "supervise",
    "logs",
    "events",
    "rpc",
    "fleet",
    "balance",
    "render",
    "routes",
    "haproxy",
    "haproxy-file",
    "proxy-header",
    "http1",
    "tally",
    "access-log",
];

/// Third-party crates a pure crate may use: each is `no_std` as the workspace configures it.
const HARMLESS: &[&str] = &[
    "aes-gcm",
    "base64",
    "crc32fast",
    "fastrand",
    "hashbrown",
    "httparse",
    "libm",
    "regex",
    "serde",
    "siphasher",
    "thiserror",
    "weezl",
    "zeroize",
];

pub(super) fn check(metadata: &serde_json::Value, sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for name in PURE {
        let root = Path::new("crates").join(name).join("src/lib.rs");
        let declared = sources
            .iter()
            .any(|source| source.path == root && source.text.contains("#![cfg_attr(not(test), no_std)]"));
        if !declared {
            findings.push(format!("purity: {} lacks #![cfg_attr(not(test), no_std)]", root.display()));
        }
    }
    for (name, used) in dependencies(metadata) {
        if !PURE.contains(&name.as_str()) {
            continue;
        }
        for other in used {
            if !PURE.contains(&other.as_str()) && !HARMLESS.contains(&other.as_str()) {
                findings.push(format!("purity: {name} uses {other}, which is not known to be harmless"));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_clock_in_a_pure_crate_is_found() {
        let metadata = json!({"packages": [{
            "name": "muster-swim", "manifest_path": "/x/crates/swim/Cargo.toml",
            "dependencies": [{"name": "tokio", "kind": null}, {"name": "proptest", "kind": "dev"}],
        }]});
        let pure = PURE.iter().map(|name| Source {
            path: format!("crates/{name}/src/lib.rs").into(),
            text: if *name == "fleet" { String::new() } else { "#![cfg_attr(not(test), no_std)]".into() },
        });
        let findings = check(&metadata, &pure.collect::<Vec<_>>());
        assert_eq!(
            findings,
            [
                "purity: crates/fleet/src/lib.rs lacks #![cfg_attr(not(test), no_std)]",
                "purity: swim uses tokio, which is not known to be harmless",
            ]
        );
    }
}
