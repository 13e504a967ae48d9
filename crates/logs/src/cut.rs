//! Bytes of a stream into lines. A line that is too long becomes several pieces, each of which says so.

use crate::Part;

/// Longest piece of a line. Docker's own log driver cuts there too.
pub const LINE_BYTES_MAX: usize = 16 * 1024;

/// What to think of a line whose end has not come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rest {
    /// Its end will come, and until then it stays where it is.
    Waits,
    /// Nothing more fits where it stays, so it has to go: it is a piece.
    Full,
    /// Nothing more will come: it is a whole line.
    Ended,
}

/// A line or a piece of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// Without its line break.
    pub text: &'a [u8],
    /// Which part of the line it is.
    pub part: Part,
    /// How many bytes of the stream it takes, with its line break.
    pub bytes: usize,
}

/// Cuts one stream. Remembers only whether it stands within a line that was too long.
#[derive(Clone, Debug, Default)]
pub struct Cutter {
    is_within: bool,
}

impl Cutter {
    /// The piece at the head of `bytes`, if there is one. The next call is to begin behind it.
    pub fn next<'a>(&mut self, bytes: &'a [u8], rest: Rest) -> Option<Piece<'a>> {
        let head = &bytes[..bytes.len().min(LINE_BYTES_MAX + 1)];
        if let Some(end) = head.iter().position(|byte| *byte == b'\n') {
            return Some(self.last(&head[..end], end + 1));
        }
        match rest {
            _ if head.len() > LINE_BYTES_MAX => Some(self.middle(whole_characters(&head[..LINE_BYTES_MAX]))),
            _ if head.is_empty() => None,
            Rest::Waits => None,
            Rest::Full => Some(self.middle(whole_characters(head))),
            Rest::Ended => Some(self.last(head, head.len())),
        }
    }

    fn last<'a>(&mut self, text: &'a [u8], bytes: usize) -> Piece<'a> {
        let part = if self.is_within { Part::Last } else { Part::Whole };
        self.is_within = false;
        Piece { text, part, bytes }
    }

    fn middle<'a>(&mut self, text: &'a [u8]) -> Piece<'a> {
        let part = if self.is_within { Part::Middle } else { Part::First };
        self.is_within = true;
        Piece { text, part, bytes: text.len() }
    }
}

/// Without the beginning of a character whose end does not follow, so that a cut breaks none; all of it if nothing would be left.
fn whole_characters(bytes: &[u8]) -> &[u8] {
    for back in 1..=bytes.len().min(3) {
        let at = bytes.len() - back;
        let length = match bytes[at] {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        return if length > back && at > 0 { &bytes[..at] } else { bytes };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(mut bytes: &[u8], rest: Rest) -> Vec<(Vec<u8>, Part)> {
        let (mut cutter, mut pieces) = (Cutter::default(), Vec::new());
        while let Some(piece) = cutter.next(bytes, rest) {
            pieces.push((piece.text.to_vec(), piece.part));
            bytes = &bytes[piece.bytes..];
        }
        pieces
    }

    #[test]
    fn a_line_is_told_when_its_end_has_come() {
        assert_eq!(
            all(b"one\n\ntwo", Rest::Waits),
            [(b"one".to_vec(), Part::Whole), (b"".to_vec(), Part::Whole)]
        );
        assert_eq!(all(b"two", Rest::Ended), [(b"two".to_vec(), Part::Whole)]);
        assert_eq!(all(b"two", Rest::Full), [(b"two".to_vec(), Part::First)]);
        assert_eq!(all(b"", Rest::Ended), []);
    }

    #[test]
    fn a_line_of_the_longest_length_is_whole_and_a_longer_one_is_not() {
        let line = |length: usize| [vec![b'x'; length], b"\n".to_vec()].concat();
        assert_eq!(all(&line(LINE_BYTES_MAX), Rest::Waits), [(vec![b'x'; LINE_BYTES_MAX], Part::Whole)]);
        assert_eq!(
            all(&line(2 * LINE_BYTES_MAX + 1), Rest::Waits),
            [
                (vec![b'x'; LINE_BYTES_MAX], Part::First),
                (vec![b'x'; LINE_BYTES_MAX], Part::Middle),
                (b"x".to_vec(), Part::Last)
            ]
        );
    }

    #[test]
    fn a_cut_breaks_no_character() {
        let text = "x".to_owned() + &"€".repeat(LINE_BYTES_MAX);
        for (piece, _) in all(text.as_bytes(), Rest::Full) {
            assert!(std::str::from_utf8(&piece).is_ok());
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_told_twice_wherever_reads_end(
            lines in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..40),
            long in 0..3 * LINE_BYTES_MAX,
            reads in proptest::collection::vec(1..200_usize, 1..40),
        ) {
            let mut stream: Vec<u8> = lines.join(&b'\n');
            stream.extend(vec![b'y'; long]);
            let (mut cutter, mut told, mut from, mut to) = (Cutter::default(), Vec::new(), 0, 0);
            for read in reads.iter().cycle() {
                to = (to + read * 17).min(stream.len());
                let rest = if to == stream.len() { Rest::Ended } else { Rest::Waits };
                while let Some(piece) = cutter.next(&stream[from..to], rest) {
                    prop_assert!(piece.text.len() <= LINE_BYTES_MAX && piece.bytes > 0);
                    told.extend_from_slice(piece.text);
                    told.extend_from_slice(&stream[from + piece.text.len()..from + piece.bytes]);
                    from += piece.bytes;
                }
                if to == stream.len() {
                    break;
                }
            }
            prop_assert_eq!(told, stream);
        }
    }
}
