//! Backends that are asked whether they are well: under traffic, beside a real HAProxy, and compared with each other.

use muster_e2e::{Hosts, Process, binary, skip, wait_for};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// So many ask at the same time.
const CLIENTS: usize = 4;

/// A web application whose answers the test chooses.
struct App {
    /// Its status to `/health`.
    health: AtomicU16,
    /// Its status to all else.
    status: AtomicU16,
    /// Requests other than for its health.
    requests: AtomicUsize,
}

impl App {
    async fn start(address: &str) -> Arc<Self> {
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let app = Arc::new(Self {
            health: AtomicU16::new(200),
            status: AtomicU16::new(200),
            requests: AtomicUsize::new(0),
        });
        let served = Arc::clone(&app);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Arc::clone(&served).serve(stream));
            }
        });
        app
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let mut head = Vec::new();
        loop {
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte @ 0..=255) = stream.read_u8().await else { return };
                head.push(byte);
            }
            let status = if head.starts_with(b"GET /health ") {
                self.health.load(Ordering::Relaxed)
            } else {
                self.requests.fetch_add(1, Ordering::Relaxed);
                self.status.load(Ordering::Relaxed)
            };
            head.clear();
            let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 2\r\n\r\nok");
            if stream.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

/// One request on a connection of its own; the status, 0 for none.
async fn get(address: &str) -> u16 {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = exchange.await.unwrap_or_default();
    answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// A line of CSV; a cell with commas is in quotes.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            c => cells.last_mut().expect("there is one from the beginning").push(c),
        }
    }
    cells
}

/// What `show stat` says of each server of `backend`, by name and column.
async fn stat(socket: &Path, backend: &str) -> Result<HashMap<String, HashMap<String, String>>, String> {
    let exchange = async {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(b"show stat\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = exchange.await.map_err(|error| error.to_string())?;
    let mut lines = answer.lines();
    let columns: Vec<&str> = lines.next().unwrap_or_default().trim_start_matches("# ").split(',').collect();
    let rows = lines.map(cells);
    let servers =
        rows.filter(|row| row.len() > 1 && row[0] == backend && row[1] != "BACKEND" && row[1] != "FRONTEND");
    let named = servers.map(|row| {
        let cells = columns.iter().zip(&row).map(|(column, cell)| ((*column).to_owned(), cell.clone()));
        (row[1].clone(), cells.collect())
    });
    Ok(named.collect())
}

/// Waits until each server has these values in these columns.
async fn shows(socket: &Path, backend: &str, columns: &[&str], wanted: &[(&str, &[&str])]) {
    wait_for(&format!("{wanted:?} is shown"), || async {
        let servers = stat(socket, backend).await?;
        let seen: Vec<(String, Vec<String>)> = wanted
            .iter()
            .map(|(name, _)| {
                let server = servers.get(*name);
                let cell = |column: &&str| server.and_then(|server| server.get(*column)).cloned();
                ((*name).to_owned(), columns.iter().map(|column| cell(column).unwrap_or_default()).collect())
            })
            .collect();
        let is_so = seen.iter().zip(wanted).all(|((_, seen), (_, wanted))| seen == wanted);
        if is_so { Ok(()) } else { Err(format!("{seen:?}")) }
    })
    .await;
}

/// A proxy that needs no agent, for one service with these further lines; where it listens, and its socket for tools.
fn proxy(hosts: &Hosts, dir: &Path, backends: &[String], lines: &str) -> (Process, String, PathBuf) {
    let (address, socket) = (hosts.at(1, 8080), dir.join("stats.sock"));
    let config = dir.join("muster.toml");
    let text = format!(
        "[proxy]\nlisten = [\"{address}\"]\nservice = \"web\"\nstats_socket = [\"{}\"]\n[services.web]\nbackends = {backends:?}\n{lines}\n",
        socket.display()
    );
    fs::write(&config, text).expect("files can be written");
    let process =
        Process::start("muster proxy", Command::new(binary()).args(["proxy", "--config"]).arg(config));
    (process, address, socket)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_says_it_is_unwell_gets_no_requests_until_it_is_well_and_none_fails() {
    let (hosts, dir) = (Hosts::claim(), tempfile::tempdir().expect("a place for tests"));
    let addresses = [hosts.at(10, 3000), hosts.at(11, 3000)];
    let (a, b) = (App::start(&addresses[0]).await, App::start(&addresses[1]).await);
    let lines = "check = \"http /health\"\ncheck_every = \"100ms\"\ncheck_rise = 2\ncheck_fall = 2";
    let (process, address, socket) = proxy(&hosts, dir.path(), &addresses, lines);
    let columns = ["status", "check_status", "check_code"];
    let both = |of_a: [&'static str; 3]| [(of_a, 0), (["UP", "L7OK", "200"], 1)];
    let shown = async |of_a: [&'static str; 3]| {
        let [(of_a, _), (of_b, _)] = both(of_a);
        shows(&socket, "web", &columns, &[(&addresses[0], &of_a), (&addresses[1], &of_b)]).await;
    };
    shown(["UP", "L7OK", "200"]).await;

    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (over, address) = (Arc::clone(&over), address.clone());
            tokio::spawn(async move {
                let (mut count, mut bad) = (0, Vec::new());
                while !over.load(Ordering::Relaxed) {
                    count += 1;
                    let status = get(&address).await;
                    if status != 200 {
                        bad.push(status);
                    }
                }
                (count, bad)
            })
        })
        .collect();
    let more = async |app: &App| {
        let before = app.requests();
        wait_for("it gets requests", || async {
            let now = app.requests();
            if now > before + 20 { Ok(()) } else { Err(format!("{now}")) }
        })
        .await;
    };
    more(&a).await;
    a.health.store(503, Ordering::Relaxed);
    shown(["DOWN", "L7STS", "503"]).await;
    let before = a.requests();
    for _ in 0..5 {
        more(&b).await;
    }
    // Each client may have had one under way.
    assert!(a.requests() <= before + CLIENTS, "{before}, {}: {}", a.requests(), process.said());
    let said = stat(&socket, "web").await.expect("it answers");
    let row = &said[&addresses[0]];
    assert_eq!((&*row["chkdown"], &*row["check_desc"]), ("1", "Layer7 wrong status"));
    assert!(row["chkfail"].parse::<u32>().is_ok_and(|count| count >= 2), "{row:?}");
    assert!(row["last_chk"].contains("it answered 503"), "{row:?}");

    a.health.store(204, Ordering::Relaxed);
    shown(["UP", "L7OK", "204"]).await;
    more(&a).await;
    over.store(true, Ordering::Relaxed);
    for client in clients {
        let (count, bad) = client.await.expect("it ends");
        assert!(bad.is_empty(), "{} of {count}: {bad:?}", bad.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_haproxy_is_checked_by_as_haproxy_checks() {
    if !Path::new("/usr/sbin/haproxy").exists() {
        return skip("HAProxy is not installed (apt install haproxy)");
    }
    let (hosts, dir) = (Hosts::claim(), tempfile::tempdir().expect("a place for tests"));
    let addresses: Vec<String> = (10..14).map(|host| hosts.at(host, 3000)).collect();
    let (well, unwell) = (App::start(&addresses[0]).await, App::start(&addresses[1]).await);
    unwell.health.store(500, Ordering::Relaxed);
    // Takes connections and says nothing.
    let silent = TcpListener::bind(&addresses[2]).await.expect("the address is free");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok(accepted) = silent.accept().await {
            held.push(accepted);
        }
    });
    let config = |name: &str, port: u16| {
        let path = dir.path().join(format!("{name}.cfg"));
        let socket = dir.path().join(format!("{name}.sock"));
        let servers: String = ["well", "unwell", "silent", "gone"]
            .iter()
            .zip(&addresses)
            .map(|(name, address)| format!("  server {name} {address} check inter 300ms rise 2 fall 2\n"))
            .collect();
        let text = format!(
            "global\n  stats socket {} level admin\ndefaults\n  mode http\n  timeout client 9s\n  timeout server 9s\n  timeout connect 9s\n\
             frontend in\n  bind {}\n  default_backend web\n\
             backend web\n  option httpchk GET /health HTTP/1.1\\r\\nHost:\\ x\n{servers}",
            socket.display(),
            hosts.at(1, port)
        );
        fs::write(&path, text).expect("files can be written");
        (path, socket)
    };
    let (theirs, their_socket) = config("haproxy", 8081);
    let (ours, our_socket) = config("muster", 8082);
    let _haproxy =
        Process::start("haproxy", Command::new("/usr/sbin/haproxy").arg("-db").arg("-f").arg(theirs));
    let process = Process::start("muster proxy", Command::new(binary()).args(["proxy", "-f"]).arg(ours));
    let columns = ["status", "check_status", "check_code", "check_desc"];
    let wanted: [(&str, &[&str]); 4] = [
        ("well", &["UP", "L7OK", "200", "Layer7 check passed"]),
        ("unwell", &["DOWN", "L7STS", "500", "Layer7 wrong status"]),
        ("silent", &["DOWN", "L7TOUT", "", "Layer7 timeout"]),
        ("gone", &["DOWN", "L4CON", "", "Layer4 connection problem"]),
    ];
    for socket in [&their_socket, &our_socket] {
        shows(socket, "web", &columns, &wanted).await;
    }
    let noted = process.said();
    assert!(!noted.contains("asked by `check`"), "{noted}");
    for port in [8081, 8082] {
        assert_eq!(get(&hosts.at(1, port)).await, 200);
    }
    assert_eq!(well.requests(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_fails_where_others_do_not_is_left_out_but_not_all_of_them() {
    let (hosts, dir) = (Hosts::claim(), tempfile::tempdir().expect("a place for tests"));
    let addresses: Vec<String> = (10..13).map(|host| hosts.at(host, 3000)).collect();
    let mut apps = Vec::new();
    for address in &addresses {
        apps.push(App::start(address).await);
    }
    let (process, address, socket) = proxy(&hosts, dir.path(), &addresses, "outliers = true");
    wait_for("requests are served", || async {
        let status = get(&address).await;
        if status == 200 { Ok(()) } else { Err(format!("{status}: {}", process.said())) }
    })
    .await;
    apps[0].status.store(500, Ordering::Relaxed);
    // Five in a row are enough, of each third request.
    wait_for("the one that fails is left out", || async {
        get(&address).await;
        let servers = stat(&socket, "web").await?;
        let row = &servers[&addresses[0]];
        match &*row["status"] {
            "DOWN" if row["last_chk"].contains("server errors in a row") => Ok(()),
            _ => Err(format!("{row:?}")),
        }
    })
    .await;
    for _ in 0..20 {
        assert_eq!(get(&address).await, 200, "only it failed");
    }
    // What befalls all is no backend's fault: clients get the application's own answer, and not a 503 of ours.
    apps.iter().for_each(|app| app.status.store(500, Ordering::Relaxed));
    for _ in 0..100 {
        assert_eq!(get(&address).await, 500);
    }
}
