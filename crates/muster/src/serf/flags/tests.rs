use super::*;

const FLAGS: &[Flag] = &[
    flag("on", Takes::Switch),
    flag("text", Takes::Text),
    flag("each", Takes::Texts),
    flag("count", Takes::Integer),
    flag("time", Takes::Duration),
];

fn bytes(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

fn parsed(words: &[&str]) -> Parsed {
    parse(FLAGS, &bytes(words)).unwrap()
}

/// What Go says on standard error.
fn refusal(words: &[Vec<u8>]) -> String {
    match parse(FLAGS, words) {
        Err(Refused::Wrong(text)) => String::from_utf8_lossy(&text).into_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn one_dash_or_two_and_two_ways_to_give_a_value() {
    for words in [["-text", "a"], ["--text", "a"]] {
        assert_eq!(parsed(&words).text("text"), "a");
    }
    for words in [["-text=a=b"], ["--text=a=b"]] {
        assert_eq!(parsed(&words).text("text"), "a=b");
    }
    assert_eq!(parsed(&["-text="]).text("text"), "");
    assert_eq!(parsed(&["-text", "-on"]).text("text"), "-on", "the next word, whatever it looks like");
}

#[test]
fn a_switch_takes_its_value_behind_an_equals_sign_only() {
    let off = parsed(&["-on=false", "true"]);
    assert!(!off.switch("on", true));
    assert_eq!(off.words(), ["true"]);
    let on = parsed(&["-on", "false"]);
    assert!(on.switch("on", false));
    assert_eq!(on.words(), ["false"]);
}

#[test]
fn flags_end_at_the_first_word_that_is_none() {
    assert_eq!(parsed(&["a", "-on"]).words(), ["a", "-on"]);
    assert_eq!(parsed(&["-", "-on"]).words(), ["-", "-on"]);
    assert_eq!(parsed(&["-on", "--", "-on"]).words(), ["-on"]);
    assert_eq!(parsed(&["", "-on"]).words(), ["", "-on"]);
}

#[test]
fn the_last_one_wins_unless_all_count() {
    let all = parsed(&["-text=a", "-each", "a", "-text=b", "-each=b", "-each", "a"]);
    assert_eq!((all.text("text").as_str(), all.texts("each").join(",").as_str()), ("b", "a,b,a"));
    assert!(all.has("each") && !all.has("on"));
}

#[test]
fn numbers_and_durations_are_read_as_in_go() {
    for (text, number) in
        [("12", 12), ("-3", -3), ("+3", 3), ("0x1F", 31), ("017", 15), ("0b11", 3), ("0", 0)]
    {
        assert_eq!(parsed(&["-count", text]).integer("count"), number, "{text}");
    }
    for (text, nanoseconds) in [("1m30s", 90_000_000_000), ("-1.5s", -1_500_000_000), ("0", 0)] {
        assert_eq!(parsed(&["-time", text]).duration("time"), nanoseconds, "{text}");
    }
}

/// Recorded from Serf 0.9.4.
#[test]
fn refusals_are_those_of_go() {
    for (words, said) in [
        (&["-bogus"][..], "flag provided but not defined: -bogus"),
        (&["-bogus=1"], "flag provided but not defined: -bogus"),
        (&["-text"], "flag needs an argument: -text"),
        (&["---x"], "bad flag syntax: ---x"),
        (&["-=x"], "bad flag syntax: -=x"),
        (&["-on=maybe"], "invalid boolean value \"maybe\" for -on: parse error"),
        (&["-count", "zz"], "invalid value \"zz\" for flag -count: parse error"),
        (
            &["-count", "9223372036854775808"],
            "invalid value \"9223372036854775808\" for flag -count: value out of range",
        ),
        (&["-time", "1"], "invalid value \"1\" for flag -time: parse error"),
    ] {
        assert_eq!(refusal(&bytes(words)), said);
    }
    assert_eq!(parse(FLAGS, &bytes(&["--h"])).unwrap_err(), Refused::Help);
}

#[test]
fn what_is_no_text_passes_through_or_is_shown_with_escapes() {
    let odd = vec![b'-', b't', b'e', b'x', b't', b'=', 0xff, b'\n'];
    assert_eq!(parse(FLAGS, std::slice::from_ref(&odd)).unwrap().text("text"), "\u{fffd}\n");
    assert_eq!(parse(FLAGS, &[vec![0xff, 0x00]]).unwrap().rest, [[0xff, 0x00]]);
    assert_eq!(
        refusal(&[b"-count".to_vec(), vec![0xff, 0x1b, b'"']]),
        "invalid value \"\\xff\\x1b\\\"\" for flag -count: parse error"
    );
    // The flag's own name is said as it was typed, as Go does.
    assert!(matches!(parse(FLAGS, &[vec![b'-', 0xff]]), Err(Refused::Wrong(_))));
}

#[test]
fn huge_words_and_many_of_them_are_read_once() {
    let huge = "9".repeat(1 << 20);
    assert!(refusal(&bytes(&["-count", &huge])).ends_with("value out of range"));
    assert!(refusal(&bytes(&["-time", &huge])).ends_with("parse error"));
    let many: Vec<Vec<u8>> = std::iter::repeat_n(b"-each=x".to_vec(), 100_000).collect();
    assert_eq!(parse(FLAGS, &many).unwrap().texts("each").len(), 100_000);
}
