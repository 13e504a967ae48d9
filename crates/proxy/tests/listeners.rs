//! Where clients come, and what is said of them to backends.
#![allow(clippy::unwrap_used, reason = "tests, of which clippy knows only the functions marked so")]

mod support;

use std::time::Duration;
use support::*;
use tokio::net::UnixStream;

#[test]
fn a_client_on_a_unix_socket_is_served_and_what_it_says_of_others_stands() {
    local(async {
        let backend = Backend::named("a").await;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.sock");
        let mut config = config();
        config.listen = vec![format!("unix:{} mode=600", path.display()).parse().unwrap()];
        let proxy = muster_proxy::Proxy::start(config).unwrap();
        proxy.apply(&picture(1, &[backend.addr]));
        let mut client = Wire::new(UnixStream::connect(&path).await.unwrap());
        client.write("GET / HTTP/1.0\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Port: 7\r\n\r\n").await;
        assert_eq!(client.message().await.unwrap().text(), "a");
        let seen = backend.seen.requests.borrow()[0].clone();
        assert_eq!(seen.field("x-forwarded-for"), Some("1.2.3.4"));
        assert_eq!(seen.field("x-forwarded-port"), None, "it reached no port");
        assert_eq!(seen.field("host"), Some("localhost"));
        assert_eq!(proxy.stop(Duration::from_secs(20)).await, 0);
        until("its file is gone with it", || !path.exists()).await;
    });
}
