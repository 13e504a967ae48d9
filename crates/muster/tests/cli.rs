//! The binary as its users see it: exit codes, what goes to which stream, exact texts. No agent is needed.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions themselves"
)]

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use support::{answered, muster, run};

/// A directory with this `muster.toml`; its path in texts becomes `DIR`.
struct Configured(tempfile::TempDir);

impl Configured {
    fn new(toml: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("muster.toml"), toml).unwrap();
        Self(directory)
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let path = self.0.path().to_str().unwrap();
        let (code, out, err) = run(muster(args).args(["--config", path]));
        (code, out.replace(path, "DIR"), err.replace(path, "DIR"))
    }
}

#[test]
fn a_simulated_cluster_is_played_as_plain_lines_where_there_is_no_terminal() {
    let (code, out, err) = run(&mut muster(&["sim", "play", "re-created"]));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.lines().next().unwrap().ends_with("--     recreate n3"), "{out}");
    assert!(!out.contains('\u{1b}'));
    let (code, list, _) = run(&mut muster(&["sim", "list"]));
    assert!(code == 0 && list.contains("re-created"), "{list}");
}

#[test]
fn a_seed_of_faults_is_the_scenario_that_is_printed_for_it() {
    let (code, text, _) = run(&mut muster(&["sim", "play", "--faults", "5", "--print"]));
    assert_eq!(code, 0);
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let from_file = run(&mut muster(&["sim", "play", file.path().to_str().unwrap()]));
    assert_eq!(from_file, run(&mut muster(&["sim", "play", "--faults", "5"])));
    assert_eq!(from_file.0, 0);
}

#[test]
fn a_scenario_that_cannot_be_read_or_does_not_hold_says_so() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    std::fs::write(file.path(), "nodes 2\nat 1s explode n1\n").unwrap();
    let (code, out, err) = run(&mut muster(&["sim", "play", path]));
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("line 2: \"explode\" is nothing that happens"), "{err}");
    std::fs::write(file.path(), "nodes 2\nat 1s expect n1 sees n2 failed\n").unwrap();
    let (code, out, _) = run(&mut muster(&["sim", "play", path]));
    assert!(code == 1 && out.contains("BROKEN line 2: expected n1 sees n2 failed; it is alive"), "{out}");
}

#[test]
fn version_is_one_line_on_standard_output() {
    let (code, out, err) = run(&mut muster(&["--version"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with(concat!("muster ", env!("CARGO_PKG_VERSION"), " (")), "{out}");
    assert_eq!(out.lines().count(), 1);
    assert_eq!(run(&mut muster(&["-version"])).1, out);
}

#[test]
fn the_version_command_ends_with_the_words_of_serf() {
    let (code, out, err) = run(&mut muster(&["version"]));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("Muster v"), "{out}");
    assert!(out.ends_with("\nAgent Protocol: 5 (Understands back to: 2)\n"), "{out}");
}

#[test]
fn keygen_makes_another_key_of_32_bytes_each_time() {
    let (code, first, err) = run(&mut muster(&["keygen"]));
    assert_eq!((code, err.as_str(), first.len()), (0, "", 45));
    let (code, out, err) = run(&mut muster(&[
        "check",
        "agent",
        "-encrypt",
        first.trim_end(),
        "-socket",
        "/tmp/m.sock",
        "-bind",
        "127.0.0.1:0",
    ]));
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert_ne!(run(&mut muster(&["keygen"])).1, first);
}

/// Mend with `MEND=1 cargo test -p muster --test cli`, and read the difference before committing it.
#[test]
fn help_is_as_it_was_reviewed() {
    let pages = [
        ("muster", vec!["--help"]),
        ("muster-short", vec!["-h"]),
        ("agent", vec!["agent", "--help"]),
        ("agent-short", vec!["agent", "-h"]),
        ("proxy", vec!["proxy", "--help"]),
        ("log", vec!["log", "--help"]),
        ("status", vec!["status", "--help"]),
        ("restart", vec!["restart", "--help"]),
        ("signal", vec!["signal", "--help"]),
        ("tree", vec!["tree", "--help"]),
        ("render", vec!["render", "--help"]),
        ("handlebars", vec!["handlebars", "--help"]),
        ("members", vec!["members", "--help"]),
        ("join", vec!["join", "--help"]),
        ("force-leave", vec!["force-leave", "--help"]),
        ("event", vec!["event", "--help"]),
        ("query", vec!["query", "--help"]),
        ("keys", vec!["keys", "--help"]),
        ("monitor", vec!["monitor", "--help"]),
        ("rtt", vec!["rtt", "--help"]),
        ("reachability", vec!["reachability", "--help"]),
        ("completions", vec!["completions", "--help"]),
        ("man", vec!["man", "--help"]),
        ("handlers-add", vec!["handlers", "add", "--help"]),
        ("check", vec!["check", "--help"]),
        ("config-print-short", vec!["config", "print", "-h"]),
    ];
    for (name, args) in pages {
        let (code, out, err) = run(&mut muster(&args));
        assert_eq!((code, err.as_str()), (0, ""));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/help/{name}.txt"));
        if std::env::var_os("MEND").is_some() {
            std::fs::write(&path, &out).unwrap();
        }
        let reviewed = std::fs::read_to_string(&path).unwrap();
        assert!(out == reviewed, "{} is stale; now:\n{out}", path.display());
    }
}

#[test]
fn wrong_usage_ends_with_2_and_suggests_what_may_be_meant() {
    for (args, suggestion) in [
        (["agent", "-jion=x"], "'--join'"),
        (["menbers", "-h"], "'members'"),
        (["members", "--fromat=json"], "'--format'"),
    ] {
        let (code, out, err) = run(&mut muster(&args));
        assert_eq!((code, out.as_str()), (2, ""));
        assert!(err.contains(suggestion), "{err}");
    }
    assert_eq!(run(&mut muster(&[])).0, 2);
}

#[test]
fn check_tells_every_problem_with_file_and_line_and_ends_with_2() {
    let toml = "\
[agent]
bind = '192.0.2.1'
bnid = ':1'
retry_interval = 5
[agent.tags]
big = '${BIG:-x}'
[proxy]
listen = []
";
    let (code, out, err) =
        Configured::new(toml).run(&["check", "--rpc-addr=off", "--tag", &format!("big={}", "x".repeat(600))]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(
        err,
        "\
muster: note: agent.encrypt (its default): without a key the agent gossips in plaintext, and `muster proxy` will not follow it; make a key with `muster keygen`, or set `plaintext` in [proxy]
muster: DIR/muster.toml:3: unknown key `bnid` in [agent]; did you mean `bind`?
muster: DIR/muster.toml:4: retry_interval: must be a string with a unit, e.g. \"5s\", not a number
muster: flag --tag: the tags take 609 bytes in gossip; at most 512 fit
muster: DIR/muster.toml:8: the proxy has no address to listen on
muster: DIR/muster.toml:2: 192.0.2.1 is not an address of this host; `ip addr` shows those it has
muster: the configuration is invalid (5 problems); nothing was started
"
    );
}

#[test]
fn check_of_a_sound_configuration_names_the_files_and_ends_with_0() {
    let sound = Configured::new(
        "socket = '/tmp/m.sock'\n[agent]\nbind = '127.0.0.1:0'\nrpc_addr = 'off'\n[proxy]\nlisten = ['127.0.0.1:0']\n",
    );
    let (code, out, err) = sound.run(&["check"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "The configuration is valid: DIR/muster.toml.\n");
}

#[test]
fn check_finds_in_a_configuration_of_haproxy_what_none_takes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("haproxy.cfg");
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let path = file.display().to_string();
        let (code, out, err) = run(&mut muster(&["check", &path]));
        (code, out.replace(&path, "FILE"), err.replace(&path, "FILE"))
    };
    let (code, out, err) = check(
        "global\n stats socket *:9999 level admin\nlisten stats *:1936\n{{#each addresses}}\n reqadd X:1\n{{/each}}\n",
    );
    assert_eq!((code, out.as_str()), (2, ""));
    let lines: Vec<_> = err.lines().collect();
    assert!(lines[0].starts_with("muster: note: FILE:2: whoever reaches `*:9999`"), "{err}");
    assert!(lines[1].starts_with("muster: FILE:3: `listen stats *:1936` has an address"), "{err}");
    assert!(lines[2].starts_with("muster: FILE:5: `reqadd` is gone since HAProxy 2.1"), "{err}");
    assert_eq!(lines.len(), 3, "{err}");
    let (code, out, err) = check("listen stats\n bind *:1936\n");
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("FILE has nothing that"), "{out}");
    // The template of [haproxy] is looked at with the rest.
    let template = file.display();
    std::fs::write(&file, "listen stats *:1936\n").unwrap();
    let toml = format!(
        "[agent]\nbind = '127.0.0.1:0'\nrpc_addr = 'off'\n[haproxy]\nmode = 'attached'\ntemplate = '{template}'\n"
    );
    let (code, _, err) = Configured::new(&toml).run(&["check", "agent"]);
    assert_eq!(code, 2);
    assert!(err.contains("`listen stats *:1936` has an address"), "{err}");
}

#[test]
fn two_groups_that_make_the_same_are_refused_by_both_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let at = directory.path().display();
    std::fs::write(directory.path().join("t"), "x").unwrap();
    let toml = format!(
        "[agent]\nbind = '127.0.0.1:0'\nrpc_addr = 'off'\nsocket = '{at}/m.sock'\n[templates.one]\nfolder = '{at}/nodes'\n\
         files = {{ '{at}/f' = '{at}/t' }}\n[templates.two]\nfolder = '{at}/nodes/'\nfiles = {{ '{at}/./f' = '{at}/t' }}\n"
    );
    for word in ["check", "agent"] {
        let (code, _, err) =
            Configured::new(&toml).run(if word == "check" { &["check", "agent"] } else { &["agent"] });
        assert_eq!(code, 2, "{err}");
        for what in [format!("{at}/nodes"), format!("{at}/./f")] {
            let told = format!("{what} is made by [templates.two] and by [templates.one]");
            assert!(err.contains(&told.replace("nodes is", "nodes/ is")), "{word}: {err}");
        }
    }
}

/// `check` on a host where Muster runs must not call that a mistake; starting a second one is.
#[test]
fn a_port_in_use_by_muster_itself_is_worth_a_note_only() {
    let mut holder =
        muster(&["demo", "backend", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.split("127.0.0.1:").nth(1).unwrap().split(|c: char| !c.is_ascii_digit()).next().unwrap();
    let listen = format!("127.0.0.1:{port}");
    let in_use = format!("flag --listen: TCP port {listen} is in use by muster (pid {})\n", holder.id());
    let flags = ["--socket", "/tmp/m.sock", "--listen", &listen];

    let looked = run(muster(&["check", "proxy"]).args(flags));
    let started = run(muster(&["proxy"]).args(flags));
    holder.kill().unwrap();
    holder.wait().unwrap();
    let valid = "The configuration is valid: no file, only defaults, environment and flags.\n".to_owned();
    assert_eq!(looked, (0, valid, format!("muster: note: {in_use}")));
    let invalid = "muster: the configuration is invalid; nothing was started\n";
    assert_eq!(started, (2, String::new(), format!("muster: {in_use}{invalid}")));
}

#[test]
fn a_role_with_an_invalid_configuration_starts_nothing() {
    let unsound = Configured::new(
        "socket = '/tmp/m.sock'\nagent.bind = '127.0.0.1:0'\nagent.rpc_addr = 'off'\nproxy.listen = '127.0.0.1:0'\n[log]\nlevel = 'loud'\n",
    );
    for role in ["agent", "proxy"] {
        let (code, out, err) = unsound.run(&[role]);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        assert!(err.starts_with("muster: DIR/muster.toml:6: level: `loud` is none of trace"), "{err}");
        assert!(err.ends_with("muster: the configuration is invalid; nothing was started\n"), "{err}");
    }
}

#[test]
fn config_print_tells_values_and_who_said_so() {
    let configured =
        Configured::new("socket = '/tmp/m.sock'\n[agent]\nnode = 'a'\n[agent.tags]\nzone = 'z'\n");
    let path = configured.0.path().to_str().unwrap();
    let command = &mut muster(&["config", "print", "--config", path, "-bind", "127.0.0.1"]);
    let (code, out, err) =
        run(command.env("ROLE", "web").env("MUSTER_PROXY__IDLE_MAX", "7").env("MUSTER_PORT", "x"));
    assert_eq!(code, 0);
    assert_eq!(err, "muster: note: env MUSTER_PORT: this variable means nothing to Muster\n");
    assert_eq!(
        out.replace(path, "DIR"),
        r##"socket = "/tmp/m.sock"  # DIR/muster.toml:1

[run]
# proxy =                # default: when anything is said about `[proxy]`
stop_within = "9s"       # default
plain_wait = "3s 500ms"  # default

[agent]
node = "a"                        # DIR/muster.toml:3
bind = "127.0.0.1:7946"           # flag --bind
# interface =                     # default: any interface
# advertise =                     # default: the source address towards the first seed that answers
join = []                         # default
join_strict = false               # default
retry_interval = "250ms"          # default
retry_max = 0                     # default
tags.role = "web"                 # env ROLE
tags.zone = "z"                   # DIR/muster.toml:5
# tags_file =                     # default: not set
# role =                          # default: not set
profile = "lan"                   # default
protocol = 5                      # default
disable_compression = false       # default
broadcast_timeout = "5s"          # default
# encrypt =                       # default: gossip is not encrypted
# encrypt_file =                  # default: not set
# keyring_file =                  # default: not set
default_port = 3000               # default
leave_timeout = "8s"              # default
leave_on_terminate = true         # default
skip_leave_on_interrupt = false   # default
start_join = []                   # default
rpc_addr = "127.0.0.1:7373"       # default
# rpc_auth =                      # default: none is asked for
event_handlers = []               # default
replay_on_join = false            # default
# snapshot_path =                 # default: not set
rejoin_after_leave = true         # default
# discover =                      # default: not set
# mdns_interface =                # default: not set
mdns_disable_ipv4 = false         # default
mdns_disable_ipv6 = false         # default
reconnect_interval = "30s"        # default
reconnect_timeout = "1day"        # default
tombstone_timeout = "1day"        # default
disable_name_resolution = false   # default
query_size_limit = 1024           # default
query_response_size_limit = 1024  # default
user_event_size_limit = 512       # default
# statsite_addr =                 # default: not set
# statsd_addr =                   # default: not set
enable_syslog = false             # default
syslog_facility = "LOCAL0"        # default

[proxy]
listen = ["0.0.0.0:8080"]    # default
# proxy_protocol_from =      # default: everybody
certificates = []            # default
tls_min_version = "1.2"      # default
handshake_timeout = "10s"    # default
service = "backend"          # default
balance = "roundrobin"       # default
slow_start = "0s"            # default
max_connections = 0          # default
queue_timeout = "10s"        # default
send_proxy_protocol = "off"  # default
upstream_protocol = "http1"  # default
connect_timeout = "1s"       # default
response_timeout = "1m"      # default
stall_timeout = "5m"         # default
idle_timeout = "1m"          # default
tcp_idle_timeout = "1h"      # default
idle_max = 7                 # env MUSTER_PROXY__IDLE_MAX
drain_timeout = "8s"         # default
access_log = "off"           # default
access_log_to = "stdout"     # default
plaintext = false            # default
stats = "off"                # default
stats_socket = []            # default
stats_level = "operator"     # default
stats_exposed = false        # default

[haproxy]
mode = "off"                             # default
template = "/etc/muster/haproxy.cfg.hb"  # default
config = "/etc/haproxy/haproxy.cfg"      # default
socket = "/run/haproxy/admin.sock"       # default
master = "/run/haproxy/master.sock"      # default
# reload =                               # default: by the master's socket
program = "haproxy"                      # default
reload_within = "10s"                    # default
old_workers_max = 16                     # default
settle = "10ms"                          # default

[admin]
listen = "off"  # default

[history]
# path =             # default: `history.db` beside the snapshot; without a snapshot, memory
keep = "30days"      # default
max_size = 67108864  # default

[log]
level = "info"   # default
format = "text"  # default

[logs]
form = "prefix"         # default
stdout = true           # default
# folder =              # default: no files
rotate_size = 10485760  # default
rotate_age = "0s"       # default
rotate_keep = 5         # default
# collector =           # default: nothing is forwarded
listen = []             # default
rules = []              # default
# readers =             # default: `muster run`: `.logs` in its folder of control places
"##
    );
}

#[test]
fn config_print_as_json_is_json() {
    let (code, out, err) = Configured::new("").run(&["config", "print", "-format=json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let parsed: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(parsed["settings"][0]["key"], "socket");
}

#[test]
fn without_an_agent_the_client_commands_end_with_1_and_tell_how_to_choose_another_socket() {
    let commands = [
        vec!["members"],
        vec!["join", "x"],
        vec!["leave"],
        vec!["force-leave", "x"],
        vec!["info", "-format", "json"],
    ];
    for args in commands {
        let (code, out, err) = run(muster(&args).args(["--socket", "/nonexistent/m.sock"]));
        assert_eq!((code, out.as_str()), (1, ""), "{args:?}");
        assert!(err.contains("no agent answers on /nonexistent/m.sock"), "{err}");
        assert!(err.contains("named by flag --socket; --socket PATH or MUSTER_SOCKET name another"), "{err}");
    }
    let (_, _, err) = run(muster(&["members"]).env("MUSTER_SOCKET", "/nonexistent/env.sock"));
    assert!(err.contains("/nonexistent/env.sock") && err.contains("env MUSTER_SOCKET"), "{err}");
}

#[test]
fn the_client_commands_find_the_socket_in_the_file_the_agent_reads() {
    let configured = Configured::new("socket = '/nonexistent/file.sock'\nunknown = 1\n");
    let (code, _, err) = configured.run(&["members"]);
    assert_eq!(code, 1);
    assert!(err.contains("/nonexistent/file.sock") && err.contains("DIR/muster.toml:1"), "{err}");
}

#[test]
fn members_sends_its_filters_and_prints_the_table_of_serf() {
    let body = r#"{"members":[{"name":"a\u001b[2J","addr":"10.0.0.1:7946","port":7946,"tags":{"role":"web"},
        "status":"alive","protocol":{"max":5,"min":2,"version":5}}]}"#;
    let ((code, out, err), request) =
        answered(&["members", "-status=alive", "-role", "w.*", "-tag", "zone=a&b"], "200 OK", body);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "a\\u{1b}[2J  10.0.0.1:7946  alive  role=web\n");
    assert_eq!(request, "GET /api/v1/members?status=alive&tags=role%3Dw.%2A%2Czone%3Da%26b HTTP/1.1 ");
}

#[test]
fn join_tells_how_many_answered_and_which_did_not() {
    let body = r#"{"joined":1,"errors":["lb2: no such host"]}"#;
    let ((code, out, err), request) = answered(&["join", "-replay", "lb1", "lb2"], "200 OK", body);
    assert_eq!((code, out.as_str()), (0, "Successfully joined cluster by contacting 1 nodes.\n"));
    assert_eq!(err, "muster: note: lb2: no such host\n");
    assert_eq!(request, r#"POST /api/v1/join HTTP/1.1 {"addresses":["lb1","lb2"],"replay":true}"#);
}

#[test]
fn leave_and_force_leave_say_what_serf_says() {
    let ((code, out, err), request) = answered(&["leave"], "204 No Content", "");
    assert_eq!((code, out.as_str(), err.as_str()), (0, "Graceful leave complete\n", ""));
    assert_eq!(request, "POST /api/v1/leave HTTP/1.1 ");
    let ((code, out, err), request) = answered(&["force-leave", "-prune", "web7"], "204 No Content", "");
    assert_eq!((code, out.as_str(), err.as_str()), (0, "", ""));
    assert_eq!(request, r#"POST /api/v1/force-leave HTTP/1.1 {"node":"web7","prune":true}"#);
}

#[test]
fn a_refusal_is_told_in_the_agents_words_without_its_control_characters() {
    let body = r#"{"title":"Unknown member","status":404,"detail":"there is no member \u001b[31mweb7"}"#;
    let ((code, out, err), _) = answered(&["force-leave", "web7"], "404 Not Found", body);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with("muster: cannot force the member to leave: "), "{err}");
    assert!(err.contains(r"there is no member \u{1b}[31mweb7"), "{err}");
}

#[test]
fn info_prints_sections_and_json() {
    let body = r#"{"serf":{"members":"2"},"agent":{"name":"a"}}"#;
    let ((code, out, _), _) = answered(&["info"], "200 OK", body);
    assert_eq!((code, out.as_str()), (0, "agent:\n\tname = a\nserf:\n\tmembers = 2\n"));
    let ((code, out, _), _) = answered(&["info", "--format", "json"], "200 OK", body);
    assert_eq!(code, 0);
    let expected =
        "{\n  \"agent\": {\n    \"name\": \"a\"\n  },\n  \"serf\": {\n    \"members\": \"2\"\n  }\n}\n";
    assert_eq!(out, expected);
}

#[test]
fn a_reader_that_went_away_ends_the_command_as_the_signal_would() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = muster(&["config", "reference"]).stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(128 + 13));
}
