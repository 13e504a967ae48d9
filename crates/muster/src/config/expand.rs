//! `${VAR}` and `${VAR:-default}` in the strings of a file, as Docker Compose has them. `$$` is one dollar sign.

use super::value::Invalid;

/// `text` with variables put in. An unset or empty variable takes its default; without one, that is an error.
pub(crate) fn expand(text: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, Invalid> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let Some((inside, after)) = after.split_once('}') else {
                return Err(Invalid("`${` has no `}`; write `$$` for a dollar sign".to_owned()));
            };
            out.push_str(&variable(inside, &lookup)?);
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    Ok(out)
}

fn variable(inside: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, Invalid> {
    let (name, default) =
        inside.split_once(":-").map_or((inside, None), |(name, default)| (name, Some(default)));
    let is_name = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if !is_name {
        return Err(Invalid(format!(
            "`${{{inside}}}` does not name a variable; write ${{NAME}} or ${{NAME:-default}}"
        )));
    }
    lookup(name).filter(|value| !value.is_empty()).or_else(|| default.map(str::to_owned)).ok_or_else(|| {
        Invalid(format!("the variable {name} is not set; set it or write ${{{name}:-default}}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<String, String> {
        let lookup = |name: &str| match name {
            "HOST" => Some("lb".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        expand(text, lookup).map_err(|error| error.0)
    }

    #[test]
    fn variables_are_put_in() {
        assert_eq!(expanded("a-${HOST}:${HOST}").as_deref(), Ok("a-lb:lb"));
    }

    #[test]
    fn an_unset_or_empty_variable_takes_its_default() {
        assert_eq!(expanded("${NONE:-x:-y}${EMPTY:-z}${NONE:-}").as_deref(), Ok("x:-yz"));
    }

    #[test]
    fn an_unset_variable_without_default_is_an_error() {
        assert!(expanded("${NONE}").unwrap_err().contains("NONE is not set"));
        assert!(expanded("${EMPTY}").unwrap_err().contains("EMPTY is not set"));
    }

    #[test]
    fn a_dollar_sign_alone_stays_and_two_are_one() {
        assert_eq!(expanded("$HOST $$ $${HOST} 5$").as_deref(), Ok("$HOST $ ${HOST} 5$"));
    }

    #[test]
    fn a_malformed_variable_is_an_error() {
        for text in ["${", "${HOST", "${}", "${1X}", "${A B}", "${:-x}"] {
            assert!(expanded(text).is_err(), "{text}");
        }
    }
}
