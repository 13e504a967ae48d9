//! HTTP/2 as others speak it: curl, nghttp and h2load against the proxy.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]
#![allow(clippy::print_stderr, reason = "what was skipped is told")]

mod support;

use std::process::Command;
use support::*;

/// What `program` writes; `None`: it is not installed, which only this ring may take for well.
async fn run(program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args);
    // Its server is in this thread.
    match tokio::task::spawn_blocking(move || command.output()).await.unwrap() {
        Ok(output) => {
            let both = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program} {args:?}: {both}");
            Some(both.into_owned())
        }
        Err(cause) => {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "skipped under CI=true: {program}: {cause}"
            );
            eprintln!("skipped: {program} cannot be run: {cause}");
            None
        }
    }
}

/// Answers with what it got.
async fn echo() -> Backend {
    Backend::answering(|request| ok(&format!("{} {}", request.start, request.body.len()))).await
}

#[test]
fn curl_by_prior_knowledge_by_alpn_and_as_before() {
    local(async {
        let backend = echo().await;
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let file = dir.path().join("a.pem");
        std::fs::write(&file, made.cert.pem() + &made.signing_key.serialize_pem()).unwrap();
        let mut config = config();
        config.listen.push("127.0.0.1:0 tls".parse().unwrap());
        config.tls.certificates = vec![file.clone()];
        let (proxy, plain) = proxy_with(config, &picture(1, &[backend.addr]));
        let port = proxy.addrs()[1].port();
        let (plain, secure) = (format!("http://{plain}/a"), format!("https://localhost:{port}/a"));
        let upload = dir.path().join("upload");
        std::fs::write(&upload, vec![b'x'; 3_000_000]).unwrap();
        let (file, upload) = (file.to_str().unwrap(), format!("@{}", upload.to_str().unwrap()));
        let version = ["-sS", "-w", " over %{http_version}"];
        for (how, url, over) in [
            ("--http2-prior-knowledge", plain.as_str(), "2"),
            ("--http2", secure.as_str(), "2"),
            ("--http1.1", secure.as_str(), "1.1"),
            // An upgrade is not taken up, so this stays what it is.
            ("--http2", plain.as_str(), "1.1"),
        ] {
            let args = [&version[..], &["--cacert", file, how]].concat();
            let Some(got) = run("curl", &[&args[..], &[url]].concat()).await else { return };
            assert_eq!(got, format!("GET /a HTTP/1.1 0 over {over}"), "{how} {url}");
            let post = [&args[..], &["--data-binary", &upload, url]].concat();
            assert_eq!(run("curl", &post).await.unwrap(), format!("POST /a HTTP/1.1 3000000 over {over}"));
        }
    });
}

#[test]
fn nghttp_and_h2load_have_all_their_answers() {
    local(async {
        let backends = [echo().await, echo().await];
        let (_proxy, addr) = proxy(&[backends[0].addr, backends[1].addr]);
        let url = format!("http://{addr}/b");
        if let Some(got) = run("nghttp", &["--no-verify-peer", &url]).await {
            assert_eq!(got, "GET /b HTTP/1.1 0");
        }
        // Through both, 4 connections of 50 streams each.
        if let Some(got) = run("h2load", &["-n2000", "-c4", "-m50", &url]).await {
            assert!(got.contains("2000 succeeded, 0 failed, 0 errored, 0 timeout"), "{got}");
        }
    });
}
