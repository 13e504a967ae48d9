//! Clients that speak TLS, by rustls' own client.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use muster_proxy::{Config, Error, Proxy};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, HandshakeKind, RootCertStore, SupportedProtocolVersion};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use support::*;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: test\r\n\r\n";
const BOTH: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13, &rustls::version::TLS12];

/// Writes a new certificate for `names` with its key as `NAME.pem`.
fn make(folder: &Path, name: &str, names: &[&str]) -> CertificateDer<'static> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let text = made.cert.pem() + &made.signing_key.serialize_pem();
    // Whole at once, as those who renew certificates do it.
    let new = folder.join("new");
    std::fs::write(&new, text).unwrap();
    std::fs::rename(new, folder.join(name).with_extension("pem")).unwrap();
    made.cert.der().clone()
}

fn read(folder: &Path, name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(folder.join(name).with_extension("pem")).unwrap()
}

/// A client that believes these.
fn client(
    trusted: &[CertificateDer<'static>],
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    trusted.iter().for_each(|certificate| roots.add(certificate.clone()).unwrap());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

async fn shake(
    client: &Arc<ClientConfig>,
    addr: SocketAddr,
    name: &str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(addr).await.unwrap();
    TlsConnector::from(Arc::clone(client))
        .connect(ServerName::try_from(name.to_owned()).unwrap(), stream)
        .await
}

/// A proxy that listens with TLS and the certificates of a folder, in which there is one for `a.test`.
async fn secured(change: impl FnOnce(&mut Config)) -> (Proxy, SocketAddr, Backend, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    make(dir.path(), "a", &["a.test"]);
    let backend = Backend::named("a").await;
    let mut config = config();
    config.listen = vec!["127.0.0.1:0 tls".parse().unwrap()];
    config.tls.certificates = vec![dir.path().into()];
    change(&mut config);
    let (proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
    (proxy, addr, backend, dir)
}

#[test]
fn a_request_over_tls_reaches_a_backend_that_is_told_so() {
    local(async {
        let (_proxy, addr, backend, dir) = secured(|_| {}).await;
        for version in BOTH {
            let client = client(&[read(dir.path(), "a")], &[version]);
            let mut wire = Wire::new(shake(&client, addr, "a.test").await.unwrap());
            for _ in 0..2 {
                wire.write(REQUEST).await;
                assert_eq!(wire.message().await.unwrap().text(), "a");
            }
        }
        for seen in backend.seen.requests.borrow().iter() {
            assert_eq!(seen.field("x-forwarded-proto"), Some("https"));
            assert_eq!(seen.field("x-forwarded-for"), Some("127.0.0.1"));
            assert_eq!(seen.field("x-forwarded-port"), Some(addr.port().to_string().as_str()));
        }
    });
}

#[test]
fn what_is_spoken_is_agreed_on_http_2_before_http_1_1_and_nothing_else() {
    local(async {
        let (_proxy, addr, _backend, dir) = secured(|_| {}).await;
        let mut client = client(&[read(dir.path(), "a")], BOTH);
        let mut offer = |protocols: &[&str]| {
            let own = Arc::make_mut(&mut client);
            own.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
            Arc::clone(&client)
        };
        for (offered, spoken) in
            [(&["http/1.1"][..], &b"http/1.1"[..]), (&["h2"], b"h2"), (&["http/1.1", "h2"], b"h2")]
        {
            let agreed = shake(&offer(offered), addr, "a.test").await.unwrap();
            assert_eq!(agreed.get_ref().1.alpn_protocol(), Some(spoken));
        }
        // Nobody guesses inside of TLS.
        let mut wire = Wire::new(shake(&offer(&[]), addr, "a.test").await.unwrap());
        wire.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert_eq!(wire.message().await.unwrap().status(), 505);
        assert!(shake(&offer(&["smtp"]), addr, "a.test").await.is_err());
    });
}

#[test]
fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    local(async {
        let (_proxy, addr, _backend, dir) = secured(|config| {
            make(&config.tls.certificates[0], "b", &["b.test", "*.b.test"]);
        })
        .await;
        let client = client(&[read(dir.path(), "a"), read(dir.path(), "b")], BOTH);
        for (name, certificate) in [("a.test", "a"), ("b.test", "b"), ("www.b.test", "b")] {
            let stream = shake(&client, addr, name).await.unwrap();
            assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0], read(dir.path(), certificate));
        }
        // Shown the first one, which is not for that name.
        assert!(shake(&client, addr, "c.test").await.is_err());
    });
}

#[test]
fn new_certificates_are_for_new_connections_and_broken_ones_for_nobody() {
    local(async {
        let (proxy, addr, _backend, dir) = secured(|_| {}).await;
        let old = read(dir.path(), "a");
        let mut running =
            Wire::new(shake(&client(std::slice::from_ref(&old), BOTH), addr, "a.test").await.unwrap());
        std::fs::write(dir.path().join("a.pem"), old.as_ref()).unwrap();
        proxy.reload_certificates();
        // Nothing tells when it was not taken, so this waits for what comes next.
        let new = make(dir.path(), "a", &["a.test"]);
        assert!(
            shake(&client(std::slice::from_ref(&old), BOTH), addr, "a.test").await.is_ok(),
            "the old one is shown on"
        );
        proxy.reload_certificates();
        let client = client(&[new], BOTH);
        for _ in 0..2000 {
            if shake(&client, addr, "a.test").await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        shake(&client, addr, "a.test").await.expect("the new one is shown at last");
        running.write(REQUEST).await;
        assert_eq!(running.message().await.unwrap().text(), "a", "who was there is served on");
    });
}

#[test]
fn files_that_change_are_noticed_without_being_told() {
    local(async {
        let (_proxy, addr, _backend, dir) = secured(|_| {}).await;
        let client = client(&[make(dir.path(), "a", &["a.test"])], BOTH);
        while shake(&client, addr, "a.test").await.is_err() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

#[test]
fn a_client_that_comes_back_resumes_its_session_also_after_a_reload() {
    local(async {
        let (proxy, addr, _backend, dir) = secured(|_| {}).await;
        for version in BOTH {
            let client = client(&[read(dir.path(), "a")], &[version]);
            for kind in [HandshakeKind::Full, HandshakeKind::Resumed] {
                let mut wire = Wire::new(shake(&client, addr, "a.test").await.unwrap());
                assert_eq!(wire.stream.get_ref().1.handshake_kind(), Some(kind));
                // A ticket of TLS 1.3 comes behind the handshake.
                wire.write(REQUEST).await;
                wire.message().await.unwrap();
                proxy.reload_certificates();
            }
        }
    });
}

#[test]
fn older_versions_are_refused_when_they_are_to_be() {
    local(async {
        let (_proxy, addr, _backend, dir) = secured(|config| config.tls.only_13 = true).await;
        let certificate = read(dir.path(), "a");
        let old = client(std::slice::from_ref(&certificate), &[&rustls::version::TLS12]);
        assert!(shake(&old, addr, "a.test").await.is_err());
        assert!(shake(&client(&[certificate], BOTH), addr, "a.test").await.is_ok());
    });
}

#[test]
fn what_is_no_handshake_or_none_in_time_is_closed() {
    local(async {
        let quick = |config: &mut Config| config.handshake_timeout = Duration::from_millis(50);
        let (_proxy, addr, backend, _dir) = secured(quick).await;
        let mut silent = Wire::connect(addr).await;
        assert!(silent.closes().await);
        let mut plain = Wire::connect(addr).await;
        plain.write(REQUEST).await;
        let mut alert = Vec::new();
        while let Some(byte) = plain.bytes(1).await {
            alert.extend(byte);
        }
        assert!(!alert.starts_with(b"HTTP"), "{alert:?}");
        assert_eq!(backend.seen.count(), 0);
    });
}

#[test]
fn the_header_of_a_balancer_in_front_comes_before_the_handshake() {
    local(async {
        let listen =
            |config: &mut Config| config.listen = vec!["127.0.0.1:0 proxy-protocol tls".parse().unwrap()];
        let (_proxy, addr, backend, dir) = secured(listen).await;
        let client = client(&[read(dir.path(), "a")], BOTH);
        let mut stream = TcpStream::connect(addr).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, b"PROXY TCP4 192.0.2.1 192.0.2.2 1 443\r\n")
            .await
            .unwrap();
        let name = ServerName::try_from("a.test").unwrap();
        let mut wire = Wire::new(TlsConnector::from(client).connect(name, stream).await.unwrap());
        wire.write(REQUEST).await;
        assert_eq!(wire.message().await.unwrap().text(), "a");
        assert_eq!(backend.seen.requests.borrow()[0].field("x-forwarded-for"), Some("192.0.2.1"));
    });
}

#[test]
fn certificates_that_cannot_be_used_keep_the_proxy_from_starting() {
    local(async {
        let mut config = config();
        config.listen = vec!["127.0.0.1:0 tls".parse().unwrap()];
        let refused = Proxy::start(config.clone()).unwrap_err();
        assert!(matches!(&refused, Error::Tls(why) if why.contains("no `certificates`")), "{refused}");
        config.tls.certificates = vec!["/nonexistent/a.pem".into()];
        let refused = Proxy::start(config).unwrap_err().to_string();
        assert!(refused.contains("cannot read /nonexistent/a.pem"), "{refused}");
    });
}

#[test]
fn a_listener_can_send_everybody_to_https() {
    local(async {
        let backend = Backend::named("a").await;
        let mut config = config();
        config.listen = vec!["127.0.0.1:0 redirect-https=8443".parse().unwrap()];
        let (_proxy, addr) = proxy_with(config, &picture(1, &[backend.addr]));
        let mut client = Wire::connect(addr).await;
        for request in [
            "GET /a?b HTTP/1.1\r\nHost: a.test:80\r\n\r\n",
            "POST /a?b HTTP/1.1\r\nHost: a.test\r\nContent-Length: 2\r\n\r\nhi",
        ] {
            client.write(request).await;
            let answer = client.message().await.unwrap();
            assert_eq!((answer.status(), answer.field("location")), (308, Some("https://a.test:8443/a?b")));
        }
        assert_eq!(ask(addr, "GET / HTTP/1.1\r\nHost:\r\n\r\n").await.status(), 400);
        assert_eq!(backend.seen.count(), 0);
    });
}
