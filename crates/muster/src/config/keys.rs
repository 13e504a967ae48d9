//! Every key, once. Flags, variables, help, `config print` and the reference all come from here.

pub(crate) mod admin;
pub(crate) mod frontend;
pub(crate) mod haproxy;
pub(crate) mod history;
pub(crate) mod logs;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod run;
pub(crate) mod serf;
pub(crate) mod service;
pub(crate) mod template;

use super::key::{Applies, Fallback, Key, Kind, Section};
use std::time::Duration;

/// All keys in the order of the file.
pub(crate) static TABLE: &[&Key] = &[
    &SOCKET,
    &run::PROXY,
    &run::STOP_WITHIN,
    &run::PLAIN_WAIT,
    &NODE,
    &BIND,
    &INTERFACE,
    &ADVERTISE,
    &JOIN,
    &JOIN_STRICT,
    &RETRY_INTERVAL,
    &RETRY_MAX,
    &TAGS,
    &TAGS_FILE,
    &ROLE,
    &PROFILE,
    &PROTOCOL,
    &DISABLE_COMPRESSION,
    &BROADCAST_TIMEOUT,
    &ENCRYPT,
    &ENCRYPT_FILE,
    &KEYRING_FILE,
    &DEFAULT_PORT,
    &LEAVE_TIMEOUT,
    &LEAVE_ON_TERMINATE,
    &serf::SKIP_LEAVE_ON_INTERRUPT,
    &serf::START_JOIN,
    &serf::RPC_ADDR,
    &serf::RPC_AUTH,
    &serf::EVENT_HANDLERS,
    &serf::REPLAY_ON_JOIN,
    &serf::SNAPSHOT_PATH,
    &serf::REJOIN_AFTER_LEAVE,
    &serf::DISCOVER,
    &serf::MDNS_INTERFACE,
    &serf::MDNS_DISABLE_IPV4,
    &serf::MDNS_DISABLE_IPV6,
    &serf::RECONNECT_INTERVAL,
    &serf::RECONNECT_TIMEOUT,
    &serf::TOMBSTONE_TIMEOUT,
    &serf::DISABLE_NAME_RESOLUTION,
    &serf::QUERY_SIZE_LIMIT,
    &serf::QUERY_RESPONSE_SIZE_LIMIT,
    &serf::USER_EVENT_SIZE_LIMIT,
    &serf::STATSITE_ADDR,
    &serf::STATSD_ADDR,
    &serf::ENABLE_SYSLOG,
    &serf::SYSLOG_FACILITY,
    &proxy::LISTEN,
    &proxy::PROXY_PROTOCOL_FROM,
    &proxy::CERTIFICATES,
    &proxy::TLS_MIN_VERSION,
    &proxy::HANDSHAKE_TIMEOUT,
    &proxy::SERVICE,
    &proxy::BALANCE,
    &proxy::SLOW_START,
    &proxy::MAX_CONNECTIONS,
    &proxy::QUEUE_TIMEOUT,
    &proxy::SEND_PROXY_PROTOCOL,
    &proxy::UPSTREAM_PROTOCOL,
    &proxy::CONNECT_TIMEOUT,
    &proxy::RESPONSE_TIMEOUT,
    &proxy::STALL_TIMEOUT,
    &proxy::IDLE_TIMEOUT,
    &proxy::TCP_IDLE_TIMEOUT,
    &proxy::IDLE_MAX,
    &proxy::DRAIN_TIMEOUT,
    &proxy::ACCESS_LOG,
    &proxy::ACCESS_LOG_TO,
    &proxy::PLAINTEXT,
    &proxy::STATS,
    &proxy::STATS_SOCKET,
    &proxy::STATS_LEVEL,
    &proxy::STATS_EXPOSED,
    &haproxy::MODE,
    &haproxy::TEMPLATE,
    &haproxy::CONFIG,
    &haproxy::SOCKET,
    &haproxy::MASTER,
    &haproxy::RELOAD,
    &haproxy::PROGRAM,
    &haproxy::RELOAD_WITHIN,
    &haproxy::OLD_WORKERS_MAX,
    &haproxy::SETTLE,
    &admin::LISTEN,
    &history::PATH,
    &history::KEEP,
    &history::MAX_SIZE,
    &LOG_LEVEL,
    &LOG_FORMAT,
    &logs::FORM,
    &logs::STDOUT,
    &logs::FOLDER,
    &logs::ROTATE_SIZE,
    &logs::ROTATE_AGE,
    &logs::ROTATE_KEEP,
    &logs::COLLECTOR,
    &logs::LISTEN,
    &logs::RULES,
    &logs::READERS,
];

/// The keys of one section.
pub(crate) fn of(section: Section) -> impl Iterator<Item = &'static Key> {
    TABLE.iter().copied().filter(move |key| key.section == section)
}

/// What most keys have in common.
const PLAIN: Key = Key {
    section: Section::Node,
    name: "",
    flag: "",
    flag_also: &[],
    env_also: None,
    kind: Kind::Text,
    fallback: Fallback::Unset("not set"),
    applies: Applies::Restart,
    help: "",
};
const AGENT: Key = Key { section: Section::Agent, ..PLAIN };
const LOG: Key = Key { section: Section::Log, ..PLAIN };

const fn duration(min: Duration, max: Duration) -> Kind {
    Kind::Duration { min, max }
}
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Serf's and memberlist's port.
pub(crate) const GOSSIP_PORT: u16 = 7946;

pub(crate) static SOCKET: Key = Key {
    name: "socket",
    flag: "socket",
    kind: Kind::Path,
    fallback: Fallback::Found("/run/muster/muster.sock, or $XDG_RUNTIME_DIR/muster.sock", || {
        muster_control::socket::default_path()?.into_os_string().into_string().ok()
    }),
    help: "Control socket of this node's agent.\n\n\
           The agent listens on it; the proxy and the commands that ask the agent connect to it.",
    ..PLAIN
};

pub(crate) static NODE: Key = Key {
    name: "node",
    flag: "node",
    fallback: Fallback::Found("the host name", || {
        rustix::system::uname().nodename().to_str().ok().map(str::to_owned)
    }),
    help: "Name of this node, unique in the cluster.",
    ..AGENT
};

pub(crate) static BIND: Key = Key {
    name: "bind",
    flag: "bind",
    kind: Kind::Address { port: GOSSIP_PORT },
    fallback: Fallback::Is("0.0.0.0:7946"),
    help: "Address to gossip on, UDP and TCP; without a port, 7946.",
    ..AGENT
};

pub(crate) static INTERFACE: Key = Key {
    name: "interface",
    flag: "interface",
    flag_also: &["iface"],
    fallback: Fallback::Unset("any interface"),
    help: "Network interface to gossip on, by name.\n\n\
           While `bind` is 0.0.0.0, the first address of the interface that is not link-local takes its place. Any other \
           `bind` must be an address of the interface.",
    ..AGENT
};

pub(crate) static ADVERTISE: Key = Key {
    name: "advertise",
    flag: "advertise",
    kind: Kind::Address { port: GOSSIP_PORT },
    fallback: Fallback::Unset("the source address towards the first seed that answers"),
    help: "Address that others are told to use.\n\n\
           Without a port it is 7946, as in Serf, even when `bind` has another.",
    ..AGENT
};

pub(crate) static JOIN: Key = Key {
    name: "join",
    flag: "join",
    flag_also: &["retry-join"],
    env_also: Some("JOIN"),
    kind: Kind::Seeds,
    fallback: Fallback::Unset("none: a cluster of one"),
    help: "Members to join; repeat for more.\n\n\
           The agent runs at once and keeps trying, each time resolving names again, until one answers: the order in \
           which nodes start does not matter. Serf's agent gives up instead; see `join_strict`.",
    ..AGENT
};

pub(crate) static JOIN_STRICT: Key = Key {
    name: "join_strict",
    flag: "join-strict",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "Try every seed once and exit with 1 when none answers, as Serf's -join does.",
    ..AGENT
};

pub(crate) static RETRY_INTERVAL: Key = Key {
    name: "retry_interval",
    flag: "retry-interval",
    kind: duration(Duration::from_millis(10), DAY),
    fallback: Fallback::Is("250ms"),
    help: "First pause between rounds of joining.\n\n\
           Later pauses are a tenth of the time waited, with some randomness, and at most 30 s; a longer one set here \
           stays as it is.",
    ..AGENT
};

pub(crate) static RETRY_MAX: Key = Key {
    name: "retry_max",
    flag: "retry-max",
    kind: Kind::Count { min: 0, max: u32::MAX as u64 },
    fallback: Fallback::Is("0"),
    help: "Rounds of joining before the agent gives up; 0 means never.",
    ..AGENT
};

pub(crate) static TAGS: Key = Key {
    name: "tags",
    flag: "tag",
    env_also: Some("ROLE"),
    kind: Kind::Tags,
    fallback: Fallback::Unset("none"),
    applies: Applies::Live,
    help: "What this node tells all others about itself; repeat for more.\n\n\
           `role=web` offers the service `web` on the port in the tag `port`, or else on `default_port`. All tags \
           together take at most 512 bytes.",
    ..AGENT
};

pub(crate) static TAGS_FILE: Key = Key {
    name: "tags_file",
    flag: "tags-file",
    kind: Kind::Path,
    help: "File of Serf that keeps the tags: a JSON object, read at the start and replaced when `muster tags` changes them.\n\n\
           It need not exist. Instead of tags here, since there could be two of one name. When it cannot be written, tags \
           and file stay as they were.",
    ..AGENT
};

pub(crate) static ROLE: Key = Key {
    name: "role",
    flag: "role",
    applies: Applies::Live,
    help: "The tag `role`, as Serf was once told it.\n\nIt beats a tag `role` in `tags`, as in Serf. Write the tag instead.",
    ..AGENT
};

pub(crate) static PROFILE: Key = Key {
    name: "profile",
    flag: "profile",
    kind: Kind::Word { words: &["lan", "wan", "local"], also: &[] },
    fallback: Fallback::Is("lan"),
    help: "Timing of gossip and failure detection: lan, wan or local.",
    ..AGENT
};

pub(crate) static PROTOCOL: Key = Key {
    name: "protocol",
    flag: "protocol",
    kind: Kind::Count { min: 2, max: 5 },
    fallback: Fallback::Is("5"),
    help: "Serf protocol version to speak, 2 to 5.",
    ..AGENT
};

pub(crate) static DISABLE_COMPRESSION: Key = Key {
    name: "disable_compression",
    flag: "disable-compression",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "Send gossip uncompressed; what others compressed is still read.\n\n\
           `enable_compression: false` in a file of Serf says the same. Serf itself ignores it there.",
    ..AGENT
};

pub(crate) static BROADCAST_TIMEOUT: Key = Key {
    name: "broadcast_timeout",
    flag: "broadcast-timeout",
    kind: duration(Duration::from_secs(1), DAY),
    fallback: Fallback::Is("5s"),
    help: "How long a leave waits until the others were told.\n\nA leave by signal ends after `leave_timeout` as a whole.",
    ..AGENT
};

pub(crate) static ENCRYPT: Key = Key {
    name: "encrypt",
    flag: "encrypt",
    kind: Kind::Secret,
    fallback: Fallback::Unset("gossip is not encrypted"),
    help: "Key that encrypts gossip: base64 of 16, 24 or 32 bytes, the same on all nodes.\n\n\
           `muster keygen` makes one. Whoever has it can become a member; others are refused. On the command line every \
           user of this host can read it: see `encrypt_file`.",
    ..AGENT
};

pub(crate) static ENCRYPT_FILE: Key = Key {
    name: "encrypt_file",
    flag: "encrypt-file",
    kind: Kind::Path,
    help: "File that holds the key instead, for example a secret of a container.",
    ..AGENT
};

pub(crate) static KEYRING_FILE: Key = Key {
    name: "keyring_file",
    flag: "keyring-file",
    kind: Kind::Path,
    help: "Keyring file of Serf: a JSON array of keys, the first one encrypts, all decrypt.\n\n\
           It must exist and hold at least one key; it is rewritten, whole, when keys are installed, used or removed. Instead of \
           `encrypt` and `encrypt_file`, whose changes a restart forgets.",
    ..AGENT
};

pub(crate) static DEFAULT_PORT: Key = Key {
    name: "default_port",
    flag: "default-port",
    kind: Kind::Count { min: 1, max: 65535 },
    fallback: Fallback::Is("3000"),
    help: "Port of a member that has the tag `role` but no tag `port`.",
    ..AGENT
};

pub(crate) static LEAVE_TIMEOUT: Key = Key {
    name: "leave_timeout",
    flag: "leave-timeout",
    kind: duration(Duration::ZERO, DAY),
    // Inside the 10 s that `docker stop` waits before it kills.
    fallback: Fallback::Is("8s"),
    help: "How long a leave may take before the agent exits all the same.\n\n\
           One that was asked for, by `leave` or RPC, has at least the time of its parts: twice `broadcast_timeout` and 2 s.",
    ..AGENT
};

pub(crate) static LEAVE_ON_TERMINATE: Key = Key {
    name: "leave_on_terminate",
    flag: "leave-on-terminate",
    kind: Kind::Bool,
    fallback: Fallback::Is("true"),
    applies: Applies::Live,
    help: "Leave the cluster on TERM; else end at once, and be found failed.\n\n\
           Called as `serf`, the agent leaves on INT only, as Serf does, unless this is set.",
    ..AGENT
};

pub(crate) static LOG_LEVEL: Key = Key {
    name: "level",
    flag: "log-level",
    kind: Kind::Word { words: &["trace", "debug", "info", "warn", "error"], also: &[("err", "error")] },
    fallback: Fallback::Is("info"),
    applies: Applies::Live,
    help: "Least important messages to log: trace, debug, info, warn or error.\n\nSerf's words in any case are understood: TRACE, DEBUG, INFO, WARN, ERR.",
    ..LOG
};

pub(crate) static LOG_FORMAT: Key = Key {
    name: "format",
    flag: "log-format",
    kind: Kind::Word { words: &["text", "json"], also: &[] },
    fallback: Fallback::Is("text"),
    help: "Form of log lines on standard error: text or json.",
    ..LOG
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_name_is_unique() {
        let mut paths = BTreeSet::new();
        let mut flags = BTreeSet::new();
        for key in TABLE {
            assert!(paths.insert(key.path()), "{}", key.path());
            for flag in [key.flag].iter().chain(key.flag_also) {
                assert!(flags.insert(*flag), "--{flag}");
            }
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_sections() {
        assert!(TABLE.is_sorted_by_key(|key| key.section));
    }

    #[test]
    fn every_default_is_a_value_of_its_kind() {
        for key in TABLE {
            if let Fallback::Is(text) = key.fallback {
                assert!(key.kind.parse(text).is_ok(), "{} = {text}", key.path());
            }
        }
    }

    #[test]
    fn every_help_is_a_sentence() {
        for key in TABLE {
            assert!(key.summary().ends_with('.') && !key.summary().contains('\n'), "{}", key.path());
        }
    }

    #[test]
    fn variables_are_named_after_section_and_key() {
        assert_eq!(RETRY_INTERVAL.env(), "MUSTER_AGENT__RETRY_INTERVAL");
        assert_eq!(SOCKET.env(), "MUSTER_SOCKET");
    }
}
