use super::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

const PATIENCE: Duration = Duration::from_secs(30);
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-backend-ip: 127.7.7.7\r\n\r\nok";
const BAD_GATEWAY: &str = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
/// Promises more than it brings.
const SHORT: &str = "HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok";

/// What the server does with a request.
#[derive(Clone, Copy)]
struct Reply {
    text: &'static str,
    then_close: bool,
}

const fn say(text: &'static str) -> Reply {
    Reply { text, then_close: false }
}

const fn say_and_close(text: &'static str) -> Reply {
    Reply { text, then_close: true }
}

/// Answers the requests with `replies`, in turn and then from the start. Each connection is told on the channel.
async fn server(replies: &'static [Reply]) -> (SocketAddr, mpsc::UnboundedReceiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (accepted, connections) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut replies = replies.iter().cycle();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = accepted.send(());
            // A request is far shorter than a segment: it comes in one piece.
            let mut bytes = [0; 1024];
            while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {
                let Reply { text, then_close } = *replies.next().unwrap();
                stream.write_all(text.as_bytes()).await.unwrap();
                if then_close {
                    break;
                }
            }
        }
    });
    (addr, connections)
}

fn shared(target: SocketAddr) -> Arc<Shared> {
    Arc::new(Shared { target, tally: Mutex::default(), idle: Mutex::default() })
}

/// Answered, failed and in flight.
fn figures(shared: &Shared) -> (u64, u64, usize) {
    let tally = shared.tally();
    (tally.answered, tally.failed, tally.in_flight)
}

/// Lets the other tasks run until `done`.
async fn until(done: impl Fn() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, waiting).await.expect("never came true");
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let (addr, mut connections) = server(const { &[say(OK)] }).await;
    let shared = shared(addr);
    for _ in 0..5 {
        visit(Arc::clone(&shared)).await;
    }
    assert_eq!(figures(&shared), (5, 0, 0));
    connections.recv().await.unwrap();
    assert!(connections.try_recv().is_err(), "one connection was enough");
}

#[tokio::test]
async fn every_failure_is_counted_with_its_reason() {
    let (addr, _connections) =
        server(const { &[say(OK), say(BAD_GATEWAY), say_and_close(SHORT), say_and_close("")] }).await;
    let shared = shared(addr);
    for _ in 0..4 {
        visit(Arc::clone(&shared)).await;
    }
    let reasons = ["502 Bad Gateway", "answer cut", "connection cut"].map(|reason| (reason.to_owned(), 1));
    assert_eq!(shared.tally().reasons, BTreeMap::from(reasons));
    assert_eq!(figures(&shared), (1, 3, 0));
}

#[tokio::test]
async fn nobody_listening_is_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let shared = shared(listener.local_addr().unwrap());
    drop(listener);
    visit(Arc::clone(&shared)).await;
    assert_eq!(shared.tally().reasons, BTreeMap::from([("connection refused".to_owned(), 1)]));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_in_order_fails_nobody() {
    let (addr, mut connections) = server(const { &[say_and_close(OK)] }).await;
    let shared = shared(addr);
    for _ in 0..3 {
        visit(Arc::clone(&shared)).await;
        connections.recv().await.unwrap();
        until(|| shared.idle().iter().all(SendRequest::is_closed)).await;
    }
    assert_eq!(figures(&shared), (3, 0, 0));
}

#[tokio::test]
async fn a_crowd_of_waiting_requests_is_bounded() {
    let (addr, _connections) = server(const { &[say(OK)] }).await;
    let shared = shared(addr);
    shared.tally().in_flight = IN_FLIGHT_MAX;
    visit(Arc::clone(&shared)).await;
    assert_eq!(figures(&shared), (0, 1, IN_FLIGHT_MAX));
}

#[tokio::test]
async fn requests_begin_and_end_with_the_switch() {
    let (addr, _connections) = server(const { &[say(OK)] }).await;
    let traffic = Traffic::new(addr, 50);
    assert_eq!(traffic.view(), TrafficView { per_second: 50, ..TrafficView::default() });
    traffic.set(TrafficState::On);
    until(|| traffic.view().answered >= 20).await;
    assert!(traffic.view().latency.is_some_and(|latency| latency.median <= latency.slowest));
    traffic.set(TrafficState::Off);
    until(|| traffic.shared.tally().in_flight == 0).await;
    let answered = traffic.view().answered;
    traffic.set(TrafficState::On);
    until(|| traffic.view().answered > answered).await;
    assert_eq!(traffic.view().failed, 0);
}

#[tokio::test]
async fn the_first_answer_of_a_backend_is_noticed() {
    let (addr, _connections) = server(const { &[say(OK)] }).await;
    let traffic = Traffic::new(addr, 1);
    let ip = IpAddr::from([127, 7, 7, 7]);
    assert_eq!(traffic.first_answer(ip), None);
    visit(Arc::clone(&traffic.shared)).await;
    let first = traffic.first_answer(ip).unwrap();
    visit(Arc::clone(&traffic.shared)).await;
    assert_eq!(traffic.first_answer(ip), Some(first));
    traffic.forget(ip);
    visit(Arc::clone(&traffic.shared)).await;
    assert!(traffic.first_answer(ip).unwrap() > first);
}

#[test]
fn reasons_are_bounded() {
    let mut tally = Tally::default();
    for number in 0..100 {
        tally.fail(format!("reason {number}"));
    }
    assert_eq!(tally.reasons.len(), REASONS_MAX + 1);
    assert_eq!(tally.reasons["other"], 100 - REASONS_MAX as u64);
}
