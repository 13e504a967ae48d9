//! What a client's frames cost us beyond what they are for: an account that an honest client never empties.
//!
//! A request that is taken back at once costs a request to a backend and the client nothing (CVE-2023-44487, rapid reset); frames that
//! want an answer (PING, SETTINGS) or do nothing (PRIORITY, empty DATA, kinds that nobody knows) cost their sender nine bytes
//! (CVE-2019-9512, 9513, 9515, 9518). Each of them takes from the account; time and requests put back. So a client may take back one
//! request in three for ever, or ping as fast as the account fills.
//!
//! How many CONTINUATION frames a head may have, and how large it may be, is bounded where it is decoded (`bounds::HEAD_BYTES_MAX`).

use crate::bounds::{FRAMES_REFILL_PER_SECOND, FRAMES_SPARE};
use tokio::time::Instant;

/// What begins a client's connection (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Length, kind, flags, stream (RFC 9113, 4.1).
const HEAD_BYTES: usize = 9;

// Kinds of frames (RFC 9113, 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM_OR_ACK: u8 = 1;

/// How much a request that is taken back costs; one that is made puts back 1.
const RESET_COST: u32 = 3;

/// The account of one connection.
#[derive(Debug)]
pub(super) struct Meter {
    /// Bytes of the preface or of a frame's payload that are to pass.
    skip: usize,
    head: [u8; HEAD_BYTES],
    got: usize,
    spare: u32,
    filled: Instant,
    is_over: bool,
}

impl Meter {
    /// A full one, before the preface.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            skip: PREFACE.len(),
            head: [0; HEAD_BYTES],
            got: 0,
            spare: FRAMES_SPARE,
            filled: now,
            is_over: false,
        }
    }

    /// Whether it was empty once: nothing of the client is read any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// These bytes came next.
    pub(super) fn see(&mut self, mut bytes: &[u8], now: Instant) {
        self.refill(now);
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let count = (HEAD_BYTES - self.got).min(bytes.len());
            self.head[self.got..self.got + count].copy_from_slice(&bytes[..count]);
            self.got += count;
            bytes = &bytes[count..];
            if self.got == HEAD_BYTES {
                self.got = 0;
                self.frame();
            }
        }
    }

    fn frame(&mut self) {
        let [a, b, c, kind, flags, ..] = self.head;
        let length = u32::from_be_bytes([0, a, b, c]);
        // 24 bits.
        self.skip = length as usize;
        let is_flagged = flags & END_STREAM_OR_ACK != 0;
        let cost = match kind {
            HEADERS => {
                self.spare = (self.spare + 1).min(FRAMES_SPARE);
                return;
            }
            DATA if length > 0 || is_flagged => return,
            // They answer what we said.
            SETTINGS | PING if is_flagged => return,
            // As many as it likes: they only say that it reads.
            WINDOW_UPDATE | GOAWAY => return,
            RST_STREAM => RESET_COST,
            _ => 1,
        };
        self.is_over |= self.spare < cost;
        self.spare = self.spare.saturating_sub(cost);
    }

    fn refill(&mut self, now: Instant) {
        let ms = now.saturating_duration_since(self.filled).as_millis();
        let more = ms * u128::from(FRAMES_REFILL_PER_SECOND) / 1000;
        // Parts of one are kept for the next look.
        if more > 0 {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            self.spare = self.spare.saturating_add(more).min(FRAMES_SPARE);
            self.filled = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let length = u32::try_from(payload).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.resize(HEAD_BYTES + payload, 0);
        frame
    }

    /// How many of `frames` in turn are let through, up to `most`, at one instant.
    fn let_through(frames: &[Vec<u8>], most: usize, cut: usize) -> usize {
        let now = Instant::now();
        let mut meter = Meter::new(now);
        meter.see(PREFACE, now);
        for (n, frame) in frames.iter().cycle().take(most).enumerate() {
            frame.chunks(cut).for_each(|piece| meter.see(piece, now));
            if meter.is_over() {
                return n;
            }
        }
        most
    }

    #[test]
    fn floods_empty_it_and_honest_traffic_never_does() {
        let spare = FRAMES_SPARE as usize;
        let (request, reset) = (frame(HEADERS, 4, 30), frame(RST_STREAM, 0, 4));
        for cut in [1, 7, 1000] {
            for flood in
                [frame(PING, 0, 8), frame(SETTINGS, 0, 0), frame(2, 0, 5), frame(DATA, 0, 0), frame(99, 0, 3)]
            {
                assert_eq!(let_through(&[flood], 100 * spare, cut), spare);
            }
            // Each pair costs two of them, net of what the request puts back.
            let rapid = let_through(&[request.clone(), reset.clone()], 100 * spare, cut);
            assert!((spare - 3..=spare + 3).contains(&rapid), "{rapid}");
            let honest = [
                request.clone(),
                request.clone(),
                request.clone(),
                reset.clone(),
                frame(WINDOW_UPDATE, 0, 4),
            ];
            assert_eq!(let_through(&honest, 10 * spare, cut), 10 * spare);
            let answers =
                [frame(PING, 1, 8), frame(SETTINGS, 1, 0), frame(DATA, 1, 0), frame(DATA, 0, 16384)];
            assert_eq!(let_through(&answers, 10 * spare, cut), 10 * spare);
        }
    }

    #[test]
    fn time_fills_it() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.see(PREFACE, start);
        // A ping each 20 ms for an hour; each look is shorter than what one more takes.
        for n in 0..180_000u64 {
            meter.see(&frame(PING, 0, 8), start + Duration::from_millis(20 * n));
        }
        assert!(!meter.is_over());
    }
}
