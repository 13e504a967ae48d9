//! What the reference did with these templates, recorded by running it, beside what this crate does. What differs stands in
//! the table of `docs/templates.md`, with its reason, and in no other place.
//!
//! `cases.json` was written by people. `generated.json` are templates put together at random, whitespace and tildes above all,
//! as handlebars.js 4.7.7 of Debian renders them with the data of the former.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions"
)]

use muster_render::{Options, Partials, Template, Value};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Cases {
    data: Value,
    partials: BTreeMap<String, String>,
    library: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    t: String,
    ok: Option<String>,
    err: Option<String>,
}

impl Cases {
    fn partials(&self, options: &Options) -> Partials {
        let read = |(name, text): (&String, &String)| {
            (name.clone(), Template::parse_partial(name, text, options).unwrap())
        };
        self.partials.iter().map(read).collect()
    }
}

fn cases() -> Cases {
    serde_json::from_str(include_str!("cases.json")).unwrap()
}

/// What the reference's message is in ours.
fn ours(message: &str) -> String {
    match message.strip_prefix("Missing helper: ") {
        Some(name) => format!("there is no helper {}", name.replace('"', "`")),
        None => String::new(),
    }
}

#[test]
fn handlebars_js_and_this_render_the_same() {
    let cases = cases();
    let options = Options::handlebars();
    let partials = cases.partials(&options);
    assert_eq!(cases.library.len(), 72);
    let documented = documented();
    let mut differing = BTreeSet::new();
    for case in &cases.library {
        let rendered =
            Template::parse(&case.t, &options).and_then(|it| it.render(&cases.data, &partials, &options));
        let same = match (&rendered, &case.ok, &case.err) {
            (Ok(text), Some(expected), None) => text == expected,
            (Err(error), None, Some(message)) => {
                error.line == 1 && error.column > 0 && error.message.contains(&ours(message))
            }
            _ => false,
        };
        if !same {
            println!("{:?}\n  reference {:?}{:?}\n  here      {rendered:?}", case.t, case.ok, case.err);
            differing.insert(case.t.clone());
        }
    }
    assert_eq!(differing, documented, "docs/templates.md lists exactly what differs");
}

#[test]
fn generated_templates_render_the_same_too() {
    let cases = cases();
    let options = Options::handlebars();
    let partials = cases.partials(&options);
    let generated: Vec<Case> = serde_json::from_str(include_str!("generated.json")).unwrap();
    assert!(generated.len() > 500);
    for case in generated {
        let template = Template::parse(&case.t, &options).unwrap();
        let rendered = template.render(&cases.data, &partials, &options);
        assert_eq!(rendered.ok(), case.ok, "{:?}", case.t);
    }
}

/// The templates of the documented differences: rows of the table, between backquotes.
fn documented() -> BTreeSet<String> {
    let docs = include_str!("../../../docs/templates.md");
    let (_, table) = docs.split_once("<!-- library: what differs -->").unwrap();
    let (table, _) = table.split_once("<!-- end -->").unwrap();
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(template, _)| template.to_owned()).collect()
}
