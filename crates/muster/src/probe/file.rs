//! Is there such a file? Whoever needs it to start waits here for the one who makes it.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(20);

/// Returns when there is one. Without `timeout` that may take as long as it takes.
pub(super) fn wait(path: &Path, timeout: Option<Duration>) -> Result<(), String> {
    let began = Instant::now();
    while !path.is_file() {
        if let Some(timeout) = timeout.filter(|timeout| began.elapsed() >= *timeout) {
            return Err(format!("{}: there is no such file after {timeout:?}", path.display()));
        }
        sleep(LOOK);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_comes_is_waited_for_and_a_folder_is_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let soon = wait(directory.path(), Some(Duration::from_millis(1))).unwrap_err();
        assert!(soon.ends_with("there is no such file after 1ms"), "{soon}");
        let waiting = {
            let path = path.clone();
            std::thread::spawn(move || wait(&path, None))
        };
        std::fs::write(&path, "").unwrap();
        assert_eq!(waiting.join().unwrap(), Ok(()));
    }
}
