//! From the fleet to the names that templates know. `docs/templates.md` lists them.
//!
//! | name | what |
//! |---|---|
//! | `addresses` | `[{host, ip, port}]`: every node that serves something, once, by name |
//! | `services` | by name: `{name, backends, others}`, of `{host, ip, port, address, weight, standing, id}` |
//! | `members` | `[{name, ip, port, status, since, tags}]`, those who left or failed too |
//! | `node` | `{name, ip, status, tags}` of this node |
//! | `env` | the environment |
//!
//! All lists are sorted by name: the same fleet makes the same file.

use crate::escape::Escape;
use crate::fleet::{Fleet, Seen};
use crate::number::numbers;
use crate::value::{Map, Text, Value};
use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddr;
use muster_fleet::{
    Backend, DrawOptions, Member, NODE_NAME_BYTES_MAX, Rules, Service, Standing, Status, draw,
};

/// Port of a member that has a role and no `port`, where the fleet says nothing of services: the agent's own default.
const PORT_DEFAULT: u16 = 3000;

/// Who is refused, and why.
type Refused<'f> = Vec<(&'f str, String)>;

/// Whose name cannot stand in such a file.
pub(crate) fn refuse_names(fleet: &Fleet, escape: Escape) -> Refused<'_> {
    let members = fleet.members.iter().map(|seen| seen.member.name.as_str());
    let backends = fleet.services.iter().flatten().flat_map(|(_, service)| service.backends.keys());
    let hosts = fleet.variables.get("addresses").map(hosts).unwrap_or_default();
    let names = members.chain(backends.map(String::as_str)).chain(hosts);
    let refused = names.filter_map(|name| check_name(name, escape).err().map(|why| (name, why)));
    // Most are named more than once.
    refused.collect::<BTreeMap<_, _>>().into_iter().collect()
}

fn check_name(name: &str, escape: Escape) -> Result<(), String> {
    if name.len() > NODE_NAME_BYTES_MAX {
        return Err(format!("its name is longer than {NODE_NAME_BYTES_MAX} bytes"));
    }
    escape.check_name(name)
}

/// Whose tags cannot be written in such a file, of those who are not refused yet.
pub(crate) fn refuse_tags<'f>(fleet: &'f Fleet, escape: Escape, refused: &BTreeSet<&str>) -> Refused<'f> {
    let mut more = Vec::new();
    let members = fleet.members.iter().map(|seen| &seen.member);
    for member in members.filter(|member| !refused.contains(member.name.as_str())) {
        let texts = member.tags.iter().flat_map(|(name, value)| [(name, name), (name, value)]);
        let why = texts
            .into_iter()
            .find_map(|(tag, text)| escape.check_text(text).err().map(|why| format!("tag {tag:?}: {why}")));
        if let Some(why) = why {
            more.push((member.name.as_str(), why));
        }
    }
    more
}

/// The hosts of a list of addresses that somebody made.
fn hosts(addresses: &Value) -> Vec<&str> {
    let Value::List(items) = addresses else { return Vec::new() };
    items.iter().filter_map(host).collect()
}

fn host(address: &Value) -> Option<&str> {
    match address {
        Value::Map(map) => map.get("host")?.as_text(),
        _ => None,
    }
}

/// The data of a template, without the refused. What it does not want of the fleet may be missing.
pub(crate) fn of(fleet: &Fleet, refused: &BTreeSet<&str>, wants: &dyn Fn(&str) -> bool) -> Value {
    let members = || {
        let is_admitted = |seen: &&Seen| !refused.contains(seen.member.name.as_str());
        let mut members: Vec<&Seen> = fleet.members.iter().filter(is_admitted).collect();
        members.sort_by(|one, two| one.member.name.cmp(&two.member.name));
        members
    };
    let mut own =
        vec![("node", node_value(fleet, refused)), ("env", Value::Map(Arc::new(texts(&fleet.env))))];
    if wants("members") {
        own.push(("members", members().iter().map(|seen| member_value(seen, wants("tags"))).collect()));
    }
    if wants("services") || wants("addresses") {
        let services = match &fleet.services {
            Some(services) => Cow::Borrowed(services),
            None => Cow::Owned(drawn(&members())),
        };
        let services = Services::of(&services, refused);
        if wants("services") {
            own.push(("services", services.values(wants("id"))));
        }
        if wants("addresses") {
            own.push(("addresses", services.addresses()));
        }
    }
    let variables = fleet.variables.iter().map(|(name, value)| match (name.as_str(), value) {
        ("addresses", Value::List(_)) => (shared(name), admitted(value, refused)),
        _ => (shared(name), value.clone()),
    });
    own.into_iter().map(|(name, value)| (Text::word(name), value)).chain(variables).collect()
}

/// A list of addresses without those of the refused.
fn admitted(addresses: &Value, refused: &BTreeSet<&str>) -> Value {
    let Value::List(items) = addresses else { return addresses.clone() };
    let is_admitted = |item: &&Value| host(item).is_none_or(|host| !refused.contains(host));
    items.iter().filter(is_admitted).cloned().collect()
}

/// What `addresses` is in a template, with nobody left out.
pub(crate) fn addresses(fleet: &Fleet) -> Vec<(String, SocketAddr)> {
    let services = match &fleet.services {
        Some(services) => Cow::Borrowed(services),
        None => Cow::Owned(drawn(&fleet.members.iter().collect::<Vec<_>>())),
    };
    let by_node = Services::of(&services, &BTreeSet::new()).by_node();
    by_node.into_iter().map(|(node, backend)| (node.to_string(), backend.addr)).collect()
}

fn drawn(members: &[&Seen]) -> BTreeMap<String, Service> {
    // No rules, and loopback as it is: this is what a file says, not what a peer says.
    let options = DrawOptions { default_port: PORT_DEFAULT, allow_loopback: true, rules: Rules::default() };
    draw(members.iter().map(|seen| &seen.member), &options).0
}

/// The services, each with those that may be sent requests and the others.
struct Services<'f>(Vec<(&'f str, Vec<Named<'f>>, Vec<Named<'f>>)>);

type Named<'f> = (&'f str, &'f Backend);

impl<'f> Services<'f> {
    /// A failed node's backend is only used while the service has nothing better.
    fn of(services: &'f BTreeMap<String, Service>, refused: &BTreeSet<&str>) -> Self {
        let split = |(name, service): (&'f String, &'f Service)| {
            let all = service.backends.iter().filter(|(node, _)| !refused.contains(node.as_str()));
            let any_ready = all.clone().any(|(_, backend)| backend.standing == Standing::Ready);
            let wanted = if any_ready { Standing::Ready } else { Standing::Demoted };
            let (used, others) = all
                .map(|(node, backend)| (node.as_str(), backend))
                .partition(|(_, backend)| backend.standing == wanted);
            (name.as_str(), used, others)
        };
        Self(services.iter().map(split).collect())
    }

    fn values(&self, with_numbers: bool) -> Value {
        let service = |(name, used, others): &(&'f str, Vec<Named<'f>>, Vec<Named<'f>>)| {
            let all = used.iter().chain(others).filter(|_| with_numbers).map(|(node, _)| *node);
            let numbers = numbers(all);
            let list = |backends: &[Named<'_>]| {
                backends.iter().map(|named| backend_value(named, numbers.get(named.0))).collect::<Value>()
            };
            (
                shared(name),
                Value::record([
                    ("name", Value::copy(name)),
                    ("backends", list(used)),
                    ("others", list(others)),
                ]),
            )
        };
        // Who serves nothing now has no backends; that is no mistake in the template.
        let nobody = Value::record([
            ("name", Value::Null),
            ("backends", Value::List(Arc::from([]))),
            ("others", Value::List(Arc::from([]))),
        ]);
        let services: Map = self.0.iter().map(service).collect();
        Value::Map(Arc::new(services.open(nobody)))
    }

    /// Who may be sent requests, once, with the address of its first service.
    fn by_node(&self) -> BTreeMap<&'f str, &'f Backend> {
        let mut by_node: BTreeMap<&str, &Backend> = BTreeMap::new();
        for (node, backend) in self.0.iter().flat_map(|(_, used, _)| used) {
            by_node.entry(node).or_insert(backend);
        }
        by_node
    }

    fn addresses(&self) -> Value {
        let address = |(node, backend): (&str, &Backend)| {
            Value::record([
                ("host", Value::copy(node)),
                ("ip", backend.addr.ip().to_string().into()),
                ("port", usize::from(backend.addr.port()).into()),
            ])
        };
        self.by_node().into_iter().map(address).collect()
    }
}

fn backend_value((node, backend): &Named<'_>, number: Option<&u32>) -> Value {
    let standing = match backend.standing {
        Standing::Ready => "ready",
        Standing::Demoted => "demoted",
        Standing::Withdrawn => "withdrawn",
    };
    let addr: SocketAddr = backend.addr;
    Value::record([
        ("host", Value::copy(node)),
        ("ip", addr.ip().to_string().into()),
        ("port", usize::from(addr.port()).into()),
        ("address", addr.to_string().into()),
        ("weight", usize::from(backend.weight).into()),
        ("standing", standing.into()),
        ("id", number.map_or(Value::Null, |number| Value::from(i64::from(*number)))),
    ])
}

fn member_value(seen: &Seen, with_tags: bool) -> Value {
    let member = &seen.member;
    let status = match member.status {
        Status::Alive => "alive",
        Status::Leaving => "leaving",
        Status::Left => "left",
        Status::Failed => "failed",
    };
    Value::record([
        ("name", Value::copy(&member.name)),
        ("ip", member.addr.to_string().into()),
        ("port", usize::from(member.port).into()),
        ("status", status.into()),
        ("since", seen.since.map_or(Value::Null, Value::from)),
        ("tags", if with_tags { tags(member) } else { Value::Null }),
    ])
}

/// A tag that a member does not have shows nothing: no member's tags, or want of them, make a template wrong.
fn tags(member: &Member) -> Value {
    Value::Map(Arc::new(texts(&member.tags).open(Value::Null)))
}

fn texts(named: &BTreeMap<String, String>) -> Map {
    named.iter().map(|(name, text)| (shared(name), Value::copy(text))).collect()
}

fn shared(name: &str) -> Text {
    Text::copy(name)
}

/// This node as a member; before it is one, only its name.
fn node_value(fleet: &Fleet, refused: &BTreeSet<&str>) -> Value {
    let own = fleet.members.iter().find(|seen| seen.member.name == fleet.node);
    match own.filter(|_| !refused.contains(fleet.node.as_str())) {
        Some(member) => member_value(member, true),
        None => Value::record([("name", Value::copy(&fleet.node))]),
    }
}
