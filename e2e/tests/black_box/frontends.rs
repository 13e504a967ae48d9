//! The proxy by frontends of muster.toml, in front of and behind real programs: curl, openssl, HAProxy, Python's websockets.

use muster_e2e::load::{Load, Plan, failures};
use muster_e2e::{Haproxy, Hosts, Origin, Process, Release, binary, says, skip, wait_for};
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A proxy with a configuration of its own in a folder of its own.
struct Proxy {
    process: Process,
    directory: TempDir,
}

impl Proxy {
    /// Starts it with `text`, in which `DIR` stands for its folder, once `prepare` has put there what it needs.
    async fn start(text: &str, prepare: impl FnOnce(&Path)) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        prepare(directory.path());
        let file = directory.path().join("muster.toml");
        write(&file, &text.replace("DIR", &directory.path().display().to_string()));
        let mut command = Command::new(binary());
        command.arg("proxy").arg("--config").arg(&file);
        let process = Process::start("muster proxy", &mut command);
        let proxy = Self { process, directory };
        says("it listens", "listening", || proxy.process.said()).await;
        proxy
    }

    /// Another configuration, which it is to take, or to refuse with these words.
    async fn reload(&self, text: &str, words: &str) {
        let text = text.replace("DIR", &self.directory.path().display().to_string());
        write(&self.directory.path().join("muster.toml"), &text);
        let before = self.process.said().matches(words).count();
        self.process.signal(Signal::HUP);
        wait_for("the hangup is told", || async {
            let said = self.process.said();
            if said.matches(words).count() > before { Ok(()) } else { Err(said) }
        })
        .await;
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).expect("the file can be written");
}

/// Whether a program is here; else a word.
fn has(program: &str, package: &str) -> bool {
    let is_here = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let is_here = is_here.is_ok_and(|output| output.status.success());
    if !is_here {
        skip(&format!("{program} is not installed (apt install {package})"));
    }
    is_here
}

/// What curl prints: the status, and the head and body.
fn curl(args: &[&str]) -> (String, String) {
    let wanted =
        ["--silent", "--show-error", "--include", "--max-time", "60", "--write-out", "\n%{http_code}"];
    let output = Command::new("curl").args(wanted).args(args).output().expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let (text, code) = text.rsplit_once('\n').unwrap_or(("", ""));
    let said = String::from_utf8_lossy(&output.stderr);
    (code.to_owned(), format!("{text}{said}"))
}

fn openssl(args: &[&str]) -> String {
    let output =
        Command::new("openssl").args(args).stdin(std::process::Stdio::null()).output().expect("openssl runs");
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A certificate for `name` with its key, in one file.
fn certificate(folder: &Path, file: &str, name: &str) {
    let path = |end: &str| folder.join(format!("{file}.{end}")).display().to_string();
    let (key, chain) = (path("key"), path("part"));
    let (subject, names) = (format!("/CN={name}"), format!("subjectAltName=DNS:{name}"));
    let made = openssl(&[
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
        "-keyout",
        &key,
        "-out",
        &chain,
        "-subj",
        &subject,
        "-addext",
        &names,
    ]);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|why| panic!("{why}: {made}"));
    // One file, put in place at once.
    let whole = folder.join(format!("{file}.whole"));
    write(&whole, &format!("{}{}", read(&chain), read(&key)));
    std::fs::rename(&whole, folder.join(format!("{file}.pem"))).expect("it can be renamed");
    let _ = std::fs::remove_file(key);
    let _ = std::fs::remove_file(chain);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_routed_redirected_and_closed_for_maintenance() {
    if !has("curl", "curl") {
        return;
    }
    let hosts = Hosts::claim();
    let web = Origin::start(&hosts.at(10, 3000), "web").await;
    let api = Origin::start(&hosts.at(11, 3000), "api").await;
    let at = hosts.at(1, 8080);
    let text = format!(
        r#"
[proxy.frontends.main]
listen = ["{at}"]
service = "web"

[[proxy.frontends.main.rules]]
host = "secure.example"
redirect_scheme = "https"
redirect_code = 308

[[proxy.frontends.main.rules]]
host = "*.old.example"
redirect = "http://new.example%uri"
redirect_code = 301

[[proxy.frontends.main.rules]]
path = "/admin"
not_from = "192.0.2.0/24"
deny = 404

[[proxy.frontends.main.rules]]
set_response_headers = {{ X-By = "%host" }}

[[proxy.frontends.main.rules]]
path = "/api"
strip_prefix = "/api"
service = "api"

[[proxy.frontends.main.rules]]
header = {{ X-Parked = true }}
page_text = "parked"
retry_after = "2m"

[services.web]
backends = ["{web}"]
maintenance_file = "DIR/closed"
maintenance_page = "DIR/closed.html"

[services.api]
backends = ["{api}"]
"#,
        web = web.address,
        api = api.address,
    );
    let proxy = Proxy::start(&text, |folder| write(&folder.join("closed.html"), "<p>Back soon")).await;
    let url = |path: &str| format!("http://{at}{path}");
    let asked = |path: &str, header: &str| curl(&["--header", header, &url(path)]);
    wait_for("both are there", || async {
        let (code, text) = asked("/", "Host: a");
        if code == "200" { Ok(()) } else { Err(text) }
    })
    .await;
    for (path, header, code, words) in [
        ("/", "Host: a", "200", "\"web\""),
        ("/", "Host: shop.example", "200", "X-By: shop.example"),
        ("/api/users", "Host: a", "200", "\"api\""),
        ("/apix", "Host: a", "200", "\"web\""),
        ("/x?y=1", "Host: secure.example", "308", "Location: https://secure.example/x?y=1"),
        ("/x?y=1", "Host: www.old.example", "301", "Location: http://new.example/x?y=1"),
        ("/admin/x", "Host: a", "404", ""),
        ("/", "X-Parked: 1", "503", "Retry-After: 120"),
    ] {
        let (got, text) = asked(path, header);
        assert!(got == code && text.contains(words), "{path} {header}: {got} {text}");
    }
    write(&proxy.path("closed"), "");
    wait_for("web is closed", || async {
        let (code, text) = asked("/", "Host: a");
        let is_page =
            text.contains("Retry-After: 60") && text.contains("text/html") && text.ends_with("<p>Back soon");
        if code == "503" && is_page { Ok(()) } else { Err(text) }
    })
    .await;
    assert_eq!(asked("/api/x", "Host: a").0, "200", "the other is open");
    std::fs::remove_file(proxy.path("closed")).expect("it is there");
    wait_for("web is open", || async {
        let (code, text) = asked("/", "Host: a");
        if code == "200" { Ok(()) } else { Err(text) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_reloads_fail_no_request_and_a_mistake_changes_nothing() {
    let hosts = Hosts::claim();
    let one = Origin::start(&hosts.at(10, 3000), "one").await;
    let two = Origin::start(&hosts.at(11, 3000), "two").await;
    let (at, more) = (hosts.at(1, 8080), hosts.at(2, 8080));
    let services = format!("[services.one]\nbackends = [\"{}\"]\n", one.address);
    let both = format!("{services}[services.two]\nbackends = [\"{}\"]\n", two.address);
    let frontend = |listen: &str, service: &str| {
        format!("[proxy.frontends.main]\nlisten = [{listen}]\nservice = \"{service}\"\n")
    };
    let texts = [
        format!("{}{services}", frontend(&format!("\"{at}\""), "one")),
        format!("{}{both}", frontend(&format!("\"{more}\", \"{at}\""), "two")),
        format!(
            "{}[[proxy.frontends.main.rules]]\nmethod = \"POST\"\nservice = \"two\"\n{both}",
            frontend(&format!("\"{at}\""), "one")
        ),
    ];
    let proxy = Proxy::start(&texts[0], |_| {}).await;
    let plan = |closes| Plan { address: at.clone(), per_second: 200, post_every: 5, connections: 8, closes };
    let loads = [Load::start(&plan(false)), Load::start(&plan(true))];
    for nth in 1..100 {
        proxy.reload(&texts[nth % texts.len()], "configuration reloaded").await;
    }
    proxy.reload(&texts[0].replace("service = \"one\"", "service = \"oen\""), "did you mean `one`?").await;
    let mut finished = 0;
    for load in loads {
        let outcomes = load.stop().await;
        finished += outcomes.len();
        assert_eq!(failures(&outcomes), [""; 0]);
    }
    eprintln!("{finished} requests through 100 reloads");
    assert!(one.requests() > 0 && two.requests() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_shows_the_certificate_of_the_name_and_a_new_one_without_a_failure() {
    if !has("curl", "curl") || !has("openssl", "openssl") {
        return;
    }
    let hosts = Hosts::claim();
    let web = Origin::start(&hosts.at(10, 3000), "web").await;
    let (ip, port) = (hosts.ip(1).to_string(), 8443);
    let text = format!(
        "[proxy]\ncertificates = [\"DIR/tls\"]\n[proxy.frontends.main]\nlisten = [\"{ip}:{port} tls\"]\nservice = \"web\"\n[services.web]\nbackends = [\"{}\"]\n",
        web.address
    );
    let proxy = Proxy::start(&text, |folder| {
        std::fs::create_dir(folder.join("tls")).expect("a folder can be made");
        certificate(&folder.join("tls"), "a", "a.example");
        certificate(&folder.join("tls"), "b", "b.example");
    })
    .await;
    let folder = proxy.path("tls");
    let trusted = |name: &str, file: &str| {
        let resolve = format!("{name}:{port}:{ip}");
        let file = folder.join(file).display().to_string();
        curl(&["--cacert", &file, "--resolve", &resolve, &format!("https://{name}:{port}/")])
    };
    for (name, file) in [("a.example", "a.pem"), ("b.example", "b.pem")] {
        let (code, text) = trusted(name, file);
        assert_eq!(code, "200", "{name}: {text}");
    }
    let connect = format!("{ip}:{port}");
    let subject =
        |name: &str| openssl(&["s_client", "-connect", &connect, "-servername", name, "-showcerts"]);
    assert!(subject("b.example").contains("CN = b.example"), "{}", subject("b.example"));
    let serial = |text: &str| {
        let begin = text.find("-----BEGIN CERTIFICATE-----").unwrap_or(0);
        text[begin..].lines().skip(1).take(4).collect::<String>()
    };
    let before = serial(&subject("a.example"));
    // Others go on meanwhile, each by a handshake of its own.
    let asking = {
        let (resolve, url) = (format!("b.example:{port}:{ip}"), format!("https://b.example:{port}/"));
        let file = folder.join("b.pem").display().to_string();
        let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let stopped = std::sync::Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut codes = Vec::new();
            while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
                codes.push(curl(&["--cacert", &file, "--resolve", &resolve, &url]));
            }
            codes
        });
        (stop, thread)
    };
    certificate(&folder, "a", "a.example");
    wait_for("the new certificate is shown", || async {
        let now = serial(&subject("a.example"));
        if now != before && !now.is_empty() { Ok(()) } else { Err(now) }
    })
    .await;
    assert_eq!(trusted("a.example", "a.pem").0, "200");
    asking.0.store(true, std::sync::atomic::Ordering::Relaxed);
    let answers = asking.1.join().expect("it asks to the end");
    let failed: Vec<_> = answers.iter().filter(|(code, _)| code != "200").collect();
    assert!(!answers.is_empty() && failed.is_empty(), "{failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_protocol_is_read_from_curl_and_haproxy_and_written_to_haproxy() {
    if !has("curl", "curl") {
        return;
    }
    let Some(release) = Release::installed() else { return };
    let hosts = Hosts::claim();
    let (in_front, ours, behind) = (hosts.at(3, 8080), hosts.at(1, 8080), hosts.at(2, 8080));
    // It answers with whom it was told of, and refuses a connection without a header.
    let haproxy = format!(
        "global\n  stats socket DIR/admin.sock mode 600 level admin\ndefaults\n  mode http\n  timeout connect 60s\n  timeout client 60s\n  timeout server 60s\n\
         frontend asks\n  bind {behind} accept-proxy\n  http-request return status 200 content-type text/plain lf-string \"%[src] via %[req.hdr(x-forwarded-for)]\"\n\
         listen tells\n  bind {in_front}\n  server muster {ours} send-proxy-v2\n"
    );
    let _haproxy = Haproxy::start(&release, &haproxy).await;
    for version in ["v1", "v2"] {
        let text = format!(
            "[proxy]\nsend_proxy_protocol = \"{version}\"\n[proxy.frontends.main]\nlisten = [\"{ours} proxy-protocol\"]\nservice = \"web\"\n[services.web]\nbackends = [\"{behind}\"]\n"
        );
        let _proxy = Proxy::start(&text, |_| {}).await;
        let from = hosts.ip(7).to_string();
        wait_for("a client is told of through all of them", || async {
            let (code, text) = curl(&["--interface", &from, &format!("http://{in_front}/")]);
            if code == "200" && text.ends_with(&format!("{from} via {from}")) { Ok(()) } else { Err(text) }
        })
        .await;
        let (code, text) = curl(&["--interface", &from, "--haproxy-protocol", &format!("http://{ours}/")]);
        assert!(code == "200" && text.ends_with(&format!("{from} via {from}")), "{code} {text}");
        let (code, text) = curl(&["--max-time", "30", &format!("http://{ours}/")]);
        assert_ne!(code, "200", "one without a header is not let in: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tcp_mode_passes_on_a_half_that_is_closed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let hosts = Hosts::claim();
    let (at, behind) = (hosts.at(1, 5432), hosts.at(2, 5432));
    let listener = tokio::net::TcpListener::bind(&behind).await.expect("the address is the test's own");
    let sums = tokio::spawn(async move {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { continue };
            tokio::spawn(async move {
                let mut all = Vec::new();
                // Its answer needs all of it: it comes only if the end does.
                let _ = stream.read_to_end(&mut all).await;
                let _ = stream.write_all(format!("{} bytes", all.len()).as_bytes()).await;
            });
        }
    });
    let text = format!(
        "[proxy.frontends.db]\nlisten = [\"{at}\"]\nmode = \"tcp\"\nservice = \"db\"\n[services.db]\nbackends = [\"{behind}\"]\n"
    );
    let _proxy = Proxy::start(&text, |_| {}).await;
    let mut stream = tokio::net::TcpStream::connect(&at).await.expect("it listens");
    stream.write_all(&[7; 300_000]).await.expect("it is taken");
    stream.shutdown().await.expect("a half can be closed");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the other half is open");
    assert_eq!(answer, "300000 bytes");
    sums.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_of_python_go_through_and_outlive_a_reload() {
    let directory = TempDir::new().expect("a temporary directory can be made");
    let environment = directory.path().join("venv");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&environment).output();
    if !made.as_ref().is_ok_and(|output| output.status.success()) {
        return skip(&format!(
            "no virtual environment for Python can be made (package python3-venv): {made:?}"
        ));
    }
    let python = environment.join("bin/python");
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "websockets==13.1"];
    let installed = Command::new(&python).args(install).output();
    if !installed.as_ref().is_ok_and(|output| output.status.success()) {
        return skip(&format!("websockets cannot be installed from PyPI: {installed:?}"));
    }
    let hosts = Hosts::claim();
    let (at, ip) = (hosts.at(1, 8080), hosts.ip(2));
    let program = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("clients").join(name);
    let mut server = Command::new(&python);
    server.arg(program("websocket_echo.py")).args([&ip.to_string(), "9000"]);
    let server = Process::start("websockets server", &mut server);
    says("the server listens", "listening", || server.said()).await;
    let text = format!(
        "[proxy.frontends.main]\nlisten = [\"{at}\"]\nservice = \"none\"\n[[proxy.frontends.main.rules]]\npath = \"/ws\"\nservice = \"ws\"\n[services.ws]\nbackends = [\"{ip}:9000\"]\n[services.none]\nbackends = [\"{ip}:1\"]\n"
    );
    let proxy = Proxy::start(&text, |_| {}).await;
    let go = directory.path().join("go");
    let mut client = Command::new(&python);
    client.arg(program("websocket_client.py")).arg(format!("ws://{at}/ws")).arg(&go);
    let client = Process::start("websockets client", &mut client);
    says("the first messages are back", "first: 100", || client.said()).await;
    proxy.reload(&text, "configuration reloaded").await;
    write(&go, "");
    says("the last are, too, on the same connection", "second: 100, closed 1000", || client.said()).await;
}
