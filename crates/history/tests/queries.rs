//! The queries of docs/history.md, put to a real file by the real `sqlite3`.

use muster_control::history::Fact;
use muster_history::{Keeper, SCHEMA, Settings};
use std::process::Command;
use std::time::Duration;

const PAGE: &str = include_str!("../../../docs/history.md");

/// The blocks of SQL: the schema first.
fn blocks() -> Vec<&'static str> {
    PAGE.split("```sql\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect()
}

/// Without comments and space, in which the two may differ.
fn bare(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    lines.flat_map(str::split_whitespace).collect()
}

#[test]
fn the_page_has_the_schema_and_queries_that_work() {
    let blocks = blocks();
    assert_eq!(bare(blocks[0]), bare(SCHEMA));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("history.db");
    let keep = Duration::from_secs(86_400);
    let keeper = Keeper::start(Settings { path: Some(path.clone()), keep, max_size: 1 << 30 }).unwrap();
    for (kind, what) in
        [("member", "alive"), ("member", "failed"), ("member", "alive"), ("ejection", "ejected")]
    {
        keeper.record(Fact { kind: kind.into(), node: "web-1".into(), what: what.into(), ..Fact::default() });
    }
    keeper.end(Duration::from_secs(60));
    for (query, rows) in blocks[1..].iter().zip([4, 1, 1, 1, 2]) {
        let asked = Command::new("sqlite3").arg("-readonly").arg(&path).arg(query).output();
        let asked = asked.expect("sqlite3 is installed where these tests run");
        let words = String::from_utf8_lossy(&asked.stderr);
        assert!(asked.status.success() && words.is_empty(), "{query}\n{words}");
        let answer = String::from_utf8_lossy(&asked.stdout);
        // The four may have come in two minutes.
        assert!(answer.lines().count() >= rows, "{query}\n{answer}");
    }
    assert_eq!(blocks.len(), 6);
}
