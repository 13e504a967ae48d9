//! `show info`: HAProxy's lines in its order. What a balancer without pools, peers or compression has none of is 0; what nobody
//! measures is left out.

use crate::column::Written;
use crate::facts::{Facts, Process};
use crate::row::Cell;
use crate::stat::{Form, field};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write;

/// The version of HAProxy whose words we speak: tools look at it to know what they may ask.
const SPEAKS: &str = "2.6";

/// When that was released: hatop does not begin without a date.
const SPEAKS_SINCE: &str = "2022/05/31";

/// What is said of our version, for `show version` too.
pub(crate) fn version(process: &Process) -> String {
    format!("{SPEAKS}-muster-{}", process.version)
}

/// Number, name, tags and form of a line, and what of it is known.
struct Line(usize, &'static str, &'static str, Written, Cell);

fn lines(facts: &Facts) -> Vec<Line> {
    use Written::{Str, U32, U64};
    let process = &facts.process;
    let text = Cell::Text;
    let number = Cell::Number;
    let maybe = |value: Option<u64>| value.map_or(Cell::Empty, Cell::Number);
    let seconds = process.uptime.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    let uptime = format!("{days}d {hours}h{minutes:02}m{:02}s", seconds % 60);
    let (tasks, waiting) = process.tasks.unzip();
    let none = || number(0);
    alloc::vec![
        Line(0, "Name", "POS", Str, text("Muster".into())),
        Line(1, "Version", "POS", Str, text(version(process))),
        Line(2, "Release_date", "POS", Str, text(SPEAKS_SINCE.into())),
        Line(3, "Nbthread", "CGS", U32, number(1)),
        Line(4, "Nbproc", "CGS", U32, number(1)),
        Line(5, "Process_num", "KGP", U32, number(1)),
        Line(6, "Pid", "SGP", U32, number(process.pid.into())),
        Line(7, "Uptime", "MDP", Str, text(uptime)),
        Line(8, "Uptime_sec", "MDP", U32, number(seconds)),
        Line(9, "Memmax_MB", "CLP", U32, none()),
        Line(10, "PoolAlloc_MB", "MGP", U32, none()),
        Line(11, "PoolUsed_MB", "MGP", U32, none()),
        Line(12, "PoolFailed", "MCP", U32, none()),
        Line(13, "Ulimit-n", "CLP", U32, maybe(process.descriptors_max)),
        Line(14, "Maxsock", "CLP", U32, maybe(process.descriptors_max)),
        Line(15, "Maxconn", "CLP", U32, number(process.clients_max)),
        Line(16, "Hard_maxconn", "CLP", U32, number(process.clients_max)),
        Line(17, "CurrConns", "MGP", U32, number(process.clients)),
        Line(18, "CumConns", "MCP", U32, maybe(process.clients_total)),
        Line(19, "CumReq", "MCP", U32, maybe(process.requests_total)),
        Line(23, "Maxpipes", "CLP", U32, none()),
        Line(24, "PipesUsed", "MGP", U32, none()),
        Line(25, "PipesFree", "MGP", U32, none()),
        Line(27, "ConnRateLimit", "CLP", U32, none()),
        Line(30, "SessRateLimit", "CLP", U32, none()),
        Line(33, "SslRateLimit", "CLP", U32, none()),
        Line(42, "CompressBpsIn", "MRP", U32, none()),
        Line(43, "CompressBpsOut", "MRP", U32, none()),
        Line(44, "CompressBpsRateLim", "CLP", U32, none()),
        Line(47, "Tasks", "MGP", U32, maybe(tasks)),
        Line(48, "Run_queue", "MGP", U32, maybe(waiting)),
        Line(50, "node", "COS", Str, text(process.node.clone())),
        Line(52, "Stopping", "MGP", U32, number(process.is_stopping.into())),
        Line(55, "Listeners", "MGP", U32, number(process.listeners)),
        Line(56, "ActivePeers", "MGP", U32, none()),
        Line(57, "ConnectedPeers", "MGP", U32, none()),
        Line(59, "BusyPolling", "MGP", U32, none()),
        Line(61, "TotalBytesOut", "MGP", U64, maybe(process.bytes_out)),
        Line(64, "DebugCommandsIssued", "MGP", U32, none()),
        Line(66, "Build info", "POS", Str, text(format!("Muster {}", process.version))),
        Line(67, "Memmax_bytes", "CLP", U32, none()),
        Line(68, "PoolAlloc_bytes", "MGP", U64, none()),
        Line(69, "PoolUsed_bytes", "MGP", U64, none()),
        Line(70, "Start_time_sec", "MDP", U32, number(process.started_s)),
        Line(71, "Tainted", "SGP", Str, text("0".into())),
    ]
}

/// The answer.
pub(crate) fn show(facts: &Facts, form: Form) -> String {
    let mut all = String::new();
    let lines = lines(facts).into_iter().filter(|line| line.4 != Cell::Empty);
    for Line(at, name, tags, written, cell) in lines {
        let value = match &cell {
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Empty | Cell::Never => String::new(),
        };
        let _ = match form {
            Form::Csv => writeln!(all, "{name}: {value}"),
            Form::Typed => writeln!(all, "{at}.{name}.1:{tags}:{}:{value}", written.name()),
            Form::Json => {
                let comma = if all.is_empty() { '[' } else { ',' };
                write!(all, "{comma}{{{}}}", field(at, name, tags, written, &cell))
            }
        };
    }
    if form == Form::Json {
        all.push_str("]\n");
    }
    all.push('\n');
    all
}
