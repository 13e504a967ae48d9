//! Keys that only Serf's agent has a use for.

use super::{AGENT, DAY, duration};
use crate::config::key::{Applies, Fallback, Key, Kind};
use std::time::Duration;

const SWITCH: Key = Key { kind: Kind::Bool, fallback: Fallback::Is("false"), ..AGENT };
/// Serf's limits end where a datagram does (UserEventSizeLimit).
const SIZE: Kind = Kind::Count { min: 1, max: 9216 };
const SECOND: Duration = Duration::from_secs(1);

pub(crate) static RPC_ADDR: Key = Key {
    name: "rpc_addr",
    flag: "rpc-addr",
    kind: Kind::AddressOrOff { port: 7373 },
    fallback: Fallback::Is("127.0.0.1:7373"),
    help: "Address of Serf's RPC, for Serf's own command line and client libraries; `off` serves none.\n\n\
           Whoever can connect can make this node leave, send events, and change tags and keys: by default, every user of this \
           host. See `rpc_auth`. When the default address is taken (by Serf, or by another agent of this host), the agent \
           says so and goes on without RPC; when an address that was asked for is taken, it does not start.",
    ..AGENT
};

pub(crate) static RPC_AUTH: Key = Key {
    name: "rpc_auth",
    flag: "rpc-auth",
    kind: Kind::Secret,
    fallback: Fallback::Unset("none is asked for"),
    help: "Token that clients of Serf's RPC must give.\n\n\
           On the command line every user of this host can read it: write it into a file that only the agent's user can \
           read, or into the variable. The connection is not encrypted.",
    ..AGENT
};

pub(crate) static EVENT_HANDLERS: Key = Key {
    name: "event_handlers",
    flag: "event-handler",
    kind: Kind::Handlers,
    fallback: Fallback::Unset("none"),
    help: "Scripts to run when something happens, [FILTER[,FILTER...]=]SCRIPT as in Serf; repeat for more.\n\n\
           Filters are member-join, member-leave, member-failed, member-update, member-reap, user, user:NAME, query, \
           query:NAME and *; without any, the script gets everything. It is run by /bin/sh. In the variable each handler \
           stands on a line of its own. Handlers with a timeout, without a shell, or over HTTP: see `[[handlers]]` in the \
           configuration reference.",
    ..AGENT
};

pub(crate) static REPLAY_ON_JOIN: Key = Key {
    name: "replay_on_join",
    flag: "replay",
    help: "Hand user events from before a join to the handlers.",
    ..SWITCH
};

pub(crate) static START_JOIN: Key = Key {
    name: "start_join",
    flag: "start-join",
    kind: Kind::Seeds,
    fallback: Fallback::Unset("none"),
    help: "More members to join, as Serf's files name them; repeat for more.\n\n\
           The same as `join` here. Called as `serf`, the agent tries each once and gives up when none answers, as Serf does.",
    ..AGENT
};

pub(crate) static SNAPSHOT_PATH: Key = Key {
    name: "snapshot_path",
    flag: "snapshot",
    kind: Kind::Path,
    help: "File that remembers the members and the clocks over a restart, as Serf's does.\n\n\
           The agent finds its cluster again through those who were there, without seeds, and handles no event twice. It need not \
           exist. A damaged line costs itself only; a disk that is full is told and tried again.",
    ..AGENT
};

pub(crate) static REJOIN_AFTER_LEAVE: Key = Key {
    name: "rejoin_after_leave",
    flag: "rejoin",
    kind: Kind::Bool,
    fallback: Fallback::Is("true"),
    help: "Rejoin from the snapshot even after a leave.\n\n\
           `muster agent` does, since it leaves whenever it is told to end; a restart shall find the cluster all the same. \
           Serf does so only with this switch on.",
    ..AGENT
};

pub(crate) static SKIP_LEAVE_ON_INTERRUPT: Key = Key {
    name: "skip_leave_on_interrupt",
    flag: "skip-leave-on-interrupt",
    applies: Applies::Live,
    help: "Stop on INT without leaving the cluster.",
    ..SWITCH
};

pub(crate) static DISCOVER: Key = Key {
    name: "discover",
    flag: "discover",
    help: "Name under which agents of one network find each other by multicast DNS.\n\n\
           Each asks at its start and every minute, and joins who answers, of either kind. The name is no secret: who is on the \
           network can answer too, and `encrypt` says who becomes a member.",
    ..AGENT
};

pub(crate) static MDNS_INTERFACE: Key = Key {
    name: "mdns_interface",
    flag: "mdns-iface",
    help: "Network interface to discover on; also `mdns.interface` in Serf's files. Unset: `interface`, or the system's choice.",
    ..AGENT
};

pub(crate) static MDNS_DISABLE_IPV4: Key = Key {
    name: "mdns_disable_ipv4",
    flag: "mdns-disable-ipv4",
    help: "Do not discover over IPv4; also `mdns.disable_ipv4` in Serf's files.",
    ..SWITCH
};

pub(crate) static MDNS_DISABLE_IPV6: Key = Key {
    name: "mdns_disable_ipv6",
    flag: "mdns-disable-ipv6",
    help: "Do not discover over IPv6; also `mdns.disable_ipv6` in Serf's files.",
    ..SWITCH
};

pub(crate) static RECONNECT_INTERVAL: Key = Key {
    name: "reconnect_interval",
    flag: "reconnect-interval",
    kind: duration(SECOND, DAY),
    fallback: Fallback::Is("30s"),
    help: "Pause between attempts to reach a failed member.\n\n\
           In each round the whole cluster tries each failed member about once.",
    ..AGENT
};

/// A month: longer than anybody waits, shorter than a slip of the finger.
const LONG: Duration = DAY.saturating_mul(31);

pub(crate) static RECONNECT_TIMEOUT: Key = Key {
    name: "reconnect_timeout",
    flag: "reconnect-timeout",
    kind: duration(SECOND, LONG),
    fallback: Fallback::Is("1day"),
    help: "How long a failed member is remembered.",
    ..AGENT
};

pub(crate) static TOMBSTONE_TIMEOUT: Key = Key {
    name: "tombstone_timeout",
    flag: "tombstone-timeout",
    kind: duration(SECOND, LONG),
    fallback: Fallback::Is("1day"),
    help: "How long a member that left is remembered.",
    ..AGENT
};

pub(crate) static DISABLE_NAME_RESOLUTION: Key = Key {
    name: "disable_name_resolution",
    flag: "disable-name-resolution",
    help: "Do not ask the others who is right when two nodes have one name.\n\n\
           The conflict is then only said in the log, and this node never ends because of it.",
    ..SWITCH
};

pub(crate) static QUERY_SIZE_LIMIT: Key = Key {
    name: "query_size_limit",
    flag: "query-size-limit",
    kind: SIZE,
    fallback: Fallback::Is("1024"),
    help: "Most bytes of a query.",
    ..AGENT
};

pub(crate) static QUERY_RESPONSE_SIZE_LIMIT: Key = Key {
    name: "query_response_size_limit",
    flag: "query-response-size-limit",
    kind: SIZE,
    fallback: Fallback::Is("1024"),
    help: "Most bytes of a response to a query.",
    ..AGENT
};

pub(crate) static USER_EVENT_SIZE_LIMIT: Key = Key {
    name: "user_event_size_limit",
    flag: "user-event-size-limit",
    kind: SIZE,
    fallback: Fallback::Is("512"),
    help: "Most bytes of a user event.\n\n\
           One longer than a datagram (some 1,390 bytes) travels with full exchanges only, about twice a minute.",
    ..AGENT
};

pub(crate) static STATSITE_ADDR: Key = Key {
    name: "statsite_addr",
    flag: "statsite-addr",
    help: "Where to send metrics by TCP every ten seconds, HOST:PORT (statsite).",
    ..AGENT
};

pub(crate) static STATSD_ADDR: Key = Key {
    name: "statsd_addr",
    flag: "statsd-addr",
    help: "Where to send metrics by UDP every ten seconds, HOST:PORT (statsd).\n\n\
           What is counted, with Serf's names; the same is told on USR1.",
    ..AGENT
};

pub(crate) static ENABLE_SYSLOG: Key = Key {
    name: "enable_syslog",
    flag: "syslog",
    help: "Log to the system's log too, `/dev/log`. Where nobody listens there, the agent does not start.",
    ..SWITCH
};

pub(crate) static SYSLOG_FACILITY: Key = Key {
    name: "syslog_facility",
    flag: "syslog-facility",
    fallback: Fallback::Is("LOCAL0"),
    help: "Facility of the system's log: DAEMON, USER, LOCAL0 to LOCAL7, and so on.",
    ..AGENT
};
