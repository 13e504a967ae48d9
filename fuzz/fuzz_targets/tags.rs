//! A member's meta: its tags, and the services it claims with them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use muster_fleet::{DrawOptions, Member, Status, draw};
use muster_wire::tags::{self, META_BYTES_MAX};
use std::net::IpAddr;

fuzz_target!(|data: &[u8]| {
    let Some((&[kind, at, host], meta)) = data.split_first_chunk() else { return };
    let tags = tags::decode(meta);
    // What was read of them all comes back; what the limit cut off does not, but nothing is added.
    let again = tags::encode(&tags);
    if again.len() <= META_BYTES_MAX {
        assert_eq!(tags::decode(&again), tags);
    }
    let texts: usize = tags.iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(texts <= META_BYTES_MAX + "role".len());

    let addr = match at {
        0 => IpAddr::from([127, 0, 0, host]),
        1 => IpAddr::from([169, 254, 0, host]),
        2 => IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, u16::from(host)]),
        3 => IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0x7f00, u16::from(host)]),
        4 => IpAddr::from([224, 0, 0, host]),
        _ => IpAddr::from([10, 0, 0, host]),
    };
    let status = match kind % 4 {
        0 => Status::Alive,
        1 => Status::Leaving,
        2 => Status::Failed,
        _ => Status::Left,
    };
    let member = Member { name: "web-1".into(), addr, port: 7946, tags, status };
    let options = DrawOptions { default_port: 3000, allow_loopback: false, rules: muster_fleet::Rules::new() };
    let (services, refusals) = draw([&member].into_iter(), &options);
    for refusal in &refusals {
        let text = refusal.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?} is logged");
    }
    for (service, backends) in &services {
        assert!(!service.is_empty() && !service.chars().any(char::is_control), "{service:?}");
        for backend in backends.backends.values() {
            assert!(backend.addr.port() != 0 && status != Status::Left);
            assert_eq!(backend.addr.ip(), IpAddr::from([10, 0, 0, host]), "only an address that may be believed");
        }
    }
});
