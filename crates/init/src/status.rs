//! `supervise/status`: where a service stands, in 35 bytes, as s6-supervise writes it and `s6-svstat` reads it
//! (`s6_svstatus_pack` of s6 2.11).
//!
//! ```text
//! 12  since when it is up or down   TAI64N: 8 bytes of seconds, 4 of nanoseconds, big-endian
//! 12  since when it is ready        TAI64N
//!  8  its process, or 0             big-endian
//!  2  how it ended                  as wait(2) has it, big-endian
//!  1  flags                         paused, finishing, wanted up, ready
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use muster_supervise::Exit;

/// How long a status is.
pub const SIZE: usize = 35;

/// TAI64 as skalibs writes it: 2^62 is 1970, and TAI is 37 s ahead of UTC since 2017. (No leap second has come since, and none
/// is to come any more; should one, ages of services are off by one in s6's own tools.)
const TAI64_OF_1970: u64 = (1 << 62) + 37;

const PAUSED: u8 = 1;
const FINISHING: u8 = 2;
const WANTED_UP: u8 = 4;
const READY: u8 = 8;

/// What a status file says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Since when it is up, or down.
    pub since: SystemTime,
    /// Since when it is ready: to serve if it is up, to be started if it is down.
    pub ready_since: SystemTime,
    /// Its process, or that of its `finish`.
    pub pid: Option<u32>,
    /// How its process ended the last time.
    pub exit: Exit,
    /// It was stopped by `s6-svc -p`.
    pub paused: bool,
    /// The process is its `finish`.
    pub finishing: bool,
    /// It is started (again) when it is down.
    pub wanted_up: bool,
    /// It said that it is ready; it is down and nothing of it runs.
    pub ready: bool,
}

impl Status {
    /// As it stands in the file.
    pub fn to_bytes(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        bytes[..12].copy_from_slice(&tai64n(self.since));
        bytes[12..24].copy_from_slice(&tai64n(self.ready_since));
        bytes[24..32].copy_from_slice(&u64::from(self.pid.unwrap_or(0)).to_be_bytes());
        let wait = match self.exit {
            Exit::Code(code) => u16::from(code) << 8,
            Exit::Signal(signal) => u16::from(signal),
        };
        bytes[32..34].copy_from_slice(&wait.to_be_bytes());
        let flag = |is: bool, flag: u8| if is { flag } else { 0 };
        bytes[34] = flag(self.paused, PAUSED)
            | flag(self.finishing, FINISHING)
            | flag(self.wanted_up, WANTED_UP)
            | flag(self.ready, READY);
        bytes
    }

    /// What a file says; `None` if it has another length (s6 2.13 wrote 43 bytes for a while).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; SIZE] = bytes.try_into().ok()?;
        let eight = |from: usize| u64::from_be_bytes(core::array::from_fn(|at| bytes[from + at]));
        let wait = u16::from_be_bytes([bytes[32], bytes[33]]);
        let [code, signal] = wait.to_be_bytes();
        Some(Self {
            since: from_tai64n(eight(0), nanoseconds(bytes, 8)),
            ready_since: from_tai64n(eight(12), nanoseconds(bytes, 20)),
            pid: u32::try_from(eight(24)).ok().filter(|pid| *pid > 0),
            exit: if signal & 0x7f == 0 { Exit::Code(code) } else { Exit::Signal(signal & 0x7f) },
            paused: bytes[34] & PAUSED != 0,
            finishing: bytes[34] & FINISHING != 0,
            wanted_up: bytes[34] & WANTED_UP != 0,
            ready: bytes[34] & READY != 0,
        })
    }
}

fn nanoseconds(bytes: &[u8; SIZE], from: usize) -> u32 {
    u32::from_be_bytes(core::array::from_fn(|at| bytes[from + at]))
}

/// As skalibs writes a time.
pub(crate) fn tai64n(time: SystemTime) -> [u8; 12] {
    let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&(TAI64_OF_1970 + since_1970.as_secs()).to_be_bytes());
    bytes[8..].copy_from_slice(&since_1970.subsec_nanos().to_be_bytes());
    bytes
}

fn from_tai64n(seconds: u64, nanoseconds: u32) -> SystemTime {
    let since_1970 = Duration::new(seconds.saturating_sub(TAI64_OF_1970), nanoseconds.min(999_999_999));
    UNIX_EPOCH.checked_add(since_1970).unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Status {
        Status {
            since: UNIX_EPOCH + Duration::new(1_700_000_000, 5),
            ready_since: UNIX_EPOCH + Duration::new(1_700_000_001, 999),
            pid: Some(77),
            exit: Exit::Signal(9),
            paused: true,
            finishing: false,
            wanted_up: true,
            ready: true,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for exit in [Exit::Code(0), Exit::Code(111), Exit::Signal(15)] {
            let status = Status { exit, ..some() };
            assert_eq!(Status::from_bytes(&status.to_bytes()), Some(status));
        }
    }

    #[test]
    fn other_lengths_and_wild_bytes_are_no_panic() {
        assert_eq!(Status::from_bytes(&[0; 43]), None);
        assert!(Status::from_bytes(&[0xff; SIZE]).is_some());
        assert!(Status::from_bytes(&[0; SIZE]).is_some());
    }

    #[test]
    fn it_is_as_s6_writes_it() {
        let bytes = some().to_bytes();
        assert_eq!(bytes[..8], [0x40, 0, 0, 0, 0x65, 0x53, 0xf1, 0x25], "2^62 + 37 + 1,700,000,000");
        assert_eq!(bytes[32..], [0, 9, 1 | 4 | 8]);
    }
}
