//! Connections over real loopback sockets, read by a loop that only plays the core.

use super::*;
use muster_wire::crypt::{Key, Keyring};
use muster_wire::memberlist::{Message, NodeState, Ping, PushPullNode};
use muster_wire::stream::{encode_message, encode_push_pull};
use muster_wire::{Border, Label, RawAddr, Versions};
use tokio::task::JoinHandle;

struct Test {
    streams: Streams,
    arrivals: mpsc::Receiver<Arrival>,
    addr: SocketAddr,
    accepting: JoinHandle<()>,
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
async fn a_message_longer_than_the_bound_is_refused() {
    let room = Room::new();
    let mut memory = room.memory();
    let mut buffer = Vec::new();
    let refused = loop {
        match grow(&mut buffer, MESSAGE_BYTES_MAX, &mut memory, None).await {
            Ok(()) => buffer.resize(buffer.capacity(), 0),
            Err(Failure::Lost(reason)) => break reason,
            Err(other) => panic!("{other:?}"),
        }
    };
    assert!(refused.contains("longer than"), "{refused}");
    assert_eq!(buffer.len(), MESSAGE_BYTES_MAX);
}

/// A push/pull of so many members with 300 bytes each; `noise` makes it hard to compress.
fn crowd(members: usize, noise: bool, compress: bool) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(1);
    let rows: Vec<_> = (0..members)
        .map(|at| {
            let meta: Vec<u8> =
                (0..213).map(|_| if noise { random.alphanumeric() as u8 } else { b'x' }).collect();
            (format!("node-{at:05}.example"), meta)
        })
        .collect();
    let nodes = rows.iter().map(|(name, meta)| PushPullNode {
        name,
        addr: RawAddr::V4([10, 0, 0, 1]),
        port: 7946,
        meta,
        incarnation: 70_000,
        state: NodeState::Alive,
        versions: Some(Versions::OURS),
    });
    encode_push_pull(true, nodes, b"", compress)
}

/// Sends a request, and returns what comes back; the core is played by `answers`.
async fn ask(addr: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut peer = TcpStream::connect(addr).await.unwrap();
    peer.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    // Closed without an answer is none.
    let _ = peer.read_to_end(&mut answer).await;
    answer
}

/// Answers each push/pull with `answer`, and anything else not at all.
fn play_core(mut arrivals: mpsc::Receiver<Arrival>, answer: Vec<u8>) -> JoinHandle<()> {
    tokio::spawn(async move {
        while let Some(arrival) = arrivals.recv().await {
            if arrival.message.is_ok_and(|message| message.first() == Some(&kind::PUSH_PULL))
                && let Some(to) = arrival.answer
            {
                let _ = to.send(answer.clone());
            }
        }
    })
}

#[tokio::test]
async fn twenty_thousand_members_fit_however_they_come() {
    let plain = crowd(20_000, true, false);
    assert!((5_900_000..6_100_000).contains(&plain.len()), "{}", plain.len());
    for (ours, request) in [
        (Arc::default(), plain.clone()),
        (Arc::default(), crowd(20_000, true, true)),
        (sealer(1), sealer(1).seal_stream(Leg::Request, plain.clone()).unwrap()),
        (sealer(1), sealer(1).seal_stream(Leg::Request, crowd(20_000, true, true)).unwrap()),
    ] {
        let mut test = listen_sealed(LONG, ours).await;
        let asking = tokio::spawn(async move { ask(test.addr, &request).await });
        let arrival = test.arrivals.recv().await.unwrap();
        let message = arrival.message.unwrap_or_else(|failure| panic!("{failure:?}"));
        assert!(message == plain);
        drop(arrival.answer);
        asking.await.unwrap();
    }
}

#[tokio::test]
async fn several_large_requests_at_once_wait_for_each_other() {
    let mut test = listen(LONG).await;
    let plain = Arc::new(crowd(20_000, false, false));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let request = Arc::clone(&plain);
            tokio::spawn(async move { ask(test.addr, &request).await })
        })
        .collect();
    for _ in 0..4 {
        let arrival = test.arrivals.recv().await.unwrap();
        assert!(arrival.message.unwrap_or_else(|failure| panic!("{failure:?}")) == *plain);
        arrival.answer.unwrap().send(b"answer".to_vec()).unwrap();
    }
    for answer in asking {
        assert_eq!(answer.await.unwrap(), b"answer");
    }
}

#[tokio::test]
async fn held_half_open_and_dribbling_connections_keep_no_exchange_from_its_answer() {
    let test = listen(LONG).await;
    let playing = play_core(test.arrivals, b"answer".to_vec());
    let request = crowd(100, false, false);
    // They say nothing; say that much will come and send half of it; never stop dribbling.
    let mut held = Vec::new();
    let mut dribbling = Vec::new();
    for number in 0..500 {
        let mut peer = TcpStream::connect(test.addr).await.unwrap();
        match number % 3 {
            0 => held.push(peer),
            1 => {
                // The kernel may say that this one was closed already.
                let _ = peer.write_all(&request[..request.len() / 2]).await;
                held.push(peer);
            }
            _ => dribbling.push(tokio::spawn(async move {
                for byte in request_of_endless_nodes() {
                    if peer.write_all(&[byte]).await.is_err() {
                        return;
                    }
                    sleep(Duration::from_millis(10)).await;
                }
            })),
        }
        if number % 10 == 0 {
            assert_eq!(ask(test.addr, &request).await, b"answer", "beside {number} others");
        }
    }
    for _ in 0..50 {
        assert_eq!(ask(test.addr, &request).await, b"answer");
    }
    dribbling.iter().for_each(JoinHandle::abort);
    playing.abort();
    test.accepting.abort();
}

/// A push/pull's header that promises a million nodes, and their bytes.
fn request_of_endless_nodes() -> impl Iterator<Item = u8> {
    let header = b"\x06\x83\xa4Join\xc2\xa5Nodes\xce\x00\x0f\xff\xff\xacUserStateLen\x00";
    header.iter().copied().chain(std::iter::repeat(0x80))
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
