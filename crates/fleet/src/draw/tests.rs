use super::*;
use crate::{Rule, SERVICES_PER_MEMBER_MAX, WEIGHT_DEFAULT, WEIGHT_MAX};
use core::net::{Ipv4Addr, Ipv6Addr};
use proptest::prelude::*;

const OPTIONS: DrawOptions = DrawOptions { default_port: 3000, allow_loopback: false, rules: Rules::new() };

fn member(name: &str, status: Status, tags: &[(&str, &str)]) -> Member {
    Member {
        name: name.into(),
        addr: Ipv4Addr::new(10, 0, 0, 1).into(),
        port: 7946,
        status,
        tags: tags.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
    }
}

fn alive(tags: &[(&str, &str)]) -> Member {
    member("web1", Status::Alive, tags)
}

fn at(addr: impl Into<IpAddr>) -> Member {
    Member { addr: addr.into(), ..alive(&[("role", "web")]) }
}

/// Backends as `service node addr weight standing`.
fn lines(members: &[Member]) -> Vec<String> {
    let (services, refusals) = draw(members.iter(), &OPTIONS);
    assert_eq!(refusals, [], "nothing to refuse");
    lines_of(&services)
}

fn lines_of(services: &BTreeMap<String, Service>) -> Vec<String> {
    let line = |name: &String, node: &String, backend: &Backend| {
        format!("{name} {node} {} {} {:?}", backend.addr, backend.weight, backend.standing)
    };
    let of_service = |(name, service): (&String, &Service)| -> Vec<String> {
        service.backends.iter().map(|(node, backend)| line(name, node, backend)).collect()
    };
    services.iter().flat_map(of_service).collect()
}

/// What is left and the one reason given.
fn refused(member: &Member) -> (Vec<String>, String) {
    let (services, mut refusals) = draw([member].into_iter(), &OPTIONS);
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    (lines_of(&services), refusals.remove(0).reason)
}

#[test]
fn a_plain_serf_member_with_a_role_gets_the_default_port() {
    assert_eq!(lines(&[alive(&[("role", "backend")])]), ["backend web1 10.0.0.1:3000 10 Ready"]);
}

#[test]
fn a_role_with_a_port_is_one_service() {
    assert_eq!(lines(&[alive(&[("role", "web"), ("port", "80")])]), ["web web1 10.0.0.1:80 10 Ready"]);
}

#[test]
fn one_member_offers_several_services_and_they_win_over_its_role() {
    let tags = [("role", "old"), ("port", "1"), ("services", "web:3000, api:8080/20")];
    assert_eq!(
        lines(&[alive(&tags)]),
        ["api web1 10.0.0.1:8080 20 Ready", "web web1 10.0.0.1:3000 10 Ready"]
    );
}

#[test]
fn members_without_a_role_and_members_with_empty_services_offer_nothing() {
    assert!(
        lines(&[alive(&[]), alive(&[("role", "")]), alive(&[("role", "web"), ("services", " ")])]).is_empty()
    );
}

#[test]
fn a_balancer_is_no_backend_unless_it_names_services() {
    assert!(lines(&[alive(&[("role", "web"), ("balances", "1")])]).is_empty());
    let both = alive(&[("balances", "1"), ("services", "web:80")]);
    assert_eq!(lines(&[both]), ["web web1 10.0.0.1:80 10 Ready"]);
}

#[test]
fn status_and_notready_decide_the_standing() {
    let cases = [
        (Status::Alive, "", Some(Standing::Ready)),
        (Status::Alive, "api", Some(Standing::Ready)),
        (Status::Alive, "webs", Some(Standing::Ready)),
        (Status::Alive, "api, web", Some(Standing::Withdrawn)),
        (Status::Alive, "*", Some(Standing::Withdrawn)),
        (Status::Leaving, "", Some(Standing::Withdrawn)),
        (Status::Failed, "", Some(Standing::Demoted)),
        (Status::Failed, "*", Some(Standing::Withdrawn)),
        (Status::Left, "", None),
        (Status::Left, "*", None),
    ];
    for (status, not_ready, want) in cases {
        let member = member("web1", status, &[("role", "web"), ("notready", not_ready)]);
        let (services, refusals) = draw([&member].into_iter(), &OPTIONS);
        let got = services.get("web").map(|service| service.backends["web1"].standing);
        assert_eq!((got, refusals.len()), (want, 0), "{status:?} {not_ready:?}");
    }
}

#[test]
fn addresses_that_no_request_may_go_to_are_refused() {
    let refused_addresses: [IpAddr; 13] = [
        [127, 0, 0, 1].into(),
        [127, 9, 9, 9].into(),
        [169, 254, 169, 254].into(),
        [224, 0, 0, 1].into(),
        [0, 0, 0, 0].into(),
        [0, 0, 0, 1].into(),
        [255, 255, 255, 255].into(),
        Ipv6Addr::LOCALHOST.into(),
        Ipv6Addr::UNSPECIFIED.into(),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into(),
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).into(),
        Ipv4Addr::LOCALHOST.to_ipv6_mapped().into(),
        Ipv4Addr::new(169, 254, 1, 1).to_ipv6_mapped().into(),
    ];
    for addr in refused_addresses {
        let (left, reason) = refused(&at(addr));
        assert!(left.is_empty(), "{addr} {left:?}");
        assert!(reason.contains("which is"), "{reason}");
    }
}

#[test]
fn ordinary_addresses_are_believed_and_a_mapped_one_becomes_ipv4() {
    assert_eq!(lines(&[at([192, 168, 1, 2])]), ["web web1 192.168.1.2:3000 10 Ready"]);
    assert_eq!(lines(&[at([0xfd00, 0, 0, 0, 0, 0, 0, 2])]), ["web web1 [fd00::2]:3000 10 Ready"]);
    let mapped = Ipv4Addr::new(10, 1, 1, 1).to_ipv6_mapped();
    assert_eq!(lines(&[at(mapped)]), ["web web1 10.1.1.1:3000 10 Ready"]);
}

#[test]
fn loopback_is_believed_where_everything_is_on_loopback() {
    let options = DrawOptions { allow_loopback: true, ..OPTIONS };
    let members = [at([127, 0, 0, 3]), Member { name: "web2".into(), ..at([169, 254, 0, 1]) }];
    let (services, refusals) = draw(members.iter(), &options);
    assert_eq!(lines_of(&services), ["web web1 127.0.0.3:3000 10 Ready"]);
    assert_eq!(refusals.len(), 1, "link-local is refused all the same");
}

#[test]
fn a_member_that_offers_nothing_may_have_any_address() {
    let observer = Member { tags: BTreeMap::new(), ..at([127, 0, 0, 1]) };
    assert!(lines(&[observer]).is_empty());
}

#[test]
fn a_bad_entry_is_refused_alone() {
    let long = format!("{}:80", "x".repeat(65));
    let bad = [
        "web",
        "web:",
        "web:0",
        "web:65536",
        "web:+80",
        "web:8o",
        "web: 80",
        "web:80/0",
        "web:80/1001",
        "web:80/",
        "web:80/-1",
        ":80",
        "",
        "we b:80",
        "we/b:80",
        "wéb:80",
        "..:80",
        "-web:80",
        ".web:80",
        "web\n:80",
        "a:80:80",
        long.as_str(),
    ];
    for entry in bad {
        let (left, reason) = refused(&alive(&[("services", &format!("api:1,{entry},db:2"))]));
        assert_eq!(left, ["api web1 10.0.0.1:1 10 Ready", "db web1 10.0.0.1:2 10 Ready"], "{entry}");
        assert!(reason.starts_with("`services` entry \""), "{reason}");
    }
}

#[test]
fn names_and_weights_at_their_limits_are_believed() {
    let name = "x".repeat(64);
    let tags = format!("{name}:65535/{WEIGHT_MAX},A-b_c.9:1/1");
    assert_eq!(
        lines(&[alive(&[("services", &tags)])]),
        ["A-b_c.9 web1 10.0.0.1:1 1 Ready".to_owned(), format!("{name} web1 10.0.0.1:65535 1000 Ready")]
    );
}

#[test]
fn a_bad_role_or_port_refuses_only_that_member() {
    for (tags, word) in [
        (vec![("role", "load balancer")], "`role`"),
        (vec![("role", "web"), ("port", "0")], "`port`"),
        (vec![("role", "web"), ("port", "http")], "`port`"),
        (vec![("role", "web"), ("port", "")], "`port`"),
    ] {
        let good = member("web2", Status::Alive, &[("role", "web")]);
        let (services, refusals) = draw([&alive(&tags), &good].into_iter(), &OPTIONS);
        assert_eq!(lines_of(&services), ["web web2 10.0.0.1:3000 10 Ready"]);
        assert!(refusals[0].reason.starts_with(word), "{}", refusals[0]);
    }
}

#[test]
fn a_service_offered_twice_keeps_the_first_port() {
    let (left, reason) = refused(&alive(&[("services", "web:1,web:2")]));
    assert_eq!(left, ["web web1 10.0.0.1:1 10 Ready"]);
    assert_eq!(reason, "service web is offered twice; the first one holds");
}

#[test]
fn services_beyond_sixty_four_are_not_read() {
    let list: Vec<String> = (0..80).map(|n| format!("s{n}:80")).collect();
    let (left, reason) = refused(&alive(&[("services", &list.join(","))]));
    assert_eq!(left.len(), SERVICES_PER_MEMBER_MAX);
    assert!(reason.contains("more than 64"), "{reason}");
}

#[test]
fn the_whole_picture_and_its_refusals_are_bounded() {
    let list: Vec<String> = (0..SERVICES_PER_MEMBER_MAX).map(|n| format!("s{n}:80")).collect();
    let tags = [("services", list.join(","))];
    let tags: Vec<(&str, &str)> = tags.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let members: Vec<Member> = (0..1100).map(|n| member(&format!("n{n:04}"), Status::Alive, &tags)).collect();
    let (services, refusals) = draw(members.iter(), &OPTIONS);
    assert_eq!(services.values().map(|service| service.backends.len()).sum::<usize>(), BACKENDS_MAX);
    assert_eq!(refusals.len(), REFUSALS_MAX);
}

#[test]
fn refusals_are_short_and_hold_no_control_character() {
    let hostile =
        Member { name: "\u{1b}[2Jweb\n".repeat(20), ..alive(&[("role", &"\r\n\u{202e}\u{7f}".repeat(120))]) };
    let (_, refusals) = draw([&hostile].into_iter(), &OPTIONS);
    let text = refusals[0].to_string();
    assert!(text.chars().all(|c| (' '..='~').contains(&c)), "{text}");
    assert!(text.len() < 1500, "{}", text.len());
    assert!(text.starts_with(r#""\u{1b}[2Jweb\n"#), "{text}");
}

#[test]
fn a_node_name_too_long_to_be_a_name_is_refused() {
    let named = |length| Member { name: "n".repeat(length), ..alive(&[("role", "web")]) };
    assert_eq!(lines(&[named(NODE_NAME_BYTES_MAX)]).len(), 1);
    assert!(refused(&named(NODE_NAME_BYTES_MAX + 1)).0.is_empty());
}

#[test]
fn the_default_weight_leaves_room_below() {
    assert_eq!(lines(&[alive(&[("services", "web:80/1")])]), ["web web1 10.0.0.1:80 1 Ready"]);
    const { assert!(WEIGHT_DEFAULT > 1 && WEIGHT_DEFAULT < WEIGHT_MAX) };
}

proptest! {
    #[test]
    fn no_tags_break_the_drawing_and_all_that_is_drawn_is_plain(
        role in proptest::option::of(".{0,80}"),
        port in proptest::option::of("[0-9]{0,6}"),
        services in proptest::option::of("([a-c.\n-]{0,3}[:/]?[0-9]{0,5}/?[0-9]{0,4},?){0,80}"),
        addr in any::<IpAddr>(),
    ) {
        let tags = [("role", role), ("port", port), ("services", services)];
        let tags: Vec<_> = tags.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))).collect();
        let hostile = Member { addr, ..alive(&tags) };
        let good = member("good", Status::Alive, &[("role", "web")]);
        let (services, refusals) = draw([&hostile, &good].into_iter(), &OPTIONS);
        prop_assert!(services["web"].backends.contains_key("good"));
        prop_assert!(refusals.len() <= SERVICES_PER_MEMBER_MAX + 1);
        for (name, service) in &services {
            prop_assert!(!name.is_empty() && !name.starts_with(['.', '-']));
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)));
            for backend in service.backends.values() {
                let ip = backend.addr.ip();
                prop_assert!(!ip.is_loopback() && !ip.is_multicast() && !ip.is_unspecified());
                prop_assert!(backend.addr.port() > 0 && (1..=WEIGHT_MAX).contains(&backend.weight));
            }
        }
    }
}

/// Members `in`, `out` and `port` of service `web`, drawn with a rule for it.
fn drawn_by(rule: Rule) -> (Vec<String>, Vec<String>) {
    let named = |name: &str, ip: [u8; 4], services: &str| Member {
        addr: ip.into(),
        ..member(name, Status::Alive, &[("services", services), ("zone", name)])
    };
    let members = [
        named("in", [10, 0, 0, 1], "web:80,api:80"),
        named("out", [192, 0, 2, 1], "web:80"),
        named("port", [10, 0, 0, 2], "web:81,web:80/20"),
    ];
    let options = DrawOptions { rules: [("web".into(), rule)].into(), ..OPTIONS };
    let (services, refusals) = draw(members.iter(), &options);
    (lines_of(&services), refusals.iter().map(ToString::to_string).collect())
}

#[test]
fn a_rule_refuses_who_may_not_serve_and_touches_no_other_service() {
    let (lines, refusals) = drawn_by(Rule { from: vec!["10.0.0.0/8".parse().unwrap()], ..Rule::default() });
    assert_eq!(
        lines,
        ["api in 10.0.0.1:80 10 Ready", "web in 10.0.0.1:80 10 Ready", "web port 10.0.0.2:81 10 Ready"]
    );
    assert_eq!(
        refusals,
        [
            r#""out": service web may not be served from 192.0.2.1, only from 10.0.0.0/8"#,
            r#""port": service web is offered twice; the first one holds"#
        ]
    );
}

#[test]
fn of_a_service_offered_twice_the_first_that_the_rule_admits_holds() {
    let (lines, refusals) = drawn_by(Rule { ports: vec!["80".parse().unwrap()], ..Rule::default() });
    assert!(lines.contains(&"web port 10.0.0.2:80 20 Ready".to_owned()), "{lines:?}");
    assert_eq!(refusals, [r#""port": service web may not be served on port 81, only on 80"#]);
}

#[test]
fn a_rule_may_ask_for_tags() {
    let (lines, refusals) =
        drawn_by(Rule { tags: [("zone".into(), "out".into())].into(), ..Rule::default() });
    assert_eq!(lines, ["api in 10.0.0.1:80 10 Ready", "web out 192.0.2.1:80 10 Ready"]);
    assert_eq!(refusals.len(), 3);
}

#[test]
fn a_rule_believes_nothing_that_is_not_believed_without_it() {
    let rule = Rule { from: vec!["127.0.0.0/8".parse().unwrap()], ..Rule::default() };
    let options = DrawOptions { rules: [("web".into(), rule)].into(), ..OPTIONS };
    let (services, refusals) = draw([&at([127, 0, 0, 1])].into_iter(), &options);
    assert_eq!((services.len(), refusals.len()), (0, 1));
}

#[test]
fn a_refusal_keeps_the_name_as_it_is_and_shows_it_escaped() {
    let long = "\u{e9}".repeat(400);
    for (name, kept) in [("a\u{1b}b", "a\u{1b}b"), (&*long, &long[..254])] {
        let (_, refusals) =
            draw([&member(name, Status::Alive, &[("role", "web"), ("port", "0")])].into_iter(), &OPTIONS);
        assert_eq!(refusals[0].node, kept);
        assert!(!refusals[0].to_string().contains('\u{1b}'));
    }
}
