//! A line as HAProxy reads it (configuration manual, 2.2 "Quoting and escaping"): words between blanks, until a `#`.

use alloc::string::String;
use alloc::vec::Vec;

/// The words of a line. Variables of the environment stay as they are written: both texts that are compared have them.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote: Option<char> = None;
    let mut chars = line.chars();
    while let Some(char) = chars.next() {
        match (quote, char) {
            (None, '#') => break,
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(char);
                // An empty one is a word too.
                word.get_or_insert_default();
            }
            (Some(open), _) if open == char => quote = None,
            // Strong quotes take everything as it is.
            (Some('\''), _) => word.get_or_insert_default().push(char),
            (_, '\\') => word.get_or_insert_default().extend(escaped(&mut chars)),
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

/// What stands behind a backslash.
fn escaped(chars: &mut core::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'x' => {
            let digits = chars.as_str().get(..2)?;
            let byte = u8::from_str_radix(digits, 16).ok()?;
            chars.nth(1);
            Some(char::from(byte))
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_haproxy_reads_them() {
        let cases: [(&str, &[&str]); 8] = [
            ("  server  s1\t10.0.0.1:80 check # the first", &["server", "s1", "10.0.0.1:80", "check"]),
            ("", &[]),
            ("# all of it", &[]),
            (r#"log-format "%ci # \"x\"" ''"#, &["log-format", "%ci # \"x\"", ""]),
            (r"a\ b c\#d \x41\x2", &["a b", "c#d", "A2"]),
            (r"'a\ b'c", &[r"a\ bc"]),
            ("\"open", &["open"]),
            ("é\\", &["é"]),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_words(line in "\\PC*") {
            words(&line);
        }
    }
}
