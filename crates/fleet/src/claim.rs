//! What a member's tags claim: one service per `services` entry, or the one named by its role.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::iter;

/// Most services one member may offer.
pub const SERVICES_PER_MEMBER_MAX: usize = 64;

/// Longest service name, in bytes.
pub const SERVICE_NAME_BYTES_MAX: usize = 64;

/// Weight of a backend that states none. Not 1, so that a member can ask for less than the others.
pub const WEIGHT_DEFAULT: u16 = 10;

/// Largest weight a backend may ask for: a hundred times the usual share, so that no tag takes all the traffic.
pub const WEIGHT_MAX: u16 = 1000;

/// Characters of a peer's text that a reason repeats.
const QUOTED_CHARS_MAX: usize = 64;

/// One service a member says it serves.
pub(crate) struct Claim<'a> {
    pub(crate) service: &'a str,
    pub(crate) port: u16,
    pub(crate) weight: u16,
}

/// The claims in `tags`, each good or refused in words.
pub(crate) fn of(
    tags: &BTreeMap<String, String>,
    default_port: u16,
) -> impl Iterator<Item = Result<Claim<'_>, String>> {
    let tag = |name: &str| tags.get(name).map(|text| text.trim());
    let listed = tag("services");
    let from_list = listed.filter(|list| !list.is_empty()).into_iter().flat_map(from_services);
    let role = match (listed, tag("role")) {
        (None, Some(role)) if !role.is_empty() && tag("balances") != Some("1") => Some(role),
        _ => None,
    };
    let from_role = role.map(|role| from_role(role, tag("port"), default_port));
    from_list.chain(from_role)
}

/// The services that a member with these tags offers, and on which ports; what is refused is left out.
pub fn offered(tags: &BTreeMap<String, String>, default_port: u16) -> impl Iterator<Item = (String, u16)> {
    of(tags, default_port).flatten().map(|claim| (claim.service.into(), claim.port))
}

fn from_services(list: &str) -> impl Iterator<Item = Result<Claim<'_>, String>> {
    let entries = list.split(',').take(SERVICES_PER_MEMBER_MAX).map(|entry| {
        from_entry(entry.trim()).map_err(|why| format!("`services` entry {}: {why}", quoted(entry)))
    });
    let too_many = list.split(',').nth(SERVICES_PER_MEMBER_MAX).map(|_| {
        Err(format!("`services` has more than {SERVICES_PER_MEMBER_MAX} entries; the rest is not read"))
    });
    entries.chain(too_many)
}

fn from_entry(entry: &str) -> Result<Claim<'_>, String> {
    let Some((service, rest)) = entry.split_once(':') else {
        check_service_name(entry)?;
        return Err("no port; write name:port or name:port/weight".into());
    };
    check_service_name(service)?;
    let (port, weight) = match rest.split_once('/') {
        Some((port, weight)) => (port, parse_weight(weight)?),
        None => (rest, WEIGHT_DEFAULT),
    };
    Ok(Claim { service, port: parse_port(port)?, weight })
}

fn from_role<'a>(role: &'a str, port: Option<&str>, default_port: u16) -> Result<Claim<'a>, String> {
    check_service_name(role).map_err(|why| format!("`role` {}: {why}", quoted(role)))?;
    let port = match port {
        Some(port) => parse_port(port).map_err(|why| format!("`port` {}: {why}", quoted(port)))?,
        None if default_port == 0 => return Err("`role` without `port`, and there is no default port".into()),
        None => default_port,
    };
    Ok(Claim { service: role, port, weight: WEIGHT_DEFAULT })
}

/// Why `name` cannot be a service's. Service names end up in URLs, metrics, files and commands, so they are plain from the
/// start. `.` and `-` never come first: no `..`, no hidden file, no option.
///
/// # Errors
/// In words.
pub fn check_service_name(name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err("the service has no name".into());
    }
    if name.len() > SERVICE_NAME_BYTES_MAX {
        return Err(format!("the service name is longer than {SERVICE_NAME_BYTES_MAX} bytes"));
    }
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !plain || name.starts_with(['.', '-']) {
        return Err(
            "a service name has only letters, digits, `-`, `_` and `.`, and begins with none of `-` and `.`"
                .into(),
        );
    }
    Ok(())
}

fn parse_port(text: &str) -> Result<u16, String> {
    match parse_digits(text) {
        Some(port) if port > 0 => Ok(port),
        _ => Err("a port is a number from 1 to 65535".into()),
    }
}

fn parse_weight(text: &str) -> Result<u16, String> {
    match parse_digits(text) {
        Some(weight @ 1..=WEIGHT_MAX) => Ok(weight),
        _ => Err(format!("a weight is a number from 1 to {WEIGHT_MAX} (for none at all, use `notready`)")),
    }
}

/// Rust's own parser also takes `+80`.
fn parse_digits(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// A peer's text for a log line: in quotes, control characters escaped, length bounded.
pub(crate) fn quoted(text: &str) -> String {
    let rest = if text.chars().nth(QUOTED_CHARS_MAX).is_some() { "..." } else { "" };
    let head = text.chars().take(QUOTED_CHARS_MAX).flat_map(char::escape_debug);
    iter::once('"').chain(head).chain(iter::once('"')).collect::<String>() + rest
}
