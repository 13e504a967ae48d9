//! Completions and manual pages.

mod support;

use std::collections::BTreeSet;
use std::process::{Command, Stdio};
use support::{muster, run};

#[test]
fn every_shell_is_told_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, err) = run(&mut muster(&["completions", shell]));
        assert_eq!((code, err.as_str()), (0, ""));
        for word in ["reachability", "completions", "relay-factor", "log-level"] {
            assert!(out.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(run(&mut muster(&["completions", "dos"])).0, 2);
}

/// clap_complete panics when it is to write to a closed pipe.
#[test]
fn completions_for_a_reader_that_went_away_end_quietly() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = muster(&["completions", "bash"]);
    let output = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(128 + 13), 0));
}

#[test]
fn bash_completes_commands_and_flags() {
    if !std::path::Path::new("/bin/bash").exists() {
        eprintln!("skipped: no bash here");
        return;
    }
    let complete = |words: &str, at: usize| {
        let script = format!(
            "source <({} completions bash); COMP_WORDS=({words}); COMP_CWORD={at}; \
             _muster muster \"${{COMP_WORDS[{at}]}}\" \"\"; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            env!("CARGO_BIN_EXE_muster")
        );
        let output = Command::new("/bin/bash").args(["--norc", "-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete("muster rea", 1), "reachability\n");
    assert_eq!(complete("muster query --rel", 2), "--relay-factor\n");
}

#[test]
fn every_command_has_a_manual_page() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_str().unwrap();
    assert_eq!(run(&mut muster(&["man", "--dir", path])), (0, String::new(), String::new()));
    let pages: BTreeSet<String> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let (_, help, _) = run(&mut muster(&["-h"]));
    let commands = help.split("Commands:\n").nth(1).unwrap().lines().take_while(|line| !line.is_empty());
    let mut named = 0;
    for command in commands.map(|line| line.split_whitespace().next().unwrap()).filter(|word| *word != "help")
    {
        assert!(pages.contains(&format!("muster-{command}.1")), "{command} has none");
        named += 1;
    }
    assert!(named > 20, "{help}");
    assert!(pages.contains("muster.1") && pages.contains("muster-config-print.1"));
    assert!(!pages.contains("muster-config-reference.1"), "hidden");
    let page = std::fs::read_to_string(dir.path().join("muster-query.1")).unwrap();
    assert!(page.contains("muster query \\-tag role=^web"), "the example is in it:\n{page}");
    let (code, out, _) = run(&mut muster(&["man"]));
    assert!(code == 0 && out == std::fs::read_to_string(dir.path().join("muster.1")).unwrap());
}

#[test]
fn pages_that_cannot_be_written_are_told() {
    let (code, out, err) = run(&mut muster(&["man", "--dir", "/nonexistent/man"]));
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(
        err,
        "muster: cannot write /nonexistent/man/muster.1: No such file or directory (os error 2)\n"
    );
}
