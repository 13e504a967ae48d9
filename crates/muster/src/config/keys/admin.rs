//! Keys of `[admin]`: what is shown over TCP.

use super::PLAIN;
use crate::config::key::{Fallback, Key, Kind, Section};

pub(crate) static LISTEN: Key = Key {
    section: Section::Admin,
    name: "listen",
    flag: "admin-listen",
    kind: Kind::AddressOrOff { port: 9097 },
    fallback: Fallback::Is("off"),
    help: "Address of metrics (`/metrics`, for Prometheus) and health checks (`/livez`, `/readyz`, `/healthz`) over TCP; usually \
           `127.0.0.1:9097`.\n\n\
           Whoever reaches it can read how the node is doing, names of its members and services included, and change \
           nothing. Without it, `muster health` and the control socket tell the same.",
    ..PLAIN
};
