//! A configuration as sections of lines, each with its number.

use crate::change::ServerName;
use crate::words::words;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Longest configuration that is looked at. Ten thousand servers take some 600 KiB.
pub const CONFIG_BYTES_MAX: usize = 64 << 20;

/// What begins a section (configuration manual, 3 to 12).
const SECTIONS: [&str; 21] = [
    "acme",
    "backend",
    "cache",
    "crt-store",
    "defaults",
    "fcgi-app",
    "frontend",
    "global",
    "healthcheck",
    "http-errors",
    "listen",
    "log-forward",
    "log-profile",
    "mailers",
    "peers",
    "program",
    "resolvers",
    "ring",
    "traces",
    "userlist",
    "dynamic-update",
];

/// A configuration, read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Config {
    pub(crate) sections: Vec<Section>,
}

/// One section: its own line, and those in it. The lines before the first one are a section without a name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Section {
    pub(crate) head: Line,
    pub(crate) lines: Vec<Line>,
}

/// One line that says something.
#[derive(Clone, Eq, Debug, Default)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) words: Vec<String>,
}

/// Where it stands makes no difference.
impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

/// It is longer than [`CONFIG_BYTES_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is longer than {CONFIG_BYTES_MAX} bytes")
    }
}

impl core::error::Error for TooLong {}

impl Config {
    /// Reads a text. What is wrong in it is HAProxy's to say.
    ///
    /// # Errors
    /// It is too long.
    pub fn read(text: &str) -> Result<Self, TooLong> {
        if text.len() > CONFIG_BYTES_MAX {
            return Err(TooLong);
        }
        let mut sections = alloc::vec![Section::default()];
        for (line, number) in text.split('\n').zip(1..) {
            let line = Line { number, words: words(line) };
            let Some(first) = line.words.first() else { continue };
            if SECTIONS.contains(&first.as_str()) {
                sections.push(Section { head: line, lines: Vec::new() });
            } else if let Some(section) = sections.last_mut() {
                section.lines.push(line);
            }
        }
        Ok(Self { sections })
    }

    /// All servers that get requests; `None` where `server-template` makes some that are not written out.
    pub fn servers(&self) -> Option<BTreeSet<ServerName>> {
        let mut servers = BTreeSet::new();
        for section in self.sections.iter().filter(|section| section.has_servers()) {
            if section.of("server-template").next().is_some() {
                return None;
            }
            let backend = section.name()?;
            let names = section.of("server").filter_map(|line| line.words.get(1));
            servers.extend(names.map(|name| ServerName { backend: backend.into(), server: name.clone() }));
        }
        Some(servers)
    }

    /// The file that `server-state-file` of the global section names, in its `server-state-base`.
    pub fn state_file(&self) -> Option<String> {
        let global = self.sections.iter().filter(|section| section.is("global"));
        let (mut base, mut file) = (None, None);
        for line in global.flat_map(|section| &section.lines) {
            match line.words.as_slice() {
                [key, path, ..] if key == "server-state-base" => base = Some(path),
                [key, path, ..] if key == "server-state-file" => file = Some(path),
                _ => {}
            }
        }
        let file = file?;
        match base {
            Some(base) if !file.starts_with('/') => {
                Some(alloc::format!("{}/{file}", base.trim_end_matches('/')))
            }
            _ => Some(file.clone()),
        }
    }
}

impl Section {
    pub(crate) fn is(&self, kind: &str) -> bool {
        self.head.words.first().is_some_and(|word| word == kind)
    }

    /// Whether servers stand in it that get requests.
    pub(crate) fn has_servers(&self) -> bool {
        self.is("backend") || self.is("listen")
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.head.words.get(1).map(String::as_str)
    }

    /// The defaults that it names: `KIND NAME from DEFAULTS`, where defaults may have no name.
    pub(crate) fn takes_from(&self) -> Option<&str> {
        match self.head.words.as_slice() {
            [_, _, from, name, ..] if from == "from" => Some(name),
            [_, from, name] if from == "from" && self.is("defaults") => Some(name),
            _ => None,
        }
    }

    /// The lines that begin with `key`.
    pub(crate) fn of<'s>(&'s self, key: &'s str) -> impl DoubleEndedIterator<Item = &'s Line> + 's {
        self.lines.iter().filter(move |line| line.words.first().is_some_and(|word| word == key))
    }
}

impl Line {
    pub(crate) fn is(&self, key: &str) -> bool {
        self.words.first().is_some_and(|word| word == key)
    }

    /// As one text.
    pub(crate) fn text(&self) -> String {
        self.words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_to_their_sections_and_keep_their_numbers() {
        let text = "# head\nglobal\n  maxconn 10 # few\n\nbackend web\n  server a 10.0.0.1:80\n";
        let config = Config::read(text).unwrap();
        let heads: Vec<_> = config.sections.iter().map(|section| section.head.text()).collect();
        assert_eq!(heads, ["", "global", "backend web"]);
        let line = &config.sections[2].lines[0];
        assert_eq!((line.number, line.text().as_str()), (6, "server a 10.0.0.1:80"));
    }

    #[test]
    fn the_state_file_is_found_in_its_base() {
        let file = |text: &str| Config::read(text).unwrap().state_file();
        assert_eq!(file("global\n server-state-file x\n"), Some("x".into()));
        assert_eq!(file("global\n server-state-base /b/\n server-state-file x\n"), Some("/b/x".into()));
        assert_eq!(file("global\n server-state-base /b\n server-state-file /x\n"), Some("/x".into()));
        assert_eq!(file("defaults\n server-state-file /x\n"), None);
    }
}
