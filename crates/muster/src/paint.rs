//! Colour of answers: for eyes only, that is, on a terminal, and for nobody who asked for none (no-color.org). It never is the
//! only mark.

use anstyle::{AnsiColor, Style};
use std::io::IsTerminal;

/// Whether answers are coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint(bool);

impl Paint {
    /// For standard output as it is.
    pub(crate) fn of_stdout() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self(wanted && std::io::stdout().is_terminal())
    }

    /// Nothing is coloured.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self(false);

    /// A member's status.
    pub(crate) fn status(self, word: &str) -> String {
        let colour = match word {
            "alive" => AnsiColor::Green,
            "leaving" => AnsiColor::Yellow,
            "failed" => AnsiColor::Red,
            _ => AnsiColor::BrightBlack,
        };
        self.paint(colour.on_default(), word)
    }

    /// What became of somebody, by its word.
    pub(crate) fn fact(self, word: &str, text: &str) -> String {
        let colour = match word {
            "alive" | "ready" | "up" | "started" => AnsiColor::Green,
            "failed" | "ejected" | "dropped" | "refused" => AnsiColor::Red,
            "leaving" | "demoted" | "withdrawn" | "restored" => AnsiColor::Yellow,
            _ => return text.to_owned(),
        };
        self.paint(colour.on_default(), text)
    }

    /// What happened, in a stream of other lines.
    pub(crate) fn event(self, words: &str) -> String {
        self.paint(AnsiColor::Cyan.on_default(), words)
    }

    /// A line of the log of that level.
    pub(crate) fn log(self, level: &str, line: &str) -> String {
        match level {
            "WARN" => self.paint(AnsiColor::Yellow.on_default(), line),
            "ERR" => self.paint(AnsiColor::Red.on_default(), line),
            "DEBUG" | "TRACE" => self.paint(AnsiColor::BrightBlack.on_default(), line),
            _ => line.to_owned(),
        }
    }

    fn paint(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}
