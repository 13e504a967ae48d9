//! One of several equal processes, and what its number changes in texts.

use crate::config::Named;
use crate::config::keys::process as keys;

/// See the module's page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Replica {
    /// `NAME`, or `NAME-2` where there are several.
    pub(super) name: String,
    /// From 1.
    number: u16,
    /// The port that it serves on, if it does.
    pub(super) port: Option<u16>,
}

/// All replicas of a process. One whose port would be none is left without; [`super::entry`] says so.
pub(super) fn of(process: &Named<'_>) -> Vec<Replica> {
    let count: u16 = process.count(&keys::REPLICAS).unwrap_or(1);
    let first: Option<u16> = process.count(&keys::PORT);
    (1..=count)
        .map(|number| Replica {
            name: if count == 1 { process.name.to_owned() } else { format!("{}-{number}", process.name) },
            number,
            port: first.and_then(|first| first.checked_add(number - 1)),
        })
        .collect()
}

impl Replica {
    /// `text` with `{name}`, `{replica}` and `{port}` replaced; other braces are the program's own.
    pub(super) fn fill(&self, text: &str) -> Result<String, String> {
        let filled = text.replace("{name}", &self.name).replace("{replica}", &self.number.to_string());
        match self.port {
            Some(port) => Ok(filled.replace("{port}", &port.to_string())),
            None if filled.contains("{port}") => Err(format!("`{text}` has {{port}}, and `port` is not set")),
            None => Ok(filled),
        }
    }
}
