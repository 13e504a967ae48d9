use super::*;

const DIR: How = How::Between(b"/?");
const DOM: How = How::Between(b"/?.:");

#[test]
fn each_way_of_laying_a_pattern_on_is_its_own() {
    for (how, pattern, text, fits) in [
        (How::Exact, "/a", "/a", true),
        (How::Exact, "/a", "/A", false),
        (How::Prefix, "/a", "/ab", true),
        (How::Prefix, "/ab", "/a", false),
        (How::Suffix, ".png", "/x.png", true),
        (How::Suffix, "long.png", ".png", false),
        (How::Contains, "dm", "/admin", true),
        (How::Contains, "", "", true),
        (How::Contains, "xx", "x", false),
        (DIR, "b", "/a/b/c", true),
        (DIR, "/b/", "/a/b/c", true),
        (DIR, "a/b", "/a/b", true),
        (DIR, "b", "/a/bc", false),
        (DIR, "/", "/a", false),
        (DOM, "example", "www.example.com:80", true),
        (DOM, "example.com", "www.example.com", true),
        (DOM, "xample", "www.example.com", false),
    ] {
        assert_eq!(
            Pattern::new(how.clone(), pattern, false).matches(text.as_bytes()),
            fits,
            "{how:?} {pattern} {text}"
        );
    }
}

#[test]
fn letters_lose_their_case_only_when_asked() {
    for how in [How::Exact, How::Prefix, How::Suffix, How::Contains, DIR] {
        assert!(Pattern::new(how.clone(), "aB", true).matches(b"Ab"), "{how:?}");
        assert!(!Pattern::new(how.clone(), "aB", false).matches(b"Ab"), "{how:?}");
    }
    assert!(Pattern::glob("/a*", true).unwrap().matches(b"/AB"));
    assert!(!Pattern::glob("/a*", false).unwrap().matches(b"/AB"));
    assert!(Pattern::regex("^ab$", true).unwrap().matches(b"AB"));
    assert!(!Pattern::regex("^ab$", false).unwrap().matches(b"AB"));
}

#[test]
fn a_pattern_covers_what_it_always_fits_too() {
    let covers = |wide: (How, &str, bool), narrow: (How, &str, bool)| {
        let make = |(how, text, ignore_case): (How, &str, bool)| Pattern::new(how, text, ignore_case);
        make(wide).covers(&make(narrow))
    };
    assert!(covers((How::Prefix, "/a", false), (How::Prefix, "/ab", false)));
    assert!(covers((How::Prefix, "/a", false), (How::Exact, "/ab", false)));
    assert!(covers((How::Prefix, "/a", true), (How::Exact, "/AB", false)));
    let prefix = Pattern::new(How::Prefix, "/a", false);
    assert!(prefix.covers(&Pattern::glob("/ab/*", false).unwrap()));
    assert!(!prefix.covers(&Pattern::glob("/*", false).unwrap()));
    assert!(covers((How::Suffix, "c", false), (How::Suffix, ".c", false)));
    assert!(!covers((How::Prefix, "/a", false), (How::Prefix, "/ab", true)));
    assert!(!covers((How::Prefix, "/ab", false), (How::Prefix, "/a", false)));
    assert!(!covers((How::Exact, "/a", false), (How::Prefix, "/a", false)));
    assert!(!covers((How::Prefix, "/a", false), (How::Suffix, "/ab", false)));
}

proptest::proptest! {
    #[test]
    fn what_covers_another_fits_whatever_that_fits(
        wide in "[aA/]{0,3}", narrow in "[aA/*]{0,3}", text in "[aA/]{0,5}", kinds in (0..5_usize, 0..5_usize), cases: (bool, bool),
    ) {
        let how = [How::Exact, How::Prefix, How::Suffix, How::Contains];
        let make = |kind: usize, text: &str, ignore_case| match how.get(kind) {
            Some(how) => Pattern::new(how.clone(), text, ignore_case),
            None => Pattern::glob(text, ignore_case).unwrap(),
        };
        let wide = make(kinds.0, &wide, cases.0);
        let narrow = make(kinds.1, &narrow, cases.1);
        if wide.covers(&narrow) && narrow.matches(text.as_bytes()) {
            proptest::prop_assert!(wide.matches(text.as_bytes()), "{:?} {:?} {}", wide, narrow, text);
        }
    }
}
