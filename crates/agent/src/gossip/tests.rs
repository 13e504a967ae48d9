use super::*;

#[test]
fn a_socket_for_both_families_sends_to_ipv4_in_its_mapped_form() {
    let v4: SocketAddr = "127.1.2.3:7946".parse().unwrap();
    let v6: SocketAddr = "[fd00::1]:7946".parse().unwrap();
    assert_eq!(in_family_of_socket(v4, true), "[::ffff:127.1.2.3]:7946".parse().unwrap());
    assert_eq!(in_family_of_socket(v4, false), v4);
    assert_eq!(in_family_of_socket(v6, true), v6);

    let sender = std::net::UdpSocket::bind("[::]:0").unwrap();
    let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    sender.send_to(b"x", in_family_of_socket(receiver.local_addr().unwrap(), true)).unwrap();
    let mut buffer = [0; 8];
    assert_eq!(receiver.recv(&mut buffer).unwrap(), 1);
}
