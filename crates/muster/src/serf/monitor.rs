//! `serf monitor`: the agent's log and its events, until one of the two ends.

use super::flags::{Flag, Takes, flag, quote};
use super::ui::{Code, DONE, FAILED};
use super::{Asked, RPC_ADDR, RPC_AUTH, interrupt};
use muster_rpc::{EventRecord, LogRecord, Member, Request, read};

pub(super) const FLAGS: &[Flag] = &[flag("log-level", Takes::Text), RPC_ADDR, RPC_AUTH];

pub(super) fn run(asked: &Asked) -> Code {
    let ui = asked.ui;
    interrupt::on_int(ui, "", DONE);
    let level = if asked.words.has("log-level") { asked.words.text("log-level") } else { "INFO".to_owned() };
    let mut client = match asked.connect() {
        Ok(client) => client,
        Err(code) => return code,
    };
    if let Err(why) = client.begin(&Request::Stream { kind: "*" }) {
        return asked.fail("Error starting stream", &why);
    }
    let log = match client.begin(&Request::Monitor { log_level: &level }) {
        Ok(log) => log,
        Err(why) => return asked.fail("Error starting monitor", &why),
    };
    while let Ok((of, record)) = client.record() {
        if of == log {
            let Ok(LogRecord { log }) = read::<LogRecord<'_>>(&record) else { break };
            ui.line(log);
        } else {
            let Ok(event) = read::<EventRecord<'_>>(&record) else { break };
            ui.line("Event Info:");
            told(&event).iter().for_each(|(key, value)| ui.line(format!("\t{key}: {value}")));
        }
    }
    ui.line("");
    ui.line("Remote side ended the monitor! This usually means that the\nremote side has exited or crashed.");
    FAILED
}

/// The record's keys, sorted, and its values as Go's `%#v` shows what its decoder makes of them.
fn told(event: &EventRecord<'_>) -> Vec<(&'static str, String)> {
    match event {
        EventRecord::Members { event, members } => {
            let members: Vec<String> = members.iter().map(member).collect();
            let members = format!("[]interface {{}}{{{}}}", members.join(", "));
            vec![("Event", text(event)), ("Members", members)]
        }
        EventRecord::User { ltime, name, payload, coalesce } => vec![
            ("Coalesce", coalesce.to_string()),
            ("Event", text("user")),
            ("LTime", number(*ltime)),
            ("Name", text(name)),
            ("Payload", payload_text(payload)),
        ],
        EventRecord::Query { id, ltime, name, payload } => vec![
            ("Event", text("query")),
            ("ID", number(*id)),
            ("LTime", number(*ltime)),
            ("Name", text(name)),
            ("Payload", payload_text(payload)),
        ],
    }
}

fn text(text: &str) -> String {
    quote(text.as_bytes())
}

/// The decoder makes signed numbers of small ones and unsigned numbers of others, and `%#v` shows those in hexadecimal.
fn number(number: u64) -> String {
    if number < 128 { number.to_string() } else { format!("{number:#x}") }
}

fn payload_text(payload: &[u8]) -> String {
    if payload.is_empty() { "<nil>".to_owned() } else { bytes("[]byte", payload) }
}

fn bytes(kind: &str, bytes: &[u8]) -> String {
    let bytes: Vec<String> = bytes.iter().map(|byte| format!("{byte:#x}")).collect();
    format!("{kind}{{{}}}", bytes.join(", "))
}

fn member(member: &Member<'_>) -> String {
    let mut tags: Vec<_> = member.tags.clone();
    tags.sort_unstable();
    let tags: Vec<String> =
        tags.iter().map(|(tag, value)| format!("{}:{}", text(tag), text(value))).collect();
    let pairs = [
        ("Addr", bytes("[]uint8", member.addr.as_bytes())),
        ("DelegateCur", number(member.delegate_cur.into())),
        ("DelegateMax", number(member.delegate_max.into())),
        ("DelegateMin", number(member.delegate_min.into())),
        ("Name", text(member.name)),
        ("Port", number(member.port.into())),
        ("ProtocolCur", number(member.protocol_cur.into())),
        ("ProtocolMax", number(member.protocol_max.into())),
        ("ProtocolMin", number(member.protocol_min.into())),
        ("Status", text(member.status)),
        ("Tags", format!("map[interface {{}}]interface {{}}{{{}}}", tags.join(", "))),
    ];
    let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
    format!("map[interface {{}}]interface {{}}{{{}}}", pairs.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_wire::RawAddr;

    /// Recorded from Serf 0.9.4.
    #[test]
    fn events_are_shown_as_go_shows_them() {
        let member = Member {
            name: "real1",
            addr: RawAddr::V4([127, 9, 8, 1]),
            port: 7946,
            tags: vec![("x", "<&>"), ("a", "b")],
            status: "alive",
            protocol_min: 1,
            protocol_max: 5,
            protocol_cur: 2,
            delegate_min: 2,
            delegate_max: 5,
            delegate_cur: 5,
        };
        let record = EventRecord::Members { event: "member-update", members: vec![member] };
        assert_eq!(
            told(&record)[1].1,
            "[]interface {}{map[interface {}]interface {}{\"Addr\":[]uint8{0x7f, 0x9, 0x8, 0x1}, \
             \"DelegateCur\":5, \"DelegateMax\":5, \"DelegateMin\":2, \"Name\":\"real1\", \"Port\":0x1f0a, \
             \"ProtocolCur\":2, \"ProtocolMax\":5, \"ProtocolMin\":1, \"Status\":\"alive\", \
             \"Tags\":map[interface {}]interface {}{\"a\":\"b\", \"x\":\"<&>\"}}}"
        );
        let record = EventRecord::User { ltime: 200, name: "deploy", payload: b"hi", coalesce: true };
        let expected = [
            ("Coalesce", "true"),
            ("Event", "\"user\""),
            ("LTime", "0xc8"),
            ("Name", "\"deploy\""),
            ("Payload", "[]byte{0x68, 0x69}"),
        ];
        assert_eq!(told(&record), expected.map(|(key, value)| (key, value.to_owned())));
    }
}
