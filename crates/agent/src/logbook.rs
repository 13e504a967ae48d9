//! The last lines of the log, for those who ask an agent what it has said, and what it says from then on (Serf's `monitor`).
//!
//! Whoever sets up the log writes into the book (the book knows nothing of formats); listeners that are too slow miss lines
//! and learn how many.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast;

/// Lines kept, as Serf's agent does.
const LINES_KEPT: usize = 512;
/// Lines that may wait for a listener.
const LINES_WAITING_MAX: usize = 512;
/// A line is cut here: what peers say may be part of it.
const LINE_BYTES_MAX: usize = 4096;

/// How important a line is. In this order: whoever asks for one level gets it and those after it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs, reason = "Serf's own words")]
pub enum LogLevel {
    Trace,
    Debug,
    Info,
    Warn,
    Err,
}

impl LogLevel {
    /// Reads Serf's words, in any case.
    pub fn parse(word: &str) -> Option<Self> {
        let levels = [Self::Trace, Self::Debug, Self::Info, Self::Warn, Self::Err];
        levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word))
    }

    /// Serf's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Err => "ERR",
        }
    }
}

/// One line of the log, without its line break.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// How important it is.
    pub level: LogLevel,
    /// As it is shown: time, level and text in Serf's form.
    pub text: Arc<str>,
}

/// The book. Clones are the same one.
#[derive(Clone, Debug)]
pub struct LogBook {
    kept: Arc<Mutex<VecDeque<LogLine>>>,
    told: broadcast::Sender<LogLine>,
}

impl Default for LogBook {
    fn default() -> Self {
        Self { kept: Arc::default(), told: broadcast::Sender::new(LINES_WAITING_MAX) }
    }
}

impl LogBook {
    /// Enters a line.
    pub fn put(&self, level: LogLevel, text: &str) {
        let text = &text[..text.floor_char_boundary(LINE_BYTES_MAX)];
        let line = LogLine { level, text: text.into() };
        // Under the lock, so that nobody who opens the book sees a line twice or not at all.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= LINES_KEPT {
            kept.pop_front();
        }
        kept.push_back(line.clone());
        // Nobody listening is fine.
        let _ = self.told.send(line);
    }

    /// The lines kept, oldest first, and those that follow.
    pub(crate) fn open(&self) -> (Vec<LogLine>, LogListener) {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.iter().cloned().collect(), LogListener(self.told.subscribe()))
    }
}

/// Hears the lines that follow.
#[derive(Debug)]
pub(crate) struct LogListener(broadcast::Receiver<LogLine>);

impl LogListener {
    /// The next line, or how many were missed just here; `None` when the log has ended.
    pub(crate) async fn next(&mut self) -> Option<Result<LogLine, u64>> {
        match self.0.recv().await {
            Ok(line) => Some(Ok(line)),
            Err(broadcast::error::RecvError::Lagged(missed)) => Some(Err(missed)),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_lines_are_kept_and_the_next_ones_heard() {
        let book = LogBook::default();
        for number in 0..=LINES_KEPT {
            book.put(LogLevel::Info, &number.to_string());
        }
        let (kept, mut listener) = book.open();
        assert_eq!((kept.len(), &*kept[0].text), (LINES_KEPT, "1"));
        book.put(LogLevel::Warn, "now");
        let next = listener.next().await.unwrap().unwrap();
        assert_eq!((next.level, &*next.text), (LogLevel::Warn, "now"));
    }

    #[tokio::test]
    async fn who_is_slow_learns_how_much_was_missed() {
        let book = LogBook::default();
        let (_, mut listener) = book.open();
        for number in 0..LINES_WAITING_MAX + 3 {
            book.put(LogLevel::Info, &number.to_string());
        }
        assert_eq!(listener.next().await, Some(Err(3)));
        assert_eq!(&*listener.next().await.unwrap().unwrap().text, "3");
    }

    #[test]
    fn an_endless_line_is_cut_between_characters() {
        let book = LogBook::default();
        book.put(LogLevel::Info, &"é".repeat(LINE_BYTES_MAX));
        book.put(LogLevel::Info, &["x", &"é".repeat(LINE_BYTES_MAX)].concat());
        let lengths = book.open().0.iter().map(|line| line.text.len()).collect::<Vec<_>>();
        assert_eq!(lengths, [LINE_BYTES_MAX, LINE_BYTES_MAX - 1]);
    }

    #[test]
    fn levels_are_serfs_words_in_order() {
        assert_eq!(LogLevel::parse("err"), Some(LogLevel::Err));
        assert_eq!(LogLevel::parse("error"), None);
        assert!(LogLevel::Debug < LogLevel::Warn);
    }
}
