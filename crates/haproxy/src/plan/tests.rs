use super::*;

const ALL: Features = Features { dynamic_servers: true };
const HEAD: &str =
    "global\n maxconn 10\ndefaults\n mode http\n default-server inter 2s check\nfrontend f\n bind :80\n";

fn planned(running: &str, wanted: &str, features: Features) -> Plan {
    let read = |text: &str| Config::read(&alloc::format!("{HEAD}{text}")).unwrap();
    plan(&read(running), &read(wanted), &BTreeMap::new(), features)
}

/// The changes in words, or the reason for a reload.
fn told(running: &str, wanted: &str) -> String {
    tell(planned(running, wanted, ALL))
}

fn tell(plan: Plan) -> String {
    match plan {
        Plan::Nothing => "nothing".to_string(),
        Plan::Change(changes) => changes.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        Plan::Reload(reason) => alloc::format!("reload: {reason}"),
    }
}

const WEB: &str = "backend web\n balance leastconn\n server a 10.0.0.1:80 weight 5\n";

#[test]
fn servers_come_go_and_change_without_a_reload() {
    let cases = [
        (WEB, "nothing"),
        ("backend web # the same\n\n  balance   leastconn\n server a \"10.0.0.1:80\" weight 5\n", "nothing"),
        (
            "backend web\n balance leastconn\n server a 10.0.0.1:80 weight 5\n server b 10.0.0.2:80\n",
            "add web/b at 10.0.0.2:80",
        ),
        ("backend web\n balance leastconn\n", "drain and remove web/a"),
        (
            "backend web\n balance leastconn\n server b 10.0.0.2:80\n",
            "add web/b at 10.0.0.2:80; drain and remove web/a",
        ),
        ("backend web\n balance leastconn\n server a 10.0.0.1:80 weight 9\n", "give web/a weight 9"),
        ("backend web\n balance leastconn\n server a 10.0.0.1:80\n", "give web/a weight 1"),
        (
            "backend web\n balance leastconn\n server a [fd00::1]:81 weight 6\n",
            "move web/a to [fd00::1]:81; give web/a weight 6",
        ),
    ];
    for (wanted, expected) in cases {
        assert_eq!(told(WEB, wanted), expected, "{wanted}");
    }
}

#[test]
fn what_default_server_says_is_in_the_command() {
    let Plan::Change(changes) = planned("backend b\n", "backend b\n server x 10.0.0.9:80 weight 3\n", ALL)
    else {
        panic!("no changes");
    };
    let texts = |commands: Vec<crate::Command>| -> Vec<String> {
        commands.into_iter().map(|command| command.text).collect()
    };
    assert_eq!(texts(changes[0].commands()), ["add server b/x 10.0.0.9:80 check inter 2s weight 3"]);
    let Change::Add(name, new) = &changes[0] else { panic!("no addition") };
    assert_eq!(texts(Change::ready(name, new)), ["enable health b/x", "set server b/x state ready"]);
    assert_eq!(texts(Change::delete(name)), ["set server b/x state maint", "del server b/x"]);
}

#[test]
fn anything_else_is_a_reload_that_names_its_line() {
    let two = "backend web\n balance leastconn\n server a 10.0.0.1:80 weight 5\n server b ";
    let cases = [
        (
            format!("{WEB} option httpchk\n"),
            "reload: line 11: `option httpchk` is new, changed or in another place",
        ),
        (
            WEB.replace("leastconn", "roundrobin"),
            "reload: line 9: `balance roundrobin` is new, changed or in another place",
        ),
        (
            "backend web\n server a 10.0.0.1:80 weight 5\n".to_string(),
            "reload: `balance leastconn` is no longer in `backend web`",
        ),
        (format!("{WEB}backend api\n"), "reload: line 11: `backend api` is a new section"),
        (String::new(), "reload: `backend web` is no longer there"),
        (WEB.replace("web", "api"), "reload: line 8: `backend api` is another section, or in another place"),
        (
            WEB.replace("weight 5", "weight 5 fall 9"),
            "reload: line 10: `server a 10.0.0.1:80 weight 5 fall 9` is set up otherwise than before",
        ),
        (
            format!("{two}10.0.0.2:80 cookie b\n"),
            "reload: line 11: `server b 10.0.0.2:80 cookie b` `cookie` cannot be given at run time",
        ),
        (
            format!("{two}host.example:80\n"),
            "reload: line 11: `server b host.example:80` has an address that must be looked up",
        ),
        (
            format!("{two}\"10.0.0.2:80;quit\"\n"),
            "reload: line 11: `server b 10.0.0.2:80;quit` has `10.0.0.2:80;quit`, which a command cannot hold",
        ),
        (
            format!("{two}10.0.0.2:80\n server b 10.0.0.3:80\n"),
            "reload: line 12: `server b 10.0.0.3:80` has a name that another server has",
        ),
    ];
    for (wanted, expected) in cases {
        assert_eq!(told(WEB, &wanted), expected, "{wanted}");
    }
}

#[test]
fn the_balance_decides_whether_servers_can_change() {
    let with = |balance: &str| {
        let before = format!("backend b\n {balance}\n");
        told(&before, &format!("{before} server a 10.0.0.1:80\n"))
    };
    let takes = "add b/a at 10.0.0.1:80";
    for balance in ["", "balance roundrobin", "balance random(2)"] {
        assert_eq!(with(balance), takes, "{balance}");
    }
    for balance in
        ["balance static-rr", "balance first", "balance uri", "balance source\n hash-type map-based"]
    {
        assert!(with(balance).contains("does not take at run time"), "{balance}: {}", with(balance));
    }
}

#[test]
fn a_consistent_hash_takes_servers_whose_numbers_are_said() {
    let text = |servers: &[&str]| {
        format!("backend b\n balance uri\n hash-type consistent sdbm avalanche\n {}\n", servers.join("\n "))
    };
    let (a, b, numbered) = ("server a 10.0.0.1:80 id 7", "server b 10.0.0.2:80", "server b 10.0.0.2:80 id 3");
    assert_eq!(told(&text(&[a]), &text(&[numbered, a])), "add b/b at 10.0.0.2:80");
    assert_eq!(told(&text(&[a, numbered]), &text(&[a])), "drain and remove b/b");
    assert_eq!(told(&text(&[a, numbered]), &text(&[numbered, a])), "nothing");
    let heavier = format!("{b} weight 9");
    assert_eq!(told(&text(&[a, b]), &text(&[a, &heavier])), "give b/b weight 9");
    for (before, after) in
        [(vec![a], vec![a, b]), (vec![a, b], vec![a]), (vec![b], vec![b, a]), (vec![a, b], vec![b, a])]
    {
        let why = told(&text(&before), &text(&after));
        assert!(why.contains("and another balancer would choose otherwise"), "{why}");
    }
    let others =
        ["map-based", "consistent"].map(|kind| format!("backend b\n balance leastconn\n hash-type {kind}\n"));
    for head in others {
        assert_eq!(told(&head, &format!("{head} {b}\n")), "add b/b at 10.0.0.2:80");
    }
}

#[test]
fn a_default_server_counts_for_those_below_it_only() {
    let text = |lines: [&str; 3]| format!("backend b\n {}\n", lines.join("\n "));
    let (a, default, b) = ("server a 10.0.0.1:80", "default-server fall 9", "server b 10.0.0.2:80");
    let mixed = text([a, default, b]);
    let why = "`default-server` stands below a server";
    for wanted in [
        text([b, default, a]),
        text([default, a, b]),
        mixed.replace("0.2:80", "0.3:80"),
        mixed.replace(b, ""),
        format!("{mixed} server c 10.0.0.3:80\n"),
        format!("backend b\n server c 10.0.0.3:80\n{}", mixed.replace("backend b\n", "")),
    ] {
        assert!(told(&mixed, &wanted).ends_with(why), "{wanted}: {}", told(&mixed, &wanted));
        assert!(told(&wanted, &mixed).ends_with(why), "{wanted}: {}", told(&wanted, &mixed));
    }
    assert_eq!(told(&mixed, &mixed), "nothing");
    assert_eq!(told(&text([default, a, b]), &text([default, b, a])), "nothing");
}

#[test]
fn where_the_first_one_counts_another_order_is_a_reload() {
    let text = |head: &str, lines: [&str; 3]| format!("backend b\n {head}\n {}\n", lines.join("\n "));
    let (a, b, c) = ("server a 10.0.0.1:80", "server b 10.0.0.2:80 backup", "server c 10.0.0.3:80 backup");
    let why = "is in another place, and here the order counts";
    let told = |head: &str, after: [&str; 3]| told(&text(head, [a, b, c]), &text(head, after));
    for head in ["balance first", "balance static-rr", "balance source"] {
        assert!(told(head, [b, a, c]).ends_with(why), "{head}: {}", told(head, [b, a, c]));
    }
    // The first backup is the one.
    assert!(told("", [a, c, b]).ends_with(why), "{}", told("", [a, c, b]));
    assert_eq!(told("", [b, c, a]), "nothing");
    assert_eq!(told("option allbackups", [a, c, b]), "nothing");
    assert!(told("option allbackups\n no option allbackups", [a, c, b]).ends_with(why));
    let newcomer = "server bb 10.0.0.4:80 backup";
    assert_eq!(told("", [a, c, newcomer]), "add b/bb at 10.0.0.4:80; drain and remove b/b");
    assert!(told("", [a, newcomer, c]).ends_with(why));
}

#[test]
fn one_to_which_clients_stick_leaves_by_maintenance_or_by_a_reload() {
    let farewell = |head: &str, server: &str| {
        let text = format!("backend b\n {head}\n server a 10.0.0.1:80 {server}\n");
        match planned(&text, &format!("backend b\n {head}\n"), ALL) {
            Plan::Change(changes) => changes[0].commands()[0].text.clone(),
            other => tell(other),
        }
    };
    assert_eq!(farewell("balance source\n hash-type consistent", "id 7"), "set server b/a state drain");
    for head in ["stick on src", "stick match src", "cookie S prefix", "persist rdp-cookie"] {
        assert_eq!(farewell(head, ""), "set server b/a state maint", "{head}");
    }
    assert_eq!(farewell("", "on-marked-down shutdown-sessions"), "set server b/a state drain");
    let why = farewell("stick on src", "on-marked-down shutdown-sessions");
    assert!(why.ends_with("stick to it until it is down, which would cut them off"), "{why}");
    let why = farewell("stick on src\n option persist", "");
    assert!(why.ends_with("are sent there whatever its state"), "{why}");
    for server in ["server a 10.0.0.1:80\n", "server a 10.0.0.1:80\n server b 10.0.0.2:80\n"] {
        let why = told(
            "backend b\n cookie S insert dynamic\n server a 10.0.0.1:80\n server c 10.0.0.3:80\n",
            &format!("backend b\n cookie S insert dynamic\n {server}"),
        );
        assert!(why.ends_with("which `cookie` with `dynamic` does not take at run time"), "{why}");
    }
}

#[test]
fn an_address_changes_with_any_balance_and_a_weight_only_where_it_counts_at_once() {
    let with = |balance: &str, server: &str| {
        let text = |server: &str| format!("backend b\n {balance}\n server a {server}\n");
        told(&text("10.0.0.1:80"), &text(server))
    };
    for balance in ["balance static-rr", "balance uri", "balance first", ""] {
        assert_eq!(with(balance, "10.0.0.2:80"), "move b/a to 10.0.0.2:80", "{balance}");
    }
    assert_eq!(with("balance first", "10.0.0.1:80 weight 2"), "give b/a weight 2");
    let words = with("balance static-rr", "10.0.0.1:80 weight 2");
    assert!(
        words.ends_with("has another weight, which `balance static-rr` does not take at run time"),
        "{words}"
    );
}

#[test]
fn a_text_with_conditions_is_left_to_haproxy() {
    let text = "backend b\n.if defined(X)\n server a 10.0.0.1:80\n.endif\n";
    let words = told(text, &text.replace("0.1", "0.2"));
    assert!(words.contains("changes a server, and `.if` makes the rest depend on the start"), "{words}");
    assert_eq!(told(text, text), "nothing");
}

#[test]
fn a_name_that_no_command_can_hold_is_not_taken_away_by_one() {
    let words = told("backend b\n server \"a;quit\" 10.0.0.1:80\n", "backend b\n");
    assert!(words.ends_with("has a name that a command cannot hold"), "{words}");
}

#[test]
fn an_old_haproxy_takes_addresses_and_weights_and_reloads_for_servers() {
    let old = |wanted: &str| tell(planned(WEB, wanted, Features::of((2, 2))));
    assert!(old("backend web\n balance leastconn\n").ends_with("which this HAProxy cannot at run time"));
    assert!(old(&format!("{WEB} server b 10.0.0.2:80\n")).ends_with("which this HAProxy cannot at run time"));
    let set = WEB.replace("0.1:80 weight 5", "0.9:81 weight 6");
    assert_eq!(old(&set), "move web/a to 10.0.0.9:81; give web/a weight 6");
    assert!(Features::of((2, 6)).dynamic_servers && Features::of((3, 0)).dynamic_servers);
    assert!(!Features::of((2, 5)).dynamic_servers);
}

#[test]
fn one_that_is_on_its_way_out_is_taken_back_if_it_is_the_same() {
    let read = |text: &str| Config::read(text).unwrap();
    let Plan::Change(changes) =
        plan(&read(WEB), &read("backend web\n balance leastconn\n"), &BTreeMap::new(), ALL)
    else {
        panic!("no changes")
    };
    let [Change::Remove(name, leaving, _)] = &changes[..] else { panic!("no removal") };
    let leaving: BTreeMap<_, _> = [(name.clone(), leaving.clone())].into();
    let empty = read("backend web\n balance leastconn\n");
    let back = |text: &str| tell(plan(&empty, &read(text), &leaving, ALL));
    assert_eq!(back(&WEB.replace("0.1:80", "0.7:80")), "take web/a back at 10.0.0.7:80");
    assert!(back(&WEB.replace("weight 5", "backup")).contains("its predecessor, which still has sessions"));
}

/// A HAProxy that only knows servers: name, address, weight.
type Model = BTreeMap<String, (String, u16)>;

fn model(config: &str) -> Model {
    let config = Config::read(config).unwrap();
    let section = config.sections.last().unwrap();
    let read = |line: &Line| {
        let (name, server) = server(line, &BTreeMap::new()).unwrap();
        (format!("b/{name}"), (server.address.clone(), server.weight().unwrap()))
    };
    section.of("server").map(read).collect()
}

fn obey(model: &mut Model, change: &Change) {
    let name = change.name().to_string();
    match change {
        Change::Add(_, new) => {
            let former = model.insert(name, (new.0.address.clone(), new.0.weight().unwrap()));
            assert_eq!(former, None, "added twice");
        }
        Change::Address(_, addr) => model.get_mut(&name).unwrap().0 = addr.to_string(),
        Change::Weight(_, weight) => model.get_mut(&name).unwrap().1 = *weight,
        Change::Remove(..) => assert!(model.remove(&name).is_some(), "removed twice"),
        Change::Revive(..) => panic!("nobody is on the way out"),
    }
}

#[test]
fn a_plan_that_is_obeyed_gives_the_servers_that_are_wanted() {
    for seed in 0..500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut config = || {
            let mut text = String::from("backend b\n");
            for name in 0..10 {
                if random.bool() {
                    let (host, weight) = (random.u8(1..4), random.u8(1..4));
                    text.push_str(&format!(" server s{name} 10.0.0.{host}:80 weight {weight}\n"));
                }
            }
            text
        };
        let (before, after) = (config(), config());
        let mut running = model(&before);
        match planned(&before, &after, ALL) {
            Plan::Nothing => {}
            Plan::Change(changes) => changes.iter().for_each(|change| obey(&mut running, change)),
            Plan::Reload(reason) => panic!("seed {seed}: {reason}"),
        }
        assert_eq!(running, model(&after), "seed {seed}");
    }
}

proptest::proptest! {
    #[test]
    fn any_two_texts_have_a_plan(before in "(backend b\n|server |a |[ -~]{0,9}\n){0,12}", after in "(backend b\n|server |a |[ -~]{0,9}\n){0,12}") {
        let read = |text: &str| Config::read(text).unwrap();
        if let Plan::Change(changes) = plan(&read(&before), &read(&after), &BTreeMap::new(), ALL) {
            for command in changes.iter().flat_map(Change::commands) {
                proptest::prop_assert!(!command.text.contains([';', '\n', '\\', '"']), "{}", command.text);
            }
        }
    }
}
