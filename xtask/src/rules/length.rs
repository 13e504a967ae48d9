//! One idea per file: a source file that outgrows [`LINES_MAX`] holds two.

use super::Source;

/// Lines of a Rust file, its tests included. Files of tests alone may be twice as long: they are lists.
const LINES_MAX: usize = 500;

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.is_rust()) {
        let is_tests = source.path.components().any(|part| part.as_os_str() == "tests")
            || source.path.file_stem().is_some_and(|stem| stem == "tests");
        let limit = if is_tests { 2 * LINES_MAX } else { LINES_MAX };
        let lines = source.text.lines().count();
        if lines > limit {
            findings
                .push(format!("length: {} has {lines} lines, the limit is {limit}", source.path.display()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_file_is_found() {
        let long = Source { path: "crates/x/src/y.rs".into(), text: "x\n".repeat(LINES_MAX + 1) };
        let tests = Source { path: "crates/x/tests/y.rs".into(), text: "x\n".repeat(LINES_MAX + 1) };
        assert_eq!(check(&[long, tests]).len(), 1);
    }
}
