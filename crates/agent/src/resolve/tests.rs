//! The resolver against a small DNS server on loopback.

use super::*;
use domain::base::message_builder::MessageBuilder;
use domain::base::{ToName, Ttl};
use tokio::net::UdpSocket;

const BOTH: Families = Families { v4: true, v6: true };

/// Answers for `web.lan` with two addresses, `six.lan` with one IPv6 address, refuses `broken`, and knows nothing else.
async fn dns_server() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let addr = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let request = Message::from_octets(&buffer[..length]).unwrap();
            let question = request.sole_question().unwrap();
            let name = question.qname().to_name::<Vec<u8>>();
            let rcode = match name.to_string().as_str() {
                "web.lan" | "six.lan" => Rcode::NOERROR,
                "broken" => Rcode::REFUSED,
                _ => Rcode::NXDOMAIN,
            };
            let mut answer = MessageBuilder::new_vec().start_answer(&request, rcode).unwrap();
            match (name.to_string().as_str(), question.qtype()) {
                ("web.lan", Rtype::A) => {
                    answer.push((&name, Ttl::ZERO, A::from_octets(10, 0, 0, 1))).unwrap();
                    answer.push((&name, Ttl::ZERO, A::from_octets(10, 0, 0, 2))).unwrap();
                }
                ("six.lan", Rtype::AAAA) => {
                    answer.push((&name, Ttl::ZERO, Aaaa::new("fd00::6".parse().unwrap()))).unwrap();
                }
                _ => {}
            }
            socket.send_to(&answer.finish(), from).await.unwrap();
        }
    });
    addr
}

struct Setup {
    resolver: Resolver,
    _dir: tempfile::TempDir,
}

fn setup(port: u16, hosts: &str, resolv_conf: Option<&str>, families: Families, in_container: bool) -> Setup {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    std::fs::write(path("hosts"), hosts).unwrap();
    if let Some(text) = resolv_conf {
        std::fs::write(path("resolv.conf"), text).unwrap();
    }
    let resolver =
        Resolver { hosts: path("hosts"), resolv_conf: path("resolv.conf"), port, in_container, families };
    Setup { resolver, _dir: dir }
}

fn texts(found: &[IpAddr]) -> Vec<String> {
    found.iter().map(IpAddr::to_string).collect()
}

#[tokio::test]
async fn all_addresses_of_a_name_are_found_through_the_search_list() {
    let server = dns_server().await;
    let setup = setup(server.port(), "", Some("nameserver 127.0.0.1\nsearch lan\n"), BOTH, false);
    assert_eq!(texts(&setup.resolver.resolve("web").await.unwrap()), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(texts(&setup.resolver.resolve("six").await.unwrap()), ["fd00::6"]);
}

#[tokio::test]
async fn the_hosts_file_wins_and_localhost_needs_no_file() {
    let server = dns_server().await;
    let setup = setup(server.port(), "10.9.9.9 web.lan\n", Some("nameserver 127.0.0.1\n"), BOTH, false);
    assert_eq!(texts(&setup.resolver.resolve("web.lan").await.unwrap()), ["10.9.9.9"]);
    assert_eq!(texts(&setup.resolver.resolve("localhost").await.unwrap()), ["127.0.0.1", "::1"]);
}

#[tokio::test]
async fn addresses_our_sockets_cannot_reach_are_left_out() {
    let server = dns_server().await;
    let v4 = Families::of_bind("0.0.0.0".parse().unwrap());
    let setup = setup(server.port(), "::5 web\n", Some("nameserver 127.0.0.1\nsearch lan\n"), v4, false);
    assert_eq!(texts(&setup.resolver.resolve("web").await.unwrap()), ["10.0.0.1", "10.0.0.2"]);
    assert!(setup.resolver.resolve("six").await.unwrap_err().contains("has no address"));
}

#[tokio::test]
async fn an_unknown_name_is_told_with_its_server() {
    let server = dns_server().await;
    let setup = setup(server.port(), "", Some("nameserver 127.0.0.1\n"), BOTH, false);
    let error = setup.resolver.resolve("nobody").await.unwrap_err();
    assert_eq!(error, "the name \"nobody\" has no address (DNS server 127.0.0.1)");
    let error = setup.resolver.resolve("broken").await.unwrap_err();
    assert!(error.contains("REFUSED"), "{error}");
}

#[tokio::test]
async fn in_a_container_on_the_default_bridge_the_message_says_what_to_do() {
    let server = dns_server().await;
    let setup = setup(server.port(), "", Some("nameserver 127.0.0.1\n"), BOTH, true);
    let error = setup.resolver.resolve("s1").await.unwrap_err();
    assert!(error.contains("docker network create"), "{error}");
    let error = setup.resolver.resolve("s1.example.org").await.unwrap_err();
    assert!(!error.contains("docker"), "a name with dots is not Docker's: {error}");
}

#[test]
fn in_a_network_of_its_own_the_hint_asks_for_the_other_container() {
    let setup = setup(53, "", None, BOTH, true);
    let conf = ResolvConf::parse("nameserver 127.0.0.11\n");
    assert!(setup.resolver.hint("s1", &conf).contains("running"));
}

#[tokio::test]
async fn a_missing_resolv_conf_is_named() {
    let setup = setup(53, "", None, BOTH, false);
    let error = setup.resolver.resolve("s1").await.unwrap_err();
    assert!(error.contains("resolv.conf cannot be read"), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_told_from_an_unknown_name() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let setup = setup(port, "", Some("nameserver 127.0.0.1\noptions timeout:1\n"), BOTH, false);
    let error = setup.resolver.resolve("s1").await.unwrap_err();
    assert!(error.contains("was not answered for"), "{error}");
}
