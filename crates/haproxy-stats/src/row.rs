//! A line of `show stat`, before it is written in one of the forms.

use crate::column::{self as at, COLUMNS};
use crate::facts::{Backend, Counters, Front, Health, Kind, Mode, Proxy, Server};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// One value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Cell {
    /// It has none, or nobody counts it.
    Empty,
    Number(u64),
    /// There was none yet: -1.
    Never,
    Text(String),
}

/// One line.
pub(crate) struct Row {
    pub(crate) kind: Kind,
    pub(crate) proxy: usize,
    pub(crate) server: usize,
    pub(crate) cells: Vec<Cell>,
}

impl Row {
    fn new(kind: Kind, proxy: &Proxy, iid: usize, name: &str, sid: usize) -> Self {
        let cells = alloc::vec![Cell::Empty; COLUMNS.len()];
        let mut row = Self { kind, proxy: iid, server: sid, cells };
        row.text(at::PXNAME, &proxy.name);
        row.text(at::SVNAME, name);
        row.number(at::PID, 1);
        row.count(at::IID, iid);
        row.count(at::SID, sid);
        row.number(
            at::TYPE,
            match kind {
                Kind::Front => 0,
                Kind::Backend => 1,
                Kind::Server => 2,
            },
        );
        row.text(at::MODE, proxy.mode.name());
        row
    }

    /// Leaves out what HAProxy tells operators alone.
    pub(crate) fn hide(&mut self) {
        for column in [at::ADDR, at::ALGO, at::COOKIE] {
            self.cells[column] = Cell::Empty;
        }
    }

    fn number(&mut self, column: usize, value: u64) {
        self.cells[column] = Cell::Number(value);
    }

    fn count(&mut self, column: usize, value: usize) {
        self.number(column, value.try_into().unwrap_or(u64::MAX));
    }

    fn text(&mut self, column: usize, value: &str) {
        self.cells[column] = Cell::Text(value.into());
    }

    fn known<const N: usize>(&mut self, columns: [usize; N], values: Option<[u64; N]>) {
        for (column, value) in columns.into_iter().zip(values.into_iter().flatten()) {
            self.number(column, value);
        }
    }

    fn one(&mut self, column: usize, value: Option<u64>) {
        self.known([column], value.map(|value| [value]));
    }

    /// What frontends, backends and servers all have.
    fn counted(&mut self, counters: &Counters, mode: Mode) {
        self.one(at::SCUR, counters.current);
        self.one(at::SMAX, counters.current_max);
        self.one(at::STOT, counters.total);
        self.one(at::BIN, counters.bytes_in);
        self.one(at::BOUT, counters.bytes_out);
        self.one(at::DRESP, counters.denied_answers);
        self.known([at::RATE, at::RATE_MAX], counters.rate.map(Into::into));
        if mode == Mode::Http {
            let classes =
                [at::HRSP_1XX, at::HRSP_2XX, at::HRSP_3XX, at::HRSP_4XX, at::HRSP_5XX, at::HRSP_OTHER];
            self.known(classes, counters.answers);
            self.one(at::REQ_TOT, counters.requests);
        }
    }

    /// What backends and servers have.
    fn sent(&mut self, counters: &Counters) {
        self.known([at::QCUR, at::QMAX], counters.queued.map(Into::into));
        self.one(at::ECON, counters.connect_errors);
        self.one(at::ERESP, counters.answer_errors);
        self.one(at::WRETR, counters.retries);
        self.one(at::WREDIS, counters.redispatches);
        self.one(at::LASTCHG, counters.changed_s);
        self.one(at::LBTOT, counters.chosen);
        self.one(at::CLI_ABRT, counters.client_aborts);
        self.one(at::SRV_ABRT, counters.server_aborts);
        self.one(at::CONNECT, counters.connections);
        self.one(at::REUSE, counters.reused);
        self.known([at::QTIME, at::CTIME, at::RTIME, at::TTIME], counters.times_ms);
        self.known([at::QTIME_MAX, at::CTIME_MAX, at::RTIME_MAX, at::TTIME_MAX], counters.times_max_ms);
        self.cells[at::LASTSESS] = match (counters.last_s, counters.total) {
            (Some(seconds), _) => Cell::Number(seconds),
            (None, Some(0)) => Cell::Never,
            (None, _) => Cell::Empty,
        };
    }
}

pub(crate) fn front(proxy: &Proxy, iid: usize, front: &Front) -> Row {
    let mut row = Row::new(Kind::Front, proxy, iid, "FRONTEND", 0);
    let counters = &front.counters;
    row.counted(counters, proxy.mode);
    row.number(at::SLIM, front.clients_max);
    row.text(at::STATUS, if front.is_paused { "PAUSED" } else { "OPEN" });
    row.one(at::DREQ, counters.denied);
    row.one(at::EREQ, counters.bad_requests);
    row.number(at::RATE_LIM, 0);
    row.known([at::REQ_RATE, at::REQ_RATE_MAX], counters.request_rate.map(Into::into));
    // HAProxy writes it for plain TCP too.
    row.one(at::REQ_TOT, counters.requests.or((proxy.mode == Mode::Tcp).then_some(0)));
    row.known([at::CONN_RATE, at::CONN_RATE_MAX], counters.rate.map(Into::into));
    row.one(at::CONN_TOT, counters.total);
    if proxy.mode == Mode::Http {
        row.one(at::INTERCEPTED, counters.intercepted);
    }
    never_done(&mut row, proxy.mode);
    row
}

pub(crate) fn backend(proxy: &Proxy, iid: usize, backend: &Backend, hides: bool) -> Row {
    let mut row = Row::new(Kind::Backend, proxy, iid, "BACKEND", 0);
    let counters = &backend.counters;
    row.counted(counters, proxy.mode);
    row.sent(counters);
    row.one(at::DREQ, counters.denied);
    let sums = Sums::of(backend);
    let status = if sums.active + sums.backups > 0 || backend.servers.is_empty() && backend.is_fixed {
        "UP"
    } else {
        "DOWN"
    };
    match hides {
        true => row.text(at::STATUS, &alloc::format!("{status} ({}/{})", sums.up, backend.servers.len())),
        false => row.text(at::STATUS, status),
    }
    row.number(at::WEIGHT, sums.weight);
    row.number(at::UWEIGHT, sums.weight);
    row.count(at::ACT, sums.active);
    row.count(at::BCK, sums.backups);
    row.one(at::CHKDOWN, counters.downs);
    if !backend.servers.is_empty() {
        row.one(at::DOWNTIME, counters.down_s);
    }
    row.text(at::ALGO, &backend.algorithm);
    never_done(&mut row, proxy.mode);
    row
}

/// What Muster does not do has not happened.
fn never_done(row: &mut Row, mode: Mode) {
    let compressed = [at::COMP_IN, at::COMP_OUT, at::COMP_BYP, at::COMP_RSP];
    row.known(compressed, Some([0; 4]));
    if mode == Mode::Http {
        row.known([at::CACHE_LOOKUPS, at::CACHE_HITS], Some([0; 2]));
    }
}

pub(crate) fn server(proxy: &Proxy, iid: usize, server: &Server, sid: usize) -> Row {
    let mut row = Row::new(Kind::Server, proxy, iid, &server.name, sid);
    let counters = &server.counters;
    row.counted(counters, proxy.mode);
    row.sent(counters);
    row.one(at::SLIM, server.requests_max.map(Into::into));
    row.text(at::STATUS, server.status());
    row.number(at::WEIGHT, server.weight.into());
    row.number(at::UWEIGHT, server.weight.into());
    row.number(at::ACT, (!server.is_backup).into());
    row.number(at::BCK, server.is_backup.into());
    if server.health != Health::Unchecked {
        row.one(at::CHKFAIL, counters.checks_failed);
        row.one(at::CHKDOWN, counters.downs);
        row.one(at::DOWNTIME, counters.down_s);
    }
    if let Some(check) = &server.check {
        row.text(at::CHECK_STATUS, check.word);
        row.one(at::CHECK_CODE, check.code.map(Into::into));
        row.one(at::CHECK_DURATION, Some(check.took_ms));
        row.text(at::CHECK_DESC, check.description());
    }
    if let Some(why) = &server.why {
        row.text(at::LAST_CHK, why);
    }
    if let Some(addr) = server.addr {
        row.text(at::ADDR, &addr.to_string());
    }
    row.one(at::SRV_ICUR, server.idle);
    row.one(at::IDLE_CONN_CUR, server.idle);
    row.one(at::USED_CONN_CUR, counters.current);
    row
}

/// A backend as the sum of its servers.
struct Sums {
    active: usize,
    backups: usize,
    up: usize,
    weight: u64,
}

impl Sums {
    fn of(backend: &Backend) -> Self {
        let usable = |of_backups| {
            let servers = backend.servers.iter();
            servers.filter(move |server| server.is_backup == of_backups && server.is_usable())
        };
        let (active, backups) = (usable(false).count(), usable(true).count());
        let weight = usable(active == 0).map(|server| u64::from(server.weight)).sum();
        let up = backend.servers.iter().filter(|server| server.is_up()).count();
        Self { active, backups, up, weight }
    }
}
