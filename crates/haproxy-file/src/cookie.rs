//! `cookie`: which server a client stays with.

use crate::args::Args;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// A cookie by which a client stays with its server. The balancer makes it, and takes it off requests.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Not written again for a client that has the right one.
    pub is_indirect: bool,
    /// Answers that carry it are not to be cached.
    pub nocache: bool,
    /// Only written in answers to POST.
    pub postonly: bool,
    /// `HttpOnly` (RFC 6265, 4.1.2.6).
    pub httponly: bool,
    /// `Secure` (RFC 6265, 4.1.2.5).
    pub secure: bool,
    /// `Domain` (RFC 6265, 4.1.2.3).
    pub domains: Vec<String>,
    /// More attributes, such as `SameSite=Strict`.
    pub attributes: Vec<String>,
}

impl Cookie {
    pub(crate) fn read(mut args: Args<'_>) -> Result<Self, String> {
        let name = args.value("cookie")?;
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if !name.bytes().all(is_token) {
            return Err(format!("`{name}` is no name of a cookie"));
        }
        let mut cookie = Self {
            name: name.into(),
            is_indirect: false,
            nocache: false,
            postonly: false,
            httponly: false,
            secure: false,
            domains: Vec::new(),
            attributes: Vec::new(),
        };
        let mut inserts = false;
        while let Some(word) = args.next() {
            match word {
                "insert" => inserts = true,
                "indirect" => cookie.is_indirect = true,
                "nocache" => cookie.nocache = true,
                "postonly" => cookie.postonly = true,
                "httponly" => cookie.httponly = true,
                "secure" => cookie.secure = true,
                "domain" => cookie.domains.push(plain(args.value("domain")?)?),
                "attr" => cookie.attributes.push(plain(args.value("attr")?)?),
                "rewrite" | "prefix" => {
                    return Err(format!(
                        "`cookie {name} {word}` changes the server's own cookie, which Muster does not; write `cookie {name} insert`"
                    ));
                }
                "dynamic" | "preserve" | "maxidle" | "maxlife" => {
                    return Err(format!("`cookie ... {word}` is not done by Muster; leave it out"));
                }
                other => {
                    return Err(format!(
                        "`cookie ... {other}` is not known here; there is insert, indirect, nocache, postonly, httponly, secure, domain, attr"
                    ));
                }
            }
        }
        match inserts {
            true => Ok(cookie),
            false => Err(format!(
                "`cookie {name}` without `insert` waits for a cookie that the server makes, which Muster does not; write `cookie {name} insert`"
            )),
        }
    }
}

fn plain(text: &str) -> Result<String, String> {
    match text.chars().any(|char| char.is_ascii_control() || char == ';') {
        true => Err(format!("`{}` has a character that would end the attribute", text.escape_debug())),
        false => Ok(text.into()),
    }
}
