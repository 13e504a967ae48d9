//! What of a fleet a template is told, as the caller has it.

use crate::error::Error;
use crate::model;
use crate::template::{Options, Partials, Template};
use crate::value::Value;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};
use muster_fleet::{Member, Refusal, Service, Status};
use serde::{Deserialize, Deserializer};

/// Everything a template may ask about. In JSON also what `muster members --format json` prints.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Fleet {
    /// Name of this node.
    #[serde(default)]
    pub node: String,
    /// All that are known, those who left or failed too.
    #[serde(default)]
    pub members: Vec<Seen>,
    /// Services by name; `None`: what the members' tags say.
    pub services: Option<BTreeMap<String, Service>>,
    /// Environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Anything else, by name. It wins over what is made of the above.
    #[serde(flatten)]
    pub variables: BTreeMap<String, Value>,
}

impl Fleet {
    /// What a template knows as `addresses`: every node that may be sent requests, once, by name, whatever that is.
    pub fn addresses(&self) -> Vec<(String, SocketAddr)> {
        model::addresses(self)
    }
}

/// A member, and since when it is what it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "Read")]
pub struct Seen {
    /// The member.
    pub member: Member,
    /// Since when it has that state, in seconds of Unix time.
    pub since: Option<i64>,
}

/// As it stands in a file.
#[derive(Deserialize)]
struct Read {
    name: String,
    /// With or without a port.
    #[serde(deserialize_with = "address")]
    addr: IpAddr,
    #[serde(default)]
    port: u16,
    status: Status,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    #[serde(default)]
    since: Option<i64>,
}

impl From<Read> for Seen {
    fn from(read: Read) -> Self {
        let Read { name, addr, port, status, tags, since } = read;
        Self { member: Member { name, addr, port, status, tags }, since }
    }
}

fn address<'de, D: Deserializer<'de>>(from: D) -> Result<IpAddr, D::Error> {
    let text = String::deserialize(from)?;
    let with_port = || text.parse::<SocketAddr>().map(|addr| addr.ip());
    text.parse::<IpAddr>().or_else(|_| with_port()).map_err(serde::de::Error::custom)
}

/// A file, and who is not in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rendered {
    /// The file.
    pub text: String,
    /// Members that could not be written in such a file. They were left out, and nobody else.
    pub refusals: Vec<Refusal>,
}

impl Template {
    /// The output for this fleet. A member whose name, or a tag that the template shows, cannot be written in such a file is
    /// left out of all lists, with a reason.
    ///
    /// # Errors
    /// As [`render`](Self::render).
    pub fn render_fleet(
        &self,
        fleet: &Fleet,
        partials: &Partials,
        options: &Options,
    ) -> Result<Rendered, Error> {
        let wants =
            |name: &str| self.wanted.has(name) || partials.values().any(|partial| partial.wanted.has(name));
        match self.render_wanted(fleet, partials, options, &wants) {
            Ok(rendered) => Ok(rendered),
            // An error tells which names there are; all of them.
            Err(_) => self.render_wanted(fleet, partials, options, &|_| true),
        }
    }

    fn render_wanted(
        &self,
        fleet: &Fleet,
        partials: &Partials,
        options: &Options,
        wants: &dyn Fn(&str) -> bool,
    ) -> Result<Rendered, Error> {
        let mut refusals = model::refuse_names(fleet, options.escape);
        let mut refused: BTreeSet<&str> = refusals.iter().map(|(node, _)| *node).collect();
        let data = model::of(fleet, &refused, wants);
        let (mut text, unwritable) = self.render_noting(&data, partials, options)?;
        if let Some(unwritable) = unwritable.into_iter().next() {
            // Some value could not be written. It may have been made of a tag in any way, so that all who have such tags go.
            let more = model::refuse_tags(fleet, options.escape, &refused);
            if more.is_empty() {
                return Err(unwritable.error);
            }
            refused.extend(more.iter().map(|(node, _)| *node));
            refusals.extend(more);
            text = self.render(&model::of(fleet, &refused, wants), partials, options)?;
        }
        let refusals = refusals.into_iter().map(|(node, reason)| Refusal { node: node.into(), reason });
        Ok(Rendered { text, refusals: refusals.collect() })
    }
}

#[cfg(test)]
mod tests;
