//! `muster log` beside what it stands between: a real HAProxy, and a disk that is full.

use muster_e2e::{Hosts, Process, binary, skip, wait_for};
use std::fs;
use std::io::{PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::Command;

fn text(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

async fn has(path: &Path, what: &str) {
    wait_for(&format!("{} has {what}", path.display()), || async {
        let there = text(path);
        if there.contains(what) { Ok(()) } else { Err(there) }
    })
    .await;
}

/// HAProxy as everybody configures it: what happens to it by UDP, requests to a socket.
#[tokio::test]
async fn haproxy_finds_its_syslog() {
    if !Path::new("/usr/sbin/haproxy").exists() {
        return skip("HAProxy is not installed (apt install haproxy)");
    }
    let hosts = Hosts::claim();
    let dir = tempfile::tempdir().expect("a place for tests");
    let (syslog, web) = (hosts.at(1, 5140), hosts.at(1, 8080));
    let (socket, folder) = (dir.path().join("log"), dir.path().join("logs"));
    let mut command = Command::new(binary());
    command.args(["log", "--syslog-listen", &format!("udp://{syslog}"), "--syslog-listen"]).arg(&socket);
    command.args([
        "--rule",
        "local1.notice -> file:haproxy",
        "--rule",
        "local0.* -> file:requests",
        "--folder",
    ]);
    let mut log = Process::start("muster log", command.arg(&folder));
    wait_for("it listens", || async { if socket.exists() { Ok(()) } else { Err(log.said()) } }).await;
    let config = dir.path().join("haproxy.cfg");
    let wanted = format!(
        "global\n  log {syslog} local1 notice\n  log {syslog} format rfc5424 local0 info\n  log {} local0 info\n\
         defaults\n  mode http\n  log global\n  option httplog\n  timeout client 9s\n  timeout server 9s\n  timeout connect 9s\n\
         frontend web\n  bind {web}\n  http-request return status 200\n\
         backend gone\n  server one {} check inter 100ms fall 1\n",
        socket.display(),
        hosts.at(1, 9)
    );
    fs::write(&config, wanted).expect("it is ours");
    let haproxy =
        Process::start("haproxy", Command::new("/usr/sbin/haproxy").arg("-db").arg("-f").arg(&config));
    wait_for("haproxy answers", || async {
        match tokio::net::TcpStream::connect(&web).await {
            Ok(stream) => {
                let request = b"GET /seen HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
                stream.try_write(request).map(drop).map_err(|error| error.to_string())
            }
            Err(error) => Err(format!("{error}\n{}", haproxy.said())),
        }
    })
    .await;
    has(&folder.join("haproxy.log"), "Z haproxy | Server gone/one is DOWN").await;
    // From the socket in the old form and by UDP in the modern one.
    wait_for("the request is told twice", || async {
        let requests = text(&folder.join("requests.log"));
        let is_told = |line: &&str| line.contains("Z haproxy | ") && line.contains("\"GET /seen HTTP/1.1\"");
        if requests.lines().filter(is_told).count() == 2 { Ok(()) } else { Err(requests) }
    })
    .await;
    // One that no rule of a file took would be here.
    assert_eq!(log.said(), "");
    assert!(log.stop().await.success());
}

/// A folder on a disk of 256 KiB, in mounts of its own, and the pipe of a service.
struct SmallDisk {
    log: Process,
    folder: PathBuf,
    to_web: PipeWriter,
    _dir: tempfile::TempDir,
}

impl SmallDisk {
    fn start() -> Option<Self> {
        let possible = Command::new("unshare").args(["-rm", "mount", "-t", "tmpfs", "none", "/mnt"]).output();
        if !possible.is_ok_and(|output| output.status.success()) {
            skip("no mounts of our own (unshare -rm)");
            return None;
        }
        let dir = tempfile::tempdir().expect("a place for tests");
        let (read, to_web) = std::io::pipe().expect("pipes can be made");
        rustix::io::fcntl_setfd(&read, rustix::io::FdFlags::empty()).expect("it is open");
        let script = "mount -t tmpfs -o size=256k none \"$1\" && head -c 200000 /dev/zero > \"$1/filler\" && \
                      exec \"$2\" log --stdout=false --folder \"$1\" --form plain";
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", script, "sh"]).arg(dir.path()).arg(binary());
        command.env("MUSTER_LOG_PIPES", format!("{}=web:out", read.as_raw_fd()));
        let log = Process::start("muster log", &mut command);
        let inside = dir.path().strip_prefix("/").expect("it is absolute");
        let folder = Path::new("/proc").join(log.id().to_string()).join("root").join(inside);
        Some(Self { log, folder, to_web, _dir: dir })
    }

    fn write(&mut self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            writeln!(self.to_web, "line {number} of a service that says more than fits").expect("it is read");
        }
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_counted_and_logging_goes_on_when_there_is_room() {
    const LINES: u32 = 20_000;
    let Some(mut disk) = SmallDisk::start() else { return };
    // Nobody is made to wait: it takes all of them.
    disk.write(0..LINES);
    wait_for("it complains", || async {
        let said = disk.log.said();
        let complains =
            said.contains("muster log: web.log: ") && said.contains(" dropped: No space left on device");
        if complains { Ok(()) } else { Err(said) }
    })
    .await;
    fs::remove_file(disk.folder.join("filler")).expect("it is there");
    let file = disk.folder.join("web.log");
    let mut next = LINES;
    let whole = wait_for("lines are written again", || {
        disk.write(next..next + 1);
        next += 1;
        let last = format!("line {} of a service that says more than fits\n", next - 1);
        let there = text(&file);
        async move { if there.ends_with(&last) { Ok(there) } else { Err(format!("{} bytes", there.len())) } }
    })
    .await;
    let mut numbers = Vec::new();
    let mut dropped = 0;
    for line in whole.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            // Whole, or it is none of these.
            ["line", number, "of", "a", "service", "that", "says", "more", "than", "fits"] => {
                numbers.push(number.parse::<u32>().expect("a number"));
            }
            ["a", "line", "was", "dropped", "here"] => dropped += 1,
            [count, "lines", "were", "dropped", "here"] => dropped += count.parse::<u32>().expect("a number"),
            _ => panic!("torn: {line:?}"),
        }
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "in order, each once");
    assert!(dropped > 0);
    assert_eq!(u32::try_from(numbers.len()).expect("few") + dropped, next);
    assert!(disk.log.stop().await.success(), "{}", disk.log.said());
}
