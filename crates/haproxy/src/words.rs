//! A line as HAProxy reads it (configuration manual, 2.2 "Quoting and escaping", 2.3 "Environment variables"): words between blanks,
//! until a `#`. What it does where the manual says little was seen at HAProxy 2.6 (`parse_line`).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Why a line has no words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Broken {
    /// Where, in characters from 1.
    pub column: usize,
    /// What it is.
    pub flaw: Flaw,
}

/// What can be wrong with a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// A quote that is opened and not closed.
    Quote,
    /// `\x` without two hexadecimal digits of a character of ASCII behind it.
    Hex,
    /// `${` without `}`.
    Brace,
    /// A `$` within double quotes without the name of a variable behind it.
    Variable,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = self.column;
        match self.flaw {
            Flaw::Quote => write!(
                f,
                "the quote at column {column} is never closed; close it, or write it with a backslash"
            ),
            Flaw::Hex => {
                write!(f, "`\\x` at column {column} is not followed by two hexadecimal digits from 01 to 7f")
            }
            Flaw::Brace => write!(f, "`${{` at column {column} is never closed; write ${{NAME}}"),
            Flaw::Variable => write!(
                f,
                "`$` at column {column} is followed by no name of a variable; within double quotes, write \\$ for a dollar sign"
            ),
        }
    }
}

impl core::error::Error for Broken {}

/// What the environment says of a variable; `None` when it is not set.
pub type Env<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The words of a line, with the environment's variables in their places.
///
/// # Errors
/// [`Broken`], as HAProxy refuses it.
pub fn words_in(line: &str, env: Env<'_>) -> Result<Vec<String>, Broken> {
    let mut cutter = Cutter::new(line, Some(env));
    cutter.cut();
    match cutter.broken {
        Some(broken) => Err(broken),
        None => Ok(cutter.words),
    }
}

/// The words of a line. Variables of the environment stay as they are written: both texts that are compared have them. What is broken
/// is HAProxy's to refuse.
pub(crate) fn words(line: &str) -> Vec<String> {
    let mut cutter = Cutter::new(line, None);
    cutter.cut();
    cutter.words
}

/// `text` with its variables expanded, as HAProxy does it in addresses outside of quotes too.
///
/// # Errors
/// [`Broken`].
pub fn expand(text: &str, env: Env<'_>) -> Result<String, Broken> {
    let mut cutter = Cutter::new(text, Some(env));
    while let Some(char) = cutter.next() {
        match char {
            '$' => cutter.variable(),
            char => cutter.push(char),
        }
    }
    match cutter.broken {
        Some(broken) => Err(broken),
        None => Ok(cutter.words.into_iter().chain(cutter.word).collect()),
    }
}

struct Cutter<'l> {
    line: &'l str,
    rest: &'l str,
    env: Option<Env<'l>>,
    words: Vec<String>,
    word: Option<String>,
    broken: Option<Broken>,
}

impl<'l> Cutter<'l> {
    fn new(line: &'l str, env: Option<Env<'l>>) -> Self {
        Self { line, rest: line, env, words: Vec::new(), word: None, broken: None }
    }

    fn next(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    fn push(&mut self, char: char) {
        self.word.get_or_insert_default().push(char);
    }

    /// The column of the character that was taken last.
    fn column(&self) -> usize {
        self.line.chars().count() - self.rest.chars().count()
    }

    fn flaw(&mut self, column: usize, flaw: Flaw) {
        self.broken.get_or_insert(Broken { column, flaw });
    }

    fn cut(&mut self) {
        let mut quote: Option<(char, usize)> = None;
        while let Some(char) = self.next() {
            match (quote, char) {
                (None, '#') => break,
                (None, ' ' | '\t' | '\r' | '\n') => self.words.extend(self.word.take()),
                (None, '"' | '\'') => {
                    quote = Some((char, self.column()));
                    // An empty one is a word too.
                    self.word.get_or_insert_default();
                }
                (Some((open, _)), _) if open == char => quote = None,
                // Strong quotes take everything as it is.
                (Some(('\'', _)), _) => self.push(char),
                (_, '\\') => self.escape(),
                (Some(_), '$') if self.env.is_some() => self.variable(),
                _ => self.push(char),
            }
        }
        if let Some((_, column)) = quote {
            self.flaw(column, Flaw::Quote);
        }
        self.words.extend(self.word.take());
    }

    /// What stands behind a backslash. One that escapes nothing stays: `\.` of a regular expression needs no second one.
    fn escape(&mut self) {
        let escaped = match self.rest.chars().next() {
            Some(char @ (' ' | '\\' | '#' | '\'' | '"' | '$')) => char,
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('x') => return self.hex(),
            _ => return self.push('\\'),
        };
        self.push(escaped);
        self.next();
    }

    fn hex(&mut self) {
        let column = self.column();
        let digits = self.rest.get(1..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            // Beyond ASCII it would be a byte that is no text.
            Some(byte @ 1..=0x7f) => {
                self.push(char::from(byte));
                self.rest = &self.rest[3..];
            }
            _ => {
                self.flaw(column, Flaw::Hex);
                self.push('\\');
            }
        }
    }

    /// What stands behind a dollar: `NAME`, `{NAME}`, `{NAME-DEFAULT}` or `{NAME[*]}`, whose value is several words.
    fn variable(&mut self) {
        let column = self.column();
        let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
        let braced = self.rest.strip_prefix('{');
        let text = braced.unwrap_or(self.rest);
        // Pseudo-variables such as `.LINE` begin with a dot.
        let start = usize::from(text.starts_with('.'));
        let length = text[start..].find(|char| !is_name(char)).map_or(text.len(), |at| start + at);
        let (name, mut behind) = text.split_at(length);
        if name.len() == start || name[start..].starts_with(|char: char| char.is_ascii_digit()) {
            return self.flaw(column, Flaw::Variable);
        }
        let mut value = self.env.and_then(|env| env(name));
        let mut is_list = false;
        if braced.is_some() {
            if let Some(rest) = behind.strip_prefix("[*]") {
                (is_list, behind) = (true, rest);
            }
            let Some((default, rest)) = behind.split_once('}') else {
                return self.flaw(column, Flaw::Brace);
            };
            match default.strip_prefix('-') {
                Some(default) => value = value.or_else(|| Some(default.into())),
                None if default.is_empty() => {}
                None => return self.flaw(column, Flaw::Brace),
            }
            behind = rest;
        }
        self.rest = behind;
        let value = value.unwrap_or_default();
        match is_list {
            false => self.word.get_or_insert_default().push_str(&value),
            true => {
                for (at, part) in value.split_ascii_whitespace().enumerate() {
                    if at > 0 {
                        self.words.extend(self.word.take());
                    }
                    self.word.get_or_insert_default().push_str(part);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn lines_are_read_as_haproxy_reads_them() {
        let cases: [(&str, &[&str]); 11] = [
            ("  server  s1\t10.0.0.1:80 check # the first", &["server", "s1", "10.0.0.1:80", "check"]),
            ("", &[]),
            ("# all of it", &[]),
            (r#"log-format "%ci # \"x\"" ''"#, &["log-format", "%ci # \"x\"", ""]),
            (r"a\ b c\#d \x41\x2", &["a b", "c#d", r"A\x2"]),
            (r"'a\ b'c", &[r"a\ bc"]),
            ("\"open", &["open"]),
            ("é\\", &["é\\"]),
            (r"path_reg \.php$ \d \q", &["path_reg", r"\.php$", r"\d", r"\q"]),
            (r#""\.\$" \$ \' \" \\"#, &[r"\.$", "$", "'", "\"", "\\"]),
            (r#"a"$FOO""#, &["a$FOO"]),
        ];
        for (line, expected) in cases {
            assert_eq!(words(line), expected, "{line}");
        }
    }

    fn env(name: &str) -> Option<String> {
        match name {
            "FOO" => Some("a b".into()),
            "EMPTY" => Some(String::new()),
            ".LINE" => Some("7".into()),
            _ => None,
        }
    }

    #[test]
    fn variables_have_their_values_within_double_quotes_only() {
        let cases: [(&str, &[&str]); 10] = [
            (r#"x"$FOO"y"#, &["xa by"]),
            (r#"x"${FOO}"y"#, &["xa by"]),
            (r#"x"${FOO[*]}"y"#, &["xa", "by"]),
            (r"x$FOO '$FOO' ${FOO}", &["x$FOO", "$FOO", "${FOO}"]),
            (r#""${NOPE-d e}" "${EMPTY-d}" "${FOO-d}""#, &["d e", "", "a b"]),
            (r#""${NOPE}" "$NOPE""#, &["", ""]),
            (r#""${NOPE[*]}""#, &[""]),
            (r#""\$FOO \x24FOO""#, &["$FOO $FOO"]),
            (r#""$FOO-x""#, &["a b-x"]),
            (r#""$.LINE""#, &["7"]),
        ];
        for (line, expected) in cases {
            assert_eq!(words_in(line, &env).unwrap(), expected, "{line}");
        }
        assert_eq!(expand("$FOO:${NOPE-80}", &env).unwrap(), "a b:80");
        assert_eq!(expand("plain", &env).unwrap(), "plain");
    }

    #[test]
    fn what_haproxy_cannot_read_is_refused_with_its_place() {
        for (line, column, flaw) in [
            (r#"foo"open"#, 4, Flaw::Quote),
            ("foo 'open", 5, Flaw::Quote),
            (r"foo\x4", 4, Flaw::Hex),
            (r"\xzz", 1, Flaw::Hex),
            (r"\x00", 1, Flaw::Hex),
            (r"\xff", 1, Flaw::Hex),
            (r#"foo"${FOO""#, 5, Flaw::Brace),
            (r#""${FOO x}""#, 2, Flaw::Brace),
            (r#""$5""#, 2, Flaw::Variable),
            (r#""$""#, 2, Flaw::Variable),
            (r#"é "${}""#, 4, Flaw::Variable),
        ] {
            let broken = words_in(line, &env).unwrap_err();
            assert_eq!(broken, Broken { column, flaw }, "{line}");
            assert!(broken.to_string().contains(&alloc::format!("column {column}")));
        }
    }

    proptest::proptest! {
        #[test]
        fn any_line_is_words(line in "\\PC*", ascii in r#"[ '"$\\x4{}\[\*\]a#.-]*"#) {
            words(&line);
            for line in [line, ascii] {
                let _ = (words_in(&line, &env), expand(&line, &env));
                if let Ok(read) = words_in(&line, &env) && !line.contains('$') {
                    proptest::prop_assert_eq!(read, words(&line));
                }
            }
        }
    }
}
