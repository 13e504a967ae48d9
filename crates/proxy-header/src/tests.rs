use super::*;
use proptest::prelude::*;

fn from(source: &str, destination: &str) -> Header {
    Header::From { source: source.parse().unwrap(), destination: destination.parse().unwrap() }
}

fn whole(bytes: &[u8]) -> Header {
    match read(bytes) {
        Ok(Read::Whole(header, length)) if length == bytes.len() => header,
        other => panic!("{other:?}"),
    }
}

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let mut bytes = v2::SIGNATURE.to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(block.len()).unwrap().to_be_bytes());
    bytes.extend(block);
    bytes
}

#[test]
fn the_lines_of_the_specification_are_read() {
    assert_eq!(
        whole(b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"),
        from("255.255.255.255:65535", "255.255.255.255:65535")
    );
    assert_eq!(whole(b"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n"), from("[2001:db8::1]:56324", "[::1]:443"));
    assert_eq!(whole(b"PROXY UNKNOWN\r\n"), Header::Unknown);
    let longest = format!("PROXY UNKNOWN {0} {0} 65535 65535\r\n", ["ffff"; 8].join(":"));
    assert_eq!(longest.len(), 107 - 1 + 1, "the longest line there is");
    assert_eq!(whole(longest.as_bytes()), Header::Unknown);
}

#[test]
fn lines_that_only_look_like_one_are_refused() {
    for line in [
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
        "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
        "PROXY TCP4 1.2.3.4 5.6.7.8 65536 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP4 1.2.3.04 5.6.7.8 1 2\r\n",
        "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n",
        "PROXY \r\n",
    ] {
        assert_eq!(read(line.as_bytes()), Err(Refused::Line), "{line:?}");
    }
    assert_eq!(
        read(&[b"PROXY TCP4 ".as_slice(), &[b' '; 96]].concat()),
        Err(Refused::Line),
        "no end in sight"
    );
    for other in [b"GET / HTTP/1.1\r\n".as_slice(), b"proxy ", b"\x16\x03\x01", b"\r\n\r\nG", b"PROXX"] {
        assert_eq!(read(other), Err(Refused::None), "{other:?}");
    }
}

#[test]
fn a_binary_header_is_read_and_what_is_attached_to_it_is_skipped() {
    let mut block = vec![192, 0, 2, 1, 198, 51, 100, 7];
    block.extend([0xdc, 0x04, 0x01, 0xbb]);
    assert_eq!(whole(&v2(0x21, 0x11, &block)), from("192.0.2.1:56324", "198.51.100.7:443"));
    // PP2_TYPE_AUTHORITY, and one that claims more than there is: both are nobody's concern.
    block.extend([0x02, 0, 3, b'a', b'.', b'b', 0xff, 0xff, 0xff]);
    assert_eq!(whole(&v2(0x21, 0x11, &block)), from("192.0.2.1:56324", "198.51.100.7:443"));
    let mut six = vec![0; 32];
    (six[15], six[31]) = (1, 2);
    six.extend([0, 7, 0, 8]);
    assert_eq!(whole(&v2(0x21, 0x21, &six)), from("[::1]:7", "[::2]:8"));
}

#[test]
fn who_speaks_for_himself_and_what_is_no_tcp_leaves_the_connection_as_it_is() {
    for (command, family, block, header) in [
        (0x20, 0x00, [].as_slice(), Header::Local),
        (0x20, 0x11, b"short", Header::Local),
        (0x21, 0x00, b"whatever", Header::Unknown),
        (0x21, 0x31, &[0; 216], Header::Unknown),
        (0x21, 0x12, &[0; 12], Header::Unknown),
    ] {
        assert_eq!(whole(&v2(command, family, block)), header, "{command:x} {family:x}");
    }
}

#[test]
fn binary_headers_that_nobody_may_send_are_refused() {
    assert_eq!(read(&v2(0x11, 0x11, &[0; 12])), Err(Refused::Version));
    assert_eq!(read(&v2(0x22, 0x11, &[0; 12])), Err(Refused::Version));
    assert_eq!(read(&v2(0x21, 0x41, &[0; 12])), Err(Refused::Addresses));
    assert_eq!(read(&v2(0x21, 0x13, &[0; 12])), Err(Refused::Addresses));
    assert_eq!(read(&v2(0x21, 0x11, &[0; 11])), Err(Refused::Addresses));
    assert_eq!(read(&v2(0x21, 0x21, &[0; 35])), Err(Refused::Addresses));
    // As soon as its length is known, and not when it has come.
    assert_eq!(read(&v2(0x21, 0x11, &[0; LENGTH_MAX - 15])[..16]), Err(Refused::TooLong));
    assert!(matches!(read(&v2(0x21, 0x11, &[0; LENGTH_MAX - 16])), Ok(Read::Whole(_, LENGTH_MAX))));
}

#[test]
fn addresses_of_two_families_are_written_as_one() {
    let mixed = from("192.0.2.1:1", "[2001:db8::1]:2");
    assert_eq!(write(Version::V1, &mixed), b"PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n");
    assert_eq!(whole(&write(Version::V2, &mixed)), from("[::ffff:192.0.2.1]:1", "[2001:db8::1]:2"));
    let four = from("[::ffff:192.0.2.1]:1", "198.51.100.7:2");
    for version in [Version::V1, Version::V2] {
        assert_eq!(whole(&write(version, &four)), from("192.0.2.1:1", "198.51.100.7:2"));
    }
}

#[test]
fn version_1_says_of_itself_that_it_does_not_know() {
    assert_eq!(write(Version::V1, &Header::Local), b"PROXY UNKNOWN\r\n");
    assert_eq!(whole(&write(Version::V2, &Header::Local)), Header::Local);
    assert_eq!(whole(&write(Version::V2, &Header::Unknown)), Header::Unknown);
}

fn addr() -> impl Strategy<Value = SocketAddr> {
    (any::<IpAddr>(), any::<u16>()).prop_map(|(ip, port)| SocketAddr::new(ip.to_canonical(), port))
}

proptest! {
    #[test]
    fn what_is_written_is_read_however_it_is_cut(source in addr(), destination in addr(), tail: Vec<u8>) {
        let header = Header::From { source, destination };
        for version in [Version::V1, Version::V2] {
            let written = write(version, &header);
            prop_assert!(written.len() <= 107);
            for cut in 0..written.len() {
                prop_assert_eq!(read(&written[..cut]), Ok(Read::Partial));
            }
            let all = [written.as_slice(), &tail].concat();
            let Ok(Read::Whole(Header::From { source: from, destination: to }, length)) = read(&all) else {
                return Err(TestCaseError::fail("it is not read"));
            };
            prop_assert_eq!(length, written.len());
            prop_assert_eq!((from.ip().to_canonical(), from.port()), (source.ip(), source.port()));
            prop_assert_eq!((to.ip().to_canonical(), to.port()), (destination.ip(), destination.port()));
        }
    }

    #[test]
    fn no_bytes_panic_and_none_beyond_the_bound_are_asked_for(kind in 0..3, tail in prop::collection::vec(any::<u8>(), 0..5000)) {
        let begin = match kind { 0 => v2::SIGNATURE, 1 => v1::BEGIN, _ => b"" };
        let bytes = [begin, &tail].concat();
        match read(&bytes) {
            Ok(Read::Partial) => prop_assert!(bytes.len() < LENGTH_MAX),
            Ok(Read::Whole(_, length)) => prop_assert!(length <= bytes.len() && length <= LENGTH_MAX),
            Err(_) => {}
        }
    }
}
