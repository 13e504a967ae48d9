//! A connection of a tool: its bytes become commands, and it keeps what HAProxy keeps of one.
//!
//! A tool sends a line and reads until the end, since HAProxy closes behind the answers; after `prompt` it stays, and each answer ends
//! in `> `. `;` stands between commands of a line; `\` makes the next character an ordinary one.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// Longest line, with room for one of HAProxy's own limit (`tune.bufsize`).
pub const LINE_BYTES_MAX: usize = 16_384;

/// What a socket obeys.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// It tells what is harmless.
    User,
    /// It tells all.
    Operator,
    /// It changes what is asked of it.
    Admin,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// What to do next with a connection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// Answer these words; behind the answer comes [`Session::prompt`].
    Answer(Vec<String>),
    /// Read more.
    Read,
    /// Close.
    Close,
}

/// One connection.
#[derive(Clone, Debug)]
pub struct Session {
    level: Level,
    is_interactive: bool,
    timeout: Duration,
    held: Vec<u8>,
    /// Commands of the line that is being answered, the next one last.
    commands: Vec<Vec<String>>,
    has_answered: bool,
    is_over: bool,
}

impl Session {
    /// A connection that may do what `level` says, and be silent for `timeout`.
    pub fn new(level: Level, timeout: Duration) -> Self {
        Self {
            level,
            is_interactive: false,
            timeout,
            held: Vec::new(),
            commands: Vec::new(),
            has_answered: false,
            is_over: false,
        }
    }

    /// How long it may say nothing, and take nothing of an answer.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What comes behind each answer.
    pub fn prompt(&self) -> &'static str {
        if self.is_interactive { "> " } else { "" }
    }

    /// Takes what came. At most [`LINE_BYTES_MAX`] are kept; a line that is longer ends the connection.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() > LINE_BYTES_MAX {
            self.is_over = true;
            self.held = Vec::new();
            return;
        }
        self.held.extend_from_slice(bytes);
    }

    /// What to do now.
    pub fn step(&mut self) -> Step {
        if self.is_over {
            return Step::Close;
        }
        if let Some(words) = self.commands.pop() {
            self.has_answered = true;
            return Step::Answer(words);
        }
        let Some(end) = self.held.iter().position(|byte| *byte == b'\n') else {
            // One that does not ask for a prompt has said what it wants.
            return if self.has_answered && !self.is_interactive { Step::Close } else { Step::Read };
        };
        let line: Vec<u8> = self.held.drain(..=end).collect();
        // Tools write ASCII; what is no text names nothing that we know.
        let line = String::from_utf8_lossy(&line);
        self.commands = commands(line.trim_end_matches(['\n', '\r']));
        self.commands.reverse();
        self.step()
    }

    pub(crate) fn level(&self) -> Level {
        self.level
    }

    /// Never higher than it was.
    pub(crate) fn lower(&mut self, level: Level) {
        self.level = self.level.min(level);
    }

    pub(crate) fn toggle_prompt(&mut self) {
        self.is_interactive = !self.is_interactive;
    }

    pub(crate) fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = timeout;
    }

    pub(crate) fn quit(&mut self) {
        self.is_over = true;
    }
}

/// A line as commands, each in words.
fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = alloc::vec![Vec::new()];
    let mut word = String::new();
    let mut is_escaped = false;
    let end = |commands: &mut Vec<Vec<String>>, word: &mut String| {
        if let Some(command) = commands.last_mut().filter(|_| !word.is_empty()) {
            command.push(core::mem::take(word));
        }
    };
    for char in line.chars() {
        match char {
            char if is_escaped => {
                word.push(char);
                is_escaped = false;
            }
            '\\' => is_escaped = true,
            ';' => {
                end(&mut commands, &mut word);
                commands.push(Vec::new());
            }
            char if char.is_ascii_whitespace() => end(&mut commands, &mut word),
            char => word.push(char),
        }
    }
    end(&mut commands, &mut word);
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Session {
        Session::new(Level::Admin, Duration::from_secs(10))
    }

    fn steps(bytes: &[u8]) -> Vec<Step> {
        let mut session = session();
        session.receive(bytes);
        let mut steps = Vec::new();
        loop {
            steps.push(session.step());
            if !matches!(steps.last(), Some(Step::Answer(_))) {
                return steps;
            }
        }
    }

    fn answer(words: &str) -> Step {
        Step::Answer(words.split_whitespace().map(String::from).collect())
    }

    #[test]
    fn a_line_is_commands_and_the_end() {
        assert_eq!(steps(b"show  info\tx\r\n"), [answer("show info x"), Step::Close]);
        assert_eq!(steps(b"a;b c ; d\n"), [answer("a"), answer("b c"), answer("d"), Step::Close]);
        assert_eq!(steps(b";a\nb\n"), [answer(""), answer("a"), answer("b"), Step::Close]);
        assert_eq!(steps(b"show inf"), [Step::Read], "the line goes on");
        assert_eq!(steps(b"a\\;b\\ c\n"), [Step::Answer(alloc::vec!["a;b c".into()]), Step::Close]);
    }

    #[test]
    fn with_a_prompt_it_goes_on() {
        let mut session = session();
        session.toggle_prompt();
        session.receive(b"show info\nshow");
        assert_eq!((session.step(), session.step()), (answer("show info"), Step::Read));
        session.receive(b" stat\n");
        assert_eq!((session.step(), session.prompt()), (answer("show stat"), "> "));
        session.quit();
        assert_eq!(session.step(), Step::Close);
    }

    #[test]
    fn a_line_without_end_ends_the_connection() {
        let mut session = session();
        session.toggle_prompt();
        for _ in 0..=LINE_BYTES_MAX {
            session.receive(b"x");
        }
        assert_eq!(session.step(), Step::Close);
        assert!(session.held.capacity() <= LINE_BYTES_MAX);
    }
}
