//! Lines that are read, with what they mean, and lines that are refused, with what is said. Both tables are texts beside this
//! file; `MEND=1` writes what is so into them, to be read before it is kept.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod support;

use std::path::Path;
use support::{Where, facts, file, read_text};

/// One entry of a table: where its lines stand, the lines, and what is expected.
struct Entry {
    head: String,
    at: Where,
    lines: String,
    expected: Vec<String>,
}

fn table(name: &str) -> Vec<Entry> {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name)).unwrap();
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("  ") {
            Some(expected) => entries.last_mut().unwrap().expected.push(expected.to_owned()),
            None => {
                let (place, lines) = line.strip_prefix("in ").and_then(|line| line.split_once(": ")).unwrap();
                let at = match place {
                    "global" => Where::Global,
                    "defaults" => Where::Defaults,
                    "frontend" => Where::Frontend,
                    "backend" => Where::Backend,
                    "tcp" => Where::Tcp,
                    "end" => Where::End,
                    other => panic!("no such place: {other}"),
                };
                let lines = lines.replace(" ;; ", "\n");
                entries.push(Entry { head: line.to_owned(), at, lines, expected: Vec::new() });
            }
        }
    }
    entries
}

/// Compares what is so with what is expected.
fn hold(name: &str, found: impl Fn(&Entry) -> Vec<String>) {
    let entries = table(name);
    let mut whole = String::new();
    let mut wrong = Vec::new();
    for entry in &entries {
        let found = found(entry);
        whole += &format!("{}\n", entry.head);
        found.iter().for_each(|line| whole += &format!("  {line}\n"));
        if found != entry.expected {
            wrong.push(format!("{}\n  expected: {:#?}\n  found: {found:#?}", entry.head, entry.expected));
        }
    }
    if std::env::var_os("MEND").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name), whole).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), entries.len(), wrong.join("\n"));
}

#[test]
fn lines_that_are_read_mean_what_they_mean_to_haproxy() {
    let plain = facts(&read_text(&file(Where::End, "")).unwrap());
    hold("accepted.txt", |entry| match read_text(&file(entry.at, &entry.lines)) {
        Ok(read) => {
            let all = facts(&read);
            let gone = plain.difference(&all).map(|fact| format!("- {fact}"));
            gone.chain(all.difference(&plain).map(|fact| format!("+ {fact}"))).collect()
        }
        Err(refused) => refused.into_iter().map(|words| format!("REFUSED {words}")).collect(),
    });
}

#[test]
fn lines_that_are_not_read_are_refused_with_what_to_do() {
    hold("refused.txt", |entry| match read_text(&file(entry.at, &entry.lines)) {
        Ok(_) => vec!["READ".into()],
        Err(refused) => refused,
    });
}

#[test]
fn the_tables_are_what_they_are_called() {
    let (accepted, refused) = (table("accepted.txt"), table("refused.txt"));
    assert!(accepted.len() >= 120 && refused.len() >= 120, "{} and {}", accepted.len(), refused.len());
    for entry in &accepted {
        assert!(!entry.expected.iter().any(|line| line.starts_with("REFUSED")), "{}", entry.head);
    }
    for entry in &refused {
        assert!(!entry.expected.is_empty() && entry.expected[0] != "READ", "{}", entry.head);
    }
}

/// What we read, HAProxy reads too: else a file that works here could not be taken back to it.
#[test]
fn haproxy_takes_what_is_read_here() {
    let Ok(version) = std::process::Command::new("haproxy").arg("-v").output() else {
        assert!(std::env::var_os("CI").is_none(), "CI must have haproxy");
        println!("skipped: there is no haproxy");
        return;
    };
    let version = String::from_utf8_lossy(&version.stdout).lines().next().unwrap_or_default().to_owned();
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for entry in table("accepted.txt") {
        let path = folder.path().join("haproxy.cfg");
        std::fs::write(&path, file(entry.at, &entry.lines)).unwrap();
        let mut command = std::process::Command::new("haproxy");
        for name in ["PORT", "HOSTS", "EMPTY"] {
            command.env(name, support::env(name).unwrap());
        }
        let output = command.args(["-c", "-f"]).arg(&path).output().unwrap();
        if !output.status.success() {
            wrong.push(format!("{}\n{}", entry.head, String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(wrong.is_empty(), "{version}:\n{}", wrong.join("\n"));
}
