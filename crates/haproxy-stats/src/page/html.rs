//! The page as HTML, in our own hand; its columns are HAProxy's.

use crate::column::{self as at, COLUMNS};
use crate::facts::{Facts, Proxy, Server, State};
use crate::page::PageSettings;
use crate::row::{self, Cell, Row};
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt::Write;

/// What a browser is told of an action (HAProxy's words in the address, ours on the page).
const OUTCOMES: [(&str, &str); 6] = [
    ("st=DONE", "Done."),
    ("st=NONE", "No server was chosen."),
    ("st=PART", "Done for some; others are not there."),
    ("st=ERRP", "Nothing was done: the form names no action or server that is there."),
    ("st=EXCD", "Nothing was done: the form is too long; choose fewer servers."),
    ("st=DENY", "Nothing was done: this page only shows."),
];

/// Groups of columns, with a name for each.
const GROUPS: [(&str, &[(&str, usize)]); 8] = [
    ("Queue", &[("Cur", at::QCUR), ("Max", at::QMAX)]),
    ("Session rate", &[("Cur", at::RATE), ("Max", at::RATE_MAX)]),
    (
        "Sessions",
        &[
            ("Cur", at::SCUR),
            ("Max", at::SMAX),
            ("Limit", at::SLIM),
            ("Total", at::STOT),
            ("LbTot", at::LBTOT),
            ("Last", at::LASTSESS),
        ],
    ),
    ("Bytes", &[("In", at::BIN), ("Out", at::BOUT)]),
    ("Denied", &[("Req", at::DREQ), ("Resp", at::DRESP)]),
    ("Errors", &[("Req", at::EREQ), ("Conn", at::ECON), ("Resp", at::ERESP)]),
    ("Warnings", &[("Retr", at::WRETR), ("Redis", at::WREDIS)]),
    (
        "Server",
        &[
            ("Status", at::STATUS),
            ("Changed", at::LASTCHG),
            ("Wght", at::WEIGHT),
            ("Act", at::ACT),
            ("Bck", at::BCK),
            ("Dwn", at::CHKDOWN),
            ("Dwntme", at::DOWNTIME),
        ],
    ),
];

const STYLE: &str = "body{font:14px/1.4 system-ui,sans-serif;margin:1.5em;color:#222;background:#fff}\
h1{font-size:1.4em;margin:0}h2{font-size:1.1em;margin:1.6em 0 .3em}a{color:#05a}p{margin:.4em 0}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}th,td{border:1px solid #ddd;padding:.15em .5em;text-align:right}\
th{background:#f3f3f3;font-weight:600}tbody th{text-align:left}td.w{text-align:left}th[colspan]{text-align:center}\
tr.front,tr.back{background:#f8f8f8}tr.up .s{background:#cfe8cf}tr.down .s{background:#f3c6c6}\
tr.maint .s{background:#e6d9f2}tr.drain .s{background:#cfe0f5}.note{background:#fff3c4;padding:.3em .6em}";

/// The whole page.
pub(super) fn page(settings: &PageSettings, options: &[&str], facts: &Facts) -> String {
    let process = &facts.process;
    let node = escaped(&process.node);
    let uri = escaped(&settings.uri);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Statistics of {node}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<h1>Statistics of {node}</h1>\n"
    );
    if !settings.hides_version {
        let _ = writeln!(out, "<p>Muster {}, process {}</p>", escaped(&process.version), process.pid);
    }
    let seconds = process.uptime.as_secs();
    let _ = writeln!(
        out,
        "<p>Up for {}d {}h{:02}m{:02}s; {} of at most {} clients</p>",
        seconds / 86_400,
        seconds / 3_600 % 24,
        seconds / 60 % 60,
        seconds % 60,
        process.clients,
        process.clients_max
    );
    if process.is_stopping {
        out.push_str("<p class=\"note\">It is stopping.</p>\n");
    }
    let told = OUTCOMES.iter().find(|(option, _)| options.contains(option));
    if let Some((_, words)) = told {
        let _ = writeln!(out, "<p class=\"note\">{words} <a href=\"{uri}\">Close</a></p>");
    }
    let hides = options.contains(&"up") || options.contains(&"no-maint");
    let _ = writeln!(
        out,
        "<p><a href=\"{uri}\">Refresh</a> &middot; <a href=\"{uri};norefresh\">Without refresh</a> &middot; <a href=\"{uri};up\">Only those up</a> &middot; <a href=\"{uri};csv\">CSV</a> &middot; <a href=\"{uri};json\">JSON</a></p>"
    );
    for (iid, proxy) in facts.numbered() {
        section(&mut out, settings, proxy, iid, (hides, options.contains(&"up")));
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn section(out: &mut String, settings: &PageSettings, proxy: &Proxy, iid: usize, hides: (bool, bool)) {
    let name = escaped(&proxy.name);
    let has_form =
        settings.is_admin && proxy.backend.as_ref().is_some_and(|backend| !backend.servers.is_empty());
    let _ = writeln!(out, "<h2 id=\"{name}\"><a href=\"#{name}\">{name}</a></h2>");
    if has_form {
        let _ = writeln!(out, "<form method=\"post\" action=\"{}\">", escaped(&settings.uri));
    }
    out.push_str("<table>\n<thead>\n<tr>");
    if has_form {
        out.push_str("<th rowspan=\"2\"></th>");
    }
    out.push_str("<th rowspan=\"2\"></th>");
    for (group, columns) in GROUPS {
        let _ = write!(out, "<th colspan=\"{}\">{group}</th>", columns.len());
    }
    out.push_str("</tr>\n<tr>");
    for (short, column) in GROUPS.iter().flat_map(|(_, columns)| columns.iter()) {
        let _ = write!(out, "<th title=\"{}\">{short}</th>", COLUMNS[*column].name);
    }
    out.push_str("</tr>\n</thead>\n<tbody>\n");
    if let Some(front) = &proxy.front {
        line(
            out,
            &row::front(proxy, iid, front),
            (&proxy.name, "Frontend"),
            "front",
            has_form.then_some(None),
        );
    }
    if let Some(backend) = &proxy.backend {
        for (nth, server) in backend.servers.iter().enumerate() {
            let is_hidden = hides.0 && server.state == State::Maintenance || hides.1 && !server.is_up();
            if !is_hidden {
                let row = row::server(proxy, iid, server, nth + 1);
                line(out, &row, (&proxy.name, &server.name), class(server), has_form.then_some(Some(server)));
            }
        }
        line(
            out,
            &row::backend(proxy, iid, backend, hides.0),
            (&proxy.name, "Backend"),
            "back",
            has_form.then_some(None),
        );
    }
    out.push_str("</tbody>\n</table>\n");
    if has_form {
        let _ = write!(
            out,
            "<p><input type=\"hidden\" name=\"b\" value=\"{name}\">\
             Those chosen: <button name=\"action\" value=\"ready\">ready</button> \
             <button name=\"action\" value=\"drain\">drain</button> \
             <button name=\"action\" value=\"maint\">maintenance</button></p>\n</form>\n"
        );
    }
}

fn class(server: &Server) -> &'static str {
    match server.status() {
        "MAINT" => "maint",
        "DRAIN" => "drain",
        "DOWN" => "down",
        _ => "up",
    }
}

/// `choice`: there is a column for boxes, and this server has one.
fn line(out: &mut String, row: &Row, of: (&str, &str), class: &str, choice: Option<Option<&Server>>) {
    let (proxy, name) = (escaped(of.0), escaped(of.1));
    let _ = write!(out, "<tr class=\"{class}\" id=\"{proxy}/{name}\">");
    match choice {
        Some(Some(server)) => {
            let value = escaped(&server.name);
            let _ = write!(
                out,
                "<td><input type=\"checkbox\" name=\"s\" value=\"{value}\" aria-label=\"{value}\"></td>"
            );
        }
        Some(None) => out.push_str("<td></td>"),
        None => {}
    }
    let _ = write!(out, "<th><a href=\"#{proxy}/{name}\">{name}</a></th>");
    for (_, column) in GROUPS.iter().flat_map(|(_, columns)| columns.iter()) {
        let text = match &row.cells[*column] {
            Cell::Empty => String::new(),
            Cell::Never => "never".into(),
            Cell::Number(number) => number.to_string(),
            Cell::Text(text) => escaped(text),
        };
        match *column == at::STATUS {
            true => {
                let why = match &row.cells[at::LAST_CHK] {
                    Cell::Text(why) => format!(" title=\"{}\"", escaped(why)),
                    _ => String::new(),
                };
                let _ = write!(out, "<td class=\"w s\"{why}>{text}</td>");
            }
            false => _ = write!(out, "<td>{text}</td>"),
        }
    }
    out.push_str("</tr>\n");
}

/// Text in HTML, in quotes too.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            char => safe.push(char),
        }
    }
    safe
}
