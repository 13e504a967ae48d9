use crate::{Options, Template};
use alloc::string::ToString;

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_was_open() {
    let cases = [
        ("a\n  {{#if x}}\nb", "line 2, column 3: the block that begins here is not closed"),
        ("{{#if x}}\n{{/each}}", "line 2, column 1: `each` is closed, but `if` of line 1 is open"),
        ("é{{/if}}", "line 1, column 2: this tag closes a block that was not opened"),
        ("{{else}}", "line 1, column 1: this tag belongs to a block that was not opened"),
        ("{{#if x}}{{else}}{{else}}{{/if}}", "line 1, column 18: the block has had its `else` already"),
        ("x {{name", "line 1, column 3: the tag that begins here does not end"),
        ("x {{name}", "line 1, column 9: `}` is not expected here"),
        ("{{a.this}}", "line 1, column 3: `a.this` is no path"),
        ("{{a b=1 c}}", "line 1, column 9: arguments with a name come last"),
        ("{{f \"x}}", "line 1, column 5: the text that begins here has no closing quote"),
        ("{{! x", "line 1, column 1: the comment that begins here does not end"),
        ("{{f (g}}", "line 1, column 7: `}}` is not expected here"),
        ("{{}}", "line 1, column 3: `}}` is not expected here"),
        ("{{#*other \"x\"}}{{/other}}", "line 1, column 5: the only decorator there is, is `inline`"),
        ("{{{{raw}}}} x", "line 1, column 1: the block that begins here is not closed"),
        ("{{(f) x}}", "line 1, column 3: a subexpression cannot be what a tag calls"),
    ];
    for (template, message) in cases {
        let error = Template::parse(template, &Options::handlebars()).unwrap_err();
        assert_eq!(error.to_string(), message, "{template:?}");
    }
}

#[test]
fn nesting_is_bounded_and_a_quoted_name_is_harmless() {
    let deep = "{{#a}}".repeat(100_000);
    let error = Template::parse(&deep, &Options::handlebars()).unwrap_err();
    assert_eq!(error.message, "blocks are more than 64 deep");
    let deep = "{{a ".to_string() + &"(b ".repeat(100_000);
    let error = Template::parse(&deep, &Options::handlebars()).unwrap_err();
    assert_eq!(error.message, "subexpressions are more than 64 deep");
    let chain = "{{#if a}}".to_string() + &"{{else if b}}".repeat(50_000) + "{{/if}}";
    let error = Template::parse(&chain, &Options::handlebars()).unwrap_err();
    assert_eq!(error.message, "blocks are more than 64 deep");
    let error = Template::parse("{{#if x}}{{/\u{1b}2J}}", &Options::handlebars()).unwrap_err();
    assert_eq!(error.message, "`\\u{1b}2J` is closed, but `if` of line 1 is open");
}
