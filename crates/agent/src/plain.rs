//! Text from peers, made fit for a log line.

use std::fmt;

/// Shows text with its control characters escaped, so that no peer can forge a line or drive a terminal.
pub(crate) struct Plain<'a>(pub &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if c.is_control() || is_bidi_control(c) {
                write!(f, "{}", c.escape_default())?;
            } else {
                fmt::Write::write_char(f, c)?;
            }
        }
        Ok(())
    }
}

/// Characters that reorder the text around them.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_forge_a_line() {
        assert_eq!(Plain("web\n[ERR] \u{1b}[31m\u{202e}x").to_string(), "web\\n[ERR] \\u{1b}[31m\\u{202e}x");
        assert_eq!(Plain("Müller 'quoted'").to_string(), "Müller 'quoted'");
    }
}
