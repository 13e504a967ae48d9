//! Every black-box test, in one binary: they wait far more than they work, so the long ones run beside the others.

mod beside_serf;
mod configuration;
mod encrypted;
mod hostile;
mod journey;
mod keys;
mod names;
mod outage;
mod partial_network;
mod partition;
mod pause;
mod questions;
mod quiet;
mod reload;
mod rotation;
mod rpc;
mod rpc_clients;
mod rpc_hostile;
mod snapshot;
mod tags;
mod throttled;
mod why;
