//! Connections over real loopback sockets, read by a loop that only plays the core.

use super::*;
use muster_wire::crypt::{Key, Keyring};
use muster_wire::memberlist::{Message, Ping};
use muster_wire::stream::encode_message;
use muster_wire::{Border, Label};
use tokio::task::JoinHandle;

struct Test {
    streams: Streams,
    arrivals: mpsc::Receiver<Arrival>,
    addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Test {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn listen(inbound_timeout: Duration) -> Test {
    listen_sealed(inbound_timeout, Arc::default()).await
}

async fn listen_sealed(inbound_timeout: Duration, sealer: Arc<Sealer>) -> Test {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (sender, arrivals) = mpsc::channel(8);
    let streams = Streams::new(sealer, sender, inbound_timeout);
    let accepting = tokio::spawn(streams.clone().accept(listener));
    Test { streams, arrivals, addr, accepting }
}

const LONG: Duration = Duration::from_secs(30);

fn ping() -> Vec<u8> {
    encode_message(&Message::Ping(Ping { seq_no: 7, node: "me", source: None }), false)
}

fn sealer(key: u8) -> Arc<Sealer> {
    let keys = Keyring::new(Key::from_bytes(&[key; 16]).unwrap());
    Arc::new(Sealer::new(Border::new(Label::default(), Some(keys))))
}

fn outbound(to: SocketAddr, bytes: Vec<u8>, reply: bool, time_left: Duration) -> Outbound {
    Outbound { stream: StreamId::Outbound(9), to, bytes, reply, time_left }
}

fn lost(arrival: Arrival) -> String {
    match arrival.message {
        Err(Failure::Lost(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_request_is_read_without_waiting_for_its_end_of_stream_and_answered() {
    let mut test = listen(LONG).await;
    let mut peer = TcpStream::connect(test.addr).await.unwrap();
    let ping = ping();
    let (first, second) = ping.split_at(3);
    peer.write_all(first).await.unwrap();
    peer.write_all(second).await.unwrap();
    let arrival = test.arrivals.recv().await.unwrap();
    assert_eq!(arrival.stream, StreamId::Inbound(1));
    assert_eq!(arrival.from, peer.local_addr().unwrap());
    assert_eq!(arrival.message.unwrap(), ping);
    arrival.answer.unwrap().send(b"answer".to_vec()).unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"answer");
}

#[tokio::test]
async fn without_an_answer_the_connection_closes() {
    let mut test = listen(LONG).await;
    let mut peer = TcpStream::connect(test.addr).await.unwrap();
    peer.write_all(&ping()).await.unwrap();
    drop(test.arrivals.recv().await.unwrap());
    assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn unreadable_bytes_are_told_and_can_still_be_answered() {
    let mut test = listen(LONG).await;
    let mut peer = TcpStream::connect(test.addr).await.unwrap();
    peer.write_all(&[0xfe, 1, 2, 3]).await.unwrap();
    let arrival = test.arrivals.recv().await.unwrap();
    assert!(matches!(arrival.message, Err(Failure::Unreadable(_))));
    arrival.answer.unwrap().send(b"err".to_vec()).unwrap();
    let mut answer = Vec::new();
    // The kernel may cut the connection for what it had not read; the answer came first.
    let _ = peer.read_to_end(&mut answer).await;
    assert_eq!(answer, b"err");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_dropped_in_time() {
    let mut test = listen(Duration::from_millis(200)).await;
    let mut peer = TcpStream::connect(test.addr).await.unwrap();
    let arrival = test.arrivals.recv().await.unwrap();
    assert_eq!(lost(arrival), "no whole message came in time");
    assert_eq!(peer.read(&mut [0; 8]).await.unwrap(), 0);
}

#[tokio::test]
async fn beyond_the_bound_connections_are_closed_at_once() {
    let mut test = listen(LONG).await;
    let mut peers = Vec::new();
    for _ in 0..=INBOUND_MAX {
        peers.push(TcpStream::connect(test.addr).await.unwrap());
    }
    let mut one_too_many = peers.pop().unwrap();
    assert_eq!(one_too_many.read(&mut [0; 8]).await.unwrap(), 0);
    // When one ends, there is room again.
    peers.pop().unwrap().write_all(&ping()).await.unwrap();
    let arrival = test.arrivals.recv().await.unwrap();
    assert!(arrival.message.is_ok());
    drop(arrival);
    loop {
        let mut peer = TcpStream::connect(test.addr).await.unwrap();
        if peer.write_all(&ping()).await.is_ok()
            && let Ok(arrival) = timeout(Duration::from_millis(50), test.arrivals.recv()).await
        {
            assert!(arrival.unwrap().message.is_ok());
            break;
        }
    }
}

#[tokio::test]
async fn a_message_longer_than_the_bound_is_refused() {
    let all = Arc::new(Semaphore::new(BUFFERED_KIB_MAX));
    let mut memory = Memory::none(&all);
    let mut buffer = Vec::new();
    let mut result = Ok(());
    while result.is_ok() && buffer.len() <= MESSAGE_BYTES_MAX {
        result = grow(&mut buffer, &mut memory);
        buffer.resize(buffer.capacity(), 0);
    }
    assert!(result.unwrap_err().contains("longer than"));
    assert!(buffer.len() <= MESSAGE_BYTES_MAX);
    assert_eq!(all.available_permits(), BUFFERED_KIB_MAX - MESSAGE_BYTES_MAX / 1024);
    drop(memory);
    assert_eq!(all.available_permits(), BUFFERED_KIB_MAX);
}

#[tokio::test]
async fn all_connections_together_are_bounded_too() {
    let all = Arc::new(Semaphore::new(BUFFERED_KIB_MAX));
    let mut memories = Vec::new();
    let refused = loop {
        let mut memory = Memory::none(&all);
        match memory.take(MESSAGE_BYTES_MAX) {
            Ok(()) => memories.push(memory),
            Err(reason) => break reason,
        }
    };
    assert_eq!(memories.len(), BUFFERED_KIB_MAX * 1024 / MESSAGE_BYTES_MAX);
    assert!(refused.contains("at once"), "{refused}");
}

#[tokio::test]
async fn an_outbound_exchange_brings_the_reply() {
    let mut test = listen(LONG).await;
    tokio::spawn(test.streams.clone().outbound(outbound(test.addr, ping(), true, LONG)));
    let request = test.arrivals.recv().await.unwrap();
    assert_eq!(request.message.unwrap(), ping());
    request.answer.unwrap().send(ping()).unwrap();
    let reply = test.arrivals.recv().await.unwrap();
    assert_eq!((reply.stream, reply.from), (StreamId::Outbound(9), test.addr));
    assert_eq!(reply.message.unwrap(), ping());
    assert!(reply.answer.is_none());
}

#[tokio::test]
async fn an_outbound_failure_is_told_in_words() {
    let mut test = listen(LONG).await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    test.streams.clone().outbound(outbound(nobody, ping(), false, LONG)).await;
    let failed = lost(test.arrivals.recv().await.unwrap());
    assert!(failed.contains(&nobody.to_string()) && failed.contains("refused"), "{failed}");

    // A peer that accepts and stays silent.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let to = silent.local_addr().unwrap();
    test.streams.clone().outbound(outbound(to, ping(), true, Duration::from_millis(50))).await;
    let failed = lost(test.arrivals.recv().await.unwrap());
    assert!(failed.contains("did not answer in time"), "{failed}");
}

#[tokio::test]
async fn a_sealed_exchange_is_plain_inside_and_not_on_the_wire() {
    let mut test = listen_sealed(LONG, sealer(1)).await;
    tokio::spawn(test.streams.clone().outbound(outbound(test.addr, ping(), true, LONG)));
    let request = test.arrivals.recv().await.unwrap();
    assert_eq!(request.message.unwrap(), ping());
    request.answer.unwrap().send(ping()).unwrap();
    assert_eq!(test.arrivals.recv().await.unwrap().message.unwrap(), ping());

    let mut peer = TcpStream::connect(test.addr).await.unwrap();
    peer.write_all(&sealer(1).seal_stream(Leg::Request, ping()).unwrap()).await.unwrap();
    test.arrivals.recv().await.unwrap().answer.unwrap().send(b"secret".to_vec()).unwrap();
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert!(!answer.windows(6).any(|window| window == b"secret"));
    assert_eq!(sealer(1).open_stream(Leg::Reply, answer).unwrap(), b"secret");
}

#[tokio::test]
async fn plaintext_and_wrong_keys_are_unreadable_and_so_is_what_is_sealed_without_a_key() {
    let sealed = sealer(2).seal_stream(Leg::Request, ping()).unwrap();
    for (ours, bytes, reason) in [
        (sealer(1), ping(), "not encrypted"),
        (sealer(1), sealed.clone(), "no key that is installed here opens it"),
        (Arc::default(), sealed, "no key is configured here"),
    ] {
        let mut test = listen_sealed(LONG, ours).await;
        let mut peer = TcpStream::connect(test.addr).await.unwrap();
        peer.write_all(&bytes).await.unwrap();
        let arrival = test.arrivals.recv().await.unwrap();
        let Err(Failure::Unreadable(why)) = arrival.message else { panic!("{:?}", arrival.message) };
        assert!(why.contains(reason), "{why}");
    }
}
