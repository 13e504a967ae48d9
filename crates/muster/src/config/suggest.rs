//! "Did you mean": the known word nearest to a mistyped one.

/// The nearest of `known`, unless none is near: one in three characters may be wrong.
pub(crate) fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |word: &&str| strsim::damerau_levenshtein(&typed.to_lowercase(), &word.to_lowercase());
    let word = known.into_iter().min_by_key(distance)?;
    (distance(&word) <= 1.max(typed.chars().count() / 3)).then_some(word)
}

/// `; did you mean `x`?`, or nothing.
pub(crate) fn hint<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, known).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised() {
        assert_eq!(nearest("bnid", ["bind", "join"]), Some("bind"));
        assert_eq!(nearest("retry-intervall", ["retry_interval", "retry_max"]), Some("retry_interval"));
        assert_eq!(nearest("JOIN", ["bind", "join"]), Some("join"));
    }

    #[test]
    fn another_word_is_not() {
        assert_eq!(nearest("colour", ["bind", "join"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
