use super::*;
use alloc::string::ToString;

fn value(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

fn shown(json: &str) -> String {
    let mut out = String::new();
    value(json).write(&mut out, 1000).unwrap();
    out
}

#[test]
fn values_are_shown_as_javascript_shows_them() {
    let cases = [
        ("null", ""),
        ("[1,null,[2.50,true],{}]", "1,,2.5,true,[object Object]"),
        ("1e21", "1e+21"),
        ("1.5e-7", "1.5e-7"),
        ("100000000000000000000", "100000000000000000000"),
        ("0.000001", "0.000001"),
        ("-0.0", "0"),
        ("3.0", "3"),
        ("9007199254740993", "9007199254740993"),
    ];
    for (json, text) in cases {
        assert_eq!(shown(json), text, "{json}");
    }
    assert_eq!(Number::from(f64::INFINITY).to_string(), "Infinity");
}

#[test]
fn order_is_that_of_the_text_and_an_index_changes_nothing() {
    let names: Vec<String> = (0..40).map(|n| format!("k{}", (n * 7) % 40)).collect();
    let map: Map = names.iter().map(|name| (name.clone(), name.clone().into())).collect();
    assert!(map.iter().map(|(name, _)| &**name).eq(names.iter()));
    for name in &names {
        assert_eq!(map.get(name).and_then(Value::as_text), Some(name.as_str()));
    }
    assert!(map.get("k40").is_none());
}

#[test]
fn a_list_shown_stops_at_the_bound() {
    let list: Value = (0..1000_i64).map(Value::from).collect();
    let mut out = String::new();
    assert_eq!(list.write(&mut out, 100), Err(TooLong));
    assert!(out.len() < 120);
}
