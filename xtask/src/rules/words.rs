//! Words that must not stand in the tree: the project stands alone, and an unfinished thought is an issue, not a comment.

use super::Source;

/// (text, why not). Written in two halves so that this file does not find itself.
const FORBIDDEN: &[(&[&str], &str)] = &[
    (&["../", "shared"], "what the project needs from elsewhere becomes its own"),
    (&["/wo", "rk/"], "a path of somebody's machine"),
    (&["TO", "DO"], "an unfinished thought belongs in an issue"),
    (&["FIX", "ME"], "an unfinished thought belongs in an issue"),
    (&["allow(", "unsafe_code"], "unsafe lives only in the modules listed in xtask/src/rules/words.rs"),
];

/// Modules that may contain unsafe code, each with its argument at its head.
const UNSAFE_ALLOWED: &[&str] = &[];

pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let mut findings = Vec::new();
    for source in sources {
        let path = source.path.to_string_lossy();
        for (halves, why) in FORBIDDEN {
            let text = halves.concat();
            if UNSAFE_ALLOWED.contains(&path.as_ref()) && text.contains("unsafe") {
                continue;
            }
            for (index, _) in source.text.lines().enumerate().filter(|(_, line)| line.contains(&text)) {
                findings.push(format!("words: {path}:{}: {text:?}: {why}", index + 1));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_word_is_found_with_its_line() {
        let source =
            Source { path: "README.md".into(), text: format!("fine\n{}\n", ["TO", "DO: more"].concat()) };
        let findings = check(&[source]);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].starts_with("words: README.md:2:"), "{findings:?}");
    }
}
