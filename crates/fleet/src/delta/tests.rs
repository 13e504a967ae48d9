use super::*;
use crate::testing::{any_picture, backend, picture};
use proptest::prelude::*;

fn two_versions() -> (Picture, Picture) {
    let old = picture(
        (7, 1),
        Phase::Warming,
        &[
            ("web", "a", backend(1, Standing::Ready)),
            ("web", "b", backend(2, Standing::Ready)),
            ("api", "b", backend(2, Standing::Ready)),
        ],
    );
    let new = picture(
        (7, 2),
        Phase::Live,
        &[
            ("web", "a", backend(1, Standing::Ready)),
            ("web", "b", backend(2, Standing::Demoted)),
            ("web", "c", backend(3, Standing::Ready)),
        ],
    );
    (old, new)
}

#[test]
fn a_delta_holds_what_changed_and_nothing_else() {
    let (old, new) = two_versions();
    let delta = Delta::between(&old, &new);
    let web = BTreeMap::from([
        ("b".into(), Some(backend(2, Standing::Demoted))),
        ("c".into(), Some(backend(3, Standing::Ready))),
    ]);
    let api = BTreeMap::from([("b".into(), None)]);
    assert_eq!(delta.backends, BTreeMap::from([("web".into(), web), ("api".into(), api)]));
    assert_eq!((delta.epoch, delta.from_version, delta.version, delta.phase), (7, 1, 2, Phase::Live));
}

#[test]
fn a_service_without_backends_is_gone() {
    let (old, new) = two_versions();
    let got = old.with(&Delta::between(&old, &new));
    assert_eq!(got, Some(new));
}

#[test]
fn a_delta_applies_only_to_the_picture_it_starts_from() {
    let (old, new) = two_versions();
    let delta = Delta::between(&old, &new);
    assert_eq!(new.with(&delta), None, "another version");
    assert_eq!(Picture { epoch: 8, ..old }.with(&delta), None, "another epoch");
}

#[test]
fn only_withdrawn_and_gone_backends_make_a_delta_urgent() {
    let from = picture((7, 1), Phase::Live, &[("web", "a", backend(1, Standing::Ready))]);
    let to = |backends: &[(&str, &str, Backend)]| picture((7, 2), Phase::Live, backends);
    let ready = ("web", "a", backend(1, Standing::Ready));
    let cases = [
        (to(core::slice::from_ref(&ready)), false),
        (to(&[("web", "a", backend(1, Standing::Demoted))]), false),
        (to(&[ready, ("web", "b", backend(2, Standing::Ready))]), false),
        (to(&[("web", "a", backend(1, Standing::Withdrawn))]), true),
        (to(&[]), true),
    ];
    for (to, urgent) in cases {
        assert_eq!(Delta::between(&from, &to).withdraws(), urgent, "{to:?}");
    }
}

/// One of each kind of line. A change here breaks neighbouring releases: fields may be added, with a default; none may
/// be renamed, removed or change its form.
const GOLDEN: [&str; 4] = [
    r#"{"full":{"epoch":18446744073709551615,"version":1,"phase":"warming","services":{"web":{"backends":{"a":{"addr":"10.0.0.1:80","weight":10,"standing":"ready"},"b":{"addr":"[fd00::2]:80","weight":1,"standing":"demoted"}}}},"terms":{"gossip":"sealed"}}}"#,
    r#"{"full":{"epoch":7,"version":0,"phase":"live","services":{},"terms":{"gossip":"sealed"}}}"#,
    r#"{"delta":{"epoch":7,"from_version":1,"version":2,"phase":"live","backends":{"web":{"a":{"addr":"10.0.0.1:80","weight":10,"standing":"withdrawn"},"b":null}}}}"#,
    r#"{"same":{"epoch":7,"version":2}}"#,
];

fn golden() -> [Update; 4] {
    let demoted =
        Backend { addr: "[fd00::2]:80".parse().unwrap(), weight: 1, ..backend(2, Standing::Demoted) };
    let full = picture(
        (u64::MAX, 1),
        Phase::Warming,
        &[("web", "a", backend(1, Standing::Ready)), ("web", "b", demoted)],
    );
    let nodes = BTreeMap::from([("a".into(), Some(backend(1, Standing::Withdrawn))), ("b".into(), None)]);
    [
        Update::Full(full),
        Update::Full(picture((7, 0), Phase::Live, &[])),
        Update::Delta(Delta {
            epoch: 7,
            from_version: 1,
            version: 2,
            phase: Phase::Live,
            backends: BTreeMap::from([("web".into(), nodes)]),
            refusals: None,
        }),
        Update::Same { epoch: 7, version: 2 },
    ]
}

#[test]
fn the_lines_on_the_socket_are_as_they_were() {
    for (line, update) in GOLDEN.iter().zip(golden()) {
        assert_eq!(serde_json::to_string(&update).unwrap(), *line);
        assert_eq!(serde_json::from_str::<Update>(line).unwrap(), update);
    }
}

#[test]
fn fields_of_a_later_release_are_ignored() {
    for (line, update) in GOLDEN.iter().zip(golden()) {
        // A new field, of any form, in every object but the maps by name.
        let mut later = line.replace(r#""epoch":"#, r#""sources":[{"zone":null}],"epoch":"#);
        later = later.replace(r#""addr":"#, r#""since":{"ms":1},"addr":"#);
        later = later.replace(r#""backends":{"a":"#, r#""from":"10.0.0.0/8","backends":{"a":"#);
        assert_ne!(later, *line);
        assert_eq!(serde_json::from_str::<Update>(&later).unwrap(), update, "{later}");
    }
}

#[test]
fn a_line_is_one_line_whatever_the_names() {
    let update =
        Update::Full(picture((7, 1), Phase::Live, &[("web", "a\r\n\"\u{85}", backend(1, Standing::Ready))]));
    let line = serde_json::to_string(&update).unwrap();
    assert!(!line.contains(['\r', '\n']), "{line}");
    assert_eq!(serde_json::from_str::<Update>(&line).unwrap(), update);
}

proptest! {
    #[test]
    fn the_old_picture_with_the_delta_is_the_new_one(old in any_picture(7), new in any_picture(7)) {
        let delta = Delta::between(&old, &new);
        prop_assert_eq!(old.with(&delta), Some(new));
    }

    #[test]
    fn nothing_changed_is_an_empty_delta(picture in any_picture(7)) {
        prop_assert!(Delta::between(&picture, &picture).backends.is_empty());
    }

    #[test]
    fn updates_survive_json(old in any_picture(1), new in any_picture(1)) {
        let delta = Update::Delta(Delta::between(&old, &new));
        for update in [delta, Update::Full(new)] {
            let json = serde_json::to_string(&update).unwrap();
            prop_assert_eq!(serde_json::from_str::<Update>(&json).unwrap(), update);
        }
    }
}
