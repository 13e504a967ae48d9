//! Which text a HAProxy runs: the one that we brought it to, if it is still that process; else the one that the file had when it
//! was read. A process does not say when that was, but when it began; what fits neither, or could be one of several, is not known.

use crate::stamp::{Reading, Stamp, since_boot};
use muster_haproxy::{CONFIG_BYTES_MAX, Config, Leaving, Past, ServerName, ServerState};
use muster_whole_file as whole_file;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// So much earlier than it was put there a file may be stamped: Linux looks at the time once a tick, of 10 ms at most.
const STAMPS_LATE: Duration = Duration::from_millis(10);

/// Takes note of what the file has.
pub(crate) fn look(past: &mut Past, file: &Path) {
    let began = since_boot();
    let put = put_at(file, began);
    match whole_file::read::text(file, CONFIG_BYTES_MAX) {
        Ok(text) => past.look(Some(text), began, since_boot(), put),
        Err(error) if error.kind() == io::ErrorKind::NotFound => past.look(None, began, since_boot(), None),
        // Nobody can read it now, so nobody reads it; what is there before and after, other looks tell.
        Err(_) => {}
    }
}

/// When the file was put there, if the wall clock is right: renaming changes ctime, where mtime is when it was written.
fn put_at(file: &Path, now: Duration) -> Option<Duration> {
    let metadata = fs::metadata(file).ok()?;
    let put = Duration::new(metadata.ctime().try_into().ok()?, metadata.ctime_nsec().try_into().ok()?);
    let age = SystemTime::now().duration_since(UNIX_EPOCH.checked_add(put + STAMPS_LATE)?).ok()?;
    // One from before the boot.
    Some(now.saturating_sub(age))
}

/// Longest note: a text and one line.
const NOTE_BYTES_MAX: usize = CONFIG_BYTES_MAX + 100;

/// Where it is kept which process runs which text, so that it outlives the driver.
fn note_of(file: &Path) -> PathBuf {
    whole_file::companion(file, "running")
}

/// Keeps that `process` runs `text`.
pub(crate) fn remember(file: &Path, process: &Stamp, text: &str) {
    let note = format!("{}\n{text}", process.line());
    if let Err(error) = whole_file::note(&note_of(file), note.as_bytes(), whole_file::PRIVATE) {
        tracing::debug!("cannot keep what HAProxy runs, so the next life may reload it once: {error}");
    }
}

/// The text that `process` runs, with these servers and with `leaving` beside it.
pub(crate) fn recall(
    file: &Path,
    process: &Stamp,
    (past, reading): (&Past, Reading),
    servers: &[ServerState],
    leaving: &BTreeMap<ServerName, Leaving>,
) -> Option<Config> {
    let fits = |text: &str| {
        let config = Config::read(text).ok()?;
        config.fits(servers, |name| leaving.contains_key(name)).then_some(config)
    };
    let noted = noted(file, process).and_then(|text| fits(&text));
    noted.or_else(|| {
        // Its servers say which of several it is, where these are all that differs.
        let mut read = past.between(reading.from, reading.until)?.into_iter().filter_map(fits);
        let first = read.next()?;
        read.all(|other| other == first).then_some(first)
    })
}

fn noted(file: &Path, process: &Stamp) -> Option<String> {
    let note = whole_file::read::text(&note_of(file), NOTE_BYTES_MAX).ok()?;
    let (head, text) = note.split_once('\n')?;
    let noted = Stamp::read(head)?;
    noted.is_same(process).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn text(server: &str, rest: &str) -> String {
        format!("backend b\n server {server} 10.0.0.1:80\n{rest}")
    }

    /// What a process with this server runs, given the past and when it was read.
    fn recalled(file: &Path, process: Stamp, past: (&Past, Reading), server: &str) -> Option<Config> {
        let reply = format!(
            "1\n# be_name srv_name srv_addr srv_admin_state srv_uweight srv_port\nb {server} 10.0.0.1 0 1 80\n"
        );
        recall(file, &process, past, &muster_haproxy::server_states(&reply), &BTreeMap::new())
    }

    #[test]
    fn a_process_is_known_again_and_another_with_its_number_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("haproxy.cfg");
        let process = Stamp::new(7, 100 * SECOND);
        remember(&file, &process, &text("old", ""));
        let nothing = (&Past::default(), Reading { from: Duration::ZERO, until: Duration::MAX });
        let recalled = |process, server| recalled(&file, process, nothing, server);
        assert_eq!(recalled(Stamp::new(7, 101 * SECOND), "old"), Config::read(&text("old", "")).ok());
        assert_eq!(recalled(process, "other"), None, "its servers are others");
        assert_eq!(recalled(Stamp::new(8, 100 * SECOND), "old"), None);
        assert_eq!(recalled(Stamp::new(7, 110 * SECOND), "old"), None);
    }

    #[test]
    fn one_that_can_have_read_several_texts_runs_the_one_that_its_servers_tell() {
        let file = Path::new("/no/such/file");
        let mut past = Past::default();
        let texts = [text("a", ""), text("b", ""), text("b", " retries 3\n")];
        for (text, at) in texts.iter().zip(1..) {
            past.look(Some(text.clone()), 10 * at * SECOND, 10 * at * SECOND + SECOND, None);
        }
        let process = Stamp::new(7, 15 * SECOND);
        let recalled = |from: u32, until: u32, server| {
            let reading = Reading { from: from * SECOND, until: until * SECOND };
            recalled(file, process, (&past, reading), server)
        };
        let config = |text: &str| Config::read(text).ok();
        assert_eq!(recalled(12, 22, "a"), config(&texts[0]));
        assert_eq!(recalled(12, 19, "b"), config(&texts[1]));
        assert_eq!(recalled(12, 22, "b"), None, "either of two");
        assert_eq!(recalled(32, 33, "b"), config(&texts[2]));
        assert_eq!(recalled(32, 33, "a"), None, "somebody gave it servers");
        assert_eq!(recalled(2, 33, "a"), None, "nobody looked then");
    }

    #[test]
    fn a_look_finds_what_is_there_and_since_when() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("haproxy.cfg");
        let before = since_boot();
        let mut past = Past::default();
        look(&mut past, &file);
        fs::write(&file, "a").unwrap();
        look(&mut past, &file);
        assert_eq!(past.between(since_boot(), since_boot()), Some(vec!["a"]));
        // Another life.
        let mut past = Past::default();
        look(&mut past, &file);
        assert_eq!(past.between(since_boot() + STAMPS_LATE, since_boot() + SECOND), Some(vec!["a"]));
        assert_eq!(past.between(before, before), None, "it was not there yet");
    }
}
