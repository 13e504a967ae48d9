use crate::config::check::{Purpose, Role, check};
use crate::config::origin::Problem;
use crate::config::sources::{Env, Sources};
use crate::config::{load, print, views};
use std::path::Path;

fn found(text: &str) -> (Vec<String>, Vec<String>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    std::fs::write(&path, text).unwrap();
    let nowhere = "/nonexistent".into();
    let loaded = load(&Sources {
        config: Some(path.clone()),
        serf: Vec::new(),
        given: Vec::new(),
        env: Env::new(),
        directory: nowhere,
    });
    let findings = check(&loaded.settings, &[Role::Proxy], Purpose::Reload);
    let shown = |problems: &mut dyn Iterator<Item = &Problem>| {
        let at = format!("{}:", path.display());
        problems.map(|problem| problem.to_string().replace(&at, "")).collect::<Vec<_>>()
    };
    let problems = shown(&mut findings.problems_after(&loaded.problems));
    let notes = shown(&mut findings.notes.iter());
    // Its place is the host's matter.
    (problems.into_iter().filter(|problem| !problem.contains("control socket")).collect(), notes)
}

#[test]
fn mistakes_in_frontends_are_told_with_their_line() {
    let base = "[proxy.frontends.a]\nlisten = [\"127.0.0.1:1\"]\nservice = \"web\"\n[services.web]\n[[proxy.frontends.a.rules]]\n";
    assert_eq!(found(&format!("{base}path = \"/x\"\nservice = \"web\"\n")), (vec![], vec![]));
    for (rule, words) in [
        ("service = \"wbe\"", "5: there is no service `wbe`; did you mean `web`?; each has a section"),
        ("path_regex = \"(\"\nservice = \"web\"", "6: path_regex: `(`: unclosed group"),
        ("path = \"x\"\nservice = \"web\"", "6: path: `x` is no path"),
        ("host = \"a:80\"\nservice = \"web\"", "6: host: `a:80` is no host"),
        ("from = [\"10.0.0.0/33\"]\nservice = \"web\"", "6: from: "),
        ("method = \"get\"\nservice = \"web\"", "6: method: `get` is no method"),
        ("redirect = \"/%nothing\"", "6: redirect: `/%nothing`: there is no variable %nothing"),
        ("redirect = \"/\"\nredirect_code = 200", "7: redirect_code: there are 301"),
        ("deny = 200", "6: deny: 200 is no status"),
        ("deny = true\nservice = \"web\"", "6: deny: a rule does one thing"),
        ("page = \"/nonexistent.html\"", "6: page: cannot read the page /nonexistent.html"),
        (
            "set_request_headers = { Connection = \"x\" }",
            "6: set_request_headers: `Connection` is written by the proxy",
        ),
        ("host = \"a\"", "5: this rule does nothing"),
        ("hots = \"a\"\nservice = \"web\"", "6: unknown key `hots` in a rule; did you mean `host`?"),
        ("tls = 1\nservice = \"web\"", "6: tls: must be true or false, not a number"),
        ("header = { X = 1 }\nservice = \"web\"", "6: header: must be a list of strings"),
        ("redirect_code = 301\nservice = \"web\"", "6: redirect_code: this is for a rule with `redirect`"),
    ] {
        let (problems, _) = found(&format!("{base}{rule}\n"));
        assert!(problems.len() == 1 && problems[0].starts_with(words), "{rule}: {problems:?}");
    }
    for (text, words) in [
        ("[proxy]\nlisten = [\":1\"]\n", "2: `listen` of [proxy] is the short form of one frontend"),
        (
            "[proxy.frontends.b]\nlisten = [\"127.0.0.1:1\"]\n",
            "2: 127.0.0.1:1 is there twice; the other is at 5",
        ),
        ("[proxy.frontends.b]\nservice = \"web\"\n", "2: [proxy.frontends.b] has no `listen`"),
        ("[proxy.frontends.b]\nlisten = [\"127.0.0.1:2 tls\"]\n", "2: `tls` needs a certificate"),
        ("[proxy.frontends.b]\nlisten = [\"127.0.0.1:2 tcp\"]\n", "2: `tcp` behind an address"),
        ("[services.x]\nbackends = [\"a:1\"]\n", "2: backends: `a:1` is no backend"),
        (
            "[services.x]\nbackends = [\"10.0.0.1:1\", \"10.0.0.1:1/2\"]\n",
            "2: backends: 10.0.0.1:1 is there twice",
        ),
        (
            "[proxy.frontends.b]\nlisten = [\"127.0.0.1:2\"]\nmode = \"tcp\"\n[[proxy.frontends.b.rules]]\nhost = \"a\"\ndeny = true\n",
            "4: `b` is in TCP mode",
        ),
    ] {
        let rest = "[proxy.frontends.a]\nlisten = [\"127.0.0.1:1\"]\n[services.web]\n";
        let (problems, _) = found(&format!("{text}{rest}"));
        let lines = text.lines().count();
        let words = words.replace("at 5", &format!("at {}", lines + 2));
        assert!(problems.len() == 1 && problems[0].starts_with(&words), "{text}: {problems:?}");
    }
    let twice =
        "path = \"/x\"\nservice = \"web\"\n[[proxy.frontends.a.rules]]\npath = \"/x/y\"\ndeny = true\n";
    let (problems, notes) = found(&format!("{base}{twice}"));
    assert!(problems.is_empty() && notes.len() == 1, "{problems:?} {notes:?}");
    assert!(notes[0].starts_with("8: this never happens: the rule at "), "{notes:?}");
}

#[test]
fn the_example_is_right_and_is_printed_as_what_says_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/frontends/muster.toml");
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(found(&text), (vec![], vec![]));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("m.toml");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let config = Some(path.clone());
        let sources = Sources {
            config,
            serf: Vec::new(),
            given: Vec::new(),
            env: Env::new(),
            directory: "/nonexistent".into(),
        };
        let loaded = load(&sources);
        assert_eq!(loaded.problems, []);
        loaded.settings
    };
    let first = read(&text);
    let printed = print::toml(&first);
    let again = read(&printed);
    assert_eq!(found(&printed).0, [""; 0]);
    let plan = |settings| {
        let config = views::proxy(settings);
        let routing = config.routing.unwrap();
        let rules = |frontend: &muster_routes::Frontend| {
            frontend.rules.iter().map(|rule| format!("{:?} {:?}", rule.when, rule.action)).collect::<Vec<_>>()
        };
        let rules: Vec<_> = routing.plan.frontends().iter().map(rules).collect();
        (config.listen, rules, routing.services, routing.fixed)
    };
    assert_eq!(plan(&first), plan(&again));
    let listen: Vec<_> = plan(&first).0.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["127.0.0.1:5432 tcp", "127.0.0.1:8080"]);
}

#[test]
fn one_service_alone_may_have_its_backends_written_down() {
    let text = "[proxy]\nlisten = [\"127.0.0.1:1\", \"127.0.0.1:2 tcp\"]\nservice = \"web\"\n[services.web]\nbackends = [\"10.0.0.1:80/3\"]\n";
    assert_eq!(found(text), (vec![], vec![]));
}

#[test]
fn mistakes_in_checks_are_told_with_their_line() {
    let base = "[proxy]\nlisten = [\"127.0.0.1:1\"]\nservice = \"web\"\n[services.web]\nbackends = [\"127.0.0.1:9\"]\n";
    for right in
        ["check = \"tcp\"", "check = \"http /\"\ncheck_status = [\"200\", \"300-399\"]\noutliers = true"]
    {
        assert_eq!(found(&format!("{base}{right}\n")), (vec![], vec![]), "{right}");
    }
    for (wrong, words) in [
        ("check = \"icmp\"", "6: check: \"icmp\" is not `tcp`"),
        ("check = \"http health\"", "6: check: \"health\" is no path"),
        ("check = \"http /\"\ncheck_host = \"a b\"", "7: check_host: \"a b\" is no name"),
        ("check = \"http /\"\ncheck_status = [\"2xx\"]", "7: check_status: \"2xx\" is no status"),
        ("upstream_protocol = \"h2c\"\ncheck = \"http /\"", "7: check: it asks by HTTP/1.1"),
    ] {
        let (problems, _) = found(&format!("{base}{wrong}\n"));
        assert!(problems.iter().any(|problem| problem.contains(words)), "{wrong}: {problems:?}");
    }
}
