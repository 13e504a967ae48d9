//! `muster monitor`: the log and what happens, as they come.

use crate::cli::{Format, MonitorArgs};
use crate::paint::Paint;
use crate::text::printable;
use crate::{exit, json, out};
use muster_control::client::{Client, Error};
use muster_control::routes::{LogQuery, LogRecord, MemberRow, Payload, StreamEvent, StreamQuery};
use std::process::ExitCode;

pub(crate) fn run(args: MonitorArgs) -> ExitCode {
    let MonitorArgs { log_level, format, configured } = args;
    super::talk(configured, "watch the agent", async |client| monitor(client, log_level, format).await)
}

async fn monitor(client: &Client, log_level: String, format: Format) -> Result<ExitCode, Error> {
    let paint = Paint::of_stdout();
    let mut events = client.server_sent::<StreamEvent>(&StreamQuery::default().to_path(), None).await?;
    let mut log = client.lines::<LogRecord>(&LogQuery { level: Some(log_level) }.to_path()).await?;
    let interrupted = tokio::signal::ctrl_c();
    tokio::pin!(interrupted);
    loop {
        let text = tokio::select! {
            // What was logged before comes first.
            biased;
            _ = &mut interrupted => return Ok(exit::CLEAN),
            record = log.next() => match record? {
                None => return Err(ended()),
                Some(record) if format == Format::Json => json::line(&record),
                Some(record) => log_text(&record, paint),
            },
            event = events.next() => match event? {
                None => return Err(ended()),
                Some(event) if format == Format::Json => json::line(&event),
                Some(event) => event_text(&event, paint),
            },
        };
        if let Err(end) = out::part(&text) {
            return Ok(end);
        }
    }
}

fn ended() -> Error {
    Error::Protocol("the agent has ended".to_owned())
}

fn log_text(record: &LogRecord, paint: Paint) -> String {
    match record {
        LogRecord::Line { level, text } => paint.log(level, &printable(text)) + "\n",
        LogRecord::Missed { count } => {
            paint.event(&format!("==> {count} lines of the log are missing here")) + "\n"
        }
    }
}

/// Set off from the log by Serf's mark, one line each.
fn event_text(event: &StreamEvent, paint: Paint) -> String {
    let lines = match event {
        StreamEvent::MemberJoin { members } => of_members("member-join", members),
        StreamEvent::MemberLeave { members } => of_members("member-leave", members),
        StreamEvent::MemberFailed { members } => of_members("member-failed", members),
        StreamEvent::MemberUpdate { members } => of_members("member-update", members),
        StreamEvent::MemberReap { members } => of_members("member-reap", members),
        StreamEvent::User { name, ltime, payload, .. } => {
            vec![format!("user {}: {} (ltime {ltime})", printable(name), of_payload(payload))]
        }
        StreamEvent::Query { name, ltime, from, payload } => {
            let (name, from, payload) = (printable(name), printable(from), of_payload(payload));
            vec![format!("query {name}: {payload} (from {from}, ltime {ltime})")]
        }
        StreamEvent::Missed { count: Some(count) } => vec![format!("{count} events are missing here")],
        StreamEvent::Missed { count: None } => vec!["events may be missing here".to_owned()],
    };
    lines.into_iter().map(|line| paint.event(&format!("==> {line}")) + "\n").collect()
}

fn of_members(what: &str, members: &[MemberRow]) -> Vec<String> {
    let line = |member: &MemberRow| {
        let tags: Vec<String> = member.tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let line = format!("{what} {} {} {} {}", member.name, member.addr, member.status, tags.join(","));
        printable(line.trim_end()).into_owned()
    };
    members.iter().map(line).collect()
}

fn of_payload(payload: &Payload) -> String {
    match payload {
        Payload { text: Some(text), .. } => printable(text).into_owned(),
        Payload { base64: Some(base64), .. } => format!("base64 {}", printable(base64)),
        Payload { text: None, base64: None } => "no payload".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_it_holds() {
        let user = StreamEvent::User {
            name: "a\u{1b}[2J".into(),
            ltime: 7,
            coalesce: true,
            payload: Payload::of(b"x\ny"),
        };
        assert_eq!(event_text(&user, Paint::NONE), "==> user a\\u{1b}[2J: x\\ny (ltime 7)\n");
        let query = StreamEvent::Query {
            name: "load".into(),
            ltime: 8,
            from: "b".into(),
            payload: Payload::of(b"\xff"),
        };
        assert_eq!(event_text(&query, Paint::NONE), "==> query load: base64 /w== (from b, ltime 8)\n");
        let missed = StreamEvent::Missed { count: Some(3) };
        assert_eq!(event_text(&missed, Paint::NONE), "==> 3 events are missing here\n");
    }
}
