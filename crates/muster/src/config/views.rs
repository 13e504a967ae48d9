//! Settings as the roles want them.

use super::access;
use super::family::Family;
use super::frontends;
use super::handlers;
use super::haproxy;
use super::key::Kind;
use super::keys;
use super::origin::Origin;
use super::settings::{Setting, Settings};
use super::templates;
use super::value::Value;
use crate::logging::facility;
use muster_agent::{Advertise, Collector, Discover, KeySource, ProfileName, RpcConfig, SnapshotOptions};
use muster_fleet::{Rule, Rules};
use muster_proxy::{
    Algorithm, At, Listen, Policy, Protocol, ProxyProtocol, Stats, StatsLevel, StatsPage, StatsSocket,
    Stickiness, Tls,
};
use muster_serf::{Limits, Memory};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

/// What `muster agent` is told. Meaningful when [`super::check`] found no problem.
pub(crate) fn agent(settings: &Settings) -> muster_agent::Config {
    muster_agent::Config {
        node: settings.text(&keys::NODE).to_owned(),
        bind: bind(settings),
        interface: interface(settings).map(str::to_owned),
        advertise: settings.address(&keys::ADVERTISE).map(|at| Advertise { ip: at.ip(), port: at.port() }),
        join: [settings.texts(&keys::serf::START_JOIN), settings.texts(&keys::JOIN)].concat(),
        join_strict: settings.bool(&keys::JOIN_STRICT),
        start_join: Vec::new(),
        replay_on_join: settings.bool(&keys::serf::REPLAY_ON_JOIN),
        retry_interval: settings.duration(&keys::RETRY_INTERVAL),
        retry_max: settings.count(&keys::RETRY_MAX),
        discover: discover(settings),
        collectors: collectors(settings),
        tags: tags(settings),
        tags_file: tags_file(settings).map(PathBuf::from),
        profile: match settings.text(&keys::PROFILE) {
            "wan" => ProfileName::Wan,
            "local" => ProfileName::Local,
            _ => ProfileName::Lan,
        },
        protocol: settings.count(&keys::PROTOCOL),
        compress: !settings.bool(&keys::DISABLE_COMPRESSION),
        broadcast_timeout: settings.duration(&keys::BROADCAST_TIMEOUT),
        limits: limits(settings),
        memory: memory(settings),
        resolves_names: !settings.bool(&keys::serf::DISABLE_NAME_RESOLUTION),
        keys: gossip_keys(settings),
        snapshot: snapshot(settings),
        history: history(settings),
        rpc: rpc(settings),
        admin: settings.address(&keys::admin::LISTEN),
        socket: settings.text(&keys::SOCKET).into(),
        default_port: settings.count(&keys::DEFAULT_PORT),
        leave_timeout: settings.duration(&keys::LEAVE_TIMEOUT),
        handlers: handlers::all(settings),
        templates: templates::all(settings),
        withheld: withheld(),
        leave_on_terminate: settings.bool(&keys::LEAVE_ON_TERMINATE),
        skip_leave_on_interrupt: settings.bool(&keys::serf::SKIP_LEAVE_ON_INTERRUPT),
        contract: true,
        inherited: muster_agent::inherited::Inherited::default(),
        stages: muster_agent::Stages::default(),
        reload: muster_agent::Reload::default(),
        log: muster_agent::LogBook::default(),
        rules: rules(settings),
    }
}

/// What of it applies to an agent that runs already.
pub(crate) fn reloaded(settings: &Settings) -> muster_agent::Reloaded {
    muster_agent::Reloaded {
        tags: tags(settings),
        leave_on_terminate: settings.bool(&keys::LEAVE_ON_TERMINATE),
        skip_leave_on_interrupt: settings.bool(&keys::serf::SKIP_LEAVE_ON_INTERRUPT),
        handlers: handlers::all(settings),
        templates: templates::all(settings),
        log_level: settings.text(&keys::LOG_LEVEL).to_owned(),
    }
}

/// The facility to log to in the system's log, if that is wanted.
pub(crate) fn syslog(settings: &Settings) -> Option<u8> {
    settings
        .bool(&keys::serf::ENABLE_SYSLOG)
        .then(|| facility(settings.text(&keys::serf::SYSLOG_FACILITY)))?
}

/// Who is sent what is counted.
fn collectors(settings: &Settings) -> Vec<Collector> {
    let at = |key| Some(settings.text(key)).filter(|at| !at.is_empty()).map(str::to_owned);
    let statsd = at(&keys::serf::STATSD_ADDR).map(Collector::Statsd);
    let statsite = at(&keys::serf::STATSITE_ADDR).map(Collector::Statsite);
    statsd.into_iter().chain(statsite).collect()
}

fn limits(settings: &Settings) -> Limits {
    Limits {
        user_event: settings.count(&keys::serf::USER_EVENT_SIZE_LIMIT),
        query: settings.count(&keys::serf::QUERY_SIZE_LIMIT),
        query_response: settings.count(&keys::serf::QUERY_RESPONSE_SIZE_LIMIT),
    }
}

fn memory(settings: &Settings) -> Memory {
    Memory {
        reconnect_interval: settings.duration(&keys::serf::RECONNECT_INTERVAL),
        failed_for: settings.duration(&keys::serf::RECONNECT_TIMEOUT),
        left_for: settings.duration(&keys::serf::TOMBSTONE_TIMEOUT),
    }
}

/// Whom to find by multicast DNS; on the interface of gossip, if no other is named, as in Serf.
fn discover(settings: &Settings) -> Option<Discover> {
    let name = Some(settings.text(&keys::serf::DISCOVER)).filter(|name| !name.is_empty())?;
    let own = Some(settings.text(&keys::serf::MDNS_INTERFACE)).filter(|name| !name.is_empty());
    Some(Discover {
        name: name.to_owned(),
        interface: own.or(interface(settings)).map(str::to_owned),
        v4: !settings.bool(&keys::serf::MDNS_DISABLE_IPV4),
        v6: !settings.bool(&keys::serf::MDNS_DISABLE_IPV6),
    })
}

/// Where the snapshot is.
fn snapshot(settings: &Settings) -> Option<SnapshotOptions> {
    let path = Some(settings.text(&keys::serf::SNAPSHOT_PATH)).filter(|path| !path.is_empty())?;
    let rejoin_after_leave = settings.bool(&keys::serf::REJOIN_AFTER_LEAVE);
    Some(SnapshotOptions { path: path.into(), rejoin_after_leave })
}

/// Where and for how long the history is kept: beside the snapshot, if nobody says otherwise.
fn history(settings: &Settings) -> muster_agent::HistorySettings {
    /// Memory is dearer than disk, and an agent is in every container.
    const MEMORY_MAX: u64 = 4 << 20;
    let named = Some(settings.text(&keys::history::PATH)).filter(|path| !path.is_empty()).map(PathBuf::from);
    let path = named.or_else(|| Some(snapshot(settings)?.path.with_file_name("history.db")));
    let max_size: u64 = settings.count(&keys::history::MAX_SIZE);
    let max_size = if path.is_some() { max_size } else { max_size.min(MEMORY_MAX) };
    muster_agent::HistorySettings { path, keep: settings.duration(&keys::history::KEEP), max_size }
}

/// The variables that hold secrets.
pub(crate) fn withheld() -> Vec<String> {
    let secrets = keys::TABLE.iter().filter(|key| key.kind == Kind::Secret).map(|key| key.env());
    // And what is between PID 1 and us.
    secrets.chain([muster_agent::inherited::VARIABLE.to_owned()]).collect()
}

/// Where the gossip keys come from.
pub(super) fn gossip_keys(settings: &Settings) -> Option<KeySource> {
    let source = |key, make: fn(&str) -> KeySource| match settings.text(key) {
        "" => None,
        text => Some(make(text)),
    };
    source(&keys::ENCRYPT, |text| KeySource::Key(text.into()))
        .or_else(|| source(&keys::ENCRYPT_FILE, |path| KeySource::File(path.into())))
        .or_else(|| source(&keys::KEYRING_FILE, |path| KeySource::Keyring(path.into())))
}

/// Where Serf's RPC is served, unless it is off.
pub(crate) fn rpc(settings: &Settings) -> Option<RpcConfig> {
    Some(RpcConfig {
        addr: settings.address(&keys::serf::RPC_ADDR)?,
        asked: *settings.origin(&keys::serf::RPC_ADDR) != Origin::Default,
        auth: settings.text(&keys::serf::RPC_AUTH).to_owned(),
    })
}

/// The tags the node begins with. `role` beats the tag of that name, as in Serf.
pub(crate) fn tags(settings: &Settings) -> BTreeMap<String, String> {
    let mut tags = settings.tags(&keys::TAGS);
    if haproxy::balances(settings) {
        tags.entry("balances".to_owned()).or_insert_with(|| "1".to_owned());
    }
    if !settings.text(&keys::ROLE).is_empty() {
        tags.insert("role".to_owned(), settings.text(&keys::ROLE).to_owned());
    }
    tags
}

/// Where the tags are kept instead.
pub(super) fn tags_file(settings: &Settings) -> Option<&str> {
    Some(settings.text(&keys::TAGS_FILE)).filter(|path| !path.is_empty())
}

pub(crate) fn interface(settings: &Settings) -> Option<&str> {
    Some(settings.text(&keys::INTERFACE)).filter(|name| !name.is_empty())
}

/// The gossip address, on the interface that was named.
pub(crate) fn bind_on_interface(settings: &Settings) -> Result<SocketAddr, muster_agent::Error> {
    let bind = bind(settings);
    interface(settings).map_or(Ok(bind), |name| muster_agent::bind_on(name, bind))
}

/// Where PID 1 can bind for the agent: an address that is known before it runs. That of an interface may come and go.
pub(crate) fn gossip_to_hold(settings: &Settings) -> Option<SocketAddr> {
    let bind = bind(settings);
    (interface(settings).is_none() && bind.port() != 0).then_some(bind)
}

/// The gossip address as configured; its key has a default, so it is never absent.
fn bind(settings: &Settings) -> SocketAddr {
    let fallback = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), keys::GOSSIP_PORT);
    settings.address(&keys::BIND).unwrap_or(fallback)
}

/// What `muster proxy` is told. Meaningful when [`super::check`] found no problem.
pub(crate) fn proxy(settings: &Settings) -> muster_proxy::Config {
    muster_proxy::Config {
        listen: listen(settings),
        proxy_protocol_from: settings
            .texts(&keys::proxy::PROXY_PROTOCOL_FROM)
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect(),
        send_proxy_protocol: match settings.text(&keys::proxy::SEND_PROXY_PROTOCOL) {
            "v1" => Some(ProxyProtocol::V1),
            "v2" => Some(ProxyProtocol::V2),
            _ => None,
        },
        tls: tls(settings),
        handshake_timeout: settings.duration(&keys::proxy::HANDSHAKE_TIMEOUT),
        policy: policy(settings),
        routing: frontends::routing(settings),
        service: settings.text(&keys::proxy::SERVICE).to_owned(),
        socket: settings.text(&keys::SOCKET).into(),
        connect_timeout: settings.duration(&keys::proxy::CONNECT_TIMEOUT),
        response_timeout: settings.duration(&keys::proxy::RESPONSE_TIMEOUT),
        stall_timeout: settings.duration(&keys::proxy::STALL_TIMEOUT),
        idle_timeout: settings.duration(&keys::proxy::IDLE_TIMEOUT),
        tcp_idle_timeout: settings.duration(&keys::proxy::TCP_IDLE_TIMEOUT),
        idle_max: settings.count(&keys::proxy::IDLE_MAX),
        upstream_protocol: protocol(settings.text(&keys::proxy::UPSTREAM_PROTOCOL)),
        drain_timeout: settings.duration(&keys::proxy::DRAIN_TIMEOUT),
        access_logs: access::logs(settings),
        stats: stats(settings),
        plaintext: settings.bool(&keys::proxy::PLAINTEXT),
        rules: rules(settings),
    }
}

/// What HAProxy's tools find. Meaningful when [`super::check`] found no problem.
fn stats(settings: &Settings) -> Option<Stats> {
    let level = match settings.text(&keys::proxy::STATS_LEVEL) {
        "user" => StatsLevel::User,
        "admin" => StatsLevel::Admin,
        _ => StatsLevel::Operator,
    };
    let sockets = stats_sockets(settings).into_iter().filter_map(Result::ok);
    let page = StatsPage {
        uri: "/".into(),
        hides_version: false,
        auth: Vec::new(),
        realm: None,
        refresh: None,
        is_admin: false,
    };
    let stats = Stats {
        sockets: sockets.map(|at| StatsSocket { at, level }).collect(),
        pages: settings.address(&keys::proxy::STATS).map(|addr| (At::Tcp(addr), page)).into_iter().collect(),
        ..Stats::default()
    };
    (!stats.sockets.is_empty() || !stats.pages.is_empty()).then_some(stats)
}

/// Where `stats_socket` is, or what is wrong with a place of it.
pub(super) fn stats_sockets(settings: &Settings) -> Vec<Result<At, String>> {
    let read = |text: &String| {
        let is_path = text.starts_with('/');
        let listen: Listen = if is_path { format!("unix:{text}") } else { text.clone() }.parse()?;
        match listen == Listen::new(listen.at.clone()) && (is_path || text.parse::<SocketAddr>().is_ok()) {
            true => Ok(listen.at),
            false => Err(format!("`{text}`: write /PATH, /PATH mode=660 or IP:PORT")),
        }
    };
    settings.texts(&keys::proxy::STATS_SOCKET).iter().map(read).collect()
}

/// What backends speak, by its word.
pub(super) fn protocol(word: &str) -> Protocol {
    match word {
        "h2c" => Protocol::H2c,
        _ => Protocol::Http1,
    }
}

/// How the proxy chooses backends.
pub(super) fn policy(settings: &Settings) -> Policy {
    let (algorithm, sticky) = match settings.text(&keys::proxy::BALANCE) {
        "leastconn" => (Algorithm::LeastConn, Stickiness::None),
        "p2c" => (Algorithm::PowerOfTwo, Stickiness::None),
        "random" => (Algorithm::Random, Stickiness::None),
        "source" => (Algorithm::RoundRobin, Stickiness::Source),
        "first" => (Algorithm::First, Stickiness::None),
        _ => (Algorithm::RoundRobin, Stickiness::None),
    };
    let slow_start = settings.duration(&keys::proxy::SLOW_START);
    let most: u32 = settings.count(&keys::proxy::MAX_CONNECTIONS);
    let queue_wait = settings.duration(&keys::proxy::QUEUE_TIMEOUT);
    Policy {
        algorithm,
        sticky,
        slow_start,
        max_in_flight: Some(most).filter(|most| *most > 0),
        // There are no more than clients, which are bounded.
        queue_max: if queue_wait.is_zero() { 0 } else { u32::MAX },
        queue_wait,
        ..Policy::default()
    }
}

/// How the proxy speaks TLS.
pub(crate) fn tls(settings: &Settings) -> Tls {
    Tls {
        certificates: settings.texts(&keys::proxy::CERTIFICATES).iter().map(PathBuf::from).collect(),
        only_13: settings.text(&keys::proxy::TLS_MIN_VERSION) == "1.3",
    }
}

/// Where the proxy's clients come.
pub(crate) fn listen(settings: &Settings) -> Vec<Listen> {
    frontends::listeners(settings).into_iter().map(|listener| listener.listen).collect()
}

/// Who may serve which service; a service about which nothing is said has no rule.
fn rules(settings: &Settings) -> Rules {
    let rule = |(service, settings): (&str, &[Setting])| {
        let mut rule = Rule::default();
        for setting in settings {
            match (&setting.value, setting.key.kind) {
                // Each text was read when the file was.
                (Value::Texts(texts), Kind::Networks) => {
                    rule.from = texts.iter().filter_map(|text| text.parse().ok()).collect();
                }
                (Value::Texts(texts), Kind::Ports) => {
                    rule.ports = texts.iter().filter_map(|text| text.parse().ok()).collect();
                }
                (Value::Tags(tags), _) => rule.tags = tags.clone(),
                _ => {}
            }
        }
        (!rule.is_empty()).then(|| (service.to_owned(), rule))
    };
    settings.named(Family::Services).filter_map(rule).collect()
}

/// What `muster log` is told; its pipes are not configured.
pub(crate) fn logs(settings: &Settings) -> muster_logger::Config {
    // Each text was read when its source was.
    let texts = |key| settings.texts(key).iter();
    let age = settings.duration(&keys::logs::ROTATE_AGE);
    muster_logger::Config {
        form: settings.text(&keys::logs::FORM).parse().unwrap_or_default(),
        stdout: settings.bool(&keys::logs::STDOUT),
        folder: Some(settings.text(&keys::logs::FOLDER)).filter(|path| !path.is_empty()).map(PathBuf::from),
        limits: muster_logs::Limits {
            size: settings.count(&keys::logs::ROTATE_SIZE),
            age: Some(age).filter(|age| !age.is_zero()),
            keep: settings.count(&keys::logs::ROTATE_KEEP),
        },
        collector: settings.text(&keys::logs::COLLECTOR).parse().ok(),
        listen: texts(&keys::logs::LISTEN).filter_map(|text| text.parse().ok()).collect(),
        rules: texts(&keys::logs::RULES).filter_map(|text| text.parse().ok()).collect(),
        readers: Some(settings.text(&keys::logs::READERS)).filter(|path| !path.is_empty()).map(PathBuf::from),
        pipes: Vec::new(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

/// How to log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Log {
    pub(crate) level: tracing::Level,
    pub(crate) json: bool,
}

/// What every role is told about its log.
pub(crate) fn log(settings: &Settings) -> Log {
    let level = match settings.text(&keys::LOG_LEVEL) {
        "trace" => tracing::Level::TRACE,
        "debug" => tracing::Level::DEBUG,
        "warn" => tracing::Level::WARN,
        "error" => tracing::Level::ERROR,
        _ => tracing::Level::INFO,
    };
    Log { level, json: settings.text(&keys::LOG_FORMAT) == "json" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// Also the proof that every getter above asks for a value of the kind its key has.
    #[test]
    fn without_configuration_the_roles_get_the_documented_defaults() {
        let settings = Settings::defaults();
        let agent = agent(&settings);
        assert!(!agent.node.is_empty());
        assert_eq!(agent.bind, "0.0.0.0:7946".parse().unwrap());
        assert_eq!(agent.advertise, None);
        assert_eq!((agent.join.len(), agent.join_strict), (0, false));
        assert_eq!((agent.retry_interval, agent.retry_max), (Duration::from_millis(250), 0));
        assert_eq!((agent.profile, agent.protocol), (ProfileName::Lan, 5));
        assert_eq!((agent.compress, agent.broadcast_timeout), (true, Duration::from_secs(5)));
        assert_eq!((agent.interface, agent.keys), (None, None));
        assert_eq!(
            (agent.handlers, agent.withheld.contains(&"MUSTER_AGENT__ENCRYPT".to_owned())),
            (vec![], true)
        );
        assert_eq!((agent.leave_on_terminate, agent.skip_leave_on_interrupt), (true, false));
        assert_eq!((agent.start_join.len(), agent.replay_on_join), (0, false));
        assert_eq!((agent.default_port, agent.leave_timeout), (3000, Duration::from_secs(8)));
        let rpc = agent.rpc.unwrap();
        assert_eq!(
            (rpc.addr.to_string().as_str(), rpc.asked, rpc.auth.as_str()),
            ("127.0.0.1:7373", false, "")
        );
        let proxy = proxy(&settings);
        assert_eq!(proxy.listen, ["0.0.0.0:8080".parse().unwrap()]);
        assert_eq!(proxy.service, "backend");
        assert_eq!(proxy.socket, agent.socket);
        let seconds = |seconds| Duration::from_secs(seconds);
        assert_eq!((proxy.connect_timeout, proxy.response_timeout), (seconds(1), seconds(60)));
        assert_eq!((proxy.idle_timeout, proxy.idle_max, proxy.drain_timeout), (seconds(60), 64, seconds(8)));
        assert!(!proxy.plaintext && proxy.proxy_protocol_from.is_empty());
        assert_eq!(proxy.tcp_idle_timeout, seconds(3600));
        assert!(proxy.tls.certificates.is_empty() && !proxy.tls.only_13);
        assert_eq!((proxy.send_proxy_protocol, proxy.handshake_timeout), (None, seconds(10)));
        let logs = logs(&settings);
        assert_eq!((logs.form, logs.stdout, logs.folder), (muster_logs::Form::Prefix, true, None));
        assert_eq!(logs.limits, muster_logs::Limits::default());
        assert_eq!((logs.collector, logs.listen, logs.rules), (None, vec![], vec![]));
        assert_eq!(log(&settings), Log { level: tracing::Level::INFO, json: false });
    }
}
