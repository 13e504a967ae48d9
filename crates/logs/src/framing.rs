//! Messages within a TCP stream (RFC 6587): counted (`11 <13>a: hello`), or a line each.

use alloc::format;
use alloc::vec::Vec;

use crate::LINE_BYTES_MAX;

/// Longest head of a counted frame: five digits and a space.
const HEAD_BYTES_MAX: usize = 6;
/// Longest frame: the longest text, and its head.
const FRAME_BYTES_MAX: usize = LINE_BYTES_MAX + 1024;

/// The message in a frame of its own.
#[must_use]
pub fn octet_counted(message: &[u8]) -> Vec<u8> {
    [format!("{} ", message.len()).as_bytes(), message].concat()
}

/// Takes the frames off a stream. Holds less than one frame and one read.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    taken: usize,
    /// So many bytes of a frame that is too long are still to be passed over.
    passing: usize,
    /// The rest of a line that is too long, likewise.
    is_passing_line: bool,
}

impl Frames {
    /// What came next. Call [`Frames::take`] until there is nothing before the next push.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// The next message; the sender of a stream may mix both forms. One that is too long is cut off.
    pub fn take(&mut self) -> Option<&[u8]> {
        self.pass_over();
        let rest = &self.bytes[self.taken..];
        let (head, length) = match counted(rest) {
            Counted::Yes { head, length } => (head, length),
            Counted::Unfinished => return None,
            Counted::No => return self.line(),
        };
        let kept = length.min(FRAME_BYTES_MAX);
        if rest.len() < head + kept {
            return None;
        }
        let from = self.taken + head;
        self.taken = from + kept;
        self.passing = length - kept;
        Some(&self.bytes[from..from + kept])
    }

    fn line(&mut self) -> Option<&[u8]> {
        let rest = &self.bytes[self.taken..];
        let from = self.taken;
        if let Some(end) = rest.iter().take(FRAME_BYTES_MAX).position(|byte| matches!(byte, b'\n' | b'\0')) {
            self.taken = from + end + 1;
            return Some(&self.bytes[from..from + end]);
        }
        if rest.len() < FRAME_BYTES_MAX {
            return None;
        }
        self.taken = from + FRAME_BYTES_MAX;
        self.is_passing_line = true;
        Some(&self.bytes[from..self.taken])
    }

    /// What is left when the stream ends: the last line need have no end.
    pub fn last(&mut self) -> Option<&[u8]> {
        self.pass_over();
        let rest = &self.bytes[self.taken..];
        let is_line = !rest.is_empty() && matches!(counted(rest), Counted::No);
        let from = self.taken;
        self.taken = self.bytes.len();
        is_line.then(|| &self.bytes[from..])
    }

    fn pass_over(&mut self) {
        let rest = &self.bytes[self.taken..];
        if self.is_passing_line {
            let end = rest.iter().position(|byte| *byte == b'\n');
            self.is_passing_line = end.is_none();
            self.taken += end.map_or(rest.len(), |end| end + 1);
        } else {
            let passed = self.passing.min(rest.len());
            self.passing -= passed;
            self.taken += passed;
        }
    }
}

enum Counted {
    Yes {
        head: usize,
        length: usize,
    },
    No,
    /// The next byte tells.
    Unfinished,
}

/// A frame is counted when a number and a space are followed by what every message begins with.
fn counted(bytes: &[u8]) -> Counted {
    let digits = bytes.iter().take(HEAD_BYTES_MAX).take_while(|byte| byte.is_ascii_digit()).count();
    let number = bytes.get(..digits).and_then(|digits| core::str::from_utf8(digits).ok()?.parse().ok());
    match (number, bytes.get(digits), bytes.get(digits + 1)) {
        (Some(length), Some(b' '), Some(b'<')) if digits < HEAD_BYTES_MAX => {
            Counted::Yes { head: digits + 1, length }
        }
        (_, None, _) if digits < HEAD_BYTES_MAX => Counted::Unfinished,
        (Some(_), Some(b' '), None) if digits < HEAD_BYTES_MAX => Counted::Unfinished,
        _ => Counted::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn messages(stream: &[u8], step: usize) -> Vec<Vec<u8>> {
        let (mut frames, mut messages) = (Frames::default(), Vec::new());
        for piece in stream.chunks(step) {
            frames.push(piece);
            while let Some(message) = frames.take() {
                messages.push(message.to_vec());
            }
            assert!(frames.bytes.len() - frames.taken <= FRAME_BYTES_MAX + HEAD_BYTES_MAX);
        }
        messages.extend(frames.last().map(<[u8]>::to_vec));
        messages
    }

    #[test]
    fn both_forms_are_read_from_one_stream() {
        let stream = b"9 <13>a: hi<13>b: line\n12 <13>c: x\ny <<13>d: last";
        for step in 1..stream.len() {
            assert_eq!(
                messages(stream, step),
                [b"<13>a: hi".as_slice(), b"<13>b: line", b"<13>c: x\ny <", b"<13>d: last"]
            );
        }
        // A line that begins with a number is a line.
        assert_eq!(messages(b"404 is not found\n", 3), [b"404 is not found".as_slice()]);
    }

    #[test]
    fn what_is_too_long_is_cut_off_and_the_next_is_read() {
        let long = [b"<13>a: ".as_slice(), &vec![b'x'; 3 * FRAME_BYTES_MAX]].concat();
        let stream = [&octet_counted(&long), b"<13>b: b\n".as_slice(), &long, b"\n<13>c: c\n"].concat();
        let read = messages(&stream, 1000);
        assert_eq!(read.iter().map(Vec::len).collect::<Vec<_>>(), [FRAME_BYTES_MAX, 8, FRAME_BYTES_MAX, 8]);
    }

    proptest! {
        #[test]
        fn any_bytes_end_the_same_in_whatever_pieces(
            stream in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b'1'), Just(b' '), Just(b'<'), Just(b'\n')], 0..300),
            step in 1..50_usize,
        ) {
            prop_assert_eq!(messages(&stream, step), messages(&stream, 1000));
        }

        #[test]
        fn what_is_framed_is_read(texts in proptest::collection::vec("<[0-9]{1,3}>[ -~\n]{0,60}", 0..20), step in 1..50_usize) {
            let stream: Vec<u8> = texts.iter().flat_map(|text| octet_counted(text.as_bytes())).collect();
            let read = messages(&stream, step);
            prop_assert_eq!(read, texts.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
