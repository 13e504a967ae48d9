//! Why a file is not followed.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use muster_routes::Place;

/// Most refusals of one file: who reads the first hundred has enough to do.
pub const REFUSALS_MAX: usize = 100;

/// A line that is not followed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Refusal {
    /// The line.
    pub place: Place,
    /// What, why, and what to do.
    pub words: String,
}

/// `file:line: words`.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.words)
    }
}

/// `words` with control characters escaped: a line may hold any, and they go to terminals.
fn visible(words: String) -> String {
    if !words.contains(char::is_control) {
        return words;
    }
    let mut visible = String::with_capacity(words.len());
    for char in words.chars() {
        match char.is_control() {
            true => visible.extend(char.escape_default()),
            false => visible.push(char),
        }
    }
    visible
}

/// The refusals so far.
#[derive(Debug, Default)]
pub(crate) struct Refusals(Vec<Refusal>);

impl Refusals {
    pub(crate) fn add(&mut self, place: &Place, words: impl Into<String>) {
        // What is wrong with a line follows from the first thing that is.
        let is_new = !self.0.iter().any(|refusal| refusal.place == *place);
        if is_new && self.0.len() < REFUSALS_MAX {
            self.0.push(Refusal { place: place.clone(), words: visible(words.into()) });
        }
    }

    /// Keeps what is right, and tells what is not.
    pub(crate) fn check<T>(&mut self, place: &Place, read: Result<T, String>) -> Option<T> {
        read.map_err(|words| self.add(place, words)).ok()
    }

    pub(crate) fn into_vec(mut self) -> Vec<Refusal> {
        // Files in the order in which they were read, and what concerns several lines among the rest.
        let mut files: Vec<Arc<str>> = Vec::new();
        for refusal in &self.0 {
            if !files.contains(&refusal.place.file) {
                files.push(Arc::clone(&refusal.place.file));
            }
        }
        self.0.sort_by_key(|refusal| {
            (files.iter().position(|file| *file == refusal.place.file), refusal.place.line)
        });
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_commands_no_terminal() {
        let mut refusals = Refusals::default();
        refusals.add(&Place::new(&"a.cfg".into(), 1), "`\u{1b}[2J` \u{fc}");
        assert_eq!(refusals.into_vec()[0].words, "`\\u{1b}[2J` \u{fc}");
    }
}
