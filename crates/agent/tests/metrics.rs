//! What is counted, as collectors receive it.
#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod common;

use common::{Net, Node, PATIENCE, config};
use muster_agent::{Collector, Config};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, UdpSocket};
use tokio::time::timeout;

#[tokio::test]
async fn statsd_gets_a_datagram_and_statsite_a_stream_with_serfs_names() {
    let (statsd, statsite) =
        (UdpSocket::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let collectors = vec![
        Collector::Statsd(statsd.local_addr().unwrap().to_string()),
        Collector::Statsite(format!("localhost:{}", statsite.local_addr().unwrap().port())),
    ];
    let node = Node::start(Config { collectors, ..config("a", Net::random().ip(1), &[]) }).await;
    node.sees(&[("a", "alive")]).await;
    let mut buffer = [0; 4096];
    let length = timeout(PATIENCE, statsd.recv(&mut buffer)).await.unwrap().unwrap();
    let by_udp = String::from_utf8(buffer[..length].to_vec()).unwrap();
    let (mut stream, _) = timeout(PATIENCE, statsite.accept()).await.unwrap().unwrap();
    let mut by_tcp = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut by_tcp)).await.unwrap().unwrap();
    for text in [by_udp, by_tcp] {
        assert!(text.lines().any(|line| line == "serf-agent.serf.members:1|g"), "{text}");
        assert!(text.lines().any(|line| line == "serf-agent.serf.queue.Event:0|ms"), "{text}");
    }
    node.leave().await.unwrap();
}
