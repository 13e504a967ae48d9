//! What programs send to a syslog socket, read. Whatever bytes come, something is made of them.
//!
//! The old form (RFC 3164) as it is really sent: by `syslog(3)` and HAProxy without a host, by relays with one; with the time of
//! that RFC or that of RFC 3339. The time is not used: ours is right to the microsecond, and theirs lacks year and zone.

use alloc::borrow::Cow;
use alloc::format;
use alloc::vec::Vec;

use crate::{LINE_BYTES_MAX, Part, Priority};

/// Longest tag or name of an application that is believed to be one.
const TAG_BYTES_MAX: usize = 48;

/// A message, read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message<'a> {
    /// Facility and severity.
    pub priority: Priority,
    /// The program that sent it, as it says; `syslog` if it does not.
    pub service: &'a str,
    /// Its process, as it says.
    pub process: Option<&'a str>,
    /// What it says, on one line: control characters are written `#012`, as other syslogs do.
    pub text: Cow<'a, [u8]>,
    /// Whole, unless it was longer than a line may be; then the rest is gone.
    pub part: Part,
}

/// The name of who does not say it.
const NAMELESS: &str = "syslog";

impl<'a> Message<'a> {
    /// Reads a datagram or the content of a frame.
    #[must_use]
    pub fn read(bytes: &'a [u8]) -> Self {
        let (priority, rest) = priority(bytes).unwrap_or((Priority::UNSAID, bytes));
        let (service, process, text) = modern(rest).unwrap_or_else(|| old(rest));
        let text = trimmed(text);
        let (text, part) = match text.len() > LINE_BYTES_MAX {
            true => (&text[..LINE_BYTES_MAX], Part::First),
            false => (text, Part::Whole),
        };
        Self {
            priority,
            service: service.unwrap_or(NAMELESS),
            process: process.filter(|process| !process.is_empty()),
            text: on_one_line(text),
            part,
        }
    }
}

/// Who, its process, and what.
type Read<'a> = (Option<&'a str>, Option<&'a str>, &'a [u8]);

/// `<13>`.
fn priority(bytes: &[u8]) -> Option<(Priority, &[u8])> {
    let rest = bytes.strip_prefix(b"<")?;
    let end = rest.iter().take(4).position(|byte| *byte == b'>')?;
    let digits = core::str::from_utf8(&rest[..end]).ok()?;
    // `parse` would take a sign.
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
    Some((Priority::of_number(number)?, &rest[end + 1..]))
}

/// RFC 5424, behind the priority: `1 TIME HOST APP PROCID MSGID DATA[ TEXT]`.
fn modern(bytes: &[u8]) -> Option<Read<'_>> {
    let mut rest = bytes.strip_prefix(b"1 ")?;
    let mut fields = [""; 5];
    for field in &mut fields {
        let end = rest.iter().position(|byte| *byte == b' ')?;
        *field = graphic(&rest[..end])?;
        rest = &rest[end + 1..];
    }
    let [_time, _host, app, process, _kind] = fields.map(|field| Some(field).filter(|field| *field != "-"));
    let rest = behind_data(rest)?;
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    let app = app.filter(|app| app.len() <= TAG_BYTES_MAX);
    Some((app, process, text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)))
}

/// What follows structured data: `-`, or `[id name="value"]` any number of times, where `\` escapes.
fn behind_data(bytes: &[u8]) -> Option<&[u8]> {
    if let Some(rest) = bytes.strip_prefix(b"-") {
        return Some(rest);
    }
    let (mut at, mut in_element, mut in_value) = (0, false, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if in_value => at += 1,
            b'"' if in_element => in_value = !in_value,
            b']' if in_element && !in_value => in_element = false,
            _ if in_element => {}
            b'[' => in_element = true,
            _ => break,
        }
        at += 1;
    }
    let is_whole = at > 0 && !in_element;
    if is_whole { bytes.get(at..) } else { None }
}

/// RFC 3164, behind the priority: `[TIME ][HOST ]TAG[PROCESS]: TEXT`, each of which may be missing.
fn old(bytes: &[u8]) -> Read<'_> {
    let rest = behind_time(bytes);
    let has_time = rest.len() < bytes.len();
    if let Some(read) = tagged(rest) {
        return read;
    }
    // A host comes before a tag only, and only behind a time.
    if has_time
        && let Some(end) = rest.iter().position(|byte| *byte == b' ')
        && graphic(&rest[..end]).is_some()
        && let Some(read) = tagged(&rest[end + 1..])
    {
        return read;
    }
    (None, None, rest)
}

/// `TAG[PROCESS]: TEXT` or `TAG: TEXT`.
fn tagged(bytes: &[u8]) -> Option<Read<'_>> {
    let end = bytes.iter().take(TAG_BYTES_MAX + 1).position(|byte| matches!(byte, b'[' | b':' | b' '))?;
    let tag = graphic(&bytes[..end])?;
    let mut rest = &bytes[end..];
    let mut process = None;
    if let Some(behind) = rest.strip_prefix(b"[") {
        let end = behind.iter().take(129).position(|byte| *byte == b']')?;
        process = Some(graphic_or_empty(&behind[..end])?);
        rest = &behind[end + 1..];
    }
    let text = rest.strip_prefix(b":")?;
    Some((Some(tag), process, text.strip_prefix(b" ").unwrap_or(text)))
}

/// Without `Nov 26 08:16:26 ` or `2026-11-26T08:16:26.5+01:00 `.
fn behind_time(bytes: &[u8]) -> &[u8] {
    /// Digits are `0`; the first of a day may be a space.
    const SHAPE: &[u8; 16] = b"Aaa 00 00:00:00 ";
    let fits = |(shape, byte): (&u8, &u8)| match shape {
        b'A' => byte.is_ascii_uppercase(),
        b'a' => byte.is_ascii_lowercase(),
        b'0' => byte.is_ascii_digit() || *byte == b' ',
        other => byte == other,
    };
    if let Some((head, rest)) = bytes.split_at_checked(SHAPE.len())
        && SHAPE.iter().zip(head).all(fits)
    {
        return rest;
    }
    let is_of_time = |byte: &u8| byte.is_ascii_digit() || b"-:.TZ+".contains(byte);
    match bytes.iter().position(|byte| *byte == b' ') {
        Some(end) if (19..=35).contains(&end) && bytes[..end].iter().all(is_of_time) => &bytes[end + 1..],
        _ => bytes,
    }
}

/// Printable ASCII without spaces, at least one.
fn graphic(bytes: &[u8]) -> Option<&str> {
    graphic_or_empty(bytes).filter(|text| !text.is_empty())
}

fn graphic_or_empty(bytes: &[u8]) -> Option<&str> {
    bytes.iter().all(u8::is_ascii_graphic).then(|| core::str::from_utf8(bytes).ok())?
}

/// Without what C programs end a message with.
fn trimmed(mut text: &[u8]) -> &[u8] {
    while let Some((b'\n' | b'\0' | b'\r', rest)) = text.split_last() {
        text = rest;
    }
    text
}

/// Neither a second line nor an order to a terminal.
fn on_one_line(text: &[u8]) -> Cow<'_, [u8]> {
    let is_fine = |byte: &u8| !byte.is_ascii_control() || *byte == b'\t';
    if text.iter().all(is_fine) {
        return Cow::Borrowed(text);
    }
    let mut safe = Vec::with_capacity(text.len() + 16);
    for byte in text {
        if is_fine(byte) {
            safe.push(*byte);
        } else {
            safe.extend_from_slice(format!("#{byte:03o}").as_bytes());
        }
    }
    Cow::Owned(safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Priority, who, its process, what.
    fn read(text: &str) -> (String, String, String, String) {
        let message = Message::read(text.as_bytes());
        (
            message.priority.to_string(),
            message.service.to_owned(),
            message.process.unwrap_or_default().to_owned(),
            String::from_utf8_lossy(&message.text).into_owned(),
        )
    }

    fn is(priority: &str, service: &str, process: &str, text: &str) -> (String, String, String, String) {
        (priority.to_owned(), service.to_owned(), process.to_owned(), text.to_owned())
    }

    #[test]
    fn the_old_form_is_read_as_programs_send_it() {
        // syslog(3) of glibc with LOG_PID; busybox's logger; HAProxy's, with and without its host; rsyslog's with RFC 3339.
        assert_eq!(read("<29>Nov 26 08:16:26 sshd[12]: in: x"), is("daemon.notice", "sshd", "12", "in: x"));
        assert_eq!(read("<13>Nov  6 08:16:26 root: hello"), is("user.notice", "root", "", "hello"));
        assert_eq!(
            read("<141>Nov 26 08:16:26 haproxy[7]: Proxy web started.\n"),
            is("local1.notice", "haproxy", "7", "Proxy web started.")
        );
        assert_eq!(read("<141>Nov 26 08:16:26 lb1 haproxy[7]: x"), is("local1.notice", "haproxy", "7", "x"));
        assert_eq!(read("<13>2026-11-26T08:16:26.5+01:00 h a: x"), is("user.notice", "a", "", "x"));
    }

    #[test]
    fn the_modern_form_is_read() {
        assert_eq!(
            read("<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 9 ID47 - \u{feff}An event"),
            is("local4.notice", "evntslog", "9", "An event")
        );
        assert_eq!(
            read("<165>1 - - app - - [a@1 x=\"q\\\"]\" y=\"2\"][b] text"),
            is("local4.notice", "app", "", "text")
        );
        assert_eq!(read("<165>1 - - app - - -"), is("local4.notice", "app", "", ""));
        // As `logger --rfc5424` of util-linux.
        assert_eq!(
            read("<13>1 2026-11-26T08:16:26.1+00:00 h root - - [timeQuality tzKnown=\"1\"] hi"),
            is("user.notice", "root", "", "hi")
        );
    }

    #[test]
    fn what_is_malformed_is_a_text_and_no_more() {
        assert_eq!(read("hello: world"), is("user.notice", "hello", "", "world"));
        assert_eq!(read("just words here"), is("user.notice", "syslog", "", "just words here"));
        assert_eq!(read("<999>x y"), is("user.notice", "syslog", "", "<999>x y"));
        assert_eq!(read("<+13>x y"), is("user.notice", "syslog", "", "<+13>x y"));
        assert_eq!(read("<13>1 a b [unfinished"), is("user.notice", "syslog", "", "1 a b [unfinished"));
        assert_eq!(
            read("<13>1 - - app - - [open x"),
            is("user.notice", "syslog", "", "1 - - app - - [open x")
        );
        assert_eq!(read(""), is("user.notice", "syslog", "", ""));
    }

    #[test]
    fn a_message_is_one_line_and_steers_no_terminal() {
        assert_eq!(
            read("<13>Nov 26 08:16:26 a: x\nweb | forged\u{1b}[2J\n\n"),
            is("user.notice", "a", "", "x#012web | forged#033[2J")
        );
        let long = [b"<13>a: ".as_slice(), &vec![b'x'; 3 * LINE_BYTES_MAX]].concat();
        let message = Message::read(&long);
        assert_eq!((message.text.len(), message.part), (LINE_BYTES_MAX, Part::First));
    }

    proptest! {
        #[test]
        fn any_bytes_are_one_bounded_line(
            head in "(<[0-9]{0,4}>)?(1 )?(Nov 26 08:16:26 )?([a-z]{0,60}[ :\\[\\]])*",
            tail in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            let bytes = [head.as_bytes(), &tail].concat();
            let message = Message::read(&bytes);
            prop_assert!(message.service.len() <= TAG_BYTES_MAX && !message.service.is_empty());
            prop_assert!(message.service.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert!(message.text.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t'));
            prop_assert!(message.text.len() <= 4 * LINE_BYTES_MAX);
        }
    }
}
