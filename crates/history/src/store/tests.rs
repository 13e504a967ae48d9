use super::*;

pub(crate) fn fact(at_ms: u64, kind: &str, node: &str, what: &str) -> Fact {
    Fact {
        at_ms,
        kind: kind.into(),
        node: node.into(),
        what: what.into(),
        observer: "me".into(),
        ..Fact::default()
    }
}

fn filled() -> Store {
    let mut store = Store::in_memory().unwrap();
    let facts = [
        fact(10, "agent", "me", "started"),
        fact(20, "member", "a", "alive"),
        fact(30, "member", "'; DROP TABLE facts; --", "alive"),
        fact(40, "backend", "a", "ready"),
        fact(50, "member", "a", "failed"),
        fact(60, "operator", "me", "leave"),
    ];
    store.insert(&facts).unwrap();
    store
}

fn times(store: &Store, query: &HistoryQuery) -> Vec<u64> {
    store.find(query).unwrap().facts.iter().map(|fact| fact.at_ms).collect()
}

#[test]
fn filters_find_what_they_say() {
    let store = filled();
    let all = HistoryQuery::default;
    assert_eq!(times(&store, &all()), [10, 20, 30, 40, 50, 60]);
    assert_eq!(times(&store, &HistoryQuery { node: Some("a".into()), ..all() }), [20, 40, 50]);
    assert_eq!(times(&store, &HistoryQuery { node: Some("'; DROP TABLE facts; --".into()), ..all() }), [30]);
    assert_eq!(times(&store, &HistoryQuery { since: Some(20), until: Some(40), ..all() }), [20, 30]);
    assert_eq!(times(&store, &HistoryQuery { kind: Some("agent, operator".into()), ..all() }), [10, 60]);
    assert_eq!(times(&store, &HistoryQuery { limit: Some(2), ..all() }), [50, 60], "the last ones");
    let page = store.find(&HistoryQuery { limit: Some(4), cursor: Some(0), ..all() }).unwrap();
    assert_eq!((page.facts.len(), page.next), (4, 4));
    assert_eq!(times(&store, &HistoryQuery { cursor: Some(page.next), ..all() }), [50, 60]);
    let end = store.find(&HistoryQuery { cursor: Some(6), ..all() }).unwrap();
    assert_eq!((end.facts.len(), end.next), (0, 6));
}

#[test]
fn the_last_word_survives_its_age() {
    let mut store = filled();
    store.prune(55, u64::MAX).unwrap();
    assert_eq!(times(&store, &HistoryQuery::default()), [10, 30, 40, 50, 60], "only `a alive` was said anew");
    let was = store.find(&HistoryQuery { at: Some(58), ..HistoryQuery::default() }).unwrap().was.unwrap();
    assert_eq!((was.members.len(), was.backends.len(), was.unknown.len()), (2, 1, 0), "{was:?}");
}

#[test]
fn size_is_a_bound() {
    let mut store = Store::in_memory().unwrap();
    let why = "x".repeat(1000);
    let facts: Vec<Fact> =
        (1..2000).map(|at| Fact { why: why.clone(), ..fact(at, "member", "a", "alive") }).collect();
    store.insert(&facts).unwrap();
    store.prune(0, 500_000).unwrap();
    assert!(store.bytes().unwrap() <= 500_000);
    let left = times(&store, &HistoryQuery { limit: Some(FACTS_MAX), ..HistoryQuery::default() });
    assert!(left.len() > 100 && left.last() == Some(&1999), "{} are left", left.len());
}
