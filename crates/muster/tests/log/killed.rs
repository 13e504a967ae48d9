//! `kill -9`, again and again.

use super::collector::frame;
use super::*;
use std::io::BufReader;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Every number from the first to the last is there, in order, but for repetitions of what was told before.
fn assert_all(lines: &[String], count: u64, what: &str) {
    let mut next = 0;
    let mut repeated = 0_u64;
    for number in lines.iter().filter_map(|line| number(line)) {
        assert!(number <= next, "{what}: {number} comes where {next} is missing");
        repeated += u64::from(number < next);
        next = next.max(number + 1);
    }
    assert_eq!(next, count, "{what}");
    eprintln!("{what}: {count} lines, {repeated} told again");
}

/// Two services, and both of the sinks that a death could tear.
#[test]
fn killed_under_a_flood_it_loses_no_line() {
    const LINES: u64 = 300_000;
    const KILLS: usize = 40;
    let dir = tempfile::tempdir().unwrap();
    let (folder, stderr) = (dir.path().join("logs"), dir.path().join("stderr"));
    let (web, mut to_web) = input("web:out");
    let (app, mut to_app) = input("app:err");
    let (stdout, to_stdout) = io::pipe().unwrap();
    let read = std::thread::spawn(move || all(stdout));
    let floods = [
        std::thread::spawn(move || write_numbered(&mut to_web, 0..LINES)),
        std::thread::spawn(move || write_numbered(&mut to_app, 0..LINES)),
    ];
    let folder_text = folder.to_str().unwrap();
    let args = ["--folder", folder_text, "--rotate-size", "1000000", "--rotate-keep", "1000"];
    let start = || Log::start(&[&web, &app], &args, to_stdout.try_clone().unwrap(), &stderr);
    let written = || -> u64 {
        let sizes = fs::read_dir(&folder)
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().metadata().map_or(0, |about| about.len()));
        sizes.sum()
    };
    let mut log = start();
    let mut kills = 0;
    for kill in 0..KILLS {
        // Whenever it has written something more, wherever that finds it.
        let before = written();
        let more = 1 + (kill as u64 * 7919) % 200_000;
        let goes_on = eventually("it writes or has written all", || {
            let ended = log.child.try_wait().unwrap().is_some();
            (ended || written() > before + more).then_some(!ended)
        });
        if !goes_on {
            break;
        }
        log.kill();
        kills += 1;
        log = start();
    }
    assert!(kills >= 10, "only {kills} kills: the flood was over too soon");
    for flood in floods {
        flood.join().unwrap();
    }
    assert!(log.ends().success(), "{}", text(&stderr));
    drop(to_stdout);
    assert_all(&lines_of(&folder, "web.log"), LINES, "web.log");
    assert_all(&lines_of(&folder, "app.log"), LINES, "app.log");
    let lines: Vec<String> = read.join().unwrap().lines().map(str::to_owned).collect();
    for service in ["web", "app"] {
        let of = lines.iter().filter(|line| line.starts_with(&format!("{service} | "))).cloned();
        assert_all(&of.collect::<Vec<_>>(), LINES, &format!("{service} on standard output"));
    }
    assert_eq!(told_dropped(&lines), 0);
}

/// What a collector took over TCP is not told again by the queue of a dead process, nor lost with it: it waits in the pipe.
#[test]
fn killed_under_a_flood_it_loses_no_line_on_its_way_to_a_collector() {
    const LINES: u64 = 200_000;
    let dir = tempfile::tempdir().unwrap();
    let stderr = dir.path().join("stderr");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp://{}", listener.local_addr().unwrap());
    let taken = Arc::new(AtomicU64::new(0));
    let collector = {
        let taken = Arc::clone(&taken);
        std::thread::spawn(move || {
            let (mut lines, mut next) = (Vec::new(), 0);
            // One life after the other, each to its end.
            while next < LINES {
                let mut stream = BufReader::new(listener.accept().unwrap().0);
                while let Some(line) = frame(&mut stream) {
                    next = number(&line).map_or(next, |number| next.max(number + 1));
                    lines.push(line);
                    taken.fetch_add(1, Ordering::Relaxed);
                }
            }
            lines
        })
    };
    let (web, mut to_web) = input("web:out");
    let flood = std::thread::spawn(move || write_numbered(&mut to_web, 0..LINES));
    let start = || Log::start(&[&web], &["--stdout=false", "--collector", &at], Stdio::null(), &stderr);
    let mut log = start();
    for kill in 0..20 {
        let before = taken.load(Ordering::Relaxed);
        let goes_on = eventually("the collector gets more", || {
            let ended = log.child.try_wait().unwrap().is_some();
            (ended || taken.load(Ordering::Relaxed) > before + kill * 100).then_some(!ended)
        });
        if !goes_on {
            break;
        }
        log.kill();
        log = start();
    }
    flood.join().unwrap();
    assert!(log.ends().success(), "{}", text(&stderr));
    let lines = collector.join().unwrap();
    assert_all(&lines, LINES, "collector");
    assert_eq!(told_dropped(&lines), 0);
}

#[test]
fn what_waits_in_a_pipe_is_there_for_the_next_life() {
    let dir = tempfile::tempdir().unwrap();
    let stderr = dir.path().join("stderr");
    let (web, mut to_web) = input("web:out");
    let (mut stdout, to_stdout) = io::pipe().unwrap();
    let mut log = Log::start(&[&web], &[], to_stdout.try_clone().unwrap(), &stderr);
    io::Write::write_all(&mut to_web, b"whole\nbegun, ").unwrap();
    let mut buffer = [0; 12];
    stdout.read_exact(&mut buffer).unwrap();
    assert_eq!(&buffer, b"web | whole\n");
    log.kill();
    io::Write::write_all(&mut to_web, b"ended\n").unwrap();
    let mut log = Log::start(&[&web], &[], to_stdout, &stderr);
    drop(to_web);
    assert!(log.ends().success());
    let rest = all(stdout);
    // Whether the first was taken before the end nobody knows.
    assert_eq!(rest.strip_prefix("web | whole\n").unwrap_or(&rest), "web | begun, ended\n");
}
