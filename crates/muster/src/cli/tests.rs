//! The command line as a whole.

use super::*;
use crate::config::keys;

fn error(args: &[&str]) -> String {
    read(["muster"].iter().chain(args).map(OsString::from)).unwrap_err().to_string()
}

fn command(args: &[&str]) -> Command {
    read(["muster"].iter().chain(args).map(OsString::from)).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn clap_finds_no_contradiction() {
    Cli::command().debug_assert();
}

#[test]
fn the_flags_of_serf_are_understood_with_one_dash() {
    let Command::Agent(args) = command(&[
        "agent",
        "-node",
        "a",
        "-bind=127.0.0.1",
        "-join",
        "x",
        "-retry-join",
        "y",
        "-tag",
        "a=b",
        "-tag",
        "c=d",
        "-retry-interval",
        "30s",
        "-retry-max=3",
        "-profile",
        "local",
        "-protocol",
        "5",
        "-log-level",
        "DEBUG",
        "-rpc-addr",
        "127.0.0.1:7373",
        "-rpc-auth",
        "secret",
        "-advertise",
        "10.0.0.1",
        "-join-strict",
    ]) else {
        panic!("not an agent")
    };
    let given = args.sources().given;
    let values =
        |flag: &str| given.iter().find(|(key, _)| key.flag == flag).map(|(_, values)| values.join(" "));
    assert_eq!(values("join").as_deref(), Some("x y"));
    assert_eq!(values("tag").as_deref(), Some("a=b c=d"));
    assert_eq!(values("bind").as_deref(), Some("127.0.0.1"));
    assert_eq!(values("join-strict").as_deref(), Some("true"));
    assert_eq!(values("log-level").as_deref(), Some("DEBUG"));
    assert_eq!(values("socket"), None);
}

#[test]
fn a_switch_can_be_turned_off_as_in_go() {
    let Command::Agent(args) = command(&["agent", "-join-strict=false"]) else { panic!("not an agent") };
    assert_eq!(args.sources().given[0].1, ["false"]);
}

#[test]
fn of_a_flag_given_twice_the_last_counts() {
    let Command::Agent(args) = command(&["agent", "-node", "a", "-node", "b"]) else {
        panic!("not an agent")
    };
    assert_eq!(args.sources().given[0].1, ["b"]);
}

#[test]
fn a_mistyped_flag_or_command_is_answered_with_the_right_one() {
    assert!(error(&["agent", "-jion", "x"]).contains("'--join'"));
    assert!(error(&["agent", "--bidn=x"]).contains("'--bind'"));
    assert!(error(&["menbers"]).contains("'members'"));
}

#[test]
fn every_key_is_a_flag_of_its_role_and_its_help_tells_default_file_and_variable() {
    let mut root = Cli::command();
    root.build();
    for key in keys::TABLE {
        for name in ["check", "agent", "proxy"] {
            let command = root.find_subcommand_mut(name).unwrap();
            let Some(arg) = command.get_arguments().find(|arg| arg.get_long() == Some(key.flag)) else {
                assert!(name != "check" && name != key.section.name(), "{name} --{}", key.flag);
                continue;
            };
            assert!(arg.get_help().unwrap().to_string().starts_with(key.summary()));
            let long = arg.get_long_help().unwrap().to_string();
            for part in [key.help, key.default_words(), &key.path(), &key.env()] {
                assert!(long.contains(part), "{}: {part}", key.path());
            }
        }
    }
}

#[test]
fn the_help_of_what_talks_to_the_cluster_has_an_example_and_exit_codes() {
    let mut root = Cli::command();
    for name in ["event", "query", "keys", "monitor", "rtt", "reachability", "members", "completions", "man"]
    {
        let help = root.find_subcommand_mut(name).unwrap().render_long_help().to_string();
        assert!(help.contains(&format!("Example:\n  muster {name}")) || name == "keys", "{help}");
        assert!(help.contains("Exit codes:") || name == "completions", "{help}");
    }
}

#[test]
fn serfs_flags_of_talking_are_understood_with_one_dash() {
    let Command::Query(args) = command(&[
        "query",
        "-node=a",
        "-tag",
        "r=^w",
        "-no-ack",
        "-relay-factor",
        "255",
        "-timeout=1m30s",
        "n",
        "p",
    ]) else {
        panic!("no query")
    };
    assert_eq!((&*args.name, &*args.payload, args.no_ack, args.relay_factor), ("n", "p", true, 255));
    assert_eq!(args.timeout, Some(std::time::Duration::from_secs(90)));
    let Command::Event(args) = command(&["event", "-coalesce", "n"]) else { panic!("no event") };
    assert!(args.coalesce);
    let Command::Keys(args) = command(&["keys", "-use", "k"]) else { panic!("no keys") };
    assert_eq!(args.use_key.as_deref(), Some("k"));
    assert!(error(&["query", "-relay-factor=256", "n"]).contains("256"));
}

#[test]
fn the_help_of_exit_codes_names_those_there_are() {
    for code in ["0  ", "1  ", "2  ", "128 + n"] {
        assert!(help::MUSTER_AFTER.contains(code), "{code}");
    }
}
