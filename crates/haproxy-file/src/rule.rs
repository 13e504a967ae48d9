//! `http-request`, `http-response` and `tcp-request connection`.

use crate::args::Args;
use crate::format::template;
use crate::redirect::redirect;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use muster_routes::{Action, DENY_STATUS, Edit, FieldName, Page, Part, Regex, Rewrite, Template, Variable};

/// Statuses that HAProxy denies with.
const DENY_STATUSES: [u16; 16] =
    [400, 401, 403, 404, 405, 407, 408, 410, 413, 425, 429, 500, 501, 502, 503, 504];

/// Reads what stands behind `http-request`, up to its condition.
pub(crate) fn request(args: &mut Args<'_>) -> Result<Action, String> {
    let name = args.value("http-request")?;
    Ok(match name {
        "set-header" | "add-header" | "del-header" => Action::Request(edit(name, args)?),
        "set-path" => {
            let text = args.value("set-path")?;
            if text.contains(['?', '#']) {
                return Err(format!("`set-path {text}`: a path ends before `?` and `#`"));
            }
            Action::Rewrite(Rewrite::Path(template(text)?))
        }
        "replace-path" => {
            let (expression, with) = (args.value("replace-path")?, args.value("replace-path REGEX")?);
            let regex = Regex::new(expression, false).map_err(|why| format!("`{expression}` is no regular expression that Muster follows: {why}"))?;
            let with = only_text(&template(with)?).ok_or("`replace-path` with samples in the new path is not done by Muster; use `set-path`")?;
            Action::Rewrite(Rewrite::replace(regex, &with).map_err(|flaw| flaw.to_string())?)
        }
        "allow" => Action::Allow,
        "deny" => deny(args)?,
        "return" => Action::Page(page("return", 200, args)?),
        "redirect" => redirect(args, true)?,
        "auth" => return Err("`http-request auth` is not done by Muster; let the program behind the balancer ask for passwords".into()),
        "tarpit" | "reject" | "silent-drop" => return Err(format!("`http-request {name}` is not done by Muster; use `http-request deny`")),
        "replace-header" | "replace-value" | "replace-uri" | "replace-pathq" | "set-uri" | "set-query" | "set-pathq" | "set-method" => {
            return Err(format!("`http-request {name}` is not done by Muster; there is set-header, set-path, replace-path"));
        }
        other => {
            return Err(format!(
                "`http-request {other}` is not done by Muster; there is set-header, add-header, del-header, set-path, replace-path, allow, deny, return, redirect"
            ));
        }
    })
}

/// Reads what stands behind `http-response`, up to its condition.
pub(crate) fn response(args: &mut Args<'_>) -> Result<Action, String> {
    let name = args.value("http-response")?;
    match name {
        "set-header" | "add-header" | "del-header" => {
            let edit = edit(name, args)?;
            match &edit {
                Edit::Set(_, value) | Edit::Add(_, value) if of_request(value) => {
                    Err("the request is gone when its response comes, says HAProxy; only %[src], %[dst] and their ports are still there".into())
                }
                _ => Ok(Action::Response(edit)),
            }
        }
        other => Err(format!(
            "`http-response {other}` is not done by Muster; there is set-header, add-header, del-header"
        )),
    }
}

/// Reads what stands behind `tcp-request`, up to its condition.
pub(crate) fn connection(args: &mut Args<'_>) -> Result<Action, String> {
    match args.value("tcp-request")? {
        "connection" => {}
        other => {
            return Err(format!(
                "`tcp-request {other}` is not done by Muster; there is `tcp-request connection accept` and `reject`"
            ));
        }
    }
    match args.value("tcp-request connection")? {
        "accept" => Ok(Action::Allow),
        "reject" => Ok(Action::Deny(DENY_STATUS)),
        other => {
            Err(format!("`tcp-request connection {other}` is not done by Muster; there is accept and reject"))
        }
    }
}

fn edit(kind: &str, args: &mut Args<'_>) -> Result<Edit, String> {
    let field = FieldName::new(args.value(kind)?)?;
    if kind == "del-header" {
        return match args.peek() {
            Some("-m") => {
                Err("`del-header` by a pattern is not done by Muster; write one line for each name".into())
            }
            _ => Ok(Edit::Delete(field)),
        };
    }
    let value = template(args.next().ok_or_else(|| format!("`{kind} {}` needs a value", field.as_str()))?)?;
    Ok(if kind == "set-header" { Edit::Set(field, value) } else { Edit::Add(field, value) })
}

fn deny(args: &mut Args<'_>) -> Result<Action, String> {
    let mut status = DENY_STATUS;
    if let Some(word @ ("deny_status" | "status")) = args.peek() {
        args.next();
        let text = args.value(word)?;
        let known = text.parse().ok().filter(|status| DENY_STATUSES.contains(status));
        status = known.ok_or_else(|| format!("`{word} {text}`: HAProxy denies with one of {DENY_STATUSES:?}; for others, use `http-request return`"))?;
    }
    match args.peek() {
        None | Some("if" | "unless") => Ok(Action::Deny(status)),
        Some(_) => Ok(Action::Page(page("deny", status, args)?)),
    }
}

fn page(of: &str, mut status: u16, args: &mut Args<'_>) -> Result<Page, String> {
    let (mut content_type, mut body, mut fields) = (None, None, Vec::new());
    while let Some(word) = args.peek().filter(|word| !matches!(*word, "if" | "unless")) {
        args.next();
        match word {
            "status" => status = args.number("status", 200..=599)?,
            "content-type" => content_type = Some(args.value("content-type")?.to_string()),
            "string" => body = Some(args.value("string")?.as_bytes().to_vec()),
            "hdr" => {
                let field = FieldName::new(args.value("hdr")?)?;
                let value = only_text(&template(args.value("hdr NAME")?)?)
                    .ok_or("fields of such a page are the same for everybody; leave samples out")?;
                fields.push((field.as_str().into(), value));
            }
            other => {
                return Err(format!(
                    "`http-request {of} ... {other}` is not done by Muster; there is status, content-type, string, hdr"
                ));
            }
        }
    }
    if content_type.is_some() != body.is_some() {
        return Err("`content-type` and `string` go together".into());
    }
    if let Some(content_type) = &content_type {
        // It is written into a head like any other value.
        crate::format::fixed(content_type)?;
    }
    Ok(Page {
        status,
        content_type: content_type.unwrap_or_default(),
        body: body.unwrap_or_default(),
        fields,
    })
}

/// The text of a value that has no samples in it.
fn only_text(value: &Template) -> Option<String> {
    value
        .parts()
        .iter()
        .map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Variable(_) => None,
        })
        .collect()
}

fn of_request(value: &Template) -> bool {
    use Variable::{Local, LocalPort, Source, SourcePort};
    let is_connections = |part: &Part| match part {
        Part::Text(_) => true,
        Part::Variable(variable) => matches!(variable, Source | SourcePort | Local | LocalPort),
    };
    !value.parts().iter().all(is_connections)
}
