//! Serf's flags as sources of Muster's configuration, and what Serf does differently with the same settings.

use super::super::flags::Parsed;
use super::super::tags;
use crate::config::key::Key;
use crate::config::{Given, Origin, Settings, Sources, go_duration, keys, views};
use muster_agent::{HandlerConfig, RpcConfig};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The shortest of Serf's two pauses (command.go, `minRetryInterval`, `minBroadcastTimeout`).
const SECOND: Duration = Duration::from_secs(1);
/// Serf's pause between attempts to join.
const RETRY_INTERVAL: Duration = Duration::from_secs(30);
/// A configuration that says nothing, in place of Muster's own files.
const NO_CONFIGURATION: &str = "/dev/null";
const RPC_ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7373);
const SOCKET_VARIABLE: &str = "MUSTER_SOCKET";

/// Flags whose text goes into a key as it is. An empty one says nothing, as in Serf.
static TEXTS: &[(&str, &Key)] = &[
    ("advertise", &keys::ADVERTISE),
    ("bind", &keys::BIND),
    ("discover", &keys::serf::DISCOVER),
    ("encrypt", &keys::ENCRYPT),
    ("event-handler", &keys::serf::EVENT_HANDLERS),
    ("iface", &keys::INTERFACE),
    ("join", &keys::serf::START_JOIN),
    ("keyring-file", &keys::KEYRING_FILE),
    ("log-level", &keys::LOG_LEVEL),
    ("mdns-iface", &keys::serf::MDNS_INTERFACE),
    ("node", &keys::NODE),
    ("profile", &keys::PROFILE),
    ("retry-join", &keys::JOIN),
    ("role", &keys::ROLE),
    ("rpc-addr", &keys::serf::RPC_ADDR),
    ("snapshot", &keys::serf::SNAPSHOT_PATH),
    ("tag", &keys::TAGS),
    ("tags-file", &keys::TAGS_FILE),
];

/// Switches can only be turned on, as in Serf.
static SWITCHES: &[(&str, &Key)] = &[
    ("disable-compression", &keys::DISABLE_COMPRESSION),
    ("mdns-disable-ipv4", &keys::serf::MDNS_DISABLE_IPV4),
    ("mdns-disable-ipv6", &keys::serf::MDNS_DISABLE_IPV6),
    ("rejoin", &keys::serf::REJOIN_AFTER_LEAVE),
    ("replay", &keys::serf::REPLAY_ON_JOIN),
    ("syslog", &keys::serf::ENABLE_SYSLOG),
];

/// Numbers from 1 on; others say nothing.
static NUMBERS: &[(&str, &Key)] = &[("protocol", &keys::PROTOCOL), ("retry-max", &keys::RETRY_MAX)];

/// Where the configuration comes from; or why not, in Serf's words. `note` is told what is changed about it.
pub(super) fn sources(words: &Parsed, note: impl Fn(&str)) -> Result<Sources, String> {
    tags(&words.texts("tag"))?;
    for text in words.texts("event-handler") {
        HandlerConfig::serf("of a flag", &text).map_err(|error| error.to_string())?;
    }
    let mut given: Given = Vec::new();
    for (flag, key) in TEXTS {
        let texts: Vec<String> = words.texts(flag).into_iter().filter(|text| !text.is_empty()).collect();
        let counting = if key.kind.is_many() { 0 } else { texts.len().saturating_sub(1) };
        if !texts.is_empty() {
            given.push((key, texts[counting..].to_vec()));
        }
    }
    for (_, key) in SWITCHES.iter().filter(|(flag, _)| words.switch(flag, false)) {
        given.push((key, vec!["true".to_owned()]));
    }
    for (flag, key) in NUMBERS.iter().filter(|(flag, _)| words.integer(flag) > 0) {
        given.push((key, vec![words.integer(flag).to_string()]));
    }
    for (flag, key, name) in [
        ("retry-interval", &keys::RETRY_INTERVAL, "RetryInterval"),
        ("broadcast-timeout", &keys::BROADCAST_TIMEOUT, "BroadcastTimeout"),
    ] {
        let text = words.text(flag);
        if text.is_empty() {
            continue;
        }
        let mut duration =
            go_duration(&text).ok_or_else(|| format!("Error: time: invalid duration \"{text}\""))?;
        if duration == Duration::ZERO {
            continue;
        }
        if duration < SECOND {
            duration = SECOND;
            note(&format!("Warning: '{name}' is too low. Setting to 1s"));
        }
        given.push((key, vec![humantime::format_duration(duration).to_string()]));
    }
    known_words(words)?;
    let socket = std::env::var_os(SOCKET_VARIABLE).map(|path| (SOCKET_VARIABLE.to_owned(), path));
    Ok(Sources {
        config: Some(NO_CONFIGURATION.into()),
        serf: words.texts_of(["config-file", "config-dir"]).into_iter().map(Into::into).collect(),
        env: socket.into_iter().collect(),
        given,
        ..Sources::of_process(None, Vec::new())
    })
}

/// Two words that Serf refuses in a manner of its own.
fn known_words(words: &Parsed) -> Result<(), String> {
    let (level, profile) = (words.text("log-level").to_uppercase(), words.text("profile"));
    if !["", "TRACE", "DEBUG", "INFO", "WARN", "ERR"].contains(&level.as_str()) {
        return Err(format!("Invalid log level: {level}. Valid log levels are: [TRACE DEBUG INFO WARN ERR]"));
    }
    if !["", "lan", "wan", "local"].contains(&profile.as_str()) {
        return Err(format!("Unknown profile: {profile}"));
    }
    Ok(())
}

/// Did somebody ask for a control socket?
pub(super) fn has_socket(settings: &Settings) -> bool {
    *settings.origin(&keys::SOCKET) != Origin::Default
}

/// Only when somebody says so; Muster's own default is to leave.
pub(super) fn leaves_on_terminate(settings: &Settings) -> bool {
    *settings.origin(&keys::LEAVE_ON_TERMINATE) != Origin::Default && settings.bool(&keys::LEAVE_ON_TERMINATE)
}

/// Only when somebody says so, too.
pub(super) fn rejoins_after_leave(settings: &Settings) -> bool {
    let key = &keys::serf::REJOIN_AFTER_LEAVE;
    *settings.origin(key) != Origin::Default && settings.bool(key)
}

/// As configured. By default Muster's quick one, since no start order must matter; but Serf's where attempts are counted,
/// since whoever counts them counts on it.
pub(super) fn retry_interval(settings: &Settings) -> Duration {
    let is_default = *settings.origin(&keys::RETRY_INTERVAL) == Origin::Default;
    if is_default && settings.count::<u32>(&keys::RETRY_MAX) > 0 {
        return RETRY_INTERVAL;
    }
    settings.duration(&keys::RETRY_INTERVAL)
}

/// What the agent says of itself when it runs (command.go, `startAgent`).
pub(super) fn facts(settings: &Settings) -> Vec<String> {
    let agent = views::agent(settings);
    let bind = views::bind_on_interface(settings).unwrap_or(agent.bind);
    let mut facts = vec![
        format!("                  Node name: '{}'", agent.node),
        format!("                  Bind addr: '{bind}'"),
    ];
    if let Some(advertise) = settings.address(&keys::ADVERTISE) {
        facts.push(format!("Advertise addr: '{advertise}'"));
    }
    facts.extend([
        format!("                   RPC addr: '{}'", rpc(settings).addr),
        format!("                  Encrypted: {}", agent.keys.is_some()),
        format!("                   Snapshot: {}", !settings.text(&keys::serf::SNAPSHOT_PATH).is_empty()),
        format!("                    Profile: {}", agent.profile.as_str()),
        format!("Message Compression Enabled: {}", agent.compress),
    ]);
    let discover = settings.text(&keys::serf::DISCOVER);
    if !discover.is_empty() {
        facts.push(format!("               mDNS cluster: {discover}"));
    }
    facts
}

/// Served in any case, and where that fails nothing starts.
pub(super) fn rpc(settings: &Settings) -> RpcConfig {
    let usual = RpcConfig { addr: RPC_ADDRESS, asked: true, auth: String::new() };
    RpcConfig { asked: true, ..views::rpc(settings).unwrap_or(usual) }
}

#[cfg(test)]
mod tests {
    use super::super::super::flags::parse;
    use super::super::FLAGS;
    use super::*;
    use crate::config::load;
    use std::cell::RefCell;

    fn settings_of(words: &[&str]) -> Result<(Settings, Vec<String>), String> {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        let notes = RefCell::new(Vec::new());
        let parsed = parse(FLAGS, &words).unwrap();
        let sources = sources(&parsed, |note| notes.borrow_mut().push(note.to_owned()))?;
        let loaded = load(&sources);
        assert_eq!(loaded.problems, []);
        Ok((loaded.settings, notes.into_inner()))
    }

    #[test]
    fn every_flag_of_serf_goes_somewhere() {
        let durations = ["retry-interval", "broadcast-timeout", "config-file", "config-dir"];
        let known: Vec<&str> =
            [TEXTS, SWITCHES, NUMBERS].iter().flat_map(|table| table.iter().map(|(flag, _)| *flag)).collect();
        for flag in FLAGS {
            assert!(known.contains(&flag.name) || durations.contains(&flag.name), "-{}", flag.name);
        }
    }

    #[test]
    fn flags_become_settings_as_serf_understands_them() {
        let (settings, notes) = settings_of(&[
            "-join",
            "a",
            "-retry-join",
            "b",
            "-join=c",
            "-node",
            "first",
            "-node",
            "last",
            "-bind=127.0.0.1:1",
            "-tag",
            "a=b=c",
            "-replay",
            "-rejoin=false",
            "-protocol",
            "4",
            "-retry-max=-1",
            "-retry-interval=1m30s",
            "-broadcast-timeout",
            "10ms",
            "-encrypt",
            "",
        ])
        .unwrap();
        let config = super::super::config(&settings, false);
        assert_eq!((config.start_join, config.join), (vec!["a".into(), "c".into()], vec!["b".to_owned()]));
        assert_eq!((config.node.as_str(), config.protocol, config.retry_max), ("last", 4, 0));
        assert_eq!(config.retry_interval, Duration::from_secs(90));
        assert_eq!(config.broadcast_timeout, SECOND);
        assert_eq!(notes, ["Warning: 'BroadcastTimeout' is too low. Setting to 1s"]);
        assert!(config.replay_on_join && config.keys.is_none() && config.socket.as_os_str().is_empty());
        assert_eq!(config.tags["a"], "b=c");
    }

    #[test]
    fn signals_and_attempts_are_serfs_unless_configured() {
        let (settings, _) = settings_of(&["-retry-max", "2"]).unwrap();
        let config = super::super::config(&settings, false);
        assert_eq!((config.leave_on_terminate, config.skip_leave_on_interrupt), (false, false));
        assert_eq!((config.retry_max, config.retry_interval), (3, RETRY_INTERVAL));

        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, r#"{"leave_on_terminate": true, "skip_leave_on_interrupt": true}"#).unwrap();
        let (settings, _) = settings_of(&["-config-file", file.path().to_str().unwrap()]).unwrap();
        let config = super::super::config(&settings, false);
        assert_eq!((config.leave_on_terminate, config.skip_leave_on_interrupt), (true, true));
    }

    #[test]
    fn what_serf_refuses_is_refused_in_its_words() {
        for (words, said) in [
            (["-retry-interval", "zz"], "Error: time: invalid duration \"zz\""),
            (["-tag", "x"], "Error: Invalid tag: 'x'"),
            (["-event-handler", "nope=x"], "Invalid event script: Event 'nope' invoking 'x'"),
            (
                ["-log-level", "foo"],
                "Invalid log level: FOO. Valid log levels are: [TRACE DEBUG INFO WARN ERR]",
            ),
            (["-profile", "foo"], "Unknown profile: foo"),
        ] {
            assert_eq!(settings_of(&words).unwrap_err(), said);
        }
    }

    #[test]
    fn the_agent_says_of_itself_what_serf_says() {
        let (settings, _) =
            settings_of(&["-node", "a", "-bind", "127.0.2.1:17946", "-rpc-addr", "127.0.2.1:17373"]).unwrap();
        assert_eq!(
            facts(&settings),
            [
                "                  Node name: 'a'",
                "                  Bind addr: '127.0.2.1:17946'",
                "                   RPC addr: '127.0.2.1:17373'",
                "                  Encrypted: false",
                "                   Snapshot: false",
                "                    Profile: lan",
                "Message Compression Enabled: true",
            ]
        );
    }
}
