//! Which texts a file had while somebody may have read it. A HAProxy does not say which one it runs; but it read its file at its start, and
//! who writes that file knows what was there then.
//!
//! A look says that the file had a text at some moment of it. Two looks around a replacement say when that was done, to the span
//! between them:
//!
//! ```text
//!  look: A      look: A  (replaced)  look: B          look: B
//!  -+-------------+------------------+----------------+----> time
//!   '- surely A --'-- A or then B ---'--- surely B ---'
//! ```

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Most that are remembered: several replacements while HAProxy starts. Each takes as much as the file.
const SPANS_MAX: usize = 16;

/// What a file had, as far as somebody looked. Times are told from any one moment.
#[derive(Clone, Debug, Default)]
pub struct Past(VecDeque<Span>);

/// For so long it had this text.
#[derive(Clone, Debug)]
struct Span {
    /// `None`: there was no file.
    text: Option<String>,
    /// Not before.
    earliest: Duration,
    /// Surely from here on.
    from: Duration,
    /// Surely until here.
    until: Duration,
}

impl Past {
    /// Between `began` and `ended` the file had `text`. `since`: it surely had it since then already; believed of the first look
    /// only.
    pub fn look(&mut self, text: Option<String>, began: Duration, ended: Duration, since: Option<Duration>) {
        let span = match self.0.back_mut() {
            Some(last) if last.text == text => {
                last.until = last.until.max(began);
                return;
            }
            Some(last) => Span { text, earliest: last.until, from: ended, until: began },
            None => {
                let from = since.unwrap_or(ended).min(ended);
                Span { text, earliest: from, from, until: began }
            }
        };
        if self.0.len() == SPANS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(span);
    }

    /// All texts that whoever read the file at one moment from `from` until `until` can have read; nothing if there may be others.
    pub fn between(&self, from: Duration, until: Duration) -> Option<Vec<&str>> {
        if self.0.front()?.from > from {
            return None;
        }
        let ends = self.0.iter().skip(1).map(|next| next.from).chain([Duration::MAX]);
        let read = self.0.iter().zip(ends).filter(|(span, end)| span.earliest <= until && *end >= from);
        Some(read.filter_map(|(span, _)| span.text.as_deref()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn look(past: &mut Past, text: &str, seconds: u64) {
        let text = Some(text).filter(|text| !text.is_empty()).map(String::from);
        past.look(text, at(seconds), at(seconds + 1), None);
    }

    #[test]
    fn whoever_read_between_two_looks_read_one_of_both() {
        let mut past = Past::default();
        for (text, seconds) in [("a", 10), ("a", 20), ("b", 30), ("b", 40), ("c", 50)] {
            look(&mut past, text, seconds);
        }
        let between = |from, until| past.between(at(from), at(until));
        assert_eq!(between(10, 15), None, "what was before the first look");
        assert_eq!(between(11, 19), Some(alloc::vec!["a"]));
        assert_eq!(between(15, 20), Some(alloc::vec!["a", "b"]), "replaced in the middle of the look");
        assert_eq!(between(21, 25), Some(alloc::vec!["a", "b"]));
        assert_eq!(between(32, 39), Some(alloc::vec!["b"]));
        assert_eq!(between(31, 45), Some(alloc::vec!["a", "b", "c"]));
        assert_eq!(between(60, 99), Some(alloc::vec!["c"]));
    }

    #[test]
    fn a_file_that_was_not_there_was_not_read() {
        let mut past = Past::default();
        look(&mut past, "", 10);
        look(&mut past, "a", 20);
        assert_eq!(past.between(at(11), at(12)), Some(alloc::vec!["a"]), "it may have come at 11");
        assert_eq!(past.between(at(11), at(9)), Some(Vec::new()));
    }

    #[test]
    fn what_the_first_look_finds_was_there_since_it_is_stamped() {
        let mut past = Past::default();
        past.look(Some("a".into()), at(10), at(11), Some(at(3)));
        assert_eq!(past.between(at(2), at(4)), None);
        assert_eq!(past.between(at(3), at(4)), Some(alloc::vec!["a"]));
        // A clock that is wrong does not make it stand there after it was seen.
        let mut past = Past::default();
        past.look(Some("a".into()), at(10), at(11), Some(at(30)));
        assert_eq!(past.between(at(11), at(12)), Some(alloc::vec!["a"]));
    }

    #[test]
    fn more_than_are_remembered_are_not_known() {
        let mut past = Past::default();
        for nth in 0..100 {
            look(&mut past, &alloc::format!("{nth}"), 10 * nth);
        }
        assert_eq!(past.0.len(), SPANS_MAX);
        assert_eq!(past.between(at(800), at(801)), None);
        assert_eq!(past.between(at(995), at(999)), Some(alloc::vec!["99"]));
    }
}
