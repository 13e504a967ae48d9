use super::*;
use crate::config::family::Family;
use crate::config::key::Key;
use crate::config::origin::Origin;
use crate::config::value::Value;
use std::net::{TcpListener, UdpSocket};

/// Settings with a short socket, ports chosen by the system, and these.
fn settings(given: &[(&'static Key, &str)]) -> Settings {
    let mut settings = Settings::defaults();
    let usual: [(&'static Key, &str); 4] = [
        (&keys::SOCKET, "/tmp/m.sock"),
        (&keys::BIND, "127.0.0.1:0"),
        (&keys::proxy::LISTEN, "127.0.0.1:0"),
        (&keys::serf::RPC_ADDR, "off"),
    ];
    for (key, text) in usual.iter().chain(given) {
        settings.set(key, key.kind.parse(text).unwrap(), &Origin::Flag(key.flag));
    }
    settings
}

fn problems(given: &[(&'static Key, &str)]) -> Vec<String> {
    let findings = check(&settings(given), &[Role::Agent, Role::Proxy], Purpose::Start);
    assert!(findings.notes.is_empty());
    findings.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn a_sound_configuration_has_no_problem() {
    assert_eq!(problems(&[(&keys::TAGS, "role=web"), (&keys::JOIN, "lb")]), [""; 0]);
}

#[test]
fn tags_that_do_not_fit_into_gossip_are_a_problem() {
    // `ff`, the header of the map, two bytes of key, three of the header of a long value.
    let fits = format!("k={}", "v".repeat(META_BYTES_MAX - 7));
    let too_long = format!("{fits}v");
    let findings = check(&settings(&[(&keys::TAGS, &fits)]), &[Role::Agent], Purpose::Start);
    assert_eq!(findings.problems, []);
    let note =
        "flag --tag: the tags take 512 bytes in every message about this node; 200 or less spread faster";
    assert_eq!(findings.notes.iter().map(ToString::to_string).collect::<Vec<_>>(), [note]);
    assert_eq!(
        problems(&[(&keys::TAGS, &too_long)]),
        ["flag --tag: the tags take 513 bytes in gossip; at most 512 fit"]
    );
}

#[test]
fn tags_that_make_no_service_are_worth_a_note() {
    let settings = settings(&[(&keys::TAGS, "role=backend,port=http")]);
    let findings = check(&settings, &[Role::Agent], Purpose::Look);
    let notes: Vec<_> = findings.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        ["flag --tag: balancers will not believe this: `port` \"http\": a port is a number from 1 to 65535"]
    );
    assert!(findings.problems.is_empty());
}

#[test]
fn a_socket_path_longer_than_the_system_takes_is_a_problem() {
    let path = format!("/{}", "x".repeat(SOCKET_PATH_BYTES_MAX - 1));
    assert_eq!(problems(&[(&keys::SOCKET, &path)]), [""; 0]);
    assert_eq!(
        problems(&[(&keys::SOCKET, &format!("{path}x"))]),
        ["flag --socket: the path of the control socket has 108 bytes; the system takes at most 107"]
    );
}

#[test]
fn an_address_of_another_host_is_a_problem_told_once() {
    // TEST-NET-1 (RFC 5737) is nobody's.
    assert_eq!(
        problems(&[(&keys::BIND, "192.0.2.1:7946"), (&keys::proxy::PLAINTEXT, "true")]),
        ["flag --bind: 192.0.2.1 is not an address of this host; `ip addr` shows those it has"]
    );
}

#[test]
fn a_problem_with_a_default_names_the_key() {
    let mut settings = settings(&[]);
    settings.set(&keys::BIND, keys::BIND.kind.parse("192.0.2.1").unwrap(), &Origin::Default);
    let findings = check(&settings, &[Role::Agent], Purpose::Start);
    let text = findings.problems[0].to_string();
    assert!(text.starts_with("agent.bind (its default): 192.0.2.1 is not an address"), "{text}");
}

#[test]
fn a_default_is_not_blamed_for_a_source_that_could_not_be_read() {
    let mut settings = settings(&[(&keys::NODE, "a\nb")]);
    settings.set(&keys::SOCKET, Value::Text(String::new()), &Origin::Default);
    settings.set(&keys::BIND, keys::BIND.kind.parse("192.0.2.1").unwrap(), &Origin::Default);
    let findings = check(&settings, &[Role::Agent], Purpose::Start);
    let told = |read: &[Problem]| findings.problems_after(read).map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(told(&[]).len(), 3);
    let chosen = r"flag --node: the node name `a\nb` has control characters";
    assert_eq!(told(&[Problem::anywhere("cannot read x")]), ["cannot read x", chosen]);
}

#[test]
fn a_port_in_use_is_told_with_its_owner() {
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let _udp = UdpSocket::bind(tcp).unwrap();
    let me = std::fs::read_to_string("/proc/self/comm").unwrap();
    let (me, pid) = (me.trim_end(), std::process::id());
    assert_eq!(
        problems(&[(&keys::BIND, &tcp.to_string())]),
        [format!("flag --bind: UDP port {tcp} is in use by {me} (pid {pid})")]
    );
}

#[test]
fn the_proxy_and_the_agent_cannot_share_a_port() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let any = format!("0.0.0.0:{}", free.port());
    assert_eq!(
        problems(&[(&keys::BIND, &free.to_string()), (&keys::proxy::LISTEN, &any)]),
        [format!(
            "flag --listen: the proxy would listen on {any}, where this node's agent gossips ({free}, flag --bind)"
        )]
    );
}

#[test]
fn a_listener_that_is_there_twice_is_a_problem() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(
        problems(&[(&keys::proxy::LISTEN, &format!("{free},{free}"))]),
        [format!("flag --listen: {free} is there twice")]
    );
}

#[test]
fn a_socket_in_the_file_system_needs_a_free_place_there() {
    let dir = tempfile::tempdir().unwrap();
    let unix = |name: &str| format!("unix:{}/{name}", dir.path().display());
    std::fs::write(dir.path().join("text"), "").unwrap();
    assert_eq!(problems(&[(&keys::proxy::LISTEN, &unix("a.sock"))]), [""; 0]);
    for (listen, words) in [
        (format!("{0},{0} mode=600", unix("a.sock")), "is there twice"),
        (unix("no/a.sock"), "there is no folder"),
        (unix("text"), "is there and is no socket"),
    ] {
        let found = problems(&[(&keys::proxy::LISTEN, &listen)]);
        assert!(found.len() == 1 && found[0].contains(words), "{found:?}");
    }
}

#[test]
fn what_options_of_listeners_need_is_looked_at_and_what_none_needs_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().to_str().unwrap();
    let findings = |given: &[(&'static Key, &str)]| {
        let Findings { problems, notes } = check(&settings(given), &[Role::Proxy], Purpose::Start);
        let texts = |found: Vec<Problem>| found.iter().map(ToString::to_string).collect::<Vec<_>>();
        (texts(problems), texts(notes))
    };
    let tls = (&keys::proxy::LISTEN as &'static Key, "127.0.0.1:0 tls");
    let (problems, _) = findings(&[tls]);
    assert!(problems.len() == 1 && problems[0].contains("name files or a folder"), "{problems:?}");
    let (problems, _) = findings(&[tls, (&keys::proxy::CERTIFICATES, folder)]);
    assert!(problems.len() == 1 && problems[0].contains("no certificate in the folder"), "{problems:?}");
    let unused = [
        (&keys::proxy::CERTIFICATES as _, "/nonexistent"),
        (&keys::proxy::PROXY_PROTOCOL_FROM as _, "10.0.0.0/8"),
    ];
    let (problems, notes) = findings(&unused);
    assert!(problems.len() == 1 && problems[0].contains("cannot read /nonexistent"), "{problems:?}");
    assert!(
        notes.len() == 2 && notes[0].contains("speaks TLS") && notes[1].contains("PROXY protocol"),
        "{notes:?}"
    );
}

#[test]
fn tools_come_from_this_host_unless_told_otherwise() {
    let stats = |given: &[(&'static Key, &str)]| {
        let findings = check(&settings(given), &[Role::Proxy], Purpose::Start);
        findings.problems.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let (page, socket) = (&keys::proxy::STATS as &'static Key, &keys::proxy::STATS_SOCKET as &'static Key);
    for (key, value) in
        [(page, "127.0.0.1"), (socket, "[::1]:9999"), (socket, "/run/x.sock mode=600"), (page, "off")]
    {
        assert_eq!(stats(&[(key, value)]), [""; 0], "{value}");
    }
    for (key, value) in [(page, "0.0.0.0"), (socket, "10.0.0.1:9999")] {
        let problems = stats(&[(key, value)]);
        assert!(problems.len() == 1 && problems[0].contains("stats_exposed = true"), "{problems:?}");
        assert_eq!(stats(&[(key, value), (&keys::proxy::STATS_EXPOSED as _, "true")]), [""; 0]);
    }
    for value in ["127.0.0.1", "x", "127.0.0.1:1 tls", "run/x"] {
        assert_eq!(stats(&[(socket, value)]).len(), 1, "{value}");
    }
}

#[test]
fn listeners_overlap_when_the_second_could_not_be_opened() {
    let overlaps = |a: &str, b: &str| overlap(a.parse().unwrap(), b.parse().unwrap());
    assert!(overlaps("0.0.0.0:1", "127.0.0.1:1") && overlaps("127.0.0.1:1", "0.0.0.0:1"));
    assert!(overlaps("[::]:1", "127.0.0.1:1") && overlaps("[::]:1", "[::1]:1"));
    assert!(!overlaps("0.0.0.0:1", "[::1]:1") && !overlaps("127.0.0.1:1", "127.0.0.2:1"));
    assert!(!overlaps("0.0.0.0:1", "0.0.0.0:2") && !overlaps("0.0.0.0:0", "0.0.0.0:0"));
}

#[test]
fn an_address_nobody_can_reach_is_not_advertised() {
    for address in ["0.0.0.0", "224.0.0.1", "127.0.0.1:0"] {
        assert!(problems(&[(&keys::ADVERTISE, address)])[0].contains("nobody can reach"), "{address}");
    }
}

#[test]
fn gossip_keys_come_from_one_place_and_are_keys() {
    let dir = tempfile::tempdir().unwrap();
    let keyring = dir.path().join("keyring.json");
    let path = keyring.to_str().unwrap();
    let key = "cg8StVXbQJ0gPvMd9o7yrg==";
    assert_eq!(problems(&[(&keys::ENCRYPT, key)]), [""; 0]);
    assert_eq!(
        problems(&[(&keys::ENCRYPT, "c2hvcnQ=")]),
        [
            "flag --encrypt: key size must be 16, 24 or 32 bytes, but this one has 5; `muster keygen` makes one"
        ]
    );
    assert_eq!(
        problems(&[(&keys::KEYRING_FILE, path)]),
        [format!("flag --keyring-file: cannot read {path}: No such file or directory (os error 2)")]
    );
    std::fs::write(&keyring, format!("[\"{key}\"]")).unwrap();
    std::fs::set_permissions(&keyring, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(problems(&[(&keys::KEYRING_FILE, path)]), [""; 0]);
    assert_eq!(
        problems(&[(&keys::ENCRYPT, key), (&keys::KEYRING_FILE, path)]),
        [
            "flag --keyring-file: gossip keys come from one place, and `encrypt` (flag --encrypt) names one already; \
          remove one of the two"
        ]
    );
    std::fs::set_permissions(&keyring, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let notes = check(&settings(&[(&keys::KEYRING_FILE, path)]), &[Role::Agent], Purpose::Look).notes;
    assert!(notes[0].to_string().contains("`chmod 600` closes it"), "{}", notes[0]);
}

#[test]
fn a_node_name_is_short_and_printable() {
    assert!(problems(&[(&keys::NODE, &"n".repeat(256))])[0].contains("256 bytes"));
    assert_eq!(
        problems(&[(&keys::NODE, "a\nb")]),
        [r"flag --node: the node name `a\nb` has control characters"]
    );
}

#[test]
fn a_proxy_beside_an_agent_without_a_key_is_worth_a_note_beyond_loopback() {
    let notes = |given: &[(&'static Key, &str)], roles: &[Role]| {
        let findings = check(&settings(given), roles, Purpose::Look);
        let about = |note: &String| note.contains("plaintext");
        findings.notes.iter().map(ToString::to_string).filter(about).collect::<Vec<_>>()
    };
    let both = [Role::Agent, Role::Proxy];
    let open: (&'static Key, &str) = (&keys::BIND, "0.0.0.0:0");
    let found = notes(&[open], &both);
    assert!(
        found.len() == 1 && found[0].starts_with("agent.encrypt (its default): without a key"),
        "{found:?}"
    );
    assert_eq!(notes(&[], &both), [""; 0], "loopback");
    assert_eq!(notes(&[open, (&keys::proxy::PLAINTEXT, "true")], &both), [""; 0]);
    assert_eq!(notes(&[open, (&keys::ENCRYPT, "cg8StVXbQJ0gPvMd9o7yrg==")], &both), [""; 0]);
    assert_eq!(notes(&[open], &[Role::Agent]), [""; 0]);
}

#[test]
fn a_rule_for_a_name_that_is_not_quite_the_service_is_worth_a_note() {
    let mut settings = settings(&[]);
    let origin = Origin::File { path: "/etc/muster/muster.toml".into(), line: 3 };
    let ports = keys::service::PORTS.kind.parse("80").unwrap();
    settings.set_of(Family::Services, "backnd", &keys::service::PORTS, ports.clone(), &origin);
    settings.set_of(Family::Services, "backend", &keys::service::PORTS, ports, &origin);
    let findings = check(&settings, &[Role::Agent, Role::Proxy], Purpose::Look);
    assert_eq!(
        findings.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "/etc/muster/muster.toml:3: [services.backnd] restricts nothing that the proxy of this node does: it serves \
          `backend`; did you mean `backend`?"
        ]
    );
    assert!(check(&settings, &[Role::Agent], Purpose::Look).notes.is_empty(), "nobody knows who follows");
}

#[test]
fn only_the_roles_that_will_run_are_checked() {
    let settings = settings(&[(&keys::BIND, "192.0.2.1:7946"), (&keys::ADVERTISE, "0.0.0.0")]);
    assert!(check(&settings, &[Role::Proxy], Purpose::Start).problems.is_empty());
}

#[test]
fn a_handler_cannot_have_the_name_of_one_of_serfs() {
    let mut settings = settings(&[(&keys::serf::EVENT_HANDLERS, "member-join=x")]);
    let config = muster_agent::HandlerConfig::serf("event-handler-1", "y").unwrap();
    let origin = Origin::File { path: "m.toml".into(), line: 3 };
    settings.declare(handlers::Declared { config, origin });
    let findings = check(&settings, &[Role::Agent], Purpose::Start);
    let problems: Vec<String> = findings.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        problems,
        ["m.toml:3: `event-handler-1` is the name of a handler of `event_handlers`; choose another"]
    );
    assert_eq!(views::agent(&settings).handlers.len(), 2);
}

#[test]
fn an_address_of_rpc_that_is_taken_is_a_problem_if_it_was_asked_for() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let found = problems(&[(&keys::serf::RPC_ADDR, &addr)]);
    assert!(found[0].starts_with(&format!("flag --rpc-addr: TCP port {addr} is in use")), "{found:?}");
    assert_eq!(found.len(), 1);
    let mut asked_by_nobody = settings(&[]);
    asked_by_nobody.set(&keys::serf::RPC_ADDR, Value::Address(addr.parse().unwrap()), &Origin::Default);
    let findings = check(&asked_by_nobody, &[Role::Agent], Purpose::Start);
    assert_eq!((findings.problems.len(), findings.notes.len()), (0, 1));
}

#[test]
fn rpc_beyond_loopback_without_a_token_is_worth_a_note() {
    let open = settings(&[(&keys::serf::RPC_ADDR, "0.0.0.0:0")]);
    let notes = check(&open, &[Role::Agent], Purpose::Start).notes;
    assert!(notes[0].to_string().contains("asks for no token"), "{notes:?}");
    let closed = settings(&[(&keys::serf::RPC_ADDR, "0.0.0.0:0"), (&keys::serf::RPC_AUTH, "secret")]);
    assert_eq!(check(&closed, &[Role::Agent], Purpose::Start).notes, []);
}

#[test]
fn logs_that_strangers_can_write_and_rules_that_lead_nowhere_are_worth_a_note() {
    let notes = |given: &[(&'static Key, &str)]| -> Vec<String> {
        let findings = without_socket(&settings(given), &[Role::Log], Purpose::Start);
        assert!(findings.problems.is_empty());
        findings.notes.iter().map(ToString::to_string).collect()
    };
    let rules = "local0,local1.notice -> file:haproxy\n*.* -> collector";
    let found = notes(&[
        (&keys::logs::LISTEN, "/dev/log,udp://127.0.0.1:514,tcp://0.0.0.0:514"),
        (&keys::logs::RULES, rules),
    ]);
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].starts_with("flag --syslog-listen: whoever reaches tcp://0.0.0.0:514"), "{found:?}");
    assert!(
        found[1].contains("name one with `collector`") && found[2].contains("name one with `folder`"),
        "{found:?}"
    );
    let sound = [
        (&keys::logs::FOLDER, "/var/log"),
        (&keys::logs::COLLECTOR, "udp://10.0.0.9:514"),
        (&keys::logs::RULES, rules),
    ];
    assert_eq!(notes(&sound), [""; 0]);
    assert!(keys::logs::COLLECTOR.kind.parse("udp://logs:514").is_err());
    assert!(keys::logs::RULES.kind.parse("local1 -> stdout").is_err());
}
