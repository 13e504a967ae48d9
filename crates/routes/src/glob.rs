//! Globs over paths: `*` is anything within a segment, `**` anything at all, `?` one byte that is no slash.

use alloc::string::String;

/// The regular expression that fits what `glob` describes, all of it.
pub(crate) fn regex(glob: &str) -> String {
    let mut regex = String::from("(?s)^");
    let mut rest = glob;
    while let Some(char) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("**") {
            regex.push_str(".*");
            rest = behind;
            continue;
        }
        match char {
            '*' => regex.push_str("[^/]*"),
            '?' => regex.push_str("[^/]"),
            char => {
                if char.is_ascii_punctuation() {
                    regex.push('\\');
                }
                regex.push(char);
            }
        }
        rest = &rest[char.len_utf8()..];
    }
    regex.push('$');
    regex
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regex::Regex;

    fn matches(glob: &str, text: &str) -> bool {
        Regex::new(&regex(glob), false).unwrap().is_match(text.as_bytes())
    }

    #[test]
    fn a_star_stays_in_its_segment_and_two_do_not() {
        for (glob, text, fits) in [
            ("/a/*", "/a/b", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c", false),
            ("/a/**", "/a/b/c", true),
            ("/a/*/c", "/a/b/c", true),
            ("/a/*/c", "/a/b/b/c", false),
            ("/**/c", "/a/b/c", true),
            ("/**/*.png", "/a/b/c.png", true),
            ("/**/*.png", "/c.png", false),
            ("/**.png", "/c.png", true),
            ("**/x*y/z", "/xay/xby/z", true),
            ("/?.js", "/a.js", true),
            ("/?.js", "//.js", false),
            ("/a", "/a", true),
            ("/a", "/ab", false),
            ("/a.b+(c)[d]{e}^$|\\-_~é", "/a.b+(c)[d]{e}^$|\\-_~é", true),
            ("", "", true),
            ("", "/", false),
            ("*", "/", false),
            ("**", "", true),
            ("/*a*b*/c", "/xaxbx/c", true),
            ("/*a*b*/c", "/xaxbx/d", false),
        ] {
            assert_eq!(matches(glob, text), fits, "{glob} {text}");
        }
    }

    /// By the definition, with no care for time.
    fn slowly(glob: &[u8], text: &[u8]) -> bool {
        match glob {
            [] => text.is_empty(),
            [b'*', b'*', rest @ ..] => (0..=text.len()).any(|taken| slowly(rest, &text[taken..])),
            [b'*', rest @ ..] => {
                let most = text.iter().position(|byte| *byte == b'/').unwrap_or(text.len());
                (0..=most).any(|taken| slowly(rest, &text[taken..]))
            }
            [wanted, rest @ ..] => text.split_first().is_some_and(|(byte, more)| {
                (byte == wanted || *wanted == b'?' && *byte != b'/') && slowly(rest, more)
            }),
        }
    }

    proptest::proptest! {
        #[test]
        fn it_is_what_the_definition_says(glob in "[a/?*]{0,8}", text in "[ab/]{0,10}") {
            // `***` is read as `**` and `*`, which the definition above does too.
            proptest::prop_assert_eq!(matches(&glob, &text), slowly(glob.as_bytes(), text.as_bytes()));
        }
    }
}
