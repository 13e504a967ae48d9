use super::*;

fn check(expect: CheckExpect) -> HttpCheck {
    HttpCheck {
        method: "GET".to_owned(),
        target: "/health?full".to_owned(),
        is_11: true,
        host: CheckHost::Address,
        fields: vec![("X-Check".to_owned(), "yes".to_owned())],
        body: String::new(),
        expect,
    }
}

fn of_status(negated: bool) -> HttpCheck {
    check(CheckExpect::Status { negated, statuses: vec![200..=399] })
}

fn word(found: Option<Found>) -> &'static str {
    found.map_or("more", |found| found.kind.word())
}

#[test]
fn the_request_is_whole_and_ends_its_connection() {
    let addr = "[::1]:80".parse().unwrap();
    let text = |check: &HttpCheck| String::from_utf8(check.request(addr)).unwrap();
    assert_eq!(
        text(&of_status(false)),
        "GET /health?full HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\nX-Check: yes\r\n\r\n"
    );
    let old = HttpCheck {
        is_11: false,
        host: CheckHost::Nothing,
        fields: Vec::new(),
        body: "ping".to_owned(),
        ..of_status(false)
    };
    assert_eq!(text(&old), "GET /health?full HTTP/1.0\r\nContent-Length: 4\r\n\r\nping");
}

#[test]
fn a_status_decides_as_soon_as_it_is_there() {
    let check = of_status(false);
    for (answer, is_all, wanted) in [
        (&b""[..], false, "more"),
        (b"HTTP/1.1 20", false, "more"),
        (b"HTTP/1.1 200", false, "L7OK"),
        (b"HTTP/1.0 399 x", false, "L7OK"),
        (b"HTTP/1.1 503 ", false, "L7STS"),
        (b"HTTP/1.1 20", true, "L7RSP"),
        (b"", true, "L7RSP"),
        (b"HTTP/2.0 200", false, "L7RSP"),
        (b"HTTP/1.1  200", false, "L7RSP"),
        (b"HTTP/1.1 +20 ", false, "L7RSP"),
        (b"HTTP/1.1 099 ", false, "L7RSP"),
        (b"220 mail ready", false, "L7RSP"),
        (&[0xff; 64], false, "L7RSP"),
    ] {
        assert_eq!(word(check.judge(answer, is_all)), wanted, "{:?}", String::from_utf8_lossy(answer));
    }
    assert_eq!(word(of_status(true).judge(b"HTTP/1.1 503 ", false)), "L7OK");
    assert_eq!(of_status(false).judge(b"HTTP/1.1 404 ", false).unwrap().wrong.unwrap(), "it answered 404");
}

#[test]
fn a_text_is_looked_for_in_the_body_alone_until_it_is_there_or_cannot_come() {
    let expect = |negated| check(CheckExpect::Text { negated, text: "well".to_owned() });
    let (head, whole) = (b"HTTP/1.1 200 well\r\n\r\n", b"HTTP/1.1 200 x\r\n\r\nall is well");
    assert_eq!(word(expect(false).judge(head, false)), "more");
    assert_eq!(word(expect(false).judge(head, true)), "L7RSP");
    assert_eq!(word(expect(false).judge(whole, false)), "L7OK");
    assert_eq!(word(expect(true).judge(whole, false)), "L7RSP");
    assert_eq!(word(expect(true).judge(head, true)), "L7OK");
    let mut long = head.to_vec();
    long.resize(ANSWER_BYTES_MAX, b'x');
    assert_eq!(word(expect(false).judge(&long, false)), "L7RSP");
}
