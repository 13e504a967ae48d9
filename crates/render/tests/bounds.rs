//! No template and no data make the renderer panic, hang, overflow its stack or take memory without bound.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed; clippy spares only #[test] functions"
)]

use muster_render::{Escape, Limits, Options, Partials, Template, Value};
use proptest::prelude::*;

const DATA: &str = r#"{"a":[1,2,[3]],"b":{"c":{"d":"x"},"a":"é{{x}}"},"c":"text","d":true,"e":[],"f":null,
    "list":[{"a":1},{"a":"b"}]}"#;

fn small() -> Limits {
    Limits { template_bytes: 64 * 1024, output_bytes: 10_000, steps: 20_000 }
}

fn all_options() -> impl Iterator<Item = Options> {
    let strict = Options { limits: small(), ..Options::strict(Escape::Haproxy) };
    let shell = Options { strict: false, ..Options { escape: Escape::Shell, ..strict } };
    [
        strict,
        shell,
        Options { limits: small(), ..Options::handlebars() },
        Options { limits: small(), ..Options::handlebars_cmd() },
    ]
    .into_iter()
}

/// As in the smallest thread that renders.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(1 << 20).spawn(work).unwrap().join().unwrap();
}

fn try_all(text: &str) {
    let data: Value = serde_json::from_str(DATA).unwrap();
    for options in all_options() {
        let Ok(template) = Template::parse(text, &options) else { continue };
        let partials = Partials::from([
            (
                "p".to_owned(),
                Template::parse_partial("p", "  {{c}}{{> @partial-block}}\n", &options).unwrap(),
            ),
            ("q".to_owned(), template.clone()),
        ]);
        if let Ok(text) = template.render(&data, &partials, &options) {
            assert!(text.len() <= options.limits.output_bytes);
        }
    }
}

/// Words that make templates, rightly and wrongly.
fn word() -> impl Strategy<Value = String> {
    let fixed = [
        "{{",
        "}}",
        "{{{",
        "}}}",
        "{{{{",
        "}}}}",
        "~",
        "#",
        "^",
        "/",
        ">",
        "&",
        "!",
        "!--",
        "--",
        "else",
        "else if ",
        "as |x y|",
        "each ",
        "if ",
        "unless ",
        "with ",
        "lookup ",
        "sort ",
        "join ",
        "json ",
        "concat ",
        "replace ",
        "split ",
        "@index",
        "@root",
        "@key",
        "@partial-block",
        "../",
        "this",
        ".",
        "..",
        "a",
        "b.c",
        "c",
        "d",
        "list",
        "(",
        ")",
        "=",
        "\"",
        "'",
        "\\",
        "[",
        "]",
        "|",
        "\n",
        "  ",
        "\r\n",
        "é",
        "\0",
        "1",
        "-1.5",
        "null",
        "*inline \"i\"",
        "i",
        "p",
        "q",
        "x=1 ",
    ];
    prop_oneof![4 => prop::sample::select(fixed.to_vec()).prop_map(str::to_owned), 1 => ".{0,3}"]
}

/// Templates that are mostly right.
fn template() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "a",
        "b",
        "c",
        "b.c",
        "this",
        "../a",
        "@index",
        "list",
        "b.c.d",
        "nope",
        "(sort a)",
        "(json this)",
    ]);
    let leaf = prop_oneof![
        "[a-z \n]{0,6}".prop_map(|text| text),
        name.clone().prop_map(|name| format!("{{{{{name}}}}}")),
        name.clone().prop_map(|name| format!("{{{{concat {name} {name}}}}}")),
        name.prop_map(|name| format!("{{{{> q {name}}}}}")),
        Just("{{> i}}".to_owned()),
        Just("{{> p}}".to_owned()),
    ];
    leaf.prop_recursive(6, 64, 4, |inner| {
        let block = prop::sample::select(vec![
            ("#each a", "each"),
            ("#each this", "each"),
            ("#with b", "with"),
            ("#if c", "if"),
            ("#list", "list"),
            ("^e", "e"),
            ("#*inline \"i\"", "inline"),
            ("#> p", "p"),
            ("#> q x=this", "q"),
            ("#each list as |x y|", "each"),
            ("#eq a b", "eq"),
        ]);
        prop_oneof![
            (block, inner.clone(), inner.clone()).prop_map(|((open, close), one, two)| {
                let two = if open.contains(['*', '>']) { two } else { format!("{{{{else}}}}{two}") };
                format!("{{{{{open}}}}}{one}{two}{{{{/{close}}}}}")
            }),
            prop::collection::vec(inner, 0..4).prop_map(|parts| parts.concat()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_is_a_template_or_an_error(text in "\\PC{0,200}") {
        try_all(&text);
    }

    #[test]
    fn words_of_templates_in_any_order(words in prop::collection::vec(word(), 0..60)) {
        try_all(&words.concat());
    }

    #[test]
    fn templates_that_are_mostly_right_stay_within_bounds(text in template()) {
        on_a_small_stack(move || try_all(&text));
    }
}

fn fails(text: &str, message: &str) {
    let (text, message) = (text.to_owned(), message.to_owned());
    on_a_small_stack(move || {
        let data: Value = serde_json::from_str(DATA).unwrap();
        let limits = Limits { steps: 1_000_000, ..Limits::default() };
        let options = Options { limits, ..Options::strict(Escape::None) };
        let template = Template::parse(&text, &options).unwrap();
        let partials = Partials::from([("me".to_owned(), template.clone())]);
        let error = template.render(&data, &partials, &options).unwrap_err();
        assert!(error.message.contains(&message), "{error}");
    });
}

#[test]
fn recursion_ends() {
    fails("{{> me}}", "more than 128 deep");
    fails("{{#> me}}{{/me}}", "more than 128 deep");
    fails(
        "{{#*inline \"a\"}}{{#each @root.list}}{{> b}}{{/each}}{{/inline}}{{#*inline \"b\"}}{{> a}}{{/inline}}{{> a}}",
        "more than 128 deep",
    );
}

#[test]
fn work_without_output_ends() {
    let digits = "(split \"0,1,2,3,4,5,6,7,8,9\" \",\")";
    let loops = format!("{{{{#each {digits}}}}}").repeat(9) + &"{{/each}}".repeat(9);
    fails(&loops, "work");
    fails("{{#*inline \"a\"}}{{#each @root.a}}{{> a}}{{/each}}{{/inline}}{{> a}}", "more than 128 deep");
}

/// Work that shows nothing and has no tag of its own is work too. Each of these would take hours.
#[test]
fn hidden_work_is_counted() {
    let items: Value = (0..2_000_i64).map(Value::from).collect();
    let empties: Value = (0..1_000).map(|_| (0..1_000).map(|_| Value::from("")).collect::<Value>()).collect();
    let nested: Value = [empties].into_iter().collect();
    let long = Value::from("x".repeat(1_000_000));
    let also_long = Value::from("x".repeat(1_000_000));
    let fields = [("big", items), ("nested", nested), ("long", long), ("also", also_long)];
    let data = Value::record(fields);
    let limits = Limits { steps: 1_000_000, ..Limits::default() };
    let options = Options { limits, ..Options::strict(Escape::None) };
    let partials = Partials::new();
    let inlines =
        "{{#*inline \"a\"}}{{/inline}}".to_owned() + &"{{#*inline \"b\"}}{{/inline}}".repeat(10_000);
    for inside in [
        "{{> a}}".to_owned(),
        "{{#each @root.big}}{{/each}}".to_owned(),
        "{{! }}".repeat(10_000),
        format!("{{{{#if (or {})}}}}{{{{/if}}}}", "this ".repeat(10_000)),
        "{{#if @root.long.length}}{{/if}}".to_owned(),
        "{{#if (lookup @root.long \"length\")}}{{/if}}".to_owned(),
        "{{#eq @root.long @root.also}}{{/eq}}".to_owned(),
        "{{#with @root.long}}{{#with @root.also}}{{/with}}{{/with}}".to_owned(),
        "{{#if (ends_with @root.nested \"x\")}}{{/if}}".to_owned(),
    ] {
        let text = format!("{inlines}{{{{#each big}}}}{inside}{{{{/each}}}}");
        let rendered = Template::parse(&text, &options).unwrap().render(&data, &partials, &options);
        let message = rendered.unwrap_err().message;
        assert!(message.contains("work"), "{}: {message}", &inside[..80.min(inside.len())]);
    }
}

/// A template as long as is allowed is read in one pass, whatever is in it.
#[test]
fn long_templates_are_read_in_one_pass() {
    let options = Options::strict(Escape::None);
    for part in [
        "{{!----}}",
        "{{!}}",
        "\\{{",
        "\\\\{{a}}",
        "{{a}}",
        "{ ",
        "{{a \"\\\"\"}}",
        "{{#a}}{{/a}}",
        " \n{{!}}",
        "{{{{raw}}}}{{{{/raw}}}}",
    ] {
        let text = part.repeat((1 << 20) / part.len());
        Template::parse(&text, &options).unwrap();
    }
}

#[test]
fn no_helper_makes_a_text_that_is_longer_than_the_output_may_be() {
    let limits = Limits { output_bytes: 18, ..Limits::default() };
    let options = Options { limits, ..Options::strict(Escape::None) };
    let ten = "\"0123456789\"";
    for call in [
        "(concat TEN TEN TEN)",
        "(replace TEN \"1\" TEN)",
        "(join (split TEN \"5\") \"-\")",
        "(json (split TEN \"5\"))",
    ] {
        let text = format!("{{{{len {}}}}}", call.replace("TEN", ten));
        let rendered =
            Template::parse(&text, &options).unwrap().render(&Value::Null, &Partials::new(), &options);
        let is_long = call.contains("concat") || call.contains("replace");
        assert_eq!(rendered.is_err(), is_long, "{text}: {rendered:?}");
    }
}

#[test]
fn texts_that_double_end() {
    let text = "{{#with (concat this this)}}".repeat(60) + &"{{/with}}".repeat(60);
    fails(&format!("{{{{#with \"0123456789\"}}}}{text}{{{{/with}}}}"), "work");
    let shared = "{{#*inline \"a\"}}{{> a x=this y=this}}{{/inline}}{{> a}}";
    fails(shared, "more than 128 deep");
    fails(
        "{{#*inline \"a\"}}{{json this}}{{> a x=this y=this}}{{/inline}}{{> a}}",
        "more work or longer than allowed",
    );
}

/// The deepest that is allowed fits the smallest stack, in the slowest build.
#[test]
fn the_deepest_template_renders() {
    on_a_small_stack(|| {
        let text = "{{#with b}}{{#if c}}".repeat(32)
            + "{{upper "
            + &"(lower ".repeat(62)
            + "c"
            + &")".repeat(62)
            + "}}"
            + &"{{/if}}{{/with}}".repeat(32);
        let data: Value = serde_json::from_str(DATA).unwrap();
        let options = Options { strict: false, ..Options::strict(Escape::None) };
        let template = Template::parse(&text, &options).unwrap();
        template.render(&data, &Partials::new(), &options).unwrap();
    });
}
