//! The command line in an s6-rc oneshot's `up` or `down`: a line of execline, not of a shell. Words, quotes, comments and blocks are
//! understood here, so that an image without execline runs the usual `up` (a script's path); what the words then do is up to
//! the programs they name.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// The words of a command line, blocks as execline hands them to programs: each word behind a space, an empty word at the end.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn words(text: &[u8]) -> Result<Vec<OsString>, String> {
    let mut words: Vec<Vec<u8>> = Vec::new();
    let mut depth = 0_usize;
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        match rest.first() {
            None => break,
            Some(b'#') => rest = rest.split_once_byte(b'\n'),
            Some(_) => {
                let (word, quoted, behind) = word(rest)?;
                rest = behind;
                match word.as_slice() {
                    b"{" if !quoted => depth += 1,
                    b"}" if !quoted => {
                        depth = depth.checked_sub(1).ok_or("a } without its {")?;
                        words.push(vec![b' '; depth]);
                    }
                    _ => words.push([vec![b' '; depth], word].concat()),
                }
            }
        }
    }
    match depth {
        0 => Ok(words.into_iter().map(OsString::from_vec).collect()),
        _ => Err("a { without its }".to_owned()),
    }
}

/// The next word, whether any of it was quoted, and what is behind it.
fn word(text: &[u8]) -> Result<(Vec<u8>, bool, &[u8]), String> {
    let (mut word, mut quoted, mut in_quotes) = (Vec::new(), false, false);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => (in_quotes, quoted) = (!in_quotes, true),
            b'\\' => {
                let escaped = *text.get(at).ok_or("a \\ at the end")?;
                at += 1;
                match (in_quotes, escaped) {
                    (true, b'n') => word.push(b'\n'),
                    (true, b't') => word.push(b'\t'),
                    (true, b'r') => word.push(b'\r'),
                    (true, b'\n') => {}
                    (_, 0) => return Err("a zero byte".to_owned()),
                    (_, other) => word.push(other),
                }
            }
            0 => return Err("a zero byte".to_owned()),
            byte if byte.is_ascii_whitespace() && !in_quotes => {
                at -= 1;
                break;
            }
            byte => word.push(*byte),
        }
    }
    match in_quotes {
        true => Err("a \" without its second".to_owned()),
        false => Ok((word, quoted, text.get(at..).unwrap_or_default())),
    }
}

trait Split {
    fn split_once_byte(&self, byte: u8) -> &Self;
}

impl Split for [u8] {
    /// What is behind the first such byte.
    fn split_once_byte(&self, byte: u8) -> &[u8] {
        self.iter().position(|found| *found == byte).map_or(&[], |at| &self[at + 1..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<String> {
        words(text.as_bytes())
            .expect("it is right")
            .into_iter()
            .map(|word| word.into_string().expect("text"))
            .collect()
    }

    #[test]
    fn it_is_read_as_execline_reads_it() {
        assert_eq!(read("/etc/scripts/setup\n"), ["/etc/scripts/setup"]);
        assert_eq!(
            read("# why\nwith-contenv  sh -c \"echo \\\"$A\\\"\\n\" # not this\n"),
            ["with-contenv", "sh", "-c", "echo \"$A\"\n"]
        );
        assert_eq!(
            read("if { test -e /x } foreground { a { b } } c"),
            ["if", " test", " -e", " /x", "", "foreground", " a", "  b", " ", "", "c"]
        );
        assert_eq!(read("a\\ b \"\" \"{\""), ["a b", "", "{"]);
        assert_eq!(read(""), Vec::<String>::new());
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, wrong) in [
            ("a {", "a { without"),
            ("}", "a } without"),
            ("\"a", "a \" without"),
            ("a\\", "a \\ at"),
            ("\0", "zero"),
        ] {
            assert!(words(text.as_bytes()).is_err_and(|error| error.contains(wrong)), "{text:?}");
        }
    }
}
