use super::*;
use crate::record::{Load, Times};
use crate::termination::{Cause, Stage, Termination};
use crate::time::Timestamp;
use core::time::Duration;
use proptest::prelude::*;

fn record() -> Record<'static> {
    let millis = |millis| Some(Duration::from_millis(millis));
    Record {
        time: Timestamp(1_795_787_082_067_250),
        client: Some(([10, 0, 0, 1], 4711).into()),
        local: Some(([10, 0, 0, 2], 80).into()),
        frontend: "in",
        service: Some("web"),
        backend: Some("s1"),
        line: Some(b"GET /a?b=c HTTP/1.1"),
        host: Some(b"a.test"),
        user_agent: Some(b"curl/8 \"x\""),
        trace: Some(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        status: Some(200),
        bytes_in: 100,
        bytes_out: 54,
        head_bytes_out: 49,
        times: Times {
            head: millis(0),
            queue: millis(1),
            connect: millis(2),
            response: Some(Duration::from_micros(3999)),
            total: Duration::from_millis(9),
        },
        load: Load { process: 2, frontend: 1, ..Load::default() },
        ..Record::default()
    }
}

fn written(form: Form, record: &Record<'_>) -> String {
    let mut out = Vec::new();
    form.write(record, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_request_is_a_line_of_each_form() {
    for (form, line) in [
        (
            Form::HttpLog,
            r#"10.0.0.1:4711 [27/Nov/2026:13:44:42.067] in web/s1 0/1/2/3/9 200 54 - - ---- 2/1/0/0/0 0/0 "GET /a?b=c HTTP/1.1""#,
        ),
        (Form::TcpLog, "10.0.0.1:4711 [27/Nov/2026:13:44:42.067] in web/s1 1/2/9 54 -- 2/1/0/0/0 0/0"),
        (Form::Connect, "Connect from 10.0.0.1:4711 to 10.0.0.2:80 (in/HTTP)"),
        (
            Form::Combined,
            r#"10.0.0.1 - - [27/Nov/2026:13:44:42 +0000] "GET /a?b=c HTTP/1.1" 200 5 "-" "curl/8 \x22x\x22""#,
        ),
        (
            Form::Json,
            r#"{"time":"2026-11-27T13:44:42.067250+00:00","client":"10.0.0.1","client_port":4711,"frontend":"in","service":"web","backend":"s1","method":"GET","path":"/a?b=c","version":"HTTP/1.1","host":"a.test","status":200,"bytes_in":100,"bytes_out":54,"head_ms":0.000,"queue_ms":1.000,"connect_ms":2.000,"response_ms":3.999,"total_ms":9.000,"retries":0,"termination":"--","user_agent":"curl/8 \"x\"","trace_id":"0af7651916cd43dd8448eb211c80319c"}"#,
        ),
    ] {
        assert_eq!(written(form, &record()), line);
    }
}

/// Lines of HAProxy 2.6.12, with its addresses and times in place of ours.
#[test]
fn what_went_wrong_is_told_as_haproxy_tells_it() {
    let nobody = Record { service: None, backend: None, bytes_out: 0, ..record() };
    let ended = |cause, stage| Termination { cause, stage };
    let head = Times { head: Some(Duration::ZERO), ..Times::default() };
    let refused = Record {
        line: None,
        status: Some(400),
        times: Times::default(),
        termination: ended(Cause::Proxy, Stage::Request),
        ..nobody.clone()
    };
    assert_eq!(
        written(Form::HttpLog, &refused),
        r#"10.0.0.1:4711 [27/Nov/2026:13:44:42.067] in in/<NOSRV> -1/-1/-1/-1/0 400 0 - - PR-- 2/1/0/0/0 0/0 "<BADREQ>""#
    );
    let redispatched = Record {
        status: Some(503),
        bytes_out: 217,
        times: Times { queue: Some(Duration::from_millis(501)), total: Duration::from_millis(502), ..head },
        retries: 1,
        redispatched: true,
        termination: ended(Cause::Server, Stage::Connect),
        tls: Some("TLSv1.3"),
        ..record()
    };
    assert_eq!(
        written(Form::HttpLog, &redispatched),
        r#"10.0.0.1:4711 [27/Nov/2026:13:44:42.067] in~ web/s1 0/501/-1/-1/502 503 217 - - SC-- 2/1/0/0/+1 0/0 "GET /a?b=c HTTP/1.1""#
    );
    let gone = Record { status: None, termination: ended(Cause::Client, Stage::Data), ..nobody };
    assert!(written(Form::HttpLog, &gone).contains("/9 -1 0 - - CD-- "));
    assert!(written(Form::Combined, &gone).contains(" 499 0 "));
    assert!(!written(Form::Json, &gone).contains("status"));
}

#[test]
fn hostile_bytes_are_escaped_as_each_form_escapes_them() {
    let hostile = Record { line: Some(b"GET /\"#\\\n\x7f\xff HTTP/1.1"), user_agent: None, ..record() };
    assert!(written(Form::HttpLog, &hostile).ends_with(r#""GET /#22#23\#0A#7F#FF HTTP/1.1""#));
    assert!(written(Form::Combined, &hostile).contains(r#""GET /\x22#\x5C\x0A\x7F\xFF HTTP/1.1""#));
    assert!(written(Form::Json, &hostile).contains("\"path\":\"/\\\"#\\\\\\u000A\\u007F\u{fffd}\""));
}

proptest! {
    #[test]
    fn no_client_breaks_a_line(line in any::<Option<Vec<u8>>>(), agent in any::<Option<Vec<u8>>>(), name in any::<String>()) {
        let record = Record {
            line: line.as_deref(),
            user_agent: agent.as_deref(),
            referer: agent.as_deref(),
            host: line.as_deref(),
            trace: agent.as_deref(),
            service: Some(&name),
            frontend: &name,
            ..record()
        };
        for form in [Form::Combined, Form::Json, Form::HttpLog, Form::TcpLog, Form::Connect] {
            let text = written(form, &record);
            prop_assert!(!text.contains(|char: char| char.is_control()), "{text:?}");
            if form == Form::Json {
                let read: serde_json::Value = serde_json::from_str(&text).unwrap();
                let agent = agent.as_ref().map(|agent| String::from_utf8_lossy(agent).into_owned());
                prop_assert_eq!(read["user_agent"].as_str(), agent.as_deref());
                prop_assert_eq!(read["service"].as_str(), Some(name.as_str()));
            }
        }
    }
}
