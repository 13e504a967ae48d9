//! Bodies between frames and the framing of HTTP/1.1.

use super::head;
use bytes::Bytes;
use http::HeaderMap;
use muster_http1::{Body, Chunked, CutShort, Move, Refusal, Step};
use std::io::Write as _;

/// DATA on its way to bytes of HTTP/1.1, as the head before it says.
#[derive(Debug)]
pub(crate) struct Framed {
    /// Bytes still to come of a length; `None`: chunks.
    left: Option<u64>,
    is_over: bool,
    out: Vec<u8>,
    gone: usize,
    /// Bytes of DATA in `out`, which its sender gets back when all are gone.
    owed: usize,
}

impl Framed {
    /// Of a body that is delimited as `body`.
    pub(crate) fn new(body: Body) -> Self {
        let left = match body {
            Body::Length(length) => Some(length),
            _ => None,
        };
        Self { left, is_over: body == Body::None, out: Vec::new(), gone: 0, owed: 0 }
    }

    /// What was made and not taken yet.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.out[self.gone..]
    }

    /// Nothing follows what was made.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The first `count` bytes are used. Returns how many bytes of DATA are done with.
    pub(crate) fn take(&mut self, count: usize) -> usize {
        self.gone += count;
        if self.gone < self.out.len() {
            return 0;
        }
        (self.gone, self.out) = (0, Vec::new());
        std::mem::take(&mut self.owed)
    }

    /// DATA came. Its sender keeps to the length that it said, which was checked where the frames were read.
    pub(crate) fn data(&mut self, data: &Bytes) {
        self.owed += data.len();
        match &mut self.left {
            Some(left) => {
                self.out.extend_from_slice(data);
                *left = left.saturating_sub(data.len() as u64);
                self.is_over = *left == 0;
            }
            None if data.is_empty() => {}
            None => {
                // Writing to memory cannot fail.
                let _ = write!(self.out, "{:x}\r\n", data.len());
                self.out.extend_from_slice(data);
                self.out.extend_from_slice(b"\r\n");
            }
        }
    }

    /// It ended, with these trailers.
    ///
    /// # Errors
    /// [`Refusal::TrailersTooLong`].
    pub(crate) fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Refusal> {
        if self.left.is_none() && !self.is_over {
            self.out.extend_from_slice(b"0\r\n");
            head::trailers_text(trailers.unwrap_or(&HeaderMap::new()), &mut self.out)?;
        }
        self.is_over = true;
        Ok(())
    }
}

/// Bytes of HTTP/1.1 on their way to DATA.
#[derive(Debug)]
pub(crate) struct Unframed {
    from: From,
    /// Those of a body that is done.
    pub(crate) trailers: Option<HeaderMap>,
}

#[derive(Debug)]
enum From {
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

impl Unframed {
    /// Of a body that is delimited as `body`. `allows_padding`: white space behind a chunk's size, as some backends write.
    pub(crate) fn new(body: Body, allows_padding: bool) -> Self {
        let from = match body {
            Body::None | Body::Tunnel => From::Done,
            Body::Length(length) => From::Length(length),
            Body::Chunked => From::Chunked(Chunked::new(allows_padding)),
            Body::UntilClose => From::UntilClose,
        };
        Self { from, trailers: None }
    }

    pub(crate) fn is_done(&self) -> bool {
        matches!(self.from, From::Done)
    }

    /// Which of `bytes`, all that came and was not moved yet, are the next data. A move of nothing means that more must come first.
    ///
    /// # Errors
    /// They are no body.
    pub(crate) fn advance(&mut self, bytes: &[u8]) -> Result<Move, Refusal> {
        match &mut self.from {
            From::Done => Ok(Move::default()),
            From::UntilClose => Ok(Move { skip: 0, pass: bytes.len() }),
            From::Length(left) => {
                let pass = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= pass as u64;
                if *left == 0 {
                    self.from = From::Done;
                }
                Ok(Move { skip: 0, pass })
            }
            From::Chunked(reader) => {
                let mut skip = 0;
                while !reader.is_done() {
                    match reader.step(&bytes[skip..])? {
                        Step::More => break,
                        Step::Framing(count) | Step::End(count) => skip += count,
                        Step::Trailers(count) => {
                            self.trailers = Some(head::trailers(&bytes[skip..skip + count]));
                            skip += count;
                        }
                        Step::Data(pass) => return Ok(Move { skip, pass }),
                    }
                }
                if reader.is_done() {
                    self.from = From::Done;
                }
                Ok(Move { skip, pass: 0 })
            }
        }
    }

    /// Nothing more comes.
    ///
    /// # Errors
    /// [`CutShort`]: something should have.
    pub(crate) fn finish(&mut self) -> Result<(), CutShort> {
        match self.from {
            From::Done | From::UntilClose => {
                self.from = From::Done;
                Ok(())
            }
            From::Length(_) | From::Chunked(_) => Err(CutShort),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_framed_is_unframed_again_however_it_is_cut() {
        let mut framed = Framed::new(Body::Chunked);
        framed.data(&Bytes::from_static(b"hello"));
        framed.data(&Bytes::new());
        framed.data(&Bytes::from_static(b" world"));
        let trailers = HeaderMap::from_iter([(http::HeaderName::from_static("x-sum"), "7".parse().unwrap())]);
        framed.end(Some(&trailers)).unwrap();
        let bytes = framed.bytes().to_vec();
        assert!(framed.is_over());
        assert_eq!(framed.take(bytes.len() - 1), 0);
        assert_eq!(framed.take(1), 11, "its sender may send so much again");
        for step in 1..bytes.len() {
            let (mut unframed, mut data, mut held) =
                (Unframed::new(Body::Chunked, false), Vec::new(), Vec::new());
            for piece in bytes.chunks(step) {
                held.extend_from_slice(piece);
                loop {
                    let Move { skip, pass } = unframed.advance(&held).unwrap();
                    data.extend_from_slice(&held[skip..skip + pass]);
                    held.drain(..skip + pass);
                    if skip + pass == 0 {
                        break;
                    }
                }
            }
            assert_eq!(
                (data.as_slice(), unframed.trailers.as_ref()),
                (b"hello world".as_slice(), Some(&trailers))
            );
            assert!(unframed.is_done() && held.is_empty());
        }
    }

    #[test]
    fn a_body_cut_short_is_not_whole() {
        for body in [Body::Length(6), Body::Chunked] {
            let mut unframed = Unframed::new(body, true);
            unframed.advance(b"5\r\nab").unwrap();
            assert_eq!(unframed.finish(), Err(CutShort), "{body:?}");
        }
        let mut unframed = Unframed::new(Body::UntilClose, true);
        assert_eq!(unframed.advance(b"ab").unwrap(), Move { skip: 0, pass: 2 });
        assert_eq!(unframed.finish(), Ok(()));
    }
}
