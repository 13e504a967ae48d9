//! Samples: what conditions and values ask a request for (configuration manual, 7.3).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use muster_routes::FieldName;

/// Something of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sample {
    /// `always_true`, `always_false`
    Constant(bool),
    /// `hdr(NAME)`, `req.hdr(NAME)`: each item of the list that it is.
    Items(String),
    /// `req.fhdr(NAME)`: the whole value.
    Whole(String),
    /// `req.hdr(host),host_only` and its like.
    HostAlone,
    Path,
    Query,
    Method,
    Source,
    SourcePort,
    Local,
    LocalPort,
    Secure,
}

/// A sample with what stands around it: `hdr_beg(host),lower`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Read {
    pub(crate) sample: Sample,
    /// `beg` of `path_beg`.
    pub(crate) laid_on: Option<String>,
    pub(crate) is_lower: bool,
}

const SUFFIXES: [&str; 7] = ["_beg", "_dir", "_dom", "_end", "_len", "_reg", "_sub"];
const KNOWN: &str =
    "hdr(), req.hdr(), req.fhdr(), path, method, src, dst_port, ssl_fc, always_true, always_false";

/// Reads `text`.
pub(crate) fn read(text: &str) -> Result<Read, String> {
    let (fetch, converters) = cut(text)?;
    let (name, argument) = match fetch.split_once('(') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(')').unwrap_or(rest).trim())),
        None => (fetch, None),
    };
    // Only these two have such derivatives here.
    let suffix = SUFFIXES
        .iter()
        .find(|suffix| name.strip_suffix(**suffix).is_some_and(|base| base == "hdr" || base == "path"));
    let base = suffix.map_or(name, |suffix| &name[..name.len() - suffix.len()]);
    let mut sample = match (base, argument) {
        ("hdr" | "req.hdr" | "req.fhdr", Some(field)) => {
            if field.contains(',') {
                return Err(format!("`{text}`: one of several values cannot be chosen; write {base}(NAME)"));
            }
            if field.is_empty() || FieldName::new(field).is_err() && !field.eq_ignore_ascii_case("upgrade") {
                return Err(format!("`{text}`: `{field}` is no field that can be asked for"));
            }
            match base {
                "req.fhdr" => Sample::Whole(field.into()),
                _ => Sample::Items(field.into()),
            }
        }
        ("hdr" | "req.hdr" | "req.fhdr", None) => {
            return Err(format!("`{text}` asks for all fields; write {base}(NAME)"));
        }
        (_, Some(argument)) if !argument.is_empty() => return Err(unknown(text)),
        ("path", _) => Sample::Path,
        ("query", _) => Sample::Query,
        ("method", _) => Sample::Method,
        ("src", _) => Sample::Source,
        ("src_port", _) => Sample::SourcePort,
        ("dst", _) => Sample::Local,
        ("dst_port", _) => Sample::LocalPort,
        ("ssl_fc", _) => Sample::Secure,
        ("always_true", _) => Sample::Constant(true),
        ("always_false", _) => Sample::Constant(false),
        _ => return Err(unknown(text)),
    };
    let mut is_lower = false;
    for converter in converters {
        match converter {
            "lower" => is_lower = true,
            "host_only" | "field(1,:)" if is_host(&sample) => sample = Sample::HostAlone,
            other => {
                return Err(format!(
                    "`{text}`: `{other}` is not done by Muster; there is lower, and host_only behind req.hdr(host)"
                ));
            }
        }
    }
    Ok(Read { sample, laid_on: suffix.map(|suffix| suffix[1..].into()), is_lower })
}

fn is_host(sample: &Sample) -> bool {
    matches!(sample, Sample::Items(field) | Sample::Whole(field) if field.eq_ignore_ascii_case("host"))
}

/// The fetch, and the converters behind it.
fn cut(text: &str) -> Result<(&str, Vec<&str>), String> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_u32, 0);
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| format!("`{text}` closes a parenthesis that was never opened"))?;
            }
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if depth > 0 {
        return Err(format!("`{text}` opens a parenthesis and does not close it"));
    }
    parts.push(&text[start..]);
    let fetch = parts.remove(0);
    Ok((fetch, parts))
}

fn unknown(text: &str) -> String {
    format!(
        "`{text}` is nothing that Muster asks a request for; there is {KNOWN}, and hdr_ and path_ with beg, end, sub, dir, dom, reg"
    )
}
