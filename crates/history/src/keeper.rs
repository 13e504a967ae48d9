//! The thread that writes. It takes what waits in batches, and tries again while the disk does not take it; whoever records or
//! ends the program waits for neither.

use crate::bounds::bounded;
use crate::open::{Opened, open, read_file};
use crate::queue::Queue;
use crate::store::{Error, Store};
use muster_control::history::{Fact, History, HistoryQuery};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Facts of one commit.
const BATCH_MAX: usize = 1024;
/// What came while the last commit was made, and a little more, becomes the next.
const GATHERED_FOR: Duration = Duration::from_millis(100);
/// After a failed commit.
const AGAIN_AFTER: Duration = Duration::from_secs(2);
/// Age and size are looked at so often.
const PRUNED_EACH: Duration = Duration::from_secs(60);
/// And behind so many facts.
const PRUNED_BEHIND: usize = 16_384;

/// Where and how much.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The file; `None` keeps the history in memory.
    pub path: Option<PathBuf>,
    /// Facts are kept for so long.
    pub keep: Duration,
    /// Bytes of the file, or of memory.
    pub max_size: u64,
}

/// Keeps a history. Clones are the same.
#[derive(Clone, Debug)]
pub struct Keeper(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    news: Condvar,
    /// The store, where it is in memory: its readers cannot have a connection of their own.
    memory: Mutex<Option<Store>>,
}

#[derive(Debug, Default)]
struct State {
    queue: Queue,
    place: Place,
    ending: bool,
    ended: bool,
}

#[derive(Clone, Debug, Default)]
enum Place {
    /// Not opened yet.
    #[default]
    Opening,
    File(PathBuf),
    Memory,
}

impl Keeper {
    /// Begins to keep one. The file is opened beside the caller.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(settings: Settings) -> std::io::Result<Self> {
        let inner =
            Arc::new(Inner { state: Mutex::default(), news: Condvar::new(), memory: Mutex::new(None) });
        let writer = Arc::clone(&inner);
        std::thread::Builder::new().name("history".to_owned()).spawn(move || {
            writer.run(&settings);
            writer.state().ended = true;
            writer.news.notify_all();
        })?;
        Ok(Self(inner))
    }

    /// Keeps `fact`, with the time of now if it has none. Never waits for the disk; when it lags, the oldest fact that waits is dropped
    /// and counted.
    pub fn record(&self, mut fact: Fact) {
        if fact.at_ms == 0 {
            fact.at_ms = now_ms();
        }
        self.0.state().queue.push(bounded(fact));
        self.0.news.notify_all();
    }

    /// Answers `query` from what is kept: blocks, for as long as the disk takes.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn find(&self, query: &HistoryQuery) -> Result<History, Error> {
        let (place, dropped) = {
            let state = self.0.state();
            (state.place.clone(), state.queue.dropped())
        };
        let (found, kept) = match place {
            Place::Opening => (History::default(), "the file is being opened".to_owned()),
            Place::File(path) => (read_file(&path)?.find(query)?, path.display().to_string()),
            Place::Memory => {
                let memory = self.0.memory.lock().unwrap_or_else(PoisonError::into_inner);
                let found = memory.as_ref().map(|store| store.find(query)).transpose()?;
                (found.unwrap_or_default(), "memory".to_owned())
            }
        };
        Ok(History { kept, dropped, ..found })
    }

    /// Writes what waits and ends; blocks for at most `limit`.
    pub fn end(&self, limit: Duration) {
        let until = Instant::now() + limit;
        let mut state = self.0.state();
        state.ending = true;
        self.0.news.notify_all();
        while !state.ended {
            let Some(left) = until.checked_duration_since(Instant::now()) else {
                tracing::warn!("the last facts of the history could not be written in time");
                return;
            };
            state = self.0.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Inner {
    /// A panic while plain data is held leaves it as whole as it was.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, settings: &Settings) {
        let opened = match &settings.path {
            Some(path) => open(path, now_ms()),
            None => Store::in_memory().map(|store| Opened { store, file: None, words: None }),
        };
        let Opened { store, file, words } = match opened {
            Ok(opened) => opened,
            Err(why) => return tracing::error!("no history is kept: {why}"),
        };
        if let Some(words) = words {
            tracing::warn!("history: {words}");
        }
        let mut own = Some(store);
        self.state().place = match file {
            Some(path) => Place::File(path),
            None => {
                *self.memory.lock().unwrap_or_else(PoisonError::into_inner) = own.take();
                Place::Memory
            }
        };
        self.write(settings, own);
    }

    /// Until told to end.
    fn write(&self, settings: &Settings, mut own: Option<Store>) {
        let (mut failing, mut told_dropped) = (false, 0);
        let (mut pruned_at, mut behind) = (None::<Instant>, 0);
        while let Some((mut batch, dropped)) = self.next_batch() {
            if dropped > told_dropped {
                batch.insert(0, missing(dropped - told_dropped, batch.first().map(|fact| fact.at_ms)));
            }
            let is_due = behind >= PRUNED_BEHIND || pruned_at.is_none_or(|at| at.elapsed() >= PRUNED_EACH);
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(store) = own.as_mut().or(memory.as_mut()) else { return };
            if is_due {
                // First, since it makes room on a disk that is full.
                let keep = u64::try_from(settings.keep.as_millis()).unwrap_or(u64::MAX);
                if let Err(why) = store.prune(now_ms().saturating_sub(keep), settings.max_size) {
                    tracing::debug!("the history could not be pruned: {why}");
                }
                (pruned_at, behind) = (Some(Instant::now()), 0);
            }
            let written = if batch.is_empty() { Ok(()) } else { store.insert(&batch) };
            drop(memory);
            match written {
                Ok(()) => {
                    if failing {
                        tracing::info!("the history is written again");
                    }
                    failing = false;
                    told_dropped = dropped;
                    behind += batch.len();
                }
                Err(why) => {
                    if !failing {
                        tracing::warn!("the history cannot be written, and is tried again: {why}");
                    }
                    failing = true;
                    if dropped > told_dropped {
                        batch.remove(0);
                    }
                    let mut state = self.state();
                    state.queue.give_back(batch);
                    if state.ending {
                        return;
                    }
                    drop(self.news.wait_timeout_while(state, AGAIN_AFTER, |state| !state.ending));
                }
            }
        }
    }

    /// Waits for facts; `None` when told to end and nothing waits. An empty one when it is time to prune.
    fn next_batch(&self) -> Option<(Vec<Fact>, u64)> {
        let idle = |state: &mut State| state.queue.is_empty() && !state.ending;
        let waited = self.news.wait_timeout_while(self.state(), PRUNED_EACH, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if !state.ending {
            drop(state);
            std::thread::sleep(GATHERED_FOR);
            state = self.state();
        }
        let batch = state.queue.take(BATCH_MAX);
        if batch.is_empty() && state.ending {
            return None;
        }
        Some((batch, state.queue.dropped()))
    }
}

/// The fact that others are missing, just before the first that is not.
fn missing(count: u64, at_ms: Option<u64>) -> Fact {
    Fact {
        at_ms: at_ms.unwrap_or_else(now_ms),
        kind: "history".to_owned(),
        what: "dropped".to_owned(),
        why: format!("{count} facts came faster than they could be written"),
        ..Fact::default()
    }
}

fn now_ms() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
