use super::*;

fn written(mode: Escape, text: &str) -> Result<String, Refused> {
    let mut out = String::new();
    mode.write(text, &mut out, 1000).map(|()| out)
}

#[test]
fn each_mode_writes_what_its_file_takes_for_that_text() {
    let cases = [
        (Escape::Haproxy, "a b#\"\\\n'é", r"a\x20b\x23\x22\x5c\x0a\x27\xc3\xa9"),
        (Escape::Nginx, "a b;{x}#\"'\\é", r#"a\ b\;\{x\}\#\"\'\\é"#),
        (Escape::Json, "q\"x\\\n\u{1}é/", r#"q\"x\\\n\u0001é/"#),
        (Escape::Shell, "a b;$(x)`\"\\é*", r#"a\ b\;\$\(x\)\`\"\\é\*"#),
        (Escape::Html, "<a b='c'>`&\"", "&lt;a b&#x3D;&#x27;c&#x27;&gt;&#x60;&amp;&quot;"),
        (Escape::Html1, "a=<", "a=&lt;"),
        (Escape::None, "a;b é", "a;b é"),
    ];
    for (mode, text, expected) in cases {
        assert_eq!(written(mode, text).as_deref(), Ok(expected), "{mode}");
    }
}

#[test]
fn what_has_no_form_is_refused() {
    for (mode, char) in [
        (Escape::Haproxy, '\0'),
        (Escape::Nginx, '$'),
        (Escape::Nginx, '\n'),
        (Escape::Shell, '\''),
        (Escape::Shell, '\n'),
        (Escape::None, '\n'),
    ] {
        assert_eq!(written(mode, &format!("a{char}b")), Err(Refused::Char(char)), "{mode}");
    }
}

/// Every character, so that no byte of a name is ever forgotten.
#[test]
fn no_text_ends_the_word_it_is_written_in() {
    for char in (0..0x3000).filter_map(char::from_u32) {
        let text = format!("a{char}b");
        if let Ok(json) = written(Escape::Json, &text) {
            let read: String = serde_json::from_str(&format!("\"{json}\"")).unwrap();
            assert_eq!(read, text);
        }
        if let Ok(haproxy) = written(Escape::Haproxy, &text) {
            assert!(
                haproxy.is_ascii() && !haproxy.contains([' ', '#', '"', '\'', '$', '\n', '\r']),
                "{haproxy:?}"
            );
        }
        if let Ok(nginx) = written(Escape::Nginx, &text) {
            let bare = nginx.replace("\\\\", "").replace(&format!("\\{char}"), "");
            assert!(!bare.contains([' ', ';', '{', '}', '#', '"', '\'', '$', '\n']), "{nginx:?}");
        }
    }
}

#[test]
fn the_mode_follows_the_file() {
    for (name, mode) in [
        ("/etc/haproxy/haproxy.cfg.hb", Escape::Haproxy),
        ("haproxy.cfg", Escape::Haproxy),
        ("nginx.conf.hb", Escape::Nginx),
        ("targets.json.hbs", Escape::Json),
        ("run.sh", Escape::Shell),
        ("hosts", Escape::None),
        ("json", Escape::None),
    ] {
        assert_eq!(Escape::for_file(name), mode, "{name}");
    }
}
