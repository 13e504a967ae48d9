//! What the agent logs.

use super::LOG;
use super::query_string::QueryString;
use serde::{Deserialize, Serialize};

/// Which lines.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(default)]
pub struct LogQuery {
    /// TRACE, DEBUG, INFO, WARN or ERR: lines of that importance and above. Absent means INFO.
    pub level: Option<String>,
}

impl LogQuery {
    /// [`LOG`] with this query.
    pub fn to_path(&self) -> String {
        QueryString::of(LOG).with("level", self.level.as_deref()).done()
    }
}

/// One line of the answer: the last lines that the agent logged, then each as it comes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[cfg_attr(test, derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum LogRecord {
    /// A line of the log.
    Line {
        /// TRACE, DEBUG, INFO, WARN or ERR.
        level: String,
        /// With its time and level, in Serf's form.
        text: String,
    },
    /// Lines are missing just here: the reader was too slow.
    Missed {
        /// How many.
        count: u64,
    },
}
