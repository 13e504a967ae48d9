//! The whole way from files, variables and flags to settings and problems.

use super::super::key::Key;
use super::super::keys;
use super::*;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Files and variables of one test.
struct World {
    directory: tempfile::TempDir,
    sources: Sources,
}

impl World {
    fn new(files: &[(&str, &str)], env: &[(&str, &str)], given: &[(&'static Key, &[&str])]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let sources = Sources {
            config: None,
            serf: Vec::new(),
            given: given
                .iter()
                .map(|(key, values)| (*key, values.iter().map(ToString::to_string).collect()))
                .collect(),
            env: env.iter().map(|(name, value)| (name.to_string(), value.into())).collect(),
            directory: directory.path().to_owned(),
        };
        Self { directory, sources }
    }

    fn load(&self) -> Loaded {
        load(&self.sources)
    }

    /// Problems with the directory's name removed.
    fn problems(&self) -> Vec<String> {
        let directory = format!("{}/", self.directory.path().display());
        self.load().problems.iter().map(|problem| problem.to_string().replace(&directory, "")).collect()
    }

    fn origin(&self, key: &'static Key) -> String {
        let directory = format!("{}/", self.directory.path().display());
        self.load().settings.origin(key).to_string().replace(&directory, "")
    }
}

#[test]
fn a_flag_beats_the_environment_which_beats_files_which_beat_the_default() {
    let file = ("muster.toml", "[agent]\nbind = '127.0.0.1'\n");
    let env = ("MUSTER_AGENT__BIND", "127.0.0.2");
    let flag: (&'static Key, &[&str]) = (&keys::BIND, &["127.0.0.3:1"]);
    for (world, address, origin) in [
        (World::new(&[], &[], &[]), "0.0.0.0:7946", "default"),
        (World::new(&[file], &[], &[]), "127.0.0.1:7946", "muster.toml:2"),
        (World::new(&[file], &[env], &[]), "127.0.0.2:7946", "env MUSTER_AGENT__BIND"),
        (World::new(&[file], &[env], &[flag]), "127.0.0.3:1", "flag --bind"),
    ] {
        assert_eq!(world.load().settings.address(&keys::BIND), Some(address.parse().unwrap()));
        assert_eq!(world.origin(&keys::BIND), origin);
        assert_eq!(world.problems(), [""; 0]);
    }
}

#[test]
fn conf_d_comes_after_the_main_file_in_name_order() {
    let names = ["conf.d/40.toml", "conf.d/20.toml", "conf.d/50.toml", "conf.d/10.toml", "conf.d/30.toml"];
    let mut files: Vec<(&str, &str)> =
        names.iter().map(|name| (*name, "[proxy]\nservice = 'some'")).collect();
    files.extend([("conf.d/60.toml", "[proxy]\nservice = 'last'"), ("conf.d/70.toml.bak", "nonsense")]);
    files.push(("muster.toml", "[proxy]\nservice = 'main'"));
    let world = World::new(&files, &[], &[]);
    let loaded = world.load();
    assert_eq!(loaded.settings.text(&keys::proxy::SERVICE), "last");
    assert_eq!(world.origin(&keys::proxy::SERVICE), "conf.d/60.toml:2");
    assert_eq!(loaded.files.len(), 7);
    assert!(loaded.files[0].ends_with("muster.toml") && loaded.files[1..].is_sorted());
    assert_eq!(world.problems(), [""; 0]);
}

#[test]
fn tags_merge_by_name_and_lists_are_replaced() {
    let world = World::new(
        &[(
            "muster.toml",
            "[agent]\njoin = ['a', 'b']\n[agent.tags]\nrole = 'file'\nport = 80\nzone = 'z'\n",
        )],
        &[("ROLE", "a,b=c"), ("JOIN", "c,d")],
        &[(&keys::TAGS, &["zone=flag", "x="])],
    );
    let settings = world.load().settings;
    let tags = settings.tags(&keys::TAGS);
    let tags: Vec<_> = tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(tags, ["port=80", "role=a,b=c", "x=", "zone=flag"]);
    assert_eq!(settings.texts(&keys::JOIN), ["c", "d"]);
}

#[test]
fn the_full_name_of_a_variable_beats_its_short_name() {
    let world = World::new(&[], &[("ROLE", "short"), ("MUSTER_AGENT__TAGS", "role=full,a=b")], &[]);
    let tags = world.load().settings.tags(&keys::TAGS);
    assert_eq!(tags.get("role").map(String::as_str), Some("full"));
    assert_eq!(tags.len(), 2);
}

#[test]
fn an_empty_variable_is_not_set() {
    let world = World::new(&[], &[("JOIN", ""), ("ROLE", ""), ("MUSTER_AGENT__BIND", "")], &[]);
    assert_eq!(world.problems(), [""; 0]);
    assert_eq!(world.origin(&keys::BIND), "default");
    assert_eq!(world.origin(&keys::JOIN), "default");
}

#[test]
fn every_problem_of_every_source_is_told_with_its_place() {
    let main = "\
sokcet = '/x'
[agent]
bnid = '127.0.0.1'
service = 'web'
bind = 7946
join = ['ok', 'a b',
  'http://x',
  7]
retry_interval = '5'
retry_max = 4294967296
tags = { role = ['x'], port = 80 }
[agnet]
[log]
level = 'loud'
";
    let mut world = World::new(
        &[("muster.toml", main), ("conf.d/a.toml", "[proxy]\nidle_max = true\nservice = ''\n")],
        &[("MUSTER_PROXY__LISTEN", "1.2.3.4,x")],
        &[(&keys::PROTOCOL, &["9"]), (&keys::NODE, &["a", "b"])],
    );
    world.sources.env.insert("MUSTER_PROXY__SERVICE".into(), OsStr::from_bytes(b"\xff").to_owned());
    assert_eq!(
        world.problems(),
        [
            "muster.toml:1: unknown key `sokcet` above the first section; did you mean `socket`?",
            "muster.toml:3: unknown key `bnid` in [agent]; did you mean `bind`?",
            "muster.toml:4: unknown key `service` in [agent]; it belongs in [proxy]",
            "muster.toml:5: bind: must be a string, not a number",
            "muster.toml:6: join: cannot join \"a b\": that is no host name and no address; write HOST, HOST:PORT or NAME/HOST:PORT",
            "muster.toml:7: join: cannot join \"http://x\": that is no host name and no address; write HOST, HOST:PORT or NAME/HOST:PORT",
            "muster.toml:8: join: every item must be a string, not a number",
            "muster.toml:9: retry_interval: `5` is not a duration; write a number and a unit, e.g. 5s or 250ms",
            "muster.toml:10: retry_max: `4294967296` is not a number from 0 to 4294967295",
            "muster.toml:11: tag `role` must be a string, not a list",
            "muster.toml:12: unknown section [agnet]; did you mean `agent`?",
            "muster.toml:14: level: `loud` is none of trace, debug, info, warn, error",
            "conf.d/a.toml:2: idle_max: must be a number, not true or false",
            "conf.d/a.toml:3: service: is empty",
            "env MUSTER_PROXY__LISTEN: `x` is not an address; write IP, IP:PORT, [IPv6]:PORT, :PORT or unix:/PATH, not a host name",
            "env MUSTER_PROXY__SERVICE: is not UTF-8",
            "flag --protocol: `9` is not a number from 2 to 5",
            "flag --node: takes one value only",
        ]
    );
}

#[test]
fn all_syntax_errors_of_a_file_are_told_and_nothing_else_of_it() {
    let world = World::new(&[("muster.toml", "[agent]\nbind = \nunknown = 1\nnode = 'a\n")], &[], &[]);
    let problems = world.problems();
    assert!(problems.len() >= 2, "{problems:?}");
    for problem in &problems {
        assert!(problem.starts_with("muster.toml:") && problem.contains("not TOML"), "{problem}");
    }
}

#[test]
fn variables_are_put_into_the_strings_of_files() {
    let world = World::new(
        &[(
            "muster.toml",
            "[agent]\nnode = '${HOST}-1'\njoin = ['${SEED:-lb}']\nretry_max = '${N:-3}'\nprofile = '${NONE}'",
        )],
        &[("HOST", "web")],
        &[],
    );
    let settings = world.load().settings;
    assert_eq!(settings.text(&keys::NODE), "web-1");
    assert_eq!(settings.texts(&keys::JOIN), ["lb"]);
    assert_eq!(settings.count::<u32>(&keys::RETRY_MAX), 3);
    assert_eq!(
        world.problems(),
        ["muster.toml:5: profile: the variable NONE is not set; set it or write ${NONE:-default}"]
    );
}

#[test]
fn an_unknown_variable_is_a_warning_and_those_of_others_are_not_looked_at() {
    let world = World::new(
        &[],
        &[
            ("MUSTER_PORT", "tcp://10.0.0.1:80"),
            ("MUSTER_AGENT__BIDN", "x"),
            ("MUSTER_DEMO_X", "1"),
            ("PORT", "x"),
        ],
        &[],
    );
    let loaded = world.load();
    assert_eq!(loaded.problems, []);
    let warnings: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "env MUSTER_AGENT__BIDN: this variable means nothing to Muster; did you mean `MUSTER_AGENT__BIND`?",
            "env MUSTER_PORT: this variable means nothing to Muster",
        ]
    );
}

#[test]
fn config_names_a_file_or_a_directory_and_beats_its_variable() {
    let files = [
        ("a.toml", "[proxy]\nservice = 'a'"),
        ("d/b.toml", "[proxy]\nservice = 'b'"),
        ("d/conf.d/c.toml", ""),
    ];
    let mut world = World::new(&files, &[], &[]);
    let at = |name: &str| world.directory.path().join(name);
    let (file, directory, missing) = (at("a.toml"), at("d"), at("none.toml"));

    world.sources.env.insert(CONFIG_VARIABLE.to_owned(), file.into_os_string());
    assert_eq!(world.load().settings.text(&keys::proxy::SERVICE), "a");
    world.sources.config = Some(directory);
    assert_eq!(world.load().settings.text(&keys::proxy::SERVICE), "b");
    assert_eq!(world.load().files.len(), 2);
    world.sources.config = Some(missing);
    assert!(world.problems()[0].starts_with("cannot read none.toml: "), "{:?}", world.problems());
}

#[test]
fn a_file_larger_than_its_bound_is_refused() {
    let world = World::new(&[("muster.toml", &"#".repeat((1 << 20) + 1))], &[], &[]);
    assert_eq!(world.problems(), ["cannot read muster.toml: it is larger than 1 MiB"]);
}

#[test]
fn a_hostile_file_name_does_not_reach_the_terminal() {
    let world = World::new(&[("conf.d/a\u{1b}[31m.toml", "x = 1")], &[], &[]);
    assert!(world.problems()[0].contains(r"a\u{1b}[31m.toml:1"), "{:?}", world.problems());
}

#[test]
fn services_say_who_serves_them_and_a_later_file_replaces_each_value() {
    let world = World::new(
        &[
            (
                "muster.toml",
                "[services.backend]\nfrom = ['10.0.0.0/8', 'fd00::1']\nports = [3000, '8000-8999']\ntags = { zone = 'a' }\n\
                 [services.api]\n",
            ),
            ("conf.d/1.toml", "[services.backend]\nfrom = '${NET:-192.0.2.0/24}'\ntags.tier = 1\n"),
        ],
        &[],
        &[],
    );
    assert_eq!(world.problems(), [""; 0]);
    let settings = world.load().settings;
    let rules = super::super::views::agent(&settings).rules;
    let rule = &rules["backend"];
    assert_eq!(rule.from.iter().map(ToString::to_string).collect::<Vec<_>>(), ["192.0.2.0/24"]);
    assert_eq!(rule.ports.iter().map(ToString::to_string).collect::<Vec<_>>(), ["3000", "8000-8999"]);
    assert_eq!(rule.tags, [("tier", "1"), ("zone", "a")].map(|(k, v)| (k.to_owned(), v.to_owned())).into());
    assert_eq!(rules.len(), 1, "a service about which nothing is said has no rule");
    assert_eq!(super::super::views::proxy(&settings).rules["backend"], *rule);
}

#[test]
fn what_is_wrong_with_a_rule_is_told_with_its_line() {
    let problems = |toml: &str| World::new(&[("muster.toml", toml)], &[], &[]).problems();
    let toml = "\
[services.web]
from = ['10.0.0.0/33', '10.0.0.1/8',
  'example.org', 7]
ports = [0, 65536, 'http', '9-8', 1.5]
form = 1
tags = []
[services.b]
from = []
ports = true
tags = {}
[services.'../x']
[services]
y = 1
[service.z]
";
    assert_eq!(
        problems(toml),
        [
            "muster.toml:2: from: \"10.0.0.0/33\" is not a network: such an address has 32 bits",
            "muster.toml:2: from: \"10.0.0.1/8\" has bits set beyond its first 8; write 10.0.0.0/8, or 10.0.0.1/32 for the one address",
            "muster.toml:3: from: \"example.org\" is not a network; write ADDRESS/BITS, e.g. 10.0.0.0/8 or fd00::/8",
            "muster.toml:3: from: every item must be a string, not a number",
            "muster.toml:4: ports: \"0\" is not a port from 1 to 65535, nor a range such as 8000-8999",
            "muster.toml:4: ports: \"65536\" is not a port from 1 to 65535, nor a range such as 8000-8999",
            "muster.toml:4: ports: \"http\" is not a port from 1 to 65535, nor a range such as 8000-8999",
            "muster.toml:4: ports: \"9-8\" ends before it begins",
            "muster.toml:4: ports: every item must be a port or a range, not a number with a fraction",
            "muster.toml:5: unknown key `form` in [services.web]; did you mean `from`?",
            "muster.toml:6: tags: is empty, which would leave nobody; leave it out to restrict nothing",
            "muster.toml:8: from: is empty, which would leave nobody; leave it out to restrict nothing",
            "muster.toml:9: ports: must be a list of ports, not true or false",
            "muster.toml:10: tags: is empty, which would leave nobody; leave it out to restrict nothing",
            "muster.toml:11: [services.../x]: a service name has only letters, digits, `-`, `_` and `.`, and begins with none of `-` and `.`",
            "muster.toml:13: write [services.y], not a number",
            "muster.toml:14: unknown section [service]; did you mean `services`?",
        ]
    );
    assert_eq!(
        problems("services = 1\n"),
        ["muster.toml:1: `services` is a section; write [services.NAME], not a number"]
    );
}

#[test]
fn a_huge_rule_is_one_problem() {
    let problems = |toml: &str| World::new(&[("muster.toml", toml)], &[], &[]).problems();
    let many = "'x',".repeat(100_000);
    assert_eq!(
        problems(&format!("[services.web]\nfrom = [{many}]\n")),
        ["muster.toml:2: from: has 100000 entries; at most 256 are allowed"]
    );
    let services: String = (0..300).map(|n| format!("[services.s{n}]\n")).collect();
    assert_eq!(problems(&services), ["muster.toml:1: 300 services are named; at most 256 are allowed"]);
}

#[test]
fn handlers_are_tables_and_one_of_a_later_file_replaces_one_of_its_name() {
    let first = "[agent]\nnode = 'a'\n[[handlers]]\nname = 'reload'\non = ['member-join', 'user:x y']\n\
                 command = ['/bin/reload', '${HOST}']\ntimeout = '30s'\nconcurrency = 2\nqueue = 7\ncoalesce = false\n\
                 [[handlers]]\nname = 'other'\nshell = 'echo $SERF_EVENT'\ntimeout = '0s'\n";
    let later = "[[handlers]]\nname = 'other'\non = 'query'\nwebhook = 'http://hooks/x'\n";
    let world = World::new(&[("muster.toml", first), ("conf.d/b.toml", later)], &[("HOST", "lb")], &[]);
    assert_eq!(world.problems(), [""; 0]);
    let settings = world.load().settings;
    let [reload, other] = settings.declared() else { panic!("{:?}", settings.declared()) };
    let config = &reload.config;
    assert_eq!(config.on.to_string(), "member-join,user:x y");
    assert_eq!(config.action.to_string(), r#"["/bin/reload", "lb"]"#);
    assert_eq!(config.timeout, Some(std::time::Duration::from_secs(30)));
    assert_eq!((config.concurrency, config.queue, config.coalesce), (2, 7, false));
    assert_eq!(
        (other.config.action.to_string(), other.config.on.to_string()),
        ("http://hooks/x".into(), "query".into())
    );
    assert!(other.origin.to_string().ends_with("conf.d/b.toml:2"), "{}", other.origin);
}

#[test]
fn what_is_wrong_with_a_handler_is_told_with_its_line() {
    let text = "[[handlers]]\nname = 'a'\nshell = 'x'\non = ['member-foo']\n\
                [[handlers]]\nname = 'b'\n\
                [[handlers]]\nshell = 'x'\n\
                [[handlers]]\nname = 'c'\ncommand = []\n\
                [[handlers]]\nname = 'd'\nwebhook = 'https://x/'\ntimeuot = '5s'\n\
                [[handlers]]\nname = 'e'\nshell = 'x'\ntimeout = '5'\nqueue = 0\ncommand = 'x'\n\
                [[handlers]]\nname = 'f'\nshell = 'x'\n\
                [[handlers]]\nname = 'f'\nshell = 'x'\n";
    let world = World::new(&[("muster.toml", text)], &[], &[]);
    let problems = world.problems();
    for (problem, expected) in problems.iter().zip([
        "muster.toml:4: on: no such event: \"member-foo\"",
        "muster.toml:6: the handler `b` needs one of `shell`, `command` and `webhook`",
        "muster.toml:7: this handler has no `name`",
        "muster.toml:10: the command is empty",
        "muster.toml:14: webhook: https is not built in",
        "muster.toml:15: unknown key `timeuot` in [[handlers]]; did you mean `timeout`?",
        "muster.toml:19: timeout: `5` is not a duration",
        "muster.toml:20: queue: `0` is not a number from 1 to 65536",
        "muster.toml:21: command: must be a list of strings, not a string",
        "muster.toml:26: the handler `f` is at muster.toml:23 already",
    ]) {
        assert!(
            problem.replace(&format!("{}/", world.directory.path().display()), "").starts_with(expected),
            "{problem}\n{expected}"
        );
    }
    assert_eq!(problems.len(), 10, "{problems:#?}");
    let world = World::new(&[("muster.toml", "[handlers]\nname = 'a'\n")], &[], &[]);
    assert_eq!(world.problems(), ["muster.toml:1: write [[handlers]] before each handler, not a table"]);
}

#[test]
fn handlers_of_serf_are_checked_wherever_they_stand() {
    let file = ("muster.toml", "[agent]\nevent_handlers = ['member-join=a', 'member-foo=x']\n");
    let flag: (&'static Key, &[&str]) = (&keys::serf::EVENT_HANDLERS, &["x=y"]);
    assert_eq!(
        World::new(&[file], &[], &[flag]).problems(),
        [
            "muster.toml:2: event_handlers: Invalid event script: Event 'member-foo' invoking 'x'",
            "flag --event-handler: Invalid event script: Event 'x' invoking 'y'",
        ]
    );
}
