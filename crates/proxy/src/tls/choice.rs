//! Which certificate a client is shown, by the name it asks for (SNI, RFC 6066, 3).

use std::collections::HashMap;

/// Certificates by name. `T` is whatever stands for one.
#[derive(Debug)]
pub(super) struct Choice<T> {
    /// In the order of the configuration; the first is shown to whoever asks for none of the names.
    all: Vec<T>,
    /// Places in `all`, by whole names and by what follows `*.`.
    exact: HashMap<String, Vec<usize>>,
    wildcard: HashMap<String, Vec<usize>>,
}

impl<T> Choice<T> {
    /// Of these, with their names in lower case.
    pub(super) fn new(certificates: impl IntoIterator<Item = (Vec<String>, T)>) -> Self {
        let mut choice = Self { all: Vec::new(), exact: HashMap::new(), wildcard: HashMap::new() };
        for (names, certificate) in certificates {
            let place = choice.all.len();
            for name in names {
                let (map, name) = match name.strip_prefix("*.") {
                    Some(rest) => (&mut choice.wildcard, rest),
                    None => (&mut choice.exact, name.as_str()),
                };
                map.entry(name.to_owned()).or_default().push(place);
            }
            choice.all.push(certificate);
        }
        choice
    }

    /// Those for `name`, the best first: whole names before wildcards, which stand for one label (RFC 6125, 6.4.3), and the
    /// default at last. Several have one name when their keys are of different kinds.
    pub(super) fn of<'a>(&'a self, name: Option<&str>) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let name = name.map(str::to_ascii_lowercase).unwrap_or_default();
        let exact = self.exact.get(&name);
        let wildcard = name.split_once('.').and_then(|(_, rest)| self.wildcard.get(rest));
        let named = exact.into_iter().chain(wildcard).flatten();
        named.filter_map(|place| self.all.get(*place)).chain(self.all.iter().take(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_names_come_before_wildcards_and_the_first_is_for_all_others() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let choice = Choice::new([
            (names(&["default.test"]), 0),
            (names(&["*.a.test", "a.test"]), 1),
            (names(&["www.a.test"]), 2),
            (names(&["www.a.test"]), 3),
        ]);
        for (name, places) in [
            (Some("a.test"), vec![1, 0]),
            (Some("WWW.a.test"), vec![2, 3, 1, 0]),
            (Some("api.a.test"), vec![1, 0]),
            (Some("x.api.a.test"), vec![0]),
            (Some(".a.test"), vec![1, 0]),
            (Some("test"), vec![0]),
            (Some(""), vec![0]),
            (None, vec![0]),
        ] {
            assert_eq!(choice.of(name).copied().collect::<Vec<_>>(), places, "{name:?}");
        }
        assert_eq!(Choice::<u8>::new([]).of(Some("a")).count(), 0);
    }
}
