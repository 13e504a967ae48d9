//! What the configuration becomes before anything runs: checked, opened, and handed to the cores in their words.

use crate::advertise::Advertised;
use crate::interfaces::bind_on;
use crate::keyring_file::KeyringFile;
use crate::readiness::BALANCES;
use crate::supervised::Supervisor;
use crate::{Config, Error, KeySource, ProfileName};
use muster_serf::Profile;
use muster_wire::crypt::Keyring;
use muster_wire::tags::Tags;
use std::net::SocketAddr;
use std::time::Duration;

/// Serf's `LeavePropagateDelay`.
pub(super) const LEAVE_PROPAGATE_DELAY: Duration = Duration::from_secs(1);
/// A longer name leaves too little of a datagram for what is said about it.
const NAME_BYTES_MAX: usize = 255;

/// PID 1, if it runs us.
pub(super) fn supervisor(config: &Config) -> Result<Option<Supervisor>, Error> {
    let Some(socket) = &config.inherited.supervisor else { return Ok(None) };
    let socket = socket.try_clone().and_then(Supervisor::new).map_err(Error::System)?;
    Ok(Some(socket))
}

/// Whether others can count on this node as on one of ours: it takes part in balancing by what the tags say, or not at all.
/// Handlers may balance too, and see joins and leaves only.
pub(super) fn announces(config: &Config, tags: &Tags) -> bool {
    let balances = tags.get(BALANCES.0).is_some_and(|text| text.trim() == BALANCES.1);
    config.contract && (balances || config.inherited.supervisor.is_some() && config.handlers.is_empty())
}

pub(super) fn gossip_address(config: &Config) -> Result<SocketAddr, Error> {
    let Some(interface) = &config.interface else { return Ok(config.bind) };
    let bind = bind_on(interface, config.bind)?;
    tracing::info!(?interface, "gossiping on {bind}");
    Ok(bind)
}

pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let refuse = |reason| Err(Error::Name { name: name.to_owned(), reason });
    if name.is_empty() {
        refuse("it is empty")
    } else if name.len() > NAME_BYTES_MAX {
        refuse("it is longer than 255 bytes")
    } else if name.chars().any(char::is_control) {
        refuse("it contains control characters")
    } else {
        Ok(())
    }
}

pub(super) fn load_keys(config: &Config) -> Result<Option<Keyring>, Error> {
    let Some(source) = &config.keys else { return Ok(None) };
    let keys = source.load()?;
    if let Some(warning) = keys.warning {
        tracing::warn!("{warning}");
    }
    Ok(Some(keys.ring))
}

/// Where changed keys are kept.
pub(super) fn keyring_file(config: &Config) -> Option<KeyringFile> {
    match &config.keys {
        Some(KeySource::Keyring(path)) => Some(KeyringFile(path.clone())),
        _ => None,
    }
}

pub(super) fn log_advertised(advertised: &Advertised) {
    let Advertised { addr, reason, doubtful } = advertised;
    if *doubtful {
        tracing::warn!("advertising {addr}: {reason}");
    } else {
        tracing::info!("advertising {addr}: {reason}");
    }
}

pub(super) fn serf_config(
    config: &Config,
    tags: Tags,
    advertised: SocketAddr,
    bind_port: u16,
    packet_overhead: usize,
    seed: u64,
) -> muster_serf::Config {
    muster_serf::Config {
        name: config.node.clone(),
        // IPv4 in its 4-byte form, always: the reference takes the other form for another address.
        addr: advertised.ip().to_canonical().into(),
        port: advertised.port(),
        bind_port,
        tags,
        protocol: config.protocol,
        compress: config.compress,
        packet_overhead,
        extensions: muster_serf::Extensions::ALL,
        profile: profile(config.profile),
        broadcast_timeout: config.broadcast_timeout,
        leave_propagate_delay: LEAVE_PROPAGATE_DELAY,
        limits: config.limits,
        memory: config.memory,
        resolves_names: config.resolves_names,
        seed,
        intern: None,
    }
}

pub(super) fn profile(name: ProfileName) -> Profile {
    match name {
        ProfileName::Lan => Profile::LAN,
        ProfileName::Wan => Profile::WAN,
        ProfileName::Local => Profile::LOCAL,
    }
}
