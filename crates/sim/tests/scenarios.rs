//! The scenarios that come with the program do what they teach, line by line as in the trace beside each.
//! `MEND=1 cargo test -p muster-sim --test scenarios` writes the traces anew; read what changed.

use muster_sim::play::{Line, play};
use muster_sim::scenario::Scenario;
use muster_sim::{builtin, faults};
use std::path::Path;

/// A trace as the file beside the scenario has it.
fn trace(scenario: &Scenario) -> (String, usize) {
    let mut trace = String::new();
    let outcome =
        play(scenario, &mut |line: &Line| trace.push_str(&format!("{}\n", line.to_string().trim_end())));
    (trace, outcome.broken)
}

#[test]
fn every_scenario_goes_as_its_trace_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut wrong = Vec::new();
    for (name, text) in builtin::ALL {
        assert!(!builtin::title(text).is_empty(), "{name} begins with what it is about");
        let scenario = Scenario::parse(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (trace, broken) = trace(&scenario);
        assert_eq!(broken, 0, "{name}:\n{trace}");
        let file = directory.join(name).with_extension("trace");
        if std::env::var_os("MEND").is_some() {
            std::fs::write(&file, &trace).unwrap();
        } else if std::fs::read_to_string(&file).unwrap_or_default() != trace {
            wrong.push(*name);
        }
    }
    assert!(
        wrong.is_empty(),
        "not as in the trace: {wrong:?}; if it is better so: MEND=1 cargo test -p muster-sim"
    );
}

#[test]
fn no_scenario_file_is_forgotten() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = std::fs::read_dir(directory).unwrap().map(|file| file.unwrap().path());
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap();
        assert!(builtin::find(name).is_some(), "{} is not in builtin.rs", file.display());
    }
}

#[test]
fn a_scenario_reads_as_it_prints() {
    let generated = (0..200).chain(1000..1020).map(faults::scenario);
    let kept = builtin::ALL.iter().map(|(_, text)| Scenario::parse(text).unwrap());
    for scenario in generated.chain(kept) {
        let text = scenario.to_string();
        let read = Scenario::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(read.to_string(), text);
        assert_eq!(read.steps.len(), scenario.steps.len());
    }
}

#[test]
fn a_generated_scenario_plays_the_same_from_its_text() {
    let scenario = faults::scenario(3);
    let read = Scenario::parse(&scenario.to_string()).unwrap();
    assert_eq!(trace(&scenario), trace(&read));
}

#[test]
fn what_is_expected_and_not_so_is_said_with_its_line() {
    let scenario =
        Scenario::parse("nodes 3\nat 1s crash n2\n\nat 2s expect all right\nat 2s expect n1 sees n2 failed");
    let (trace, broken) = trace(&scenario.unwrap());
    assert_eq!(broken, 2, "{trace}");
    assert!(trace.contains("BROKEN line 4: expected all right; n"), "{trace}");
    assert!(trace.contains("BROKEN line 5: expected n1 sees n2 failed; it is alive"), "{trace}");
}

#[test]
fn errors_say_the_line_and_what_would_be_right() {
    for (text, error) in [
        ("", "line 1: begin with the cluster: nodes 5"),
        ("# x\nat 1s crash n1", "line 2: begin with the cluster: nodes 5"),
        ("nodes 0", "line 1: 0 nodes are too many or too few: 1 to 1000"),
        ("nodes many", "line 1: \"many\" is no number: say how many nodes there are"),
        ("nodes 2\nat 1s crash n3", "line 2: there is no \"n3\": the nodes are n1 to n2"),
        ("nodes 2\nat 1s crash n1 n7", "line 2: there is no \"n7\": the nodes are n1 to n2"),
        ("nodes 2\nat soon crash n1", "line 2: \"soon\" is no time: write 10s, 250ms or 1m30s"),
        (
            "nodes 2\nat 1s end\nat 500ms end",
            "line 3: times never go back: this is earlier than the line before",
        ),
        ("nodes 2\nat 1s crush n1", "line 2: \"crush\" is nothing that happens: crash, start"),
        ("nodes 2\nat 1s lose n1 120%", "line 2: \"120%\" is no share: write 30%"),
        ("nodes 2\nat 1s cut n1 n2", "line 2: a cut has a direction: cut n1 -> n2"),
        ("nodes 2\nat 1s leave n1 now", "line 2: \"now\" is too much at the end of this line"),
        (
            "nodes 2\nat 1s expect n1 sees n2 dead",
            "line 2: seen as what? alive, leaving, left, failed or nobody",
        ),
        ("nodes 2\nat 9d end", "line 2: \"9d\" is no time"),
        ("nodes 2\nat 999h end", "line 2: a scenario lasts seven days at most"),
    ] {
        let said = Scenario::parse(text).unwrap_err().to_string();
        assert!(said.starts_with(error), "{text:?}: {said}");
    }
    for time in ["10s", "250ms", "1m30s", "1h", "2m5ms"] {
        Scenario::parse(&format!("nodes 1\nat {time} end")).unwrap();
    }
}

#[test]
fn hostile_files_are_refused_and_never_panic() {
    let words = [
        "nodes",
        "at",
        "1s",
        "99999999999999999999s",
        "n1",
        "n99999999999999999999",
        "crash",
        "->",
        "<->",
        "|",
        "udp",
        "lose",
        "NaN%",
        "-1%",
        "1e400%",
        "tag",
        "=",
        "a=b=c",
        "\u{1b}[2J",
        "link",
        "latency",
        "18446744073709551615h",
        "expect",
        "all",
        "right",
        "see",
        "within",
        "\n",
        "\n",
        "\n",
        "part",
        "pause",
        "for",
        "tell",
        "nodes 3\n",
        "seed",
    ];
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let length = rng.usize(0..30);
        let text: Vec<&str> = (0..length).map(|_| words[rng.usize(..words.len())]).collect();
        if let Err(error) = Scenario::parse(&text.join(" ")) {
            assert!(!error.to_string().contains('\u{1b}'), "what is quoted is harmless on a terminal");
        }
    }
    let too_many = format!("nodes 2\n{}", "at 1s heal\n".repeat(10_001));
    assert!(Scenario::parse(&too_many).unwrap_err().reason.contains("at most 10000 steps"));
    assert!(Scenario::parse(&"#".repeat(2 << 20)).is_err());
}
