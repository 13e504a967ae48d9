//! `show stat`: which lines, and in which form.

use crate::column::{COLUMNS, Column, MODULES, Written};
use crate::facts::{Facts, Kind, Proxy, State};
use crate::row::{self, Cell, Row};
use crate::session::Level;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

/// Which lines are wanted, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    /// Of one proxy, by number; of all if there is none.
    proxy: Option<i64>,
    /// Sum of 1 for frontends, 2 for backends, 4 for servers.
    kinds: i64,
    server: Option<i64>,
    hides_maintenance: bool,
    hides_down: bool,
    /// Addresses of servers and how they are chosen, which not everybody is told.
    shows_all: bool,
    pub(crate) form: Form,
}

/// A way to write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Csv,
    Typed,
    Json,
}

impl Form {
    /// What is asked for behind a command; HAProxy takes `typed` when both are.
    pub(crate) fn of(words: &[&str]) -> Self {
        match (words.contains(&"typed"), words.contains(&"json")) {
            (true, _) => Self::Typed,
            (_, true) => Self::Json,
            _ => Self::Csv,
        }
    }
}

impl Wanted {
    /// All of it.
    pub(crate) fn all(form: Form) -> Self {
        Self {
            proxy: None,
            kinds: -1,
            server: None,
            hides_maintenance: false,
            hides_down: false,
            shows_all: false,
            form,
        }
    }

    /// Reads what stands behind `show stat`; HAProxy does not mind words that it does not know.
    ///
    /// # Errors
    /// HAProxy's sentence.
    pub(crate) fn read(words: &[&str], facts: &Facts, level: Level) -> Result<Self, &'static str> {
        let mut wanted = Self::all(Form::of(words));
        wanted.shows_all = level >= Level::Operator;
        wanted.hides_down = words.contains(&"up");
        wanted.hides_maintenance = wanted.hides_down || words.contains(&"no-maint");
        if let [proxy, kinds, server, ..] = words {
            let named = facts.numbered().find(|(_, known)| known.name == *proxy).map(|(id, _)| id);
            let of_proxy = match named {
                Some(id) => i64::try_from(id).unwrap_or(i64::MAX),
                None if begins_as_number(proxy) => number(proxy),
                None => return Err("No such proxy.\n"),
            };
            wanted.proxy = Some(of_proxy).filter(|id| *id >= 0);
            wanted.kinds = number(kinds);
            wanted.server = Some(number(server)).filter(|number| *number > 0);
        }
        Ok(wanted)
    }

    fn shows(&self, kind: Kind) -> bool {
        let bit = match kind {
            Kind::Front => 1,
            Kind::Backend => 2,
            Kind::Server => 4,
        };
        self.kinds & bit != 0
    }

    fn rows(&self, iid: usize, proxy: &Proxy) -> Vec<Row> {
        let mut rows = Vec::new();
        if self.proxy.is_some_and(|wanted| usize::try_from(wanted) != Ok(iid)) {
            return rows;
        }
        if let Some(front) = proxy.front.as_ref().filter(|_| self.shows(Kind::Front)) {
            rows.push(row::front(proxy, iid, front));
        }
        let Some(backend) = &proxy.backend else { return rows };
        if self.shows(Kind::Server) {
            for (at, server) in backend.servers.iter().enumerate() {
                let sid = at + 1;
                let is_other = self.server.is_some_and(|wanted| usize::try_from(wanted) != Ok(sid));
                let is_hidden = self.hides_maintenance && server.state == State::Maintenance
                    || self.hides_down && !server.is_up();
                if !is_other && !is_hidden {
                    rows.push(row::server(proxy, iid, server, sid));
                }
            }
        }
        if self.shows(Kind::Backend) {
            rows.push(row::backend(proxy, iid, backend, self.hides_maintenance));
        }
        if !self.shows_all {
            rows.iter_mut().for_each(Row::hide);
        }
        rows
    }
}

fn begins_as_number(word: &str) -> bool {
    word.strip_prefix('-').unwrap_or(word).bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

/// As C's `atoi`: what is no number is 0.
fn number(word: &str) -> i64 {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let end = digits.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let value = digits[..end].parse::<i64>().unwrap_or(0);
    if word.starts_with('-') { -value } else { value }
}

/// The answer, a proxy's lines at a time: a balancer of thousands of servers does something else in between.
pub(crate) fn show(facts: Rc<Facts>, wanted: Wanted) -> Box<dyn Iterator<Item = String>> {
    let (form, count) = (wanted.form, facts.proxies.len());
    let mut is_first = true;
    let lines = (0..count).flat_map(move |at| {
        let rows = facts.proxies.get(at).map(|proxy| wanted.rows(at + Facts::FIRST_ID, proxy));
        rows.into_iter().flatten()
    });
    let pieces = lines.map(move |row| match form {
        Form::Csv => csv(&row),
        Form::Typed => typed(&row),
        Form::Json => format!("{}{}", if core::mem::take(&mut is_first) { "" } else { "," }, json(&row)),
    });
    let (before, after) = match form {
        Form::Csv => (header(), "\n"),
        Form::Typed => (String::new(), "\n"),
        Form::Json => ("[".into(), "]\n\n"),
    };
    Box::new(core::iter::once(before).chain(pieces).chain(core::iter::once(after.into())))
}

/// The names of the columns, as HAProxy writes them.
fn header() -> String {
    let mut line = String::from("# ");
    for (at, column) in COLUMNS.iter().enumerate() {
        if at == MODULES {
            line.push_str("-,");
        }
        line.push_str(column.name);
        line.push(',');
    }
    line.push('\n');
    line
}

fn csv(row: &Row) -> String {
    let mut line = String::with_capacity(400);
    for (at, cell) in row.cells.iter().enumerate() {
        if at == MODULES {
            line.push_str("-,");
        }
        match cell {
            Cell::Empty => {}
            Cell::Number(number) => _ = write!(line, "{number}"),
            Cell::Never => line.push_str("-1"),
            Cell::Text(text) => quoted(&mut line, text),
        }
        line.push(',');
    }
    line.push('\n');
    line
}

/// Text of a field of CSV, in quotes if it needs them (RFC 4180, 2).
fn quoted(line: &mut String, text: &str) {
    if !text.contains([',', '"', '\n', '\r']) {
        return line.push_str(text);
    }
    line.push('"');
    line.push_str(&text.replace('"', "\"\""));
    line.push('"');
}

fn filled(row: &Row) -> impl Iterator<Item = (usize, &Column, &Cell)> {
    let all = COLUMNS.iter().zip(&row.cells).enumerate();
    all.filter(|(_, (_, cell))| **cell != Cell::Empty).map(|(at, (column, cell))| (at, column, cell))
}

fn typed(row: &Row) -> String {
    let letter = match row.kind {
        Kind::Front => 'F',
        Kind::Backend => 'B',
        Kind::Server => 'S',
    };
    let mut lines = String::new();
    for (at, column, cell) in filled(row) {
        let tags = column.tags(row.kind);
        let _ = write!(
            lines,
            "{letter}.{}.{}.{at}.{}.1:{tags}:{}:",
            row.proxy,
            row.server,
            column.name,
            column.written.name()
        );
        match cell {
            Cell::Empty => {}
            Cell::Number(number) => _ = write!(lines, "{number}"),
            Cell::Never => lines.push_str("-1"),
            Cell::Text(text) => lines.push_str(text),
        }
        lines.push('\n');
    }
    lines
}

fn json(row: &Row) -> String {
    let kind = match row.kind {
        Kind::Front => "Frontend",
        Kind::Backend => "Backend",
        Kind::Server => "Server",
    };
    let mut text = String::from("[");
    for (at, column, cell) in filled(row) {
        let comma = if text.len() > 1 { "," } else { "" };
        let _ = write!(
            text,
            r#"{comma}{{"objType":"{kind}","proxyId":{},"id":{},{}}}"#,
            row.proxy,
            row.server,
            field(at, column.name, column.tags(row.kind), column.written, cell)
        );
    }
    text.push(']');
    text
}

/// The part of an object in JSON that all have.
pub(crate) fn field(at: usize, name: &str, tags: &str, written: Written, cell: &Cell) -> String {
    let mut letters = tags.chars();
    let mut next = || letters.next().unwrap_or('-');
    let origin = match next() {
        'M' => "Metric",
        'S' => "Status",
        'K' => "Key",
        'C' => "Config",
        'P' => "Product",
        _ => "Unknown",
    };
    let nature = match next() {
        'G' => "Gauge",
        'L' => "Limit",
        'm' => "Min",
        'M' => "Max",
        'R' => "Rate",
        'C' => "Counter",
        'D' => "Duration",
        'A' => "Age",
        'T' => "Time",
        'N' => "Name",
        'O' => "Output",
        'a' => "Avg",
        _ => "Unknown",
    };
    let scope = match next() {
        'C' => "Cluster",
        'P' => "Process",
        'S' => "Service",
        'Y' => "System",
        _ => "Unknown",
    };
    let value = match cell {
        Cell::Empty => "null".into(),
        Cell::Number(number) => format!("{number}"),
        Cell::Never => "-1".into(),
        Cell::Text(text) => json_text(text),
    };
    format!(
        r#""field":{{"pos":{at},"name":"{name}"}},"processNum":1,"tags":{{"origin":"{origin}","nature":"{nature}","scope":"{scope}"}},"value":{{"type":"{}","value":{value}}}"#,
        written.name()
    )
}

fn json_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            char if u32::from(char) < 0x20 => _ = write!(quoted, "\\u{:04x}", u32::from(char)),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
