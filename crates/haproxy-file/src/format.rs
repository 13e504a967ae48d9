//! Values with samples in them: `%[src]` (configuration manual, 8.2.4).

use crate::sample::{self, Sample};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use muster_routes::{Part, Template, Variable};

const KNOWN: &str = "%[src], %[src_port], %[dst], %[dst_port], %[path], %[query], %[method], %[req.hdr(NAME)], %[req.fhdr(NAME)], %ci, %cp, %fi, %fp and %%";

/// Reads `text`.
pub(crate) fn template(text: &str) -> Result<Template, String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        push(&mut parts, before);
        if let Some(behind) = behind.strip_prefix('%') {
            push(&mut parts, "%");
            rest = behind;
            continue;
        }
        let (variable, behind) = match behind.strip_prefix('[') {
            Some(inside) => {
                let (expression, behind) = inside
                    .split_once(']')
                    .ok_or_else(|| format!("`%[` in `{text}` is never closed; write %[EXPRESSION]"))?;
                (of_sample(expression)?, behind)
            }
            None => {
                let name = behind.get(..2).unwrap_or_default();
                let variable = match name {
                    "ci" => Variable::Source,
                    "cp" => Variable::SourcePort,
                    "fi" => Variable::Local,
                    "fp" => Variable::LocalPort,
                    _ => {
                        return Err(format!(
                            "`%` in `{text}` is followed by nothing that Muster knows; there is {KNOWN}"
                        ));
                    }
                };
                let behind = &behind[2..];
                if behind.starts_with(|char: char| char.is_ascii_alphanumeric()) {
                    return Err(format!(
                        "`%` in `{text}` is followed by nothing that Muster knows; there is {KNOWN}"
                    ));
                }
                (variable, behind)
            }
        };
        parts.push(Part::Variable(variable));
        rest = behind;
    }
    push(&mut parts, rest);
    Template::new(parts).map_err(|flaw| format!("`{}`: {flaw}", text.escape_debug()))
}

/// A value in which a `%` is a `%`.
pub(crate) fn fixed(text: &str) -> Result<Template, String> {
    Template::fixed(text).map_err(|flaw| format!("`{}`: {flaw}", text.escape_debug()))
}

fn push(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_string())),
    }
}

fn of_sample(text: &str) -> Result<Variable, String> {
    let read = sample::read(text)?;
    if read.laid_on.is_some() || read.is_lower {
        return Err(format!("`%[{text}]` is not done by Muster; there is {KNOWN}"));
    }
    Ok(match read.sample {
        Sample::Source => Variable::Source,
        Sample::SourcePort => Variable::SourcePort,
        Sample::Local => Variable::Local,
        Sample::LocalPort => Variable::LocalPort,
        Sample::Path => Variable::Path,
        Sample::Query => Variable::Query,
        Sample::Method => Variable::Method,
        Sample::Whole(name) => Variable::Field(name),
        Sample::Items(name) => Variable::Item(name),
        Sample::Constant(_) | Sample::Secure | Sample::HostAlone => {
            return Err(format!("`%[{text}]` is not done by Muster; there is {KNOWN}"));
        }
    })
}
