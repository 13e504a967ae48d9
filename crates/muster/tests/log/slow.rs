//! Sinks that take nothing: nobody who logs is made to wait for them for ever.

use super::*;
use std::io::{BufRead, BufReader};

#[test]
fn nobody_reads_standard_output_and_services_go_on() {
    // Far more than pipes and memory hold.
    const LINES: u64 = 300_000;
    let dir = tempfile::tempdir().unwrap();
    let (folder, stderr) = (dir.path().join("logs"), dir.path().join("stderr"));
    let (web, mut to_web) = input("web:out");
    let (stdout, to_stdout) = io::pipe().unwrap();
    let args = ["--folder", folder.to_str().unwrap()];
    let mut log = Log::start(&[&web], &args, to_stdout, &stderr);
    write_numbered(&mut to_web, 0..LINES);
    // It wrote all of it: services are not held up. The complaint comes at once.
    eventually("it complains", || text(&stderr).contains("standard output: ").then_some(()));
    let said = text(&stderr);
    assert!(said.contains(" dropped: nobody takes them"), "{said}");
    // The other sink has them all.
    eventually("the file has all", || (lines_of(&folder, "web.log").len() as u64 == LINES).then_some(()));
    // Now somebody reads.
    let mut numbers: Vec<u64> = Vec::new();
    let mut dropped = 0;
    for line in BufReader::new(stdout).lines().map(Result::unwrap) {
        numbers.extend(number(&line));
        dropped += told_dropped(&[line]);
        if numbers.len() as u64 + dropped == LINES {
            break;
        }
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "lines are in order and told once");
    assert!(dropped > 0);
    drop(to_web);
    assert!(log.ends().success());
}

/// Slower than the flood, but never for long: then the flood waits, and nothing is lost.
#[test]
fn who_reads_slowly_loses_nothing() {
    const LINES: u64 = 50_000;
    let dir = tempfile::tempdir().unwrap();
    let (web, mut to_web) = input("web:out");
    let (mut stdout, to_stdout) = io::pipe().unwrap();
    let mut log = Log::start(&[&web], &[], to_stdout, &dir.path().join("stderr"));
    let read = std::thread::spawn(move || {
        let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
        while let Ok(count @ 1..) = stdout.read(&mut buffer) {
            text.extend_from_slice(&buffer[..count]);
            std::thread::sleep(Duration::from_millis(1));
        }
        String::from_utf8(text).unwrap()
    });
    write_numbered(&mut to_web, 0..LINES);
    drop(to_web);
    assert!(log.ends().success());
    assert!(read.join().unwrap().lines().filter_map(number).eq(0..LINES));
}

#[test]
fn who_read_standard_output_is_gone_and_files_go_on() {
    const LINES: u64 = 1000;
    let dir = tempfile::tempdir().unwrap();
    let stderr = dir.path().join("stderr");
    let (web, mut to_web) = input("web:out");
    let (stdout, to_stdout) = io::pipe().unwrap();
    let args = ["--folder", dir.path().to_str().unwrap()];
    let mut log = Log::start(&[&web], &args, to_stdout, &stderr);
    drop(stdout);
    write_numbered(&mut to_web, 0..LINES);
    drop(to_web);
    assert!(log.ends().success());
    assert_eq!(lines_of(dir.path(), "web.log").len() as u64, LINES);
    let said = text(&stderr);
    assert!(said.contains("Broken pipe"), "{said}");
    // Told once, and in sum at the end.
    assert!(said.lines().count() <= 2, "{said}");
}
