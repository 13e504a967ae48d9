use super::*;
use alloc::string::ToString;

fn found(text: &str) -> Vec<String> {
    lint(text).unwrap().iter().map(|finding| alloc::format!("{:?} {finding}", finding.gravity)).collect()
}

#[test]
fn an_address_behind_the_name_of_a_proxy_is_found() {
    let text = "listen stats *:1936\n stats enable\nfrontend f :80\nlisten l from d\nbackend b\n";
    let words = found(text);
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words[0].starts_with("Refused line 1: `listen stats *:1936` has an address"), "{words:?}");
    assert!(words[0].ends_with("write `bind *:1936` on a line of its own"), "{words:?}");
    assert!(words[1].starts_with("Refused line 3: `frontend f :80`"), "{words:?}");
}

#[test]
fn lines_that_are_gone_are_found_in_proxies_only() {
    let text = "global\n nbproc 2\n block x\ndefaults\n no option forceclose\n timeout clitimeout 5s\n timeout client 5s\n\
                userlist u\n block x\nbackend b\n block if TRUE\n mode health\n mode http\n";
    let lines: Vec<_> =
        found(text).iter().map(|words| words.split(';').next().unwrap().to_string()).collect();
    assert_eq!(
        lines,
        [
            "Refused line 2: `nbproc` is gone since HAProxy 2.5",
            "Refused line 5: `option forceclose` is gone since HAProxy 2.0",
            "Refused line 6: `timeout clitimeout` is gone since HAProxy 2.1",
            "Refused line 11: `block` is gone since HAProxy 2.1",
            "Refused line 12: `mode health` is gone",
        ]
    );
}

#[test]
fn a_socket_that_others_can_command_is_found() {
    let is_found = |socket: &str| !found(&alloc::format!("global\n stats socket {socket}\n")).is_empty();
    for open in ["*:9999", ":9999", "0.0.0.0:9999", "10.0.0.1:9", "ipv4@*:9", "[::]:9", "ipv6@:::9", "ha:9"] {
        assert!(is_found(&alloc::format!("{open} level admin")), "{open}");
        assert!(!is_found(&alloc::format!("{open} level operator")), "{open}");
        assert!(!is_found(open), "{open}: operator is what it is without a word");
    }
    for closed in
        ["/run/h.sock", "unix@x", "abns@x", "fd@3", "127.0.0.1:9", "[::1]:9", "::1:9", "localhost:9", "$A:9"]
    {
        assert!(!is_found(&alloc::format!("{closed} mode 600 level admin")), "{closed}");
    }
    assert!(is_found("127.0.0.1:9,10.0.0.1:9 level admin"), "one of two is open");
}

#[test]
fn a_usual_configuration_has_nothing() {
    let text = "global\n stats socket /run/h.sock level admin\ndefaults\n mode http\n option httpclose\nlisten stats\n bind *:1936\n\
                frontend f\n bind :80\nbackend b from d\n server a 10.0.0.1:80\n";
    assert_eq!(found(text), Vec::<String>::new());
}

proptest::proptest! {
    #[test]
    fn any_text_can_be_looked_at(text in "(global|listen |defaults|\n| |stats socket |level admin|[ -~]){0,60}") {
        found(&text);
    }
}
