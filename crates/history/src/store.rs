//! The file: its schema, what is taken in, found and pruned. Every text is a bound parameter, never a part of a statement.

use crate::was::was;
use muster_control::history::{FACTS_MAX, FACTS_USUAL, Fact, History, HistoryQuery, Was};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use std::time::Duration;

/// Version of [`SCHEMA`], kept as `user_version`.
pub const SCHEMA_VERSION: i64 = 1;
/// "MSTR": says whose file it is.
pub(crate) const APPLICATION_ID: i64 = 0x4d53_5452;
/// As in docs/history.md.
pub const SCHEMA: &str = "
CREATE TABLE facts(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  node TEXT NOT NULL,
  service TEXT NOT NULL,
  what TEXT NOT NULL,
  addr TEXT NOT NULL,
  observer TEXT NOT NULL,
  why TEXT NOT NULL
) STRICT;
CREATE INDEX facts_at ON facts(at_ms);
CREATE INDEX facts_node ON facts(node, at_ms);
";
/// How long a reader or writer waits for another process's lock.
const BUSY: Duration = Duration::from_secs(2);
/// The cluster at a time is made of at most so many facts; older ones are left out, which is said.
const FOLDED_MAX: u32 = 1_000_000;

/// What went wrong with the file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite says so.
    #[error("the history's file: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It is of a later release.
    #[error("the history's file has version {0}, and this release knows versions up to {SCHEMA_VERSION}")]
    Newer(i64),
    /// It is no history.
    #[error("the file is a database of another program; name another path")]
    Foreign,
    /// Its content contradicts itself.
    #[error("the history's file is damaged: {0}")]
    Damaged(String),
}

/// An open file, or memory in its place.
#[derive(Debug)]
pub struct Store {
    pub(crate) connection: Connection,
}

impl Store {
    /// One in memory.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn in_memory() -> Result<Self, Error> {
        Self::begin(Connection::open_in_memory()?)
    }

    /// Takes over a connection for writing: makes the schema where there is none.
    pub(crate) fn begin(connection: Connection) -> Result<Self, Error> {
        connection.busy_timeout(BUSY)?;
        let fresh = Self::check(&connection)?;
        if fresh {
            connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        // A commit then survives the end of the process at once, and that of the host at the next checkpoint.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
        if fresh {
            connection.execute_batch(&format!(
                "BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; {SCHEMA} COMMIT;"
            ))?;
        }
        Ok(Self { connection })
    }

    /// Whether it is empty; else it is a history that we know.
    pub(crate) fn check(connection: &Connection) -> Result<bool, Error> {
        let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (application, version) = (number("application_id")?, number("user_version")?);
        let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        match (application, version) {
            (0, 0) if tables == 0 => Ok(true),
            (APPLICATION_ID, SCHEMA_VERSION) => Ok(false),
            (APPLICATION_ID, newer) => Err(Error::Newer(newer)),
            _ => Err(Error::Foreign),
        }
    }

    /// Takes all of `facts` in, or none.
    ///
    /// # Errors
    /// A full or broken disk.
    pub fn insert(&mut self, facts: &[Fact]) -> Result<(), Error> {
        let transaction = self.connection.transaction()?;
        {
            let mut statement = transaction.prepare(
                "INSERT INTO facts(at_ms, kind, node, service, what, addr, observer, why) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)",
            )?;
            for fact in facts {
                statement.execute(params![
                    signed(fact.at_ms),
                    fact.kind,
                    fact.node,
                    fact.service,
                    fact.what,
                    fact.addr,
                    fact.observer,
                    fact.why
                ])?;
            }
        }
        Ok(transaction.commit()?)
    }

    /// Drops what is older than `before_ms`, but for the last word about each member, backend and agent: what was true then still is.
    /// Then the oldest tenth, whatever it is, while the file is larger than `max_bytes`.
    ///
    /// # Errors
    /// A full or broken disk.
    pub fn prune(&mut self, before_ms: u64, max_bytes: u64) -> Result<(), Error> {
        self.connection.execute(
            "DELETE FROM facts WHERE at_ms < ?1 AND id NOT IN (SELECT max(id) FROM facts WHERE at_ms < ?1 \
             AND kind IN ('agent','member','backend') GROUP BY kind, node, service)",
            [signed(before_ms)],
        )?;
        // Each round drops something: an empty file is smaller than any bound, or nothing can be done.
        while self.bytes()? > max_bytes {
            let dropped = self.connection.execute(
                "DELETE FROM facts WHERE id <= (SELECT min(id) + (max(id) - min(id)) / 10 FROM facts)",
                [],
            )?;
            if dropped == 0 {
                break;
            }
        }
        // It answers with a row for each page that it frees.
        let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum")?;
        let mut rows = vacuum.query([])?;
        while rows.next()?.is_some() {}
        Ok(())
    }

    /// Bytes in use, without pages that are free.
    fn bytes(&self) -> Result<u64, Error> {
        let number = |name: &str| self.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let pages = number("page_count")? - number("freelist_count")?;
        Ok(u64::try_from(pages * number("page_size")?).unwrap_or(0))
    }

    /// Answers `query`; `kept` and `dropped` are the keeper's to fill in.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn find(&self, query: &HistoryQuery) -> Result<History, Error> {
        if let Some(at) = query.at {
            let was = Some(self.was(at)?);
            return Ok(History { was, ..History::default() });
        }
        let mut clauses = Vec::new();
        let mut values = Vec::new();
        let mut also = |clause: &str, value: Value| {
            clauses.push(clause.to_owned());
            values.push(value);
        };
        if let Some(node) = &query.node {
            also("node = ?", node.clone().into());
        }
        if let Some(since) = query.since {
            also("at_ms >= ?", signed(since).into());
        }
        if let Some(until) = query.until {
            also("at_ms < ?", signed(until).into());
        }
        if let Some(cursor) = query.cursor {
            also("id > ?", signed(cursor).into());
        }
        if let Some(kinds) = &query.kind {
            // No kind has an odd name, and more than these there are not.
            let kinds: Vec<&str> = kinds.split(',').map(str::trim).take(32).collect();
            clauses.push(format!("kind IN ({})", vec!["?"; kinds.len()].join(",")));
            values.extend(kinds.into_iter().map(|kind| Value::from(kind.to_owned())));
        }
        let filter = if clauses.is_empty() { "1".to_owned() } else { clauses.join(" AND ") };
        let order = if query.cursor.is_some() { "ASC" } else { "DESC" };
        values.push(i64::from(query.limit.unwrap_or(FACTS_USUAL).clamp(1, FACTS_MAX)).into());
        let sql = format!("SELECT {COLUMNS} FROM facts WHERE {filter} ORDER BY id {order} LIMIT ?");
        let mut statement = self.connection.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), fact)?;
        let mut facts = rows.collect::<Result<Vec<_>, _>>()?;
        if query.cursor.is_none() {
            facts.reverse();
        }
        let next = facts.last().map(|fact| fact.id).or(query.cursor).unwrap_or(0);
        Ok(History { facts, next, ..History::default() })
    }

    fn was(&self, at_ms: u64) -> Result<Was, Error> {
        let at = signed(at_ms);
        let begin: Option<i64> = self.connection.query_row(
            "SELECT max(id) FROM facts WHERE at_ms <= ?1 AND kind = 'agent' AND what = 'started'",
            [at],
            |row| row.get(0),
        )?;
        let later: bool = self.connection.query_row(
            "SELECT EXISTS(SELECT 1 FROM facts WHERE at_ms > ?1)",
            [at],
            |row| row.get(0),
        )?;
        let mut statement = self.connection.prepare(&format!(
            "SELECT {COLUMNS} FROM (SELECT * FROM facts WHERE id >= ?1 AND at_ms <= ?2 \
             AND kind IN ('agent','member','backend','history') ORDER BY id DESC LIMIT ?3) ORDER BY id"
        ))?;
        let rows = statement.query_map(params![begin.unwrap_or(0), at, FOLDED_MAX], fact)?;
        Ok(was(at_ms, rows.collect::<Result<Vec<_>, _>>()?, later))
    }
}

const COLUMNS: &str = "id, at_ms, kind, node, service, what, addr, observer, why";

fn fact(row: &Row<'_>) -> rusqlite::Result<Fact> {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    Ok(Fact {
        id: unsigned(row.get(0)?),
        at_ms: unsigned(row.get(1)?),
        kind: row.get(2)?,
        node: row.get(3)?,
        service: row.get(4)?,
        what: row.get(5)?,
        addr: row.get(6)?,
        observer: row.get(7)?,
        why: row.get(8)?,
    })
}

/// SQLite has no larger numbers; none of ours gets there.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
