//! How servers are checked: `option httpchk`, `http-check`.

use crate::args::Args;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

/// What is done with a server that has `check`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Check {
    /// A connection.
    #[default]
    Tcp,
    /// A request.
    Http(HttpCheck),
}

/// The request of a check and what its answer should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HttpCheck {
    /// The method.
    pub method: String,
    /// What is asked for.
    pub uri: String,
    /// `HTTP/1.0` or `HTTP/1.1`.
    pub version: String,
    /// More fields.
    pub fields: Vec<(String, String)>,
    /// The body.
    pub body: String,
    /// When the server is well; with a status of 200 to 399 unless something else is said.
    pub expect: Expect,
}

/// What a good answer is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expect {
    /// Its status is one of these, or is none of them.
    Status {
        /// None of them.
        negated: bool,
        /// The statuses.
        statuses: Vec<RangeInclusive<u16>>,
    },
    /// Its body has this text, or has it not.
    Text {
        /// It has it not.
        negated: bool,
        /// The text.
        text: String,
    },
}

impl Default for HttpCheck {
    fn default() -> Self {
        Self {
            method: "OPTIONS".into(),
            uri: "/".into(),
            version: "HTTP/1.0".into(),
            fields: Vec::new(),
            body: String::new(),
            expect: Expect::Status { negated: false, statuses: alloc::vec![200..=399] },
        }
    }
}

impl HttpCheck {
    /// Reads what stands behind `option httpchk`: nothing, a URI, a method and a URI, or these and a version.
    pub(crate) fn option(mut args: Args<'_>) -> Result<Self, String> {
        let mut check = Self::default();
        match (args.next(), args.next(), args.next()) {
            (Some(uri), None, _) => check.uri = visible(uri, "URI")?,
            (Some(method), Some(uri), version) => {
                (check.method, check.uri) = (visible(method, "method")?, visible(uri, "URI")?);
                // Before there was `http-check send`, fields were written behind the version.
                let mut lines = version.unwrap_or("HTTP/1.0").split("\r\n").filter(|line| !line.is_empty());
                check.version = version_of(lines.next().unwrap_or_default())?;
                for line in lines {
                    let (name, value) = line
                        .split_once(':')
                        .ok_or_else(|| format!("`{}` is no field; write NAME: VALUE", line.escape_debug()))?;
                    check.fields.push(field(name, value.trim())?);
                }
            }
            (None, ..) => {}
        }
        args.end()?;
        Ok(check)
    }

    /// Reads what stands behind `http-check send`.
    pub(crate) fn send(&mut self, mut args: Args<'_>) -> Result<(), String> {
        let mut fields = Vec::new();
        while let Some(word) = args.next() {
            match word {
                "meth" => self.method = visible(args.value("meth")?, "method")?,
                "uri" => self.uri = visible(args.value("uri")?, "URI")?,
                "ver" => self.version = version_of(args.value("ver")?)?,
                "hdr" => {
                    let (name, value) = (args.value("hdr")?, args.value("hdr NAME")?);
                    fields.push(field(name, value)?);
                }
                "body" => self.body = args.value("body")?.into(),
                other => {
                    return Err(format!(
                        "`http-check send {other}` is not known here; there is meth, uri, ver, hdr, body"
                    ));
                }
            }
        }
        self.fields.extend(fields);
        Ok(())
    }

    /// Reads what stands behind `http-check expect`.
    pub(crate) fn expect(&mut self, mut args: Args<'_>) -> Result<(), String> {
        let mut word = args.value("http-check expect")?;
        let negated = word == "!";
        if negated {
            word = args.value("http-check expect !")?;
        }
        self.expect = match word {
            "status" => {
                let text = args.value("http-check expect status")?;
                let statuses = text.split(',').map(|range| {
                    let (first, last) = range.split_once('-').unwrap_or((range, range));
                    let status =
                        |text: &str| text.parse::<u16>().ok().filter(|status| (100..=599).contains(status));
                    let range_of = status(first).zip(status(last)).filter(|(first, last)| first <= last);
                    let (first, last) = range_of.ok_or_else(|| {
                        format!("`{range}` is no status nor a range of them, such as 200-399")
                    })?;
                    Ok(first..=last)
                });
                Expect::Status { negated, statuses: statuses.collect::<Result<_, String>>()? }
            }
            "string" => Expect::Text { negated, text: args.value("http-check expect string")?.into() },
            other => {
                return Err(format!(
                    "`http-check expect {other}` is not done by Muster; there is status and string"
                ));
            }
        };
        args.end()
    }
}

fn version_of(text: &str) -> Result<String, String> {
    match text {
        "HTTP/1.0" | "HTTP/1.1" => Ok(text.into()),
        _ => Err(format!(
            "`{}` is no version that checks are made with; there is HTTP/1.0 and HTTP/1.1",
            text.escape_debug()
        )),
    }
}

fn visible(text: &str, what: &str) -> Result<String, String> {
    match !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        true => Ok(text.to_string()),
        false => Err(format!("`{}` is no {what}: it has blanks or control characters", text.escape_debug())),
    }
}

fn field(name: &str, value: &str) -> Result<(String, String), String> {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if name.is_empty() || !name.bytes().all(is_token) {
        return Err(format!("`{}` is no name of a field", name.escape_debug()));
    }
    if value.chars().any(|char| char.is_ascii_control() && char != '\t') {
        return Err(format!(
            "the value of {name} has a control character, with which it would become another line of the head"
        ));
    }
    if value.contains('%') {
        return Err(format!("the value of {name} has a `%`: what varies is not sent with checks by Muster"));
    }
    Ok((name.into(), value.into()))
}
