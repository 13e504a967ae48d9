//! The PROXY protocol's header, in both versions.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_proxy_header::{Header, LENGTH_MAX, Read, Version, read, write};

fuzz_target!(|data: &[u8]| {
    match read(data) {
        Ok(Read::Partial) => assert!(data.len() < LENGTH_MAX, "more is never asked for"),
        Ok(Read::Whole(header, length)) => {
            assert!(length <= data.len() && length <= LENGTH_MAX);
            assert_eq!(read(&data[..length]), Ok(Read::Whole(header, length)), "what follows is not its own");
            assert!(matches!(read(&data[..length - 1]), Ok(Read::Partial)));
            for version in [Version::V1, Version::V2] {
                let written = write(version, &header);
                let Ok(Read::Whole(again, all)) = read(&written) else { panic!("{written:?} is not read") };
                assert_eq!(all, written.len());
                if let (Header::From { source, .. }, Header::From { source: again, .. }) = (header, again) {
                    assert_eq!((source.ip().to_canonical(), source.port()), (again.ip().to_canonical(), again.port()));
                }
            }
        }
        Err(_) => {}
    }
});
