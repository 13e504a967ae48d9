//! Servers that are placed by their numbers: whatever has come and gone, every balancer chooses the same.

use super::bench::{Bench, why_reloaded};
use muster_e2e::{Release, exchange};
use muster_haproxy_driver::Applied;

/// Who answers each of many.
fn chosen(bench: &Bench) -> Vec<String> {
    let front = bench.hosts.at(1, 8080);
    let ask =
        |nth: u32| exchange(&front, &format!("GET /{nth} HTTP/1.0\r\nHost: x\r\n\r\n")).expect("it answers");
    let host = |answer: String| Some(answer.split_once("\"host\":\"")?.1.split_once('"')?.0.to_owned());
    (0..60).map(|nth| host(ask(nth)).expect("somebody answers")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_a_consistent_hash_are_where_a_fresh_start_puts_them() {
    for release in [Release::installed(), Release::of("trixie")].into_iter().flatten() {
        for with_ids in [true, false] {
            let (mut bench, _first) = Bench::start(&release, &[("a", 2), ("c", 3)]).await;
            let _b = bench.origin("b", 4).await;
            let hashed = |text: String| {
                let text = text
                    .replace("\nbackend web\n", "\nbackend web\n    balance uri\n    hash-type consistent\n");
                let number = |line: &str| {
                    let name = line.trim().strip_prefix("server ").filter(|_| with_ids)?;
                    Some(format!("{line} id {}", 1000 + u32::from(name.as_bytes()[0])))
                };
                text.lines()
                    .map(|line| number(line).unwrap_or_else(|| line.to_owned()) + "\n")
                    .collect::<String>()
            };
            why_reloaded(bench.bring(&hashed(bench.text(&[("a", 2), ("c", 3)]))).await);
            bench.reaches(&["a UP", "c UP"]).await;
            let all = hashed(bench.text(&[("a", 2), ("b", 4), ("c", 3)]));
            let applied = bench.bring(&all).await.expect("it does not fail");
            match applied {
                Applied::Changed(_) if with_ids => {}
                Applied::Reloaded(why) if !with_ids && why.contains("`id` on each") => {}
                other => panic!("{}, {with_ids}: {other:?}", release.name),
            }
            bench.reaches(&["a UP", "b UP", "c UP"]).await;
            let before = chosen(&bench);
            assert!(["a", "b", "c"].iter().all(|name| before.contains(&(*name).to_owned())), "{before:?}");
            bench.haproxy.is_killed_and_comes_back().await;
            assert_eq!(bench.driver.apply(&all).await.expect("it does not fail"), Applied::Nothing);
            bench.reaches(&["a UP", "b UP", "c UP"]).await;
            assert_eq!(chosen(&bench), before, "{}, {with_ids}", release.name);
        }
    }
}
