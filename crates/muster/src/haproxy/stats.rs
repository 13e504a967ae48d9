//! What a file's `stats` lines say, as our balancer serves it.

use muster_haproxy_file::{Backend, Balance, File, Level, StatsPage as Page};
use muster_proxy::{At, Shown, ShownBackend, ShownMode, Stats, StatsLevel, StatsPage, StatsSocket};
use muster_routes::{At as PlanAt, Mode};

/// All of it; `None` if tools are to find nothing.
pub(super) fn of(file: &File) -> Option<Stats> {
    let sockets = file.global.stats_sockets.iter().map(|socket| StatsSocket {
        at: match &socket.at {
            PlanAt::Tcp(addr) => At::Tcp(*addr),
            PlanAt::Unix { path, mode } => At::Unix { path: path.into(), mode: *mode },
        },
        level: match socket.level {
            Level::User => StatsLevel::User,
            Level::Operator => StatsLevel::Operator,
            Level::Admin => StatsLevel::Admin,
        },
    });
    let pages = file.fronts.iter().enumerate();
    let pages = pages.filter_map(|(at, front)| Some((at, page(front.stats.as_ref()?))));
    let none = Stats::default();
    let stats = Stats {
        sockets: sockets.collect(),
        timeout: file.global.stats_timeout.unwrap_or(none.timeout),
        frontends: pages.collect(),
        shown: shown(file),
        ..none
    };
    (!stats.sockets.is_empty() || !stats.frontends.is_empty()).then_some(stats)
}

fn page(page: &Page) -> StatsPage {
    StatsPage {
        uri: page.uri.clone(),
        hides_version: page.hide_version,
        auth: page.auth.clone(),
        realm: page.realm.clone(),
        refresh: page.refresh,
        is_admin: page.admin,
    }
}

fn shown(file: &File) -> Vec<Shown> {
    let sections = file.sections.iter().map(|section| {
        let front = section.front.and_then(|at| file.plan.frontends().get(at));
        let backend = section.backend.and_then(|at| file.backends.get(at));
        let mode = front.map(|front| front.mode).or(backend.map(|backend| backend.mode));
        Shown {
            name: section.name.clone(),
            mode: match mode {
                Some(Mode::Tcp) => ShownMode::Tcp,
                Some(Mode::Http) | None => ShownMode::Http,
            },
            frontend: section.front,
            clients_max: front.and_then(|front| front.limits.clients_max),
            backend: backend.map(shown_backend),
        }
    });
    sections.collect()
}

fn shown_backend(backend: &Backend) -> ShownBackend {
    // HAProxy calls it so on its page, whatever the number of draws.
    let algorithm = match backend.balance {
        Balance::RoundRobin => "roundrobin",
        Balance::LeastConnections => "leastconn",
        Balance::Random(_) => "random",
        Balance::Source => "source",
        Balance::Uri => "uri",
    };
    ShownBackend {
        algorithm: algorithm.into(),
        servers: backend.servers.iter().map(|server| server.name.clone()).collect(),
    }
}
