//! Files from templates, as users make them: `handlebars`, held to what `handlebars-cmd` did, and `muster render`.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

mod support;

use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use support::muster;

#[derive(Deserialize)]
struct Cases {
    vars_file: serde_json::Value,
    command: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    args: Vec<String>,
    template: String,
    stdout: String,
    exit: i32,
}

/// Exit code, standard output, standard error.
fn run_with(command: &mut Command, input: &str) -> (i32, String, String) {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that fails before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    (status.code().unwrap(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The program by the name under which scripts call it.
fn handlebars(directory: &Path, args: &[&str]) -> Command {
    let link = directory.join("handlebars");
    if !link.exists() {
        symlink(env!("CARGO_BIN_EXE_muster"), &link).unwrap();
    }
    let mut command = Command::new(link);
    command.args(args).env_clear();
    command
}

#[test]
fn called_as_handlebars_it_does_what_handlebars_cmd_does() {
    let cases: Cases = serde_json::from_str(include_str!("../../render/tests/cases.json")).unwrap();
    assert_eq!(cases.command.len(), 21);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("vars.json");
    fs::write(&file, cases.vars_file.to_string()).unwrap();
    let mut differing = BTreeSet::new();
    for case in &cases.command {
        let file = file.to_str().unwrap();
        let args: Vec<&str> =
            case.args.iter().map(|word| if word == "FILE" { file } else { word.as_str() }).collect();
        let (code, out, err) = run_with(&mut handlebars(directory.path(), &args), &case.template);
        assert_eq!(code == 0, err.is_empty(), "{err}");
        if (code, &out) != (case.exit, &case.stdout) {
            println!(
                "{:?} {:?}\n  reference {:?}\n  here      {out:?}",
                case.args, case.template, case.stdout
            );
            differing.insert(case.args.join(" "));
        }
        let by_word = run_with(muster(&["handlebars"]).args(&args), &case.template);
        assert_eq!(by_word, (code, out, err));
    }
    assert_eq!(differing, documented(), "docs/templates.md lists exactly what differs");
}

/// The words of the documented differences: rows of the table, between backquotes.
fn documented() -> BTreeSet<String> {
    let docs = include_str!("../../../docs/templates.md");
    let (_, table) = docs.split_once("<!-- command: what differs -->").unwrap();
    let (table, _) = table.split_once("<!-- end -->").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(words, _)| words.to_owned()).collect()
}

#[test]
fn an_error_shows_nothing_and_leaves_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.cfg");
    fs::write(&path, "as it was").unwrap();
    let out = path.to_str().unwrap();
    for (args, template, message) in [
        (vec!["--out", out], "a\n{{#if x}}", "line 2, column 1: the block that begins here is not closed"),
        (vec!["--out", out], "a {{upper \"x\"}}", "line 1, column 5: there is no helper `upper`"),
        (vec!["/nonexistent.json", "--out", out], "a", "/nonexistent.json: No such file"),
        (vec!["--out"], "a", "--out wants a file"),
    ] {
        let (code, shown, err) = run_with(&mut handlebars(directory.path(), &args), template);
        assert_eq!((code, shown.as_str()), (1, ""));
        assert!(err.starts_with(&format!("handlebars: {message}")), "{err}");
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "as it was");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2, "the file and the link");
}

#[test]
fn out_replaces_the_file_and_keeps_its_mode() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.cfg");
    let args = ["--name", "s1", "--out", path.to_str().unwrap()];
    assert_eq!(
        run_with(&mut handlebars(directory.path(), &args), "{{name}}\n"),
        (0, String::new(), String::new())
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "s1\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(run_with(&mut handlebars(directory.path(), &args), "[{{name}}]").0, 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), "[s1]");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

/// A file that cannot be written whole is not written at all.
#[test]
fn a_full_disk_leaves_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.cfg");
    fs::write(&path, "as it was").unwrap();
    // A limit of one block of the shell is what a full disk is: the signal of that limit is ignored, so that the write fails.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec {}/handlebars --name x --out {}",
        directory.path().display(),
        path.display()
    );
    handlebars(directory.path(), &[]);
    let template = "{{name}}".repeat(100_000);
    let (code, out, err) = run_with(Command::new("/bin/sh").args(["-c", &script]), &template);
    assert_eq!((code, out.as_str()), (1, ""), "{err}");
    assert!(err.contains("it is as it was"), "{err}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "as it was");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 2);
}

const TEMPLATE: &str = "backend b\n{{#each addresses}}\n    server {{host}} {{ip}}:3000 check\n{{/each}}\n";

/// As `muster members --format json` prints it.
const MEMBERS: &str = r#"{"members":[
    {"name":"s2","addr":"10.0.0.2:7946","port":7946,"tags":{"role":"web"},"status":"alive","protocol":{"max":5,"min":2,"version":5}},
    {"name":"s1","addr":"10.0.0.1:7946","port":7946,"tags":{"role":"web"},"status":"alive","protocol":{"max":5,"min":2,"version":5}},
    {"name":"a;b","addr":"10.0.0.3:7946","port":7946,"tags":{"role":"web"},"status":"alive","protocol":{"max":5,"min":2,"version":5}},
    {"name":"s4","addr":"10.0.0.4:7946","port":7946,"tags":{"role":"web"},"status":"left","protocol":{"max":5,"min":2,"version":5}}]}"#;

/// A directory with a template and a fleet, and `muster render --once` with both.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("haproxy.cfg.hb"), TEMPLATE).unwrap();
        fs::write(directory.path().join("fleet.json"), MEMBERS).unwrap();
        Self(directory)
    }

    fn render(&self, args: &[&str]) -> (i32, String, String) {
        let words = ["render", "--once", "haproxy.cfg.hb", "--with", "fleet.json"];
        run_with(muster(&words).args(args).current_dir(self.0.path()), "")
    }
}

const NOTE: &str = "muster: note: \"a;b\": in haproxy files a name has only letters, digits, `-`, `_`, `.` and `:`, and begins with none of `-` and `.`; it is left out\n";
const WHOLE: &str = "backend b\n    server s1 10.0.0.1:3000 check\n    server s2 10.0.0.2:3000 check\n";

#[test]
fn a_fleet_is_rendered_without_those_whose_names_no_file_can_have() {
    assert_eq!(Place::new().render(&[]), (0, WHOLE.to_owned(), NOTE.to_owned()));
}

#[test]
fn a_file_is_written_once_and_then_left_alone() {
    let place = Place::new();
    let path = place.0.path().join("haproxy.cfg");
    fs::write(&path, "backend b\n").unwrap();
    let (code, difference, said) = place.render(&["--out", "haproxy.cfg", "--dry-run", "--diff"]);
    assert_eq!((code, said), (0, format!("{NOTE}muster: haproxy.cfg: would be written\n")));
    let added =
        "@@ -1 +1,3 @@\n backend b\n+    server s1 10.0.0.1:3000 check\n+    server s2 10.0.0.2:3000 check\n";
    assert_eq!(difference, format!("--- haproxy.cfg\n+++ haproxy.cfg\n{added}"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "backend b\n");

    let written = place.render(&["--out", "haproxy.cfg"]);
    assert_eq!(written, (0, String::new(), format!("{NOTE}muster: haproxy.cfg: written\n")));
    assert_eq!(fs::read_to_string(&path).unwrap(), WHOLE);
    let inode = fs::metadata(&path).unwrap().ino();
    let again = place.render(&["--out", "haproxy.cfg", "--diff"]);
    assert_eq!(again, (0, String::new(), format!("{NOTE}muster: haproxy.cfg: unchanged\n")));
    assert_eq!(fs::metadata(&path).unwrap().ino(), inode);
}

#[test]
fn what_is_wrong_is_said_with_file_line_and_column() {
    let place = Place::new();
    let template = place.0.path().join("haproxy.cfg.hb");
    fs::write(&template, "x\n {{adresses}}").unwrap();
    let (code, out, err) = place.render(&["--out", "haproxy.cfg"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.starts_with(
            "muster: haproxy.cfg.hb: line 2, column 4: `adresses` is unknown; there are `node`, `env`, `members`, `services`, `addresses`"
        ),
        "{err}"
    );
    assert!(!place.0.path().join("haproxy.cfg").exists());
    assert_eq!(place.render(&["--strict=false"]).0, 0);
    fs::write(place.0.path().join("fleet.json"), "{\"members\":[\n{}]}").unwrap();
    let (code, _, err) = place.render(&[]);
    assert_eq!(code, 1);
    assert!(err.starts_with("muster: fleet.json: missing field `name`"), "{err}");
}

#[test]
fn partials_and_the_environment_are_known_but_not_our_secrets() {
    let place = Place::new();
    fs::write(place.0.path().join("head"), "# {{env.WHO}} {{default env.MUSTER_AGENT__ENCRYPT \"-\"}}\n")
        .unwrap();
    fs::write(place.0.path().join("haproxy.cfg.hb"), "{{> head}}\n").unwrap();
    let mut command =
        muster(&["render", "--once", "haproxy.cfg.hb", "--with", "-", "--partial", "head=head"]);
    command.current_dir(place.0.path()).env("WHO", "a b").env("MUSTER_AGENT__ENCRYPT", "secret");
    assert_eq!(run_with(&mut command, "{}"), (0, "# a\\x20b -\n".to_owned(), String::new()));
}
