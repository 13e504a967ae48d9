//! `server` and `default-server`.

use crate::address::{Target, target};
use crate::args::Args;
use crate::time::time;
use alloc::format;
use alloc::string::String;
use core::time::Duration;
use muster_haproxy::Env;
use muster_routes::Place;

/// A server that is written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    /// Its name, once in its backend.
    pub name: String,
    /// Where that was written.
    pub place: Place,
    /// Where it is.
    pub target: Target,
    /// Its share of the traffic, 0 to 256; with 0 it gets only what its cookie brings.
    pub weight: u16,
    /// It serves when no other does.
    pub backup: bool,
    /// It begins in maintenance.
    pub disabled: bool,
    /// The value of its cookie.
    pub cookie: Option<String>,
    /// Requests at the same time; others wait.
    pub requests_max: Option<u32>,
    /// Requests that may wait for it.
    pub queue_max: Option<u32>,
    /// How long after a return its share grows to the whole.
    pub slow_start: Option<Duration>,
    /// How it is told of the client before all else.
    pub proxy_header: Option<ProxyHeader>,
    /// Whether it is checked, and how often.
    pub check: Option<Checked>,
}

/// Versions of the PROXY protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyHeader {
    /// A line of text.
    V1,
    /// Bytes.
    V2,
}

/// The checks of one server.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Checked {
    /// Time between two.
    pub inter: Duration,
    /// The same while it is on its way up or down.
    pub fastinter: Option<Duration>,
    /// The same while it is down.
    pub downinter: Option<Duration>,
    /// Good ones in a row after which it is up.
    pub rise: u32,
    /// Bad ones in a row after which it is down.
    pub fall: u32,
    /// Another port than that of requests.
    pub port: Option<u16>,
}

/// What `default-server` gives to those behind it.
#[derive(Clone, Debug)]
pub(crate) struct Defaults {
    weight: u16,
    backup: bool,
    disabled: bool,
    cookie: Option<String>,
    requests_max: Option<u32>,
    queue_max: Option<u32>,
    slow_start: Option<Duration>,
    proxy_header: Option<ProxyHeader>,
    is_checked: bool,
    check: Checked,
}

impl Default for Defaults {
    fn default() -> Self {
        // What HAProxy's manual gives in 5.2.
        let check = Checked {
            inter: Duration::from_secs(2),
            fastinter: None,
            downinter: None,
            rise: 2,
            fall: 3,
            port: None,
        };
        Self {
            weight: 1,
            backup: false,
            disabled: false,
            cookie: None,
            requests_max: None,
            queue_max: None,
            slow_start: None,
            proxy_header: None,
            is_checked: false,
            check,
        }
    }
}

/// What a server may not have here, and what to do.
const OTHERS: [(&str, &str); 17] = [
    ("ssl", "backends are spoken to in clear; put them on a network that may see it"),
    ("verify", "backends are spoken to in clear"),
    ("check-ssl", "backends are spoken to in clear"),
    ("resolvers", "the name is looked up at the start; backends that move join by gossip"),
    ("init-addr", "the name is looked up at the start; backends that move join by gossip"),
    ("resolve-prefer", "write the address"),
    ("track", "write `check` here too"),
    ("observe", "errors of servers are always watched; leave it out"),
    ("error-limit", "errors of servers are always watched; leave it out"),
    ("on-error", "errors of servers are always watched; leave it out"),
    ("on-marked-down", "requests in flight go on; leave it out"),
    ("on-marked-up", "requests in flight go on; leave it out"),
    ("source", "the kernel chooses the address; leave it out"),
    ("redir", "use `http-request redirect`"),
    ("agent-check", "readiness comes by gossip; use `check`"),
    ("addr", "the address of requests is checked; use `port` for another port"),
    ("id", "leave it out: servers are known by their names"),
];

const KNOWN: &str = "check, inter, fastinter, downinter, rise, fall, port, weight, backup, cookie, disabled, enabled, maxconn, maxqueue, slowstart, send-proxy, send-proxy-v2";

impl Defaults {
    /// Reads what a server is like.
    pub(crate) fn read(&mut self, mut args: Args<'_>) -> Result<(), String> {
        while let Some(word) = args.next() {
            let mut positive = |of: &str| {
                let time = time(args.value(of)?, of)?;
                match time.is_zero() {
                    true => Err(format!("`{of} 0` is refused by HAProxy too; write a time such as 2s")),
                    false => Ok(time),
                }
            };
            match word {
                "check" => self.is_checked = true,
                "no-check" => self.is_checked = false,
                "inter" => self.check.inter = positive("inter")?,
                "fastinter" => self.check.fastinter = Some(positive("fastinter")?),
                "downinter" => self.check.downinter = Some(positive("downinter")?),
                "slowstart" => self.slow_start = Some(positive("slowstart")?),
                "rise" => self.check.rise = args.number("rise", 1..=u32::from(u16::MAX))?,
                "fall" => self.check.fall = args.number("fall", 1..=u32::from(u16::MAX))?,
                "port" => self.check.port = Some(args.number("port", 1..=u16::MAX)?),
                "weight" => self.weight = args.number("weight", 0..=256)?,
                "maxconn" => {
                    self.requests_max = Some(args.number("maxconn", 0..=u32::MAX)?).filter(|most| *most > 0);
                }
                "maxqueue" => {
                    self.queue_max = Some(args.number("maxqueue", 0..=u32::MAX)?).filter(|most| *most > 0);
                }
                "backup" => self.backup = true,
                "no-backup" => self.backup = false,
                "disabled" => self.disabled = true,
                "enabled" => self.disabled = false,
                "cookie" => self.cookie = Some(cookie_value(args.value("cookie")?)?),
                "send-proxy" => self.proxy_header = Some(ProxyHeader::V1),
                "send-proxy-v2" => self.proxy_header = Some(ProxyHeader::V2),
                "no-send-proxy" | "no-send-proxy-v2" => self.proxy_header = None,
                word => {
                    return Err(match OTHERS.iter().find(|(other, _)| *other == word) {
                        Some((_, instead)) => format!("`server ... {word}` is not done by Muster; {instead}"),
                        None => format!("`server ... {word}` is not known here; there is {KNOWN}"),
                    });
                }
            }
        }
        Ok(())
    }

    /// Reads a whole `server` line.
    pub(crate) fn server(&self, mut args: Args<'_>, place: &Place, env: Env<'_>) -> Result<Server, String> {
        let name = args.value("server")?;
        if let Some(char) = name.chars().find(|char| !char.is_ascii_alphanumeric() && !"-_.:".contains(*char))
        {
            return Err(format!(
                "`{char}` may not be in the name of a server; HAProxy takes letters, digits and - _ . :"
            ));
        }
        let target = target(args.value("server NAME")?, None, env)?;
        let mut own = self.clone();
        own.read(args)?;
        Ok(Server {
            name: name.into(),
            place: place.clone(),
            target,
            weight: own.weight,
            backup: own.backup,
            disabled: own.disabled,
            cookie: own.cookie,
            requests_max: own.requests_max,
            queue_max: own.queue_max,
            slow_start: own.slow_start,
            proxy_header: own.proxy_header,
            check: own.is_checked.then_some(own.check),
        })
    }
}

fn cookie_value(text: &str) -> Result<String, String> {
    // RFC 6265, 4.1.1.
    let is_octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
    match text.bytes().all(is_octet) {
        true => Ok(text.into()),
        false => Err(format!("`{}` cannot be the value of a cookie", text.escape_debug())),
    }
}
