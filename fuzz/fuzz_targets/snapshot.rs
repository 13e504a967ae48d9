//! Serf's snapshot file: whatever stands in it is read, and what is written of it amounts to the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_serf::snapshot::{Record, Snapshot};
use std::net::SocketAddr;

fuzz_target!(|data: &[u8]| {
    for rejoin in [false, true] {
        let (snapshot, skipped) = Snapshot::read(data, rejoin);
        let lines = data.split(|&byte| byte == b'\n').count();
        assert!(snapshot.alive.len() + skipped <= lines);
        assert_eq!(Snapshot::read(snapshot.write().as_bytes(), rejoin), (snapshot, 0));
    }
    // A name that a peer chose is one line or none.
    let Ok(node) = str::from_utf8(data) else { return };
    let at = SocketAddr::from(([10, 0, 0, 1], 7946));
    for record in [Record::Alive { node, at }, Record::NotAlive { node }] {
        if let Some(line) = record.line() {
            assert_eq!(line.matches('\n').count(), 1);
            assert_eq!(Record::read(line.trim_end_matches('\n')), Ok(record));
        }
    }
});
