//! Text from others, made safe for a terminal or a log line.

use std::borrow::Cow;
use std::fmt::Write;

/// Control characters become escapes (`\n`, `\u{1b}`), and so do the marks that reorder text, with which a name could
/// pretend to be another (Unicode Technical Report 36, "Bidirectional Text Spoofing"). All else stays.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_dangerous) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_dangerous(c) {
            let _ = write!(safe, "{}", c.escape_default());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// What [`printable`] escapes.
pub(crate) fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(printable("a\u{1b}[31mb\nc\u{7}\u{9b}"), r"a\u{1b}[31mb\nc\u{7}\u{9b}");
    }

    #[test]
    fn text_that_reorders_its_surroundings_is_escaped() {
        assert_eq!(printable("a\u{202e}b"), r"a\u{202e}b");
    }

    #[test]
    fn names_in_any_script_stay() {
        assert_eq!(printable("wëb-東京 <1>"), "wëb-東京 <1>");
    }
}
