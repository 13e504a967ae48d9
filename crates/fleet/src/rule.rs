//! Who may serve a service: what the node that draws was told about it, beside what members claim.
//!
//! A rule narrows, and never widens, what is believed without it. It binds whoever holds the gossip key too: a key says who is
//! in the cluster, a rule says which of them may get the traffic of one service.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

use crate::claim::quoted;

/// Most entries of one list of a rule: more is a list that a program made, and belongs into a wider network.
pub const RULE_ENTRIES_MAX: usize = 256;

/// Rules by the name of their service.
pub type Rules = BTreeMap<String, Rule>;

/// Which members may serve a service. What is empty restricts nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rule {
    /// Its backends are in one of these networks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Network>,
    /// They serve on one of these ports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Ports>,
    /// Their members have all these tags, with these values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
}

impl Rule {
    /// It restricts nothing.
    pub fn is_empty(&self) -> bool {
        self.from.is_empty() && self.ports.is_empty() && self.tags.is_empty()
    }

    /// Whether a member with these tags may serve at `ip`, `port`; else why not, ending "service NAME ".
    pub(crate) fn admits(
        &self,
        ip: IpAddr,
        port: u16,
        tags: &BTreeMap<String, String>,
    ) -> Result<(), String> {
        if !self.from.is_empty() && !self.from.iter().any(|network| network.contains(ip)) {
            return Err(format!("may not be served from {ip}, only from {}", list(&self.from)));
        }
        if !self.ports.is_empty() && !self.ports.iter().any(|ports| ports.contains(port)) {
            return Err(format!("may not be served on port {port}, only on {}", list(&self.ports)));
        }
        for (tag, wanted) in &self.tags {
            let wanted_words = || format!("only by members with the tag {}={}", quoted(tag), quoted(wanted));
            match tags.get(tag) {
                Some(value) if value == wanted => {}
                Some(value) => {
                    return Err(format!(
                        "may be served {}, and here it is {}",
                        wanted_words(),
                        quoted(value)
                    ));
                }
                None => return Err(format!("may be served {}, which it has not", wanted_words())),
            }
        }
        Ok(())
    }
}

/// The first few of them, for a reason.
fn list(items: &[impl ToString]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    let rest = if items.len() > SHOWN { ", ..." } else { "" };
    shown.join(", ") + rest
}

/// A network: an address and how many of its leading bits count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether `ip` is in it. IPv4 in the form of IPv6 is IPv4.
    pub fn contains(self, ip: IpAddr) -> bool {
        masked(ip.to_canonical(), self.bits) == Some(self.base)
            && ip.to_canonical().is_ipv4() == self.base.is_ipv4()
    }
}

/// The first `bits` of `ip`; `None` when it has not so many.
fn masked(ip: IpAddr, bits: u8) -> Option<IpAddr> {
    match ip {
        IpAddr::V4(v4) => {
            let off = 32_u32.checked_sub(bits.into())?;
            Some(IpAddr::V4(u32::MAX.checked_shl(off).map_or(0, |mask| v4.to_bits() & mask).into()))
        }
        IpAddr::V6(v6) => {
            let off = 128_u32.checked_sub(bits.into())?;
            Some(IpAddr::V6(u128::MAX.checked_shl(off).map_or(0, |mask| v6.to_bits() & mask).into()))
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.base, self.bits)
    }
}

impl FromStr for Network {
    type Err = String;

    /// `10.0.0.0/8`, `fd00::/8`, or one address.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let no_network =
            || format!("{} is not a network; write ADDRESS/BITS, e.g. 10.0.0.0/8 or fd00::/8", quoted(text));
        let base: IpAddr = address.parse().map_err(|_| no_network())?;
        if base != base.to_canonical() {
            return Err(format!("{} is IPv4 in the form of IPv6; write it as IPv4", quoted(text)));
        }
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(|| {
                    format!("{} is not a network: such an address has {most} bits", quoted(text))
                })?
            }
            Some(_) => return Err(no_network()),
        };
        match masked(base, bits) {
            Some(network) if network == base => Ok(Self { base, bits }),
            // A slip of the finger in either half; which one was meant only its writer knows.
            Some(network) => Err(format!(
                "{} has bits set beyond its first {bits}; write {network}/{bits}, or {base}/{most} for the one address",
                quoted(text)
            )),
            None => Err(no_network()),
        }
    }
}

/// A port, or all from one to another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Ports {
    first: u16,
    last: u16,
}

impl Ports {
    /// Whether `port` is among them.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.first == self.last {
            true => write!(out, "{}", self.first),
            false => write!(out, "{}-{}", self.first, self.last),
        }
    }
}

impl FromStr for Ports {
    type Err = String;

    /// `3000` or `8000-8999`.
    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse::<u16>().ok()).flatten().filter(|port| *port > 0)
        };
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (port(first), port(last)) {
            (Some(first), Some(last)) if first <= last => Ok(Self { first, last }),
            (Some(_), Some(_)) => Err(format!("{} ends before it begins", quoted(text))),
            _ => {
                Err(format!("{} is not a port from 1 to 65535, nor a range such as 8000-8999", quoted(text)))
            }
        }
    }
}

/// As text, in JSON too.
macro_rules! as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )*};
}
as_text!(Network, Ports);

#[cfg(test)]
mod tests;
