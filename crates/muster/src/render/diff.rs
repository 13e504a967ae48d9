//! What would change in a file, as `diff -u` shows it.

use super::read;
use crate::text::printable;
use similar::TextDiff;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// Lines around a change.
const CONTEXT_LINES: usize = 3;
/// After that, a difference is found roughly instead of finely.
const SEARCH_MAX: Duration = Duration::from_secs(2);

/// The difference between the file, which need not be there, and `new`.
pub(super) fn against(path: &Path, new: &str) -> Result<String, String> {
    let (old, old_name) = match path.try_exists() {
        Ok(false) => (String::new(), "/dev/null".to_owned()),
        _ => (read::text(path, read::DATA_BYTES_MAX)?, path.display().to_string()),
    };
    let diff = TextDiff::configure().timeout(SEARCH_MAX).diff_lines(old.as_str(), new);
    let unified = diff
        .unified_diff()
        .context_radius(CONTEXT_LINES)
        .header(&old_name, &path.display().to_string())
        .to_string();
    // A terminal may read it, and it is made of what peers say of themselves.
    let mut safe = String::with_capacity(unified.len());
    for line in unified.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        let _ = write!(safe, "{}{end}", tabs(line));
    }
    Ok(safe)
}

/// Tabs are usual in configurations.
fn tabs(line: &str) -> String {
    line.split('\t').map(printable).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_shown_and_safe_for_a_terminal() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let name = path.display().to_string();
        let new = against(&path, "a\n").unwrap();
        assert_eq!(new, format!("--- /dev/null\n+++ {name}\n@@ -0,0 +1 @@\n+a\n"));
        std::fs::write(&path, "a\n\tb\nc\n").unwrap();
        assert_eq!(against(&path, "a\n\tb\nc\n").unwrap(), "");
        let changed = against(&path, "a\n\t\u{1b}[2J\nc\n").unwrap();
        assert_eq!(
            changed,
            format!("--- {name}\n+++ {name}\n@@ -1,3 +1,3 @@\n a\n-\tb\n+\t\\u{{1b}}[2J\n c\n")
        );
    }
}
