use super::*;
use crate::facts::Gossip;
use muster_control::templates::TemplateRow;
use muster_fleet::{
    Backend, BackendReport, Bucket, Phase, Picture, Report, Service, ServiceReport, Standing, Terms,
};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) fn row(name: &str) -> TemplateRow {
    TemplateRow {
        name: name.into(),
        files: vec!["/etc/x".into()],
        folder: None,
        on_change: "none".into(),
        state: "right".into(),
        made: 3,
        changed: 2,
        failed: 1,
        restored: 0,
        changed_ago_ms: None,
        took_ms: Some(1500),
        told: None,
        reloads: 4,
        without_reload: 5,
        why: None,
        waiting: Vec::new(),
        refusals: Vec::new(),
    }
}

pub(crate) fn facts() -> Facts {
    let backend = |standing| Backend { addr: ([10, 0, 0, 1], 80).into(), weight: 10, standing };
    let backends = [("a", Standing::Ready), ("b", Standing::Ready), ("c", Standing::Demoted)];
    let backends = backends.into_iter().map(|(node, standing)| (node.into(), backend(standing))).collect();
    let picture = Picture {
        epoch: 7,
        version: 9,
        phase: Phase::Live,
        services: BTreeMap::from([("web".into(), Service { backends })]),
        terms: Terms::default(),
        refusals: Vec::new(),
    };
    Facts {
        version: "1.2.3",
        node: "n\"1\n".into(),
        members: BTreeMap::from([("alive", 3), ("failed", 0)]),
        gossip: Gossip { joins: 5, bytes_sent: 700, ..Gossip::default() },
        picture: Arc::new(picture),
        reports: vec![report("proxy", 2)],
        templates: vec![row("web"), TemplateRow { on_change: "haproxy at /x".into(), ..row("ha") }],
    }
}

fn report(sink: &str, backends: usize) -> Report {
    let backend = |nth: usize| BackendReport {
        service: "web".into(),
        node: format!("n{nth}"),
        state: if nth == 0 { "up" } else { "ejected" }.into(),
        in_flight: 1,
        requests: 10,
        failures: 2,
        why: None,
    };
    Report {
        sink: sink.into(),
        epoch: 7,
        version: 8,
        requests: 20,
        failed: 2,
        failed_unsafe: 1,
        retried: 3,
        backends: (0..backends).map(backend).collect(),
        services: vec![ServiceReport {
            service: "web".into(),
            sessions: 4,
            statuses: vec![0, 5, 0, 1, 0, 0],
            client_aborts: 6,
            bytes_out: 700,
            durations: vec![
                Bucket { le_us: Some(64), count: 2 },
                Bucket { le_us: Some(128), count: 3 },
                Bucket { le_us: None, count: 1 },
            ],
            duration_sum_us: 1_500_000,
            ..ServiceReport::default()
        }],
        log_lines_lost: 8,
    }
}

#[test]
fn each_fact_has_its_line() {
    let text = metrics(facts());
    for line in [
        r#"muster_build_info{version="1.2.3",node="n\"1\n"} 1"#,
        r#"muster_members{state="alive"} 3"#,
        "# TYPE muster_member_joins counter",
        "muster_member_joins_total 5",
        r#"muster_gossip_bytes_total{direction="out"} 700"#,
        "muster_fleet_live 1",
        r#"muster_backends{service="web",standing="ready"} 2"#,
        r#"muster_requests_total{sink="proxy"} 20"#,
        r#"muster_backend_up{sink="proxy",service="web",node="n0"} 1"#,
        r#"muster_responses_total{sink="proxy",service="web",code="2xx"} 5"#,
        r#"muster_request_errors_total{sink="proxy",service="web",kind="client_abort"} 6"#,
        r#"muster_response_bytes_total{sink="proxy",service="web"} 700"#,
        r#"muster_sessions_current{sink="proxy",service="web"} 4"#,
        "# TYPE muster_request_duration_seconds histogram",
        r#"muster_request_duration_seconds_sum{sink="proxy",service="web"} 1.5"#,
        r#"muster_request_duration_seconds_count{sink="proxy",service="web"} 6"#,
        r#"muster_request_duration_seconds_bucket{le="0.000128",sink="proxy",service="web"} 5"#,
        r#"muster_request_duration_seconds_bucket{le="+Inf",sink="proxy",service="web"} 6"#,
        r#"muster_access_log_lines_lost_total{sink="proxy"} 8"#,
        r#"muster_backend_ejected{sink="proxy",service="web",node="n1"} 1"#,
        r#"muster_templates_right{group="web"} 1"#,
        r#"muster_render_duration_seconds{group="web"} 1.5"#,
        r#"muster_reloads_total{group="ha"} 4"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert!(!text.contains(r#"muster_reloads_total{group="web"}"#), "it reloads nothing: {text}");
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn backends_beyond_the_bound_are_counted_and_left_out() {
    let text = metrics(Facts { reports: vec![report("proxy", 800), report("haproxy", 800)], ..facts() });
    let lines = text.lines().filter(|line| line.starts_with("muster_backend_up{")).count();
    assert_eq!(lines, fleet::BACKENDS_MAX);
    assert!(text.contains("muster_backends_left_out 600\n"), "{text}");
}

#[test]
fn a_group_that_fails_shows() {
    let text =
        metrics(Facts { templates: vec![TemplateRow { state: "failing".into(), ..row("web") }], ..facts() });
    assert!(text.contains("muster_templates_right{group=\"web\"} 0\n"), "{text}");
}
