use super::*;
use crate::check::{CheckExpect, CheckHost};
use tokio::net::TcpListener;

const LONG: Duration = Duration::from_secs(60);

fn http(timeout: Duration) -> Check {
    let question = Question::Http(HttpCheck {
        method: "GET".to_owned(),
        target: "/".to_owned(),
        is_11: true,
        host: CheckHost::Address,
        fields: Vec::new(),
        body: String::new(),
        expect: CheckExpect::Status { negated: false, statuses: vec![200..=399] },
    });
    Check { question, timeout }
}

/// A backend that answers one connection so, then closes it, or holds it for ever.
async fn backend(answer: &'static [u8], holds: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(answer).await;
        if holds {
            std::future::pending::<()>().await;
        }
    });
    addr
}

async fn asked(check: &Check, addr: SocketAddr) -> (&'static str, Option<u16>) {
    let found = ask(check, addr, LONG, b"").await.unwrap();
    (found.kind.word(), found.status)
}

#[tokio::test]
async fn each_end_of_a_check_has_its_word() {
    assert_eq!(asked(&http(LONG), backend(b"HTTP/1.1 204 x\r\n\r\n", true).await).await, ("L7OK", Some(204)));
    assert_eq!(
        asked(&http(LONG), backend(b"HTTP/1.1 500 x\r\n\r\n", true).await).await,
        ("L7STS", Some(500))
    );
    assert_eq!(asked(&http(LONG), backend(b"SSH-2.0-whoever\r\n", true).await).await, ("L7RSP", None));
    assert_eq!(asked(&http(LONG), backend(b"", false).await).await, ("L7RSP", None));
    let short = Duration::from_millis(50);
    assert_eq!(asked(&http(short), backend(b"HTTP/1.1", true).await).await, ("L7TOUT", None));
    let connect = Check { question: Question::Connect, timeout: LONG };
    assert_eq!(asked(&connect, backend(b"", false).await).await, ("L4OK", None));
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(asked(&connect, nobody).await, ("L4CON", None));
}
