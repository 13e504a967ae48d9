//! The same file and the same requests to a real HAProxy and to us called so: what clients and servers see is the same.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::muster;

/// All kinds of rules. `ADDR` is where it listens; `WEB`, `API` and `FILES` are the servers.
const CONFIG: &str = r#"
defaults
    mode http
    timeout connect 5s
    timeout client 20s
    timeout server 20s
    option forwardfor header X-Client except 10.0.0.0/8

frontend main
    bind ADDR
    monitor-uri /alive
    acl api path_beg /api /v1
    acl api hdr(host) -i api.example
    acl is_static path_end .png .css
    acl is_static path_dir static
    acl host_dom hdr_dom(host) -i shop
    acl has_debug req.hdr(x-debug) -m found
    acl many hdr(x-list) b
    acl whole req.fhdr(x-list) "a, b"
    acl lower path,lower -m str /mixed/case
    acl re path_reg ^/user/[0-9]+\.php$
    acl host_only req.hdr(host),host_only -i port.example
    http-request deny if { path_beg /secret } !{ hdr(x-key) -m str let-me-in }
    http-request deny deny_status 404 if { path /gone }
    http-request return status 418 content-type text/plain string "short and stout" hdr X-Tea yes if { path /tea }
    http-request redirect location https://new.example%[path]?from=%[req.hdr(host)] code 301 if { hdr(host) -i old.example }
    http-request redirect scheme https code 308 if { path_beg /tls }
    http-request set-header X-First "%[method] %[path]"
    http-request set-path /rewritten%[path] if { path_sub rewrite }
    http-request replace-path ^/re/(.*)/(.*) /er/\2/\1
    http-request set-header X-Path %[path]
    http-request add-header X-Many one
    http-request add-header X-Many two if { hdr(x-many) one }
    http-request del-header X-Secret
    http-request set-header X-Debugged yes if has_debug METH_GET
    http-request set-header X-Listed list if many
    http-request set-header X-Whole whole if whole
    http-request set-header X-Last %[req.hdr(x-list)] if { hdr(x-list) -m found }
    http-response set-header X-Answered-By balancer
    http-response del-header X-Server
    redirect prefix https://www.example code 302 if { hdr(host) -i example }
    redirect prefix / drop-query append-slash code 303 if { path /folder }
    redirect location /elsewhere if { path -i /ELSE }
    use_backend api if api !is_static
    use_backend files if is_static or lower
    use_backend files if re
    use_backend api if host_dom { method POST } || host_only
    use_backend api unless METH_GET
    default_backend web

backend web
    http-request set-header X-Backend web
    http-request deny deny_status 429 if { path /web/busy }
    http-response set-header X-Answered-By web
    server s1 WEB

backend api
    option forwardfor
    http-request set-header X-Forwarded-Port %[dst_port]
    server s1 API

backend files
    redirect location /moved-here if { path /static/moved }
    server s1 FILES
    server s2 WEB backup
"#;

/// Method, host, target, and more lines.
const REQUESTS: [(&str, &str, &str, &str); 47] = [
    ("GET", "www.example", "/", ""),
    ("GET", "www.example", "/?a=b", ""),
    ("HEAD", "www.example", "/", ""),
    ("GET", "www.example", "/alive", ""),
    ("GET", "www.example", "/api", ""),
    ("GET", "www.example", "/apix?q", ""),
    ("GET", "www.example", "/API", ""),
    ("GET", "API.example", "/x", ""),
    ("GET", "api.example:8080", "/x", ""),
    ("GET", "www.example", "/api/logo.png", ""),
    ("GET", "www.example", "/logo.png?x", ""),
    ("GET", "www.example", "/logo.PNG", ""),
    ("GET", "www.example", "/a/static/b", ""),
    ("GET", "www.example", "/a/statics/b", ""),
    ("GET", "www.example", "/static", ""),
    ("GET", "www.example", "/static/moved", ""),
    ("POST", "www.shop.example", "/buy", "Content-Length: 0\r\n"),
    ("POST", "www.workshop.example", "/buy", "Content-Length: 0\r\n"),
    ("DELETE", "www.example", "/x", ""),
    ("GET", "port.example:8443", "/", ""),
    ("GET", "port.example", "/", ""),
    ("GET", "xport.example", "/", ""),
    ("GET", "www.example", "/Mixed/CASE", ""),
    ("GET", "www.example", "/user/12.php", ""),
    ("GET", "www.example", "/user/12xphp", ""),
    ("GET", "www.example", "/secret", ""),
    ("GET", "www.example", "/secret", "X-Key: let-me-in\r\n"),
    ("GET", "www.example", "/secret", "X-Key: no, let-me-in\r\n"),
    ("GET", "www.example", "/gone", ""),
    ("GET", "www.example", "/gone/", ""),
    ("GET", "www.example", "/tea", ""),
    ("GET", "old.example", "/a/b?c=d", ""),
    ("GET", "www.example", "/tls/x?y", ""),
    ("GET", "www.example", "/plain/rewrite", "X-Secret: s\r\n"),
    ("GET", "www.example", "/a/rewrite?x=y", "X-Secret: s\r\nx-secret: t\r\n"),
    ("GET", "www.example", "/re/a/b?c", ""),
    ("GET", "www.example", "/", "X-Debug: 1\r\nX-First: mine\r\n"),
    ("POST", "www.example", "/", "X-Debug: 1\r\nContent-Length: 0\r\n"),
    ("GET", "www.example", "/", "X-List: a, b\r\n"),
    ("GET", "www.example", "/", "X-List: a\r\nX-List: b\r\n"),
    ("GET", "www.example", "/", "X-List: ab\r\n"),
    ("GET", "www.example", "/", "X-List: \"a, b\"\r\n"),
    ("GET", "www.example", "/", "X-Many: none\r\nX-Client: 9.9.9.9\r\n"),
    ("GET", "example", "/a?b", ""),
    ("GET", "www.example", "/folder?a", ""),
    ("GET", "www.example", "/else", ""),
    ("GET", "www.example", "/web/busy", ""),
];

/// A server that answers with the head it was sent.
fn server(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // One that waits for a request keeps nobody else waiting.
            std::thread::spawn(move || {
                let mut head = String::new();
                let mut lines = BufReader::new(&stream);
                while lines.read_line(&mut head).is_ok_and(|count| count > 2) {}
                let body = if head.starts_with("HEAD ") { String::new() } else { format!("{name}\n{head}") };
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nX-Server: {name}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = (&stream).write_all(answer.as_bytes());
            });
        }
    });
    addr
}

/// What a client was told and what the server saw, without what may differ: the order of fields, and the wording of pages.
fn seen(addr: SocketAddr, (method, host, target, lines): (&str, &str, &str, &str)) -> String {
    let mut stream = TcpStream::connect(addr).unwrap();
    write!(stream, "{method} {target} HTTP/1.1\r\nHost: {host}\r\n{lines}Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    let told = ["location", "x-answered-by", "x-server", "x-tea"];
    let of_head = sorted(head.lines().skip(1), |name| told.contains(&name));
    let (page, server) = match body.split_once('\n') {
        Some((name, head)) if head.contains(" HTTP/1.1\r\n") => {
            let line = head.lines().next().unwrap();
            (
                String::new(),
                format!("{name}: {line}\n{}", sorted(head.lines().skip(1), |name| name != "connection")),
            )
        }
        // Pages of their own are worded otherwise.
        _ if matches!(status, "301" | "302" | "303" | "308" | "403" | "404" | "429") => {
            ("page".into(), String::new())
        }
        _ => (body.to_owned(), String::new()),
    };
    format!("{status}\n{of_head}\n{page}\n{server}").replace(&addr.port().to_string(), "PORT")
}

fn sorted<'h>(lines: impl Iterator<Item = &'h str>, keep: impl Fn(&str) -> bool) -> String {
    let split = lines.filter_map(|line| line.split_once(": "));
    let mut fields: Vec<String> = split
        .map(|(name, value)| (name.to_lowercase(), value))
        .filter(|(name, _)| keep(name))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    fields.sort();
    fields.join("\n")
}

/// A balancer that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &Path, folder: &Path, addr: SocketAddr, text: &str) -> Running {
    let path = folder.join(format!("{}.cfg", addr.port()));
    std::fs::write(&path, text.replace("ADDR", &addr.to_string())).unwrap();
    let child = Command::new(program).arg("-db").arg("-f").arg(&path).stderr(Stdio::null()).spawn().unwrap();
    let mut running = Running(child);
    while TcpStream::connect(addr).is_err() {
        assert_eq!(
            running.0.try_wait().unwrap(),
            None,
            "{} does not run by {}",
            program.display(),
            path.display()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    running
}

#[test]
fn clients_and_servers_see_the_same() {
    if Command::new("haproxy").arg("-v").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "CI must have haproxy");
        println!("skipped: there is no haproxy");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let ours = folder.path().join("haproxy");
    symlink(muster(&[]).get_program(), &ours).unwrap();
    let text = CONFIG
        .replace("WEB", &server("web").to_string())
        .replace("API", &server("api").to_string())
        .replace("FILES", &server("files").to_string());
    // Addresses that are this test's alone.
    let [_, a, b, c] = std::process::id().to_be_bytes();
    let addr = |port| SocketAddr::from(([127, a | 64, b, c], port));
    let _theirs = run(Path::new("haproxy"), folder.path(), addr(18081), &text);
    let _ours = run(&ours, folder.path(), addr(18082), &text);
    let mut differing = Vec::new();
    for request in REQUESTS {
        let (theirs, ours) = (seen(addr(18081), request), seen(addr(18082), request));
        if theirs != ours {
            differing.push(format!("{request:?}\nHAProxy: {theirs}\nours: {ours}"));
        }
    }
    assert!(differing.is_empty(), "{} of {}:\n{}", differing.len(), REQUESTS.len(), differing.join("\n\n"));
}
