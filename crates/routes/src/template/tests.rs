use super::*;
use crate::edits::Edits;
use crate::head::{Connection, RequestHead};

fn written(text: &str) -> String {
    let fields = [("X-Id", &b"a"[..]), ("x-id", &b"b"[..]), ("Evil", &b"a\r\nX: y"[..])];
    let head = RequestHead {
        connection: Connection {
            source: "[::ffff:192.0.2.1]:5000".parse().unwrap(),
            local: "[2001:db8::1]:443".parse().unwrap(),
            is_secure: true,
        },
        method: "GET",
        target: b"/a/b?c=d?e",
        host: Some(b"shop.example:8080"),
        fields: &fields,
    };
    let mut out = Vec::new();
    let template = Template::parse(text).unwrap();
    assert_eq!(template.to_string(), text);
    template.write(View { head: &head, edits: &Edits::new() }, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn variables_are_what_the_request_says() {
    for (text, value) in [
        ("", ""),
        ("plain", "plain"),
        ("100%%", "100%"),
        ("%src:%src_port", "192.0.2.1:5000"),
        ("%dst %dst_port", "2001:db8::1 443"),
        ("%scheme://%host%uri", "https://shop.example:8080/a/b?c=d?e"),
        ("%path-%query-%method", "/a/b-c=d?e-GET"),
        ("%{X-ID}", "b"),
        ("<%{nope}>", "<>"),
    ] {
        assert_eq!(written(text), value, "{text}");
    }
}

#[test]
fn a_line_end_is_refused_when_it_is_read_and_dropped_when_it_is_sent() {
    for text in ["a\r\nX: y", "a\nb", "\0", "a\u{7f}"] {
        let refused = Template::parse(text).unwrap_err();
        assert!(refused.to_string().contains("another line of the head"), "{refused}");
        assert!(Template::fixed(text).is_err());
    }
    assert_eq!(written("%{evil}"), "aX: y");
    assert_eq!(written("a\tb"), "a\tb");
}

#[test]
fn an_unknown_variable_is_refused_with_those_that_are() {
    assert!(
        Template::parse("%sorce")
            .unwrap_err()
            .to_string()
            .starts_with("there is no variable %sorce; there are %src,")
    );
    assert!(Template::parse("%").unwrap_err().to_string().contains("%% for a percent sign"));
    for text in ["%{", "%{a b}", "%{}"] {
        assert_eq!(Template::parse(text), Err(Flaw::Field), "{text}");
    }
}
