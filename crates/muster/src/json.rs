//! JSON as Go prints it, so that scripts written for Serf see no difference.

use serde::Serialize;

/// Indented by two spaces; `<`, `>`, `&` and the two line separators escaped (Go's encoding/json, "HTMLEscape").
pub(crate) fn pretty(value: &impl Serialize) -> String {
    escaped(&serde_json::to_string_pretty(value).expect(WHY))
}

/// The same on one line, for an answer of many.
pub(crate) fn line(value: &impl Serialize) -> String {
    escaped(&serde_json::to_string(value).expect(WHY)) + "\n"
}

const WHY: &str = "our types have text keys and no failing serializer";

fn escaped(text: &str) -> String {
    // Outside strings none of these can occur, so that replacing them everywhere is right.
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_could_be_markup_is_escaped_as_go_does_it() {
        let text = super::pretty(&["a<b>&\u{2028}\"\u{1b}"]);
        assert_eq!(text, "[\n  \"a\\u003cb\\u003e\\u0026\\u2028\\\"\\u001b\"\n]");
    }
}
