//! `cargo xtask mutants`: break the cores in one place at a time, and see the simulator's everyday seeds find it.
//!
//! Each mutant is one replacement in a copy of the tracked tree under `target/mutants`, played with the seeds of
//! `crates/sim/tests/faults.rs`. A mutant that no seed finds is a hole in the invariants, and fails the command. What came
//! of it is kept in `bench/results/mutants.json`.

use crate::rules::tracked;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// One thing to break: what a reader calls it, where, what stands there, and what shall.
struct Mutant {
    name: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "nobody refutes",
        file: "crates/swim/src/rules.rs",
        from: "        self.announce(accused);\n",
        to: "        let _ = accused;\n",
    },
    Mutant {
        name: "an alive one incarnation higher does not count",
        file: "crates/swim/src/rules.rs",
        from: "alive.incarnation > node.incarnation {",
        to: "alive.incarnation > node.incarnation + 1 {",
    },
    Mutant {
        name: "a suspicion never runs out",
        file: "crates/swim/src/rules.rs",
        from: "        self.bury(Dead { incarnation, node: &name, from: &own });\n",
        to: "        let _ = Dead { incarnation, node: &name, from: &own };\n",
    },
    Mutant {
        name: "what a push/pull says of the suspected is a verdict",
        file: "crates/swim/src/sync.rs",
        from: "self.on_suspect(from, Suspect { incarnation, node: name, from: &own }, way);",
        to: "let _ = (&own, way);\n                    self.on_dead(from, Dead { incarnation, node: name, from: name });",
    },
    Mutant {
        name: "a user event is never recognised as heard",
        file: "crates/serf/src/window.rs",
        from: "heard.things.contains(&thing)) {\n            return false;",
        to: "heard.things.contains(&thing)) {\n            return true;",
    },
    Mutant {
        name: "a clock takes over any time it hears of",
        file: "crates/serf/src/clock.rs",
        from: "            self.0 = self.0.max(seen.saturating_add(1));\n",
        to: "            self.0 = seen.saturating_add(1);\n",
    },
    Mutant {
        name: "a change of tags is not taken over",
        file: "crates/swim/src/rules.rs",
        from: "        node.announced = announced.clone();\n",
        to: "        if was_gone {\n            node.announced = announced.clone();\n        }\n",
    },
    Mutant {
        name: "a leave intent counts again at the same time",
        file: "crates/serf/src/members.rs",
        from: "            return Heard::AboutUs;\n        }\n        if intent.ltime <= member.status_ltime {",
        to: "            return Heard::AboutUs;\n        }\n        if intent.ltime < member.status_ltime {",
    },
];

/// Plays all mutants; whether each was found.
pub(crate) fn run(root: &Path) -> std::io::Result<bool> {
    let copy = root.join("target/mutants/tree");
    let _ = std::fs::remove_dir_all(&copy);
    for file in tracked(root) {
        let to = copy.join(&file);
        std::fs::create_dir_all(to.parent().unwrap_or(&copy))?;
        std::fs::copy(root.join(&file), to)?;
    }
    let sound = play(&copy)?;
    if !sound.is_empty() {
        eprintln!("the tree as it is fails already: {}", sound.join(", "));
        return Ok(false);
    }
    let mut results = Vec::new();
    for mutant in MUTANTS {
        let begun = Instant::now();
        let found = break_and_play(&copy, mutant)?;
        println!(
            "{}: {}",
            mutant.name,
            if found.is_empty() { "NOT FOUND".to_owned() } else { found.join(", ") }
        );
        results.push(json!({
            "mutant": mutant.name, "file": mutant.file, "found": !found.is_empty(), "by": found,
            "seconds": begun.elapsed().as_secs(),
        }));
    }
    let all = results.iter().all(|result| result["found"] == Value::Bool(true));
    let kept = root.join("bench/results/mutants.json");
    std::fs::write(&kept, format!("{:#}\n", json!({ "part": "mutants", "figures": results })))?;
    println!("{} kept", kept.display());
    Ok(all)
}

/// What finds the mutant.
fn break_and_play(copy: &Path, mutant: &Mutant) -> std::io::Result<Vec<String>> {
    let file = copy.join(mutant.file);
    let text = std::fs::read_to_string(&file)?;
    if text.matches(mutant.from).count() != 1 {
        let what =
            format!("{}: the place of \"{}\" changed; mend xtask/src/mutants.rs", mutant.file, mutant.name);
        return Err(std::io::Error::other(what));
    }
    std::fs::write(&file, text.replacen(mutant.from, mutant.to, 1))?;
    let found = play(copy);
    std::fs::write(&file, text)?;
    found
}

/// The seeds that fail in this tree; the reason instead if it is none of them.
fn play(copy: &Path) -> std::io::Result<Vec<String>> {
    let target: PathBuf = copy.join("../target");
    let output = Command::new(env!("CARGO"))
        .args(["test", "--quiet", "--package", "muster-sim", "--test", "faults"])
        .current_dir(copy)
        .env("CARGO_TARGET_DIR", target)
        .env("RUSTFLAGS", "--cap-lints=warn")
        .output()?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if said.contains("error[") || said.contains("could not compile") {
        return Err(std::io::Error::other(format!("a mutant does not compile:\n{said}")));
    }
    let seeds: Vec<String> = said
        .lines()
        .filter_map(|line| line.strip_prefix("seed ")?.split(',').next())
        .map(|n| format!("seed {n}"))
        .collect();
    let panicked =
        said.lines().find(|line| line.contains("panicked at")).unwrap_or("the test failed").to_owned();
    Ok(if seeds.is_empty() { vec![panicked] } else { seeds })
}
