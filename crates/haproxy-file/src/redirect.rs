//! `redirect` and `http-request redirect`.

use crate::args::Args;
use crate::format::{fixed, template};
use alloc::format;
use alloc::string::String;
use muster_routes::{Action, Redirect, RedirectCode, To};

/// Reads a redirect up to its condition. `varies`: its target may have samples in it.
pub(crate) fn redirect(args: &mut Args<'_>, varies: bool) -> Result<Action, String> {
    let kind = args.value("redirect")?;
    if !matches!(kind, "location" | "prefix" | "scheme") {
        return Err(format!("`redirect {kind}`: there is location, prefix, scheme"));
    }
    let text = args.next().ok_or_else(|| format!("`redirect {kind}` needs a value"))?;
    let target = if varies { template(text)? } else { fixed(text)? };
    let to = match kind {
        "location" => To::Location(target),
        "prefix" => To::Prefix(target),
        _ => To::Scheme(target),
    };
    let mut redirect = Redirect { code: RedirectCode::Found, to, drop_query: false, append_slash: false };
    while let Some(word) = args.peek().filter(|word| !matches!(*word, "if" | "unless")) {
        args.next();
        match word {
            "code" => {
                let code = args.value("code")?;
                let known = code.parse().ok().and_then(RedirectCode::new);
                redirect.code =
                    known.ok_or_else(|| format!("`code {code}`: there is 301, 302, 303, 307, 308"))?;
            }
            "drop-query" => redirect.drop_query = true,
            "append-slash" => redirect.append_slash = true,
            "set-cookie" | "clear-cookie" | "ignore-empty" | "keep-query" => {
                return Err(format!("`redirect ... {word}` is not done by Muster; leave it out"));
            }
            other => {
                return Err(format!(
                    "`redirect ... {other}` is not known here; there is code, drop-query, append-slash, if, unless"
                ));
            }
        }
    }
    if redirect.append_slash && !redirect.drop_query {
        return Err("`append-slash` without `drop-query` puts a slash behind the query; write both".into());
    }
    Ok(Action::Redirect(redirect))
}
