//! The cases, as they stand in their files.
//!
//! Bytes are written as text with escapes: `\r \n \t \0 \\ \xNN`, `\{a*3}` for `aaa`, and in what ours passes on `\{hop}` for
//! the lines that say who the client is. `\{wait}` lets what came before arrive, `\{end}` ends the sender's side.

use std::path::Path;

/// What a proxy says of its client, as ours does.
const HOP: &str = "X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 8080\r\n";

/// Which side is odd.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A client's bytes.
    Request,
    /// A backend's bytes.
    Response,
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Which side is odd.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Sections of RFC 9112, or of another that is named.
    pub rfc: String,
    /// The odd bytes, as they stand in the file.
    pub text: String,
    /// The odd bytes, in pieces that arrive one after the other.
    pub send: Vec<Vec<u8>>,
    /// Their sender ends its side behind them.
    pub ends: bool,
    /// For a response: what it answers.
    pub request: Vec<u8>,
    /// What ours must do: statuses that the client gets, and `kept` or `closed`.
    pub ours: String,
    /// What is passed on; `None`: no matter what, since the answer is ours.
    pub passed: Option<Vec<u8>>,
    /// Why that is right.
    pub why: String,
}

/// All cases of one kind.
///
/// # Panics
/// When the file is not as it should be.
pub fn cases(kind: Kind) -> Vec<Case> {
    let name = match kind {
        Kind::Request => "requests.toml",
        Kind::Response => "responses.toml",
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance").join(name);
    let text = std::fs::read_to_string(&path).expect("the cases are there");
    let table: toml::Table = text.parse().expect("the cases are TOML");
    let rows = table["case"].as_array().expect("there is a list of cases");
    rows.iter().map(|row| case(kind, row.as_table().expect("a case is a table"))).collect()
}

fn case(kind: Kind, row: &toml::Table) -> Case {
    let text = |key: &str| row.get(key).and_then(toml::Value::as_str);
    let name = text("name").expect("a case has a name").to_owned();
    let must = |key: &str| text(key).unwrap_or_else(|| panic!("{name} has no {key}")).to_owned();
    let sent = must("send");
    let open = sent.strip_suffix("\\{end}");
    let send: Vec<_> = open.unwrap_or(&sent).split("\\{wait}").map(bytes).collect();
    let ours = must("ours");
    let passed = match text("got") {
        // A part may have gone on before the fault came, and how much is a matter of time.
        Some("any") => None,
        Some(got) => Some(bytes(got)),
        None => unchanged(kind, &send.concat(), &ours),
    };
    Case {
        kind,
        rfc: must("rfc"),
        ends: open.is_some(),
        request: bytes(text("request").unwrap_or("GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n")),
        why: must("why"),
        text: sent,
        name,
        send,
        ours,
        passed,
    }
}

/// What is passed on when nothing is said of it: nothing of what is refused, else what came, with our lines behind a request's head.
fn unchanged(kind: Kind, sent: &[u8], ours: &str) -> Option<Vec<u8>> {
    let is_passed = ours.split(' ').any(|word| word == "200");
    match kind {
        Kind::Request if !is_passed => Some(Vec::new()),
        Kind::Request => {
            let end = sent.windows(4).position(|four| four == b"\r\n\r\n")? + 2;
            Some([&sent[..end], HOP.as_bytes(), &sent[end..]].concat())
        }
        Kind::Response if ours.starts_with("502") || ours.starts_with("504") => None,
        Kind::Response => Some(sent.to_vec()),
    }
}

/// The bytes that `text` stands for.
fn bytes(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\\') {
        out.extend_from_slice(before.as_bytes());
        let next = behind.chars().next().expect("a backslash escapes something");
        let mut taken = next.len_utf8();
        match next {
            'r' => out.push(b'\r'),
            'n' => out.push(b'\n'),
            't' => out.push(b'\t'),
            '0' => out.push(0),
            '\\' => out.push(b'\\'),
            'x' => {
                out.push(u8::from_str_radix(&behind[1..3], 16).expect("two hexadecimal digits"));
                taken = 3;
            }
            '{' => {
                let end = behind.find('}').expect("a closing brace");
                match &behind[1..end] {
                    "hop" => out.extend_from_slice(HOP.as_bytes()),
                    repeated => {
                        let (unit, count) = repeated.rsplit_once('*').expect("what, an asterisk, how often");
                        out.extend(bytes(unit).repeat(count.parse().expect("a number")));
                    }
                }
                taken = end + 1;
            }
            other => panic!("there is no escape {other} in {text}"),
        }
        rest = &behind[taken..];
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// `bytes` as they are written in the files: what is longer than a line is shortened.
pub fn escaped(bytes: &[u8]) -> String {
    let mut out = String::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let run = rest.iter().take_while(|byte| *byte == first).count();
        let one = match first {
            b'\r' => "\\r".into(),
            b'\n' => "\\n".into(),
            b'\t' => "\\t".into(),
            0 => "\\0".into(),
            b'\\' => "\\\\".into(),
            b'\'' => "\\x27".into(),
            b' '..=b'~' => char::from(*first).to_string(),
            other => format!("\\x{other:02x}"),
        };
        if run > 40 {
            out.push_str(&format!("\\{{{one}*{run}}}"));
            rest = &rest[run..];
        } else {
            out.push_str(&one);
            rest = &rest[1..];
        }
    }
    out.replace(&HOP.replace("\r\n", "\\r\\n"), "\\{hop}")
}
