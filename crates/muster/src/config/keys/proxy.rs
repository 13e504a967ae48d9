//! `[proxy]`: where clients come, and how backends are spoken to.

use super::{DAY, PLAIN, duration};
use crate::config::key::{Applies, Fallback, Key, Kind, Section};
use std::time::Duration;

const PROXY: Key = Key { section: Section::Proxy, ..PLAIN };

pub(crate) static LISTEN: Key = Key {
    name: "listen",
    flag: "listen",
    kind: Kind::Listeners,
    fallback: Fallback::Is("0.0.0.0:8080"),
    applies: Applies::Live,
    help: "Address to take requests on; without a port, 8080; repeat for more.\n\n\
           `unix:/PATH` is a socket in the file system; `unix:/PATH mode=660` gives its file these permissions. A file that is left \
           from a process that is gone makes room.\n\n\
           `ADDRESS proxy-protocol`: each connection there begins with a header of the PROXY protocol, version 1 or 2, by which a \
           balancer in front says whose it is. Whoever can connect there can claim any address: see `proxy_protocol_from`.\n\n\
           `ADDRESS tls`: clients speak TLS, see `certificates`, and HTTP/2 if they offer it. `ADDRESS redirect-https`: they are sent to the same address under \
           https, on port 443 or on the one in `redirect-https=PORT`.\n\n\
           `ADDRESS tcp`: what comes is passed on as it is, each connection to one backend, whatever is spoken there; with `tls` \
           without its encryption.",

    ..PROXY
};

pub(crate) static PROXY_PROTOCOL_FROM: Key = Key {
    name: "proxy_protocol_from",
    flag: "proxy-protocol-from",
    kind: Kind::Networks,
    fallback: Fallback::Unset("everybody"),
    help: "Networks of the balancers in front, on listeners with `proxy-protocol`; repeat for more.\n\n\
           From there a header is wanted, from elsewhere none is read: such a connection is its own client's. Who comes over a Unix \
           socket is believed, since its file says who may.",
    ..PROXY
};

pub(crate) static CERTIFICATES: Key = Key {
    name: "certificates",
    flag: "certificates",
    kind: Kind::Texts,
    fallback: Fallback::Unset("none"),
    applies: Applies::Live,
    help: "Files and folders with certificates and keys (PEM), for listeners with `tls`; repeat for more.\n\n\
           A file has the chain, the server's own certificate first, and the key; or the key is beside it: `X.key` for `X.crt` and \
           `X.pem`, `privkey.pem` for `fullchain.pem`. Of a folder all are taken, and those of folders in it. The name that a \
           client asks for chooses, whole names before wildcards; the first certificate is for all others. Files that change are \
           read again within seconds, or at once on HUP: for new connections, and when all of them can be used.",
    ..PROXY
};

pub(crate) static TLS_MIN_VERSION: Key = Key {
    name: "tls_min_version",
    flag: "tls-min-version",
    kind: Kind::Word { words: &["1.2", "1.3"], also: &[] },
    fallback: Fallback::Is("1.2"),
    applies: Applies::Live,
    help: "Oldest version of TLS that clients may speak: 1.2 or 1.3.",
    ..PROXY
};

pub(crate) static HANDSHAKE_TIMEOUT: Key = Key {
    name: "handshake_timeout",
    flag: "handshake-timeout",
    kind: duration(Duration::from_millis(1), DAY),
    fallback: Fallback::Is("10s"),
    help: "Longest time a new client may take for its PROXY header and its TLS handshake.",
    ..PROXY
};

pub(crate) static SERVICE: Key = Key {
    name: "service",
    flag: "service",
    fallback: Fallback::Is("backend"),
    applies: Applies::Live,
    help: "Service that gets the requests.\n\nIts backends are the members whose tags offer it, e.g. `role=backend`.",
    ..PROXY
};

pub(crate) static BALANCE: Key = Key {
    name: "balance",
    flag: "balance",
    kind: Kind::Word {
        words: &["roundrobin", "leastconn", "p2c", "random", "source", "first"],
        also: &[("static-rr", "roundrobin")],
    },
    fallback: Fallback::Is("roundrobin"),
    applies: Applies::Live,
    help: "How the next backend is chosen among those equally preferred; but for `p2c`, the names are HAProxy's.\n\n\
           `roundrobin`: turns by weight, evenly spread. `leastconn`: the one with fewest requests in flight for its weight. `p2c`: the \
           better of two drawn at random, by recent latency and requests in flight. `random`: drawn by weight. `source`: a client's \
           address always gets the same one, on every balancer, as long as that is there. `first`: the first by name.",
    ..PROXY
};

pub(crate) static SLOW_START: Key = Key {
    name: "slow_start",
    flag: "slow-start",
    kind: duration(Duration::ZERO, DAY),
    fallback: Fallback::Is("0s"),
    applies: Applies::Live,
    help: "In how much time a backend that becomes ready beside ready ones rises to its weight.",
    ..PROXY
};

pub(crate) static MAX_CONNECTIONS: Key = Key {
    name: "max_connections",
    flag: "max-connections",
    kind: Kind::Count { min: 0, max: 65535 },
    fallback: Fallback::Is("0"),
    help: "Most requests in flight on one backend from this balancer; on listeners with `tcp`, most connections. 0: no limit.\n\n\
           When all backends have so many, further requests wait, in the order they came: see `queue_timeout`.",
    ..PROXY
};

pub(crate) static QUEUE_TIMEOUT: Key = Key {
    name: "queue_timeout",
    flag: "queue-timeout",
    kind: duration(Duration::ZERO, DAY),
    fallback: Fallback::Is("10s"),
    help: "How long a request waits at most for a backend that has fewer than `max_connections`; then it gets 503. 0: none waits.",
    ..PROXY
};

pub(crate) static SEND_PROXY_PROTOCOL: Key = Key {
    name: "send_proxy_protocol",
    flag: "send-proxy-protocol",
    kind: Kind::Word { words: &["off", "v1", "v2"], also: &[] },
    fallback: Fallback::Is("off"),
    help: "Begin connections to backends with a header of the PROXY protocol: off, v1 or v2.\n\n\
           The header names the client, so a connection serves one request and is never shared. All backends of the service must expect it.",
    ..PROXY
};

pub(crate) static UPSTREAM_PROTOCOL: Key = Key {
    name: "upstream_protocol",
    flag: "upstream-protocol",
    kind: Kind::Word { words: &["http1", "h2c"], also: &[] },
    fallback: Fallback::Is("http1"),
    help: "What backends speak: `http1`, or `h2c`, which is HTTP/2 without TLS, for gRPC among others.\n\n\
           With `h2c`, clients of either version are served, trailers pass, and many requests share a connection; a request that a backend \
           refuses unread, as one does that is about to end, goes to another connection or backend.",
    ..PROXY
};

pub(crate) static CONNECT_TIMEOUT: Key = Key {
    name: "connect_timeout",
    flag: "connect-timeout",
    kind: duration(Duration::from_millis(1), DAY),
    fallback: Fallback::Is("1s"),
    applies: Applies::Live,
    help: "Longest wait for a connection to a backend.",
    ..PROXY
};

pub(crate) static RESPONSE_TIMEOUT: Key = Key {
    name: "response_timeout",
    flag: "response-timeout",
    kind: duration(Duration::from_millis(1), DAY),
    fallback: Fallback::Is("1m"),
    applies: Applies::Live,
    help: "Longest wait for the head of a backend's response.",
    ..PROXY
};

pub(crate) static STALL_TIMEOUT: Key = Key {
    name: "stall_timeout",
    flag: "stall-timeout",
    kind: duration(Duration::from_millis(1), DAY),
    fallback: Fallback::Is("5m"),
    help: "How long nothing may move of a response that began; then it is cut off. Not of upgraded connections.",
    ..PROXY
};

pub(crate) static IDLE_TIMEOUT: Key = Key {
    name: "idle_timeout",
    flag: "idle-timeout",
    kind: duration(Duration::from_millis(1), DAY),
    fallback: Fallback::Is("1m"),
    help: "How long an unused connection to a client or a backend is kept.",
    ..PROXY
};

pub(crate) static TCP_IDLE_TIMEOUT: Key = Key {
    name: "tcp_idle_timeout",
    flag: "tcp-idle-timeout",
    kind: duration(Duration::from_millis(1), DAY),
    fallback: Fallback::Is("1h"),
    help: "How long a connection is kept on which nothing moves, on listeners with `tcp`.",
    ..PROXY
};

pub(crate) static IDLE_MAX: Key = Key {
    name: "idle_max",
    flag: "idle-max",
    kind: Kind::Count { min: 0, max: 65535 },
    fallback: Fallback::Is("64"),
    help: "Unused connections kept per backend.",
    ..PROXY
};

pub(crate) static DRAIN_TIMEOUT: Key = Key {
    name: "drain_timeout",
    flag: "drain-timeout",
    kind: duration(Duration::ZERO, DAY),
    // As `leave_timeout`.
    fallback: Fallback::Is("8s"),
    help: "How long requests in flight may go on after a stop signal.",
    ..PROXY
};

pub(crate) static ACCESS_LOG: Key = Key {
    name: "access_log",
    flag: "access-log",
    kind: Kind::Word { words: &["off", "combined", "json", "httplog"], also: &[] },
    fallback: Fallback::Is("off"),
    help: "A line for each request when it is over: off, combined, json or httplog.\n\n\
           `combined` is Apache's and nginx's, `httplog` is HAProxy's; on listeners with `tcp` HAProxy's `tcplog` takes its place. `json` is \
           an object with all that is known. No request waits for its line: what nobody takes is lost, and is counted.",
    ..PROXY
};

pub(crate) static ACCESS_LOG_TO: Key = Key {
    name: "access_log_to",
    flag: "access-log-to",
    fallback: Fallback::Is("stdout"),
    help: "Where those lines go: stdout, stderr, /PATH, syslog:/PATH or udp:ADDRESS:PORT.\n\n\
           A file is opened again on HUP, for programs that rotate it. `syslog:/dev/log` and `udp:10.0.0.5:514` are syslog (RFC 3164) with \
           the facility local0, a datagram for each line.",
    ..PROXY
};

pub(crate) static PLAINTEXT: Key = Key {
    name: "plaintext",
    flag: "plaintext",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "Follow an agent that gossips in plaintext beyond loopback.\n\n\
           Whoever reaches such an agent can become a member and get requests. Without this the proxy ends with 2 when its \
           agent has no key and gossips elsewhere than on loopback; see `encrypt_file`.",
    ..PROXY
};

pub(crate) static STATS: Key = Key {
    name: "stats",
    flag: "stats",
    kind: Kind::AddressOrOff { port: 1936 },
    fallback: Fallback::Is("off"),
    help: "Address of a page of statistics as HAProxy has one; usually `127.0.0.1:1936`. Behind its path, `;csv` and `;json` are for programs.\n\n\
           It only shows, and needs no password: see `stats_exposed`.",
    ..PROXY
};

pub(crate) static STATS_SOCKET: Key = Key {
    name: "stats_socket",
    flag: "stats-socket",
    kind: Kind::Texts,
    fallback: Fallback::Unset("none"),
    help: "Place where HAProxy's commands are answered, for tools that speak them: `/PATH`, `/PATH mode=660` or `IP:PORT`; repeat for more.\n\n\
           `show stat`, `show info`, `show servers state`, `set server` and others; `help` there lists them.",
    ..PROXY
};

pub(crate) static STATS_LEVEL: Key = Key {
    name: "stats_level",
    flag: "stats-level",
    kind: Kind::Word { words: &["user", "operator", "admin"], also: &[] },
    fallback: Fallback::Is("operator"),
    help: "What is obeyed on `stats_socket`: only `admin` changes servers.",
    ..PROXY
};

pub(crate) static STATS_EXPOSED: Key = Key {
    name: "stats_exposed",
    flag: "stats-exposed",
    kind: Kind::Bool,
    fallback: Fallback::Is("false"),
    help: "Let `stats` and `stats_socket` be at addresses beyond loopback.\n\n\
           Whoever reaches them asks for no password: they read names and addresses of backends, and with `stats_level = \"admin\"` they \
           decide who gets requests.",
    ..PROXY
};
