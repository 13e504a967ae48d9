//! Pictures for tests.

use crate::{Backend, Gossip, Phase, Picture, Refusal, Service, Standing, Terms};
use core::net::{Ipv4Addr, SocketAddr};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

pub(crate) fn backend(host: u8, standing: Standing) -> Backend {
    Backend { addr: SocketAddr::new(Ipv4Addr::new(10, 0, 0, host).into(), 80), weight: 10, standing }
}

pub(crate) fn picture(
    (epoch, version): (u64, u64),
    phase: Phase,
    backends: &[(&str, &str, Backend)],
) -> Picture {
    let mut picture = Picture {
        refusals: Vec::new(),
        epoch,
        version,
        phase,
        services: Default::default(),
        terms: Terms { gossip: Gossip::Sealed, ..Terms::default() },
    };
    for (service, node, backend) in backends {
        let service = picture.services.entry((*service).into()).or_default();
        service.backends.insert((*node).into(), backend.clone());
    }
    picture
}

pub(crate) fn any_phase() -> impl Strategy<Value = Phase> {
    prop_oneof![Just(Phase::Warming), Just(Phase::Live)]
}

fn any_backend() -> impl Strategy<Value = Backend> {
    let standing = prop_oneof![Just(Standing::Ready), Just(Standing::Demoted), Just(Standing::Withdrawn)];
    // Few addresses, so that two pictures often agree.
    (0_u8..3, 1_u16..3, standing)
        .prop_map(|(host, weight, standing)| Backend { weight, ..backend(host, standing) })
}

/// Pictures of few services and nodes, some of the names awkward.
pub(crate) fn any_picture(epoch: u64) -> impl Strategy<Value = Picture> {
    let nodes = btree_map("[a-d]|\u{1b}\"\n|", any_backend(), 1..5);
    let services = btree_map("[a-c]", nodes.prop_map(|backends| Service { backends }), 0..4);
    let refusals = vec("[a-d]|\u{1b}\"\n", 0..3).prop_map(|nodes| -> Vec<Refusal> {
        nodes.into_iter().map(|node| Refusal { node, reason: "it is too good".into() }).collect()
    });
    (any::<u64>(), any_phase(), services, refusals).prop_map(move |(version, phase, services, refusals)| {
        Picture {
            refusals,
            epoch,
            version,
            phase,
            services,
            terms: Terms { gossip: Gossip::Sealed, ..Terms::default() },
        }
    })
}
