use super::*;

fn network(text: &str) -> Network {
    text.parse().unwrap()
}

fn holds(text: &str, ip: &str) -> bool {
    network(text).contains(ip.parse().unwrap())
}

#[test]
fn a_network_holds_the_addresses_that_begin_like_it() {
    for (text, inside, outside) in [
        ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
        ("192.168.4.0/22", "192.168.7.255", "192.168.8.0"),
        ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
        ("10.1.2.2/31", "10.1.2.3", "10.1.2.4"),
        ("0.0.0.0/0", "255.255.255.255", "::1"),
        ("::/0", "fd00::1", "10.0.0.1"),
        ("fd00::/8", "fdff::1", "fe00::1"),
        ("2001:db8::/33", "2001:db8:7fff::1", "2001:db8:8000::1"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
    ] {
        assert!(holds(text, inside), "{text} {inside}");
        assert!(!holds(text, outside), "{text} {outside}");
    }
    assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    assert!(!holds("::/0", "::ffff:10.1.2.3"));
}

#[test]
fn what_is_no_network_is_refused_with_words() {
    for (text, words) in [
        ("", "not a network"),
        ("10.0.0.0/", "not a network"),
        ("10.0.0.0/33", "has 32 bits"),
        ("::/129", "has 128 bits"),
        ("10.0.0.0/99999999999999999999", "has 32 bits"),
        ("10.0.0.0/+8", "not a network"),
        ("10.0.0.0/8/8", "not a network"),
        ("10.0.0/8", "not a network"),
        ("web.example.org", "not a network"),
        ("10.0.0.1/8", "write 10.0.0.0/8, or 10.0.0.1/32"),
        ("::1/0", "write ::/0, or ::1/128"),
        ("::ffff:10.0.0.0/104", "write it as IPv4"),
        ("\u{1b}[2J", "not a network"),
    ] {
        let error = text.parse::<Network>().unwrap_err();
        assert!(error.contains(words) && !error.contains('\u{1b}'), "{text}: {error}");
    }
}

#[test]
fn ports_are_numbers_from_1_to_65535_or_ranges_of_them() {
    let ports = |text: &str| text.parse::<Ports>();
    let range = ports("8000-8999").unwrap();
    assert!(range.contains(8000) && range.contains(8999) && !range.contains(7999) && !range.contains(9000));
    assert_eq!(
        (ports("65535").unwrap().to_string(), range.to_string()),
        ("65535".into(), "8000-8999".into())
    );
    for text in ["", "0", "65536", "-1", "80-", "+80", "http", "1-65536", "0-10", "1-2-3", " 80"] {
        assert!(ports(text).unwrap_err().contains("is not a port from 1 to 65535"), "{text}");
    }
    assert!(ports("90-80").unwrap_err().contains("ends before it begins"));
}

#[test]
fn a_rule_comes_back_from_json() {
    let rule = Rule {
        from: [network("10.0.0.0/8"), network("fd00::/8")].into(),
        ports: ["80".parse().unwrap(), "8000-8999".parse().unwrap()].into(),
        tags: [("zone".into(), "a".into())].into(),
    };
    let json = serde_json::to_string(&rule).unwrap();
    assert_eq!(json, r#"{"from":["10.0.0.0/8","fd00::/8"],"ports":["80","8000-8999"],"tags":{"zone":"a"}}"#);
    assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
    assert!(serde_json::from_str::<Rule>(r#"{"from":["10.0.0.0/99"]}"#).is_err());
    assert_eq!(serde_json::from_str::<Rule>("{}").unwrap(), Rule::default());
}

fn admits(rule: &Rule, ip: &str, port: u16, tags: &[(&str, &str)]) -> Result<(), String> {
    let tags = tags.iter().map(|(tag, value)| ((*tag).into(), (*value).into())).collect();
    rule.admits(ip.parse().unwrap(), port, &tags)
}

#[test]
fn each_part_of_a_rule_must_hold_and_says_so_when_it_does_not() {
    let rule = Rule {
        from: [network("10.0.0.0/8")].into(),
        ports: ["3000".parse().unwrap()].into(),
        tags: [("zone".into(), "a".into())].into(),
    };
    assert_eq!(admits(&rule, "10.9.9.9", 3000, &[("zone", "a"), ("more", "x")]), Ok(()));
    for (ip, port, tags, reason) in [
        ("11.0.0.1", 3000, &[("zone", "a")][..], "may not be served from 11.0.0.1, only from 10.0.0.0/8"),
        ("fd00::1", 3000, &[("zone", "a")], "may not be served from fd00::1, only from 10.0.0.0/8"),
        ("10.0.0.1", 3001, &[("zone", "a")], "may not be served on port 3001, only on 3000"),
        (
            "10.0.0.1",
            3000,
            &[("zone", "b")],
            r#"may be served only by members with the tag "zone"="a", and here it is "b""#,
        ),
        ("10.0.0.1", 3000, &[], r#"may be served only by members with the tag "zone"="a", which it has not"#),
    ] {
        assert_eq!(admits(&rule, ip, port, tags).unwrap_err(), reason);
    }
}

#[test]
fn an_empty_rule_admits_everybody_and_a_long_one_gives_a_short_reason() {
    assert_eq!(admits(&Rule::default(), "192.0.2.1", 1, &[]), Ok(()));
    assert!(Rule::default().is_empty());
    let many = Rule {
        ports: (1..=256).map(|port: u16| port.to_string().parse().unwrap()).collect(),
        ..Rule::default()
    };
    assert_eq!(
        admits(&many, "192.0.2.1", 300, &[]).unwrap_err(),
        "may not be served on port 300, only on 1, 2, 3, 4, ..."
    );
}
