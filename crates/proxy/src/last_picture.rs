//! The last picture, in a file that outlives this process: a memfd that PID 1 holds. The next of us serves from it at once,
//! before its agent answers, and even when there is none.
//!
//! What is read there is our own word of before, and still judged as an agent's ([`crate::trust`]): the configuration may
//! have changed. What cannot be read is as good as nothing.

mod slot;

use muster_fleet::Picture;
use slot::{Head, Number};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// A file with the last picture.
#[derive(Debug)]
pub(crate) struct LastPicture {
    file: File,
    /// What the next picture is numbered, and so where it goes: never where the newest is.
    next: Number,
    is_failing: bool,
}

impl LastPicture {
    pub(crate) fn new(file: OwnedFd) -> Self {
        Self { file: file.into(), next: Number::default(), is_failing: false }
    }

    /// The newest picture that is whole.
    pub(crate) fn read(&mut self) -> Option<Picture> {
        let slots = slot::PLACES.map(|place| self.read_slot(place));
        let newest = slot::newest(slots.into_iter().flatten())?;
        self.next = newest.0.next();
        Some(newest.1)
    }

    fn read_slot(&self, place: u64) -> Option<(Number, Picture)> {
        let mut head = [0; slot::HEAD];
        // A file that is new is shorter than that.
        self.file.read_exact_at(&mut head, place).ok()?;
        let read = Head::parse(&head).and_then(|head| {
            let mut body = vec![0; head.length()];
            self.file
                .read_exact_at(&mut body, place + slot::HEAD as u64)
                .map_err(|_| slot::Damaged::Short)?;
            head.decode(&body)
        });
        match read {
            Ok(read) => Some(read),
            Err(slot::Damaged::Empty) => None,
            Err(damage) => {
                tracing::warn!(
                    %damage, place, "a picture kept for this start cannot be read; it is passed over"
                );
                None
            }
        }
    }

    /// Keeps `picture`, as well as it can. The one before stays readable until this one is whole.
    pub(crate) fn keep(&mut self, picture: &Picture) {
        let kept = slot::encode(self.next, picture)
            .ok_or_else(|| io::Error::other("it is too large"))
            .and_then(|bytes| self.file.write_all_at(&bytes, self.next.place()));
        match kept {
            Ok(()) => {
                self.next = self.next.next();
                self.is_failing = false;
            }
            Err(cause) => {
                if !std::mem::replace(&mut self.is_failing, true) {
                    tracing::warn!(%cause, "the picture cannot be kept for the next start; serving goes on");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use muster_fleet::{Phase, Terms};

    fn picture(version: u64) -> Picture {
        Picture {
            epoch: 1,
            version,
            phase: Phase::Live,
            services: Default::default(),
            terms: Terms::default(),
            refusals: Vec::new(),
        }
    }

    fn file() -> File {
        let memory = rustix::fs::memfd_create("picture", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        memory.into()
    }

    fn again(file: &File) -> LastPicture {
        LastPicture::new(file.try_clone().unwrap().into())
    }

    #[test]
    fn the_next_process_reads_what_the_last_one_kept() {
        let file = file();
        assert_eq!(again(&file).read(), None);
        for version in 1..=5 {
            let mut kept = again(&file);
            let _ = kept.read();
            kept.keep(&picture(2 * version));
            kept.keep(&picture(2 * version + 1));
            assert_eq!(again(&file).read(), Some(picture(2 * version + 1)));
        }
    }

    #[test]
    fn damage_in_the_newest_leaves_the_one_before() {
        let file = file();
        let mut kept = again(&file);
        kept.keep(&picture(1));
        kept.keep(&picture(2));
        let second = slot::PLACES[1] + slot::HEAD as u64;
        file.write_all_at(b"x", second).unwrap();
        assert_eq!(again(&file).read(), Some(picture(1)));
        // Who writes next writes where the damage is.
        let mut next = again(&file);
        let _ = next.read();
        next.keep(&picture(3));
        assert_eq!(again(&file).read(), Some(picture(3)));
        file.write_all_at(b"x", second).unwrap();
        assert_eq!(again(&file).read(), Some(picture(1)));
    }

    #[test]
    fn a_file_that_cannot_be_written_costs_the_picture_only() {
        let mut kept = LastPicture::new(File::open("/dev/null").unwrap().into());
        kept.keep(&picture(1));
        assert!(kept.is_failing);
        assert_eq!(kept.read(), None);
    }
}
