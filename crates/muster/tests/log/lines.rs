//! What lines become, in files and on standard output.

use super::*;
use std::io::Write;

#[test]
fn full_files_get_numbers_and_no_line_is_lost_or_told_twice() {
    const LINES: u64 = 200_000;
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("made/when/missing");
    let (web, mut to_web) = input("web:out");
    let args = [
        "--folder",
        folder.to_str().unwrap(),
        "--rotate-size",
        "50000",
        "--rotate-keep",
        "1000",
        "--form=plain",
        "--stdout=false",
    ];
    let mut log = Log::start(&[&web], &args, Stdio::null(), &dir.path().join("stderr"));
    write_numbered(&mut to_web, 0..LINES);
    drop(to_web);
    assert!(log.ends().success());
    let numbers: Vec<u64> = lines_of(&folder, "web.log").iter().filter_map(|line| number(line)).collect();
    assert!(numbers.iter().copied().eq(0..LINES), "{} lines", numbers.len());
    for entry in fs::read_dir(&folder).unwrap() {
        assert!(entry.unwrap().metadata().unwrap().len() <= 50_000);
    }
}

#[test]
fn only_so_many_full_files_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (web, mut to_web) = input("../web:out");
    let args = [
        "--folder",
        dir.path().to_str().unwrap(),
        "--rotate-size",
        "4096",
        "--rotate-keep",
        "2",
        "--stdout=false",
    ];
    let mut log = Log::start(&[&web], &args, Stdio::null(), &dir.path().join("stderr"));
    write_numbered(&mut to_web, 0..5000);
    drop(to_web);
    assert!(log.ends().success());
    let mut names: Vec<_> =
        fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    // A name leads nowhere else.
    assert_eq!(names, ["%2E.%2Fweb.log", "%2E.%2Fweb.log.1", "%2E.%2Fweb.log.2", "stderr"]);
    let kept = lines_of(dir.path(), "%2E.%2Fweb.log");
    let last: Vec<u64> = kept.iter().filter_map(|line| number(line)).collect();
    assert!(last.iter().copied().eq(5000 - last.len() as u64..5000));
}

#[test]
fn the_end_takes_what_is_in_the_pipes() {
    let dir = tempfile::tempdir().unwrap();
    let (web, mut to_web) = input("web:out");
    let (stdout, to_stdout) = io::pipe().unwrap();
    let mut log = Log::start(&[&web], &["--form", "json"], to_stdout, &dir.path().join("stderr"));
    write_numbered(&mut to_web, 0..1);
    // It runs.
    let mut text = vec![0];
    (&stdout).read_exact(&mut text).unwrap();
    write_numbered(&mut to_web, 1..1000);
    to_web.write_all(b"and n 1000 end").unwrap();
    let read = std::thread::spawn(move || all(stdout));
    // The pipe stays open: only TERM ends this.
    assert_eq!(log.stop().code(), Some(0));
    let text = String::from_utf8(text).unwrap() + &read.join().unwrap();
    let numbers = text.lines().map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!((line["service"].as_str(), line["stream"].as_str()), (Some("web"), Some("stdout")));
        number(line["text"].as_str().unwrap()).unwrap()
    });
    assert!(numbers.eq(0..1001), "{text}");
}

#[test]
fn a_line_is_whole_however_it_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (web, mut to_web) = input("web:out");
    let (stdout, to_stdout) = io::pipe().unwrap();
    let mut log = Log::start(&[&web], &[], to_stdout, &dir.path().join("stderr"));
    // A write each, so that it is looked at with every length.
    for byte in b"one line\n" {
        to_web.write_all(&[*byte]).unwrap();
        std::thread::yield_now();
    }
    drop(to_web);
    assert!(log.ends().success());
    assert_eq!(all(stdout), "web | one line\n");
}

/// Whoever writes without ever ending a line is not made to wait, in whatever pieces he writes.
#[test]
fn an_endless_line_is_cut_and_blocks_nobody() {
    const BYTES: usize = 1 << 20;
    let dir = tempfile::tempdir().unwrap();
    let (web, mut to_web) = input("web:out");
    let (stdout, to_stdout) = io::pipe().unwrap();
    let read = std::thread::spawn(move || all(stdout));
    let mut log = Log::start(&[&web], &[], to_stdout, &dir.path().join("stderr"));
    to_web.write_all(&vec![b'x'; BYTES]).unwrap();
    // Pages that are half full: a pipe counts pages.
    for _ in 0..100 {
        to_web.write_all(&[b'x'; 2500]).unwrap();
    }
    drop(to_web);
    assert!(log.ends().success());
    let text = read.join().unwrap();
    assert_eq!(text.matches('x').count(), BYTES + 250_000);
    let longest = text.lines().map(str::len).max().unwrap();
    assert!(longest < 16 * 1024 + 30, "{longest}");
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(first.ends_with("x [...]") && rest.starts_with("web | [...] x"));
}

#[test]
fn files_are_opened_again_after_hup_or_when_they_are_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (web, mut to_web) = input("web:out");
    let args = ["--folder", dir.path().to_str().unwrap(), "--form", "plain", "--stdout=false"];
    let log = Log::start(&[&web], &args, Stdio::null(), &dir.path().join("stderr"));
    let file = dir.path().join("web.log");
    let mut arrives = |line: &str| {
        to_web.write_all(format!("{line}\n").as_bytes()).unwrap();
        eventually(line, || text(&file).ends_with(&format!("{line}\n")).then_some(()));
    };
    arrives("one");
    fs::remove_file(&file).unwrap();
    arrives("two");
    fs::rename(&file, dir.path().join("moved")).unwrap();
    log.signal(rustix::process::Signal::HUP);
    // Signals and lines are not ordered, so this one may still go to the old file.
    let mut attempts = 0;
    eventually("the file is there again", || {
        attempts += 1;
        to_web.write_all(format!("three {attempts}\n").as_bytes()).unwrap();
        file.exists().then_some(())
    });
    assert!(text(&dir.path().join("moved")).starts_with("two\n"));
}

#[test]
fn what_is_no_pipe_is_refused() {
    for (pipes, why) in [
        ("", "there is nothing to read"),
        ("99=web:out", "MUSTER_LOG_PIPES names 99 for web, which is no pipe to read from: "),
        ("0=web:out", "it is a standard stream"),
        ("9=web", "`9=web` is no pipe; it is written FD=SERVICE:out"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_muster"))
            .arg("log")
            .env_clear()
            .env("MUSTER_LOG_PIPES", pipes)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(why), "{pipes}: {said}");
        assert_eq!(output.status.code(), Some(2));
    }
}
