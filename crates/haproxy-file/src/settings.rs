//! What `defaults` can say and proxies inherit.

use crate::args::Args;
use crate::backend::{BackendTimeouts, Balance};
use crate::check::{Check, HttpCheck};
use crate::cookie::Cookie;
use crate::known;
use crate::log::{LogFormat, LogTo, log};
use crate::option;
use crate::section::{Kind, Line};
use crate::server;
use crate::time::time;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use muster_haproxy::Env;
use muster_routes::{ForwardedFor, Mode, Place, Timeouts};

/// What becomes of a connection after a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Connections {
    /// It is kept.
    #[default]
    Keep,
    /// That to the server is closed.
    CloseServer,
    /// Both are closed.
    Close,
}

/// All that a proxy can be told and its `defaults` can be told for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) mode: Mode,
    pub(crate) clients: Timeouts,
    pub(crate) servers: BackendTimeouts,
    pub(crate) logs: Vec<LogTo>,
    pub(crate) log_format: LogFormat,
    pub(crate) log_tag: Option<String>,
    pub(crate) skips_silent: bool,
    pub(crate) skips_normal: bool,
    pub(crate) separates_errors: bool,
    pub(crate) log_checks: bool,
    pub(crate) connections: Connections,
    pub(crate) closes_idle_on_response: bool,
    pub(crate) forwarded_for: Option<ForwardedFor>,
    pub(crate) clients_max: Option<u32>,
    pub(crate) default_backend: Option<(String, Place)>,
    pub(crate) monitor_uri: Option<(String, Place)>,
    pub(crate) balance: Balance,
    pub(crate) cookie: Option<Cookie>,
    pub(crate) retries: Option<u32>,
    pub(crate) redispatch: bool,
    pub(crate) abort_on_close: bool,
    pub(crate) all_backups: bool,
    pub(crate) check: Check,
    pub(crate) server: server::Defaults,
}

impl Settings {
    /// Reads a line that may stand in `defaults` as well as in proxies. `None`: it is none of them.
    pub(crate) fn read(&mut self, kind: Kind, line: &Line, env: Env<'_>) -> Option<Result<(), String>> {
        let mut args = Args::new(&line.words);
        let key = args.next()?;
        let place = &line.place;
        let read = match key {
            "mode" => self.mode(args),
            "timeout" => self.timeout(kind, args),
            "option" => option::option(self, kind, args, true),
            "no" => match args.next() {
                Some("option") => option::option(self, kind, args, false),
                Some("log") => {
                    self.logs.clear();
                    args.end()
                }
                _ => Err(format!("`{}` is not known here; there is `no option` and `no log`", line.words.join(" "))),
            },
            "log" => self.log(args, env),
            "log-tag" => self.of_clients(kind, "log-tag").and_then(|()| {
                self.log_tag = Some(args.value("log-tag")?.into());
                args.end()
            }),
            "maxconn" => self.of_clients(kind, "maxconn").and_then(|()| {
                self.clients_max = Some(args.number("maxconn", 0..=u32::MAX)?).filter(|most| *most > 0);
                args.end()
            }),
            "default_backend" => self.of_clients(kind, "default_backend").and_then(|()| {
                let name = args.value("default_backend")?;
                known::plain_name(name)?;
                self.default_backend = Some((name.into(), place.clone()));
                args.end()
            }),
            "monitor-uri" => self.of_clients(kind, "monitor-uri").and_then(|()| {
                self.monitor_uri = Some((args.value("monitor-uri")?.into(), place.clone()));
                args.end()
            }),
            "balance" => self.of_servers(kind, "balance").and_then(|()| self.balance(args)),
            "hash-type" => self.of_servers(kind, "hash-type").and_then(|()| match args.value("hash-type")? {
                "consistent" => args.end(),
                other => Err(format!("`hash-type {other}` is not done by Muster, whose hashing is consistent; write `hash-type consistent`")),
            }),
            "cookie" => self.of_servers(kind, "cookie").and_then(|()| {
                self.cookie = Some(Cookie::read(args)?);
                Ok(())
            }),
            "retries" => self.of_servers(kind, "retries").and_then(|()| {
                self.retries = Some(args.number("retries", 0..=100)?);
                args.end()
            }),
            "default-server" => self.of_servers(kind, "default-server").and_then(|()| self.server.read(args)),
            "http-check" => self.of_servers(kind, "http-check").and_then(|()| self.http_check(args)),
            _ => return None,
        };
        Some(read)
    }

    /// HAProxy warns and ignores it otherwise; here nothing is ignored.
    pub(crate) fn of_clients(&self, kind: Kind, key: &str) -> Result<(), String> {
        match kind.has_clients() {
            true => Ok(()),
            false => Err(format!(
                "`{key}` has no meaning in a `{}`, where no client comes; move it to the frontend",
                kind.word()
            )),
        }
    }

    pub(crate) fn of_servers(&self, kind: Kind, key: &str) -> Result<(), String> {
        match kind.has_servers() {
            true => Ok(()),
            false => Err(format!(
                "`{key}` has no meaning in a `{}`, which has no servers; move it to the backend",
                kind.word()
            )),
        }
    }

    fn mode(&mut self, mut args: Args<'_>) -> Result<(), String> {
        self.mode = match args.value("mode")? {
            "http" => Mode::Http,
            "tcp" => Mode::Tcp,
            other => return Err(format!("`mode {other}` is not done by Muster; there is http and tcp")),
        };
        args.end()
    }

    fn timeout(&mut self, kind: Kind, mut args: Args<'_>) -> Result<(), String> {
        let name = args.value("timeout")?;
        let of = format!("timeout {name}");
        let place = match name {
            "client" => &mut self.clients.client,
            "client-fin" => &mut self.clients.client_fin,
            "http-request" => &mut self.clients.head,
            "http-keep-alive" => &mut self.clients.keep_alive,
            "connect" => &mut self.servers.connect,
            "server" => &mut self.servers.server,
            "server-fin" => &mut self.servers.server_fin,
            "queue" => &mut self.servers.queue,
            "check" => &mut self.servers.check,
            "tunnel" => &mut self.servers.tunnel,
            "tarpit" => return Err(
                "`timeout tarpit` is not done by Muster, which keeps nobody waiting on purpose; leave it out"
                    .into(),
            ),
            other => {
                return Err(format!(
                    "`timeout {other}` is not known; there is client, connect, server, queue, check, http-request, http-keep-alive, tunnel, client-fin, server-fin"
                ));
            }
        };
        let time = time(args.value(&of)?, &of)?;
        // Zero is no limit, as if nothing had been said.
        *place = Some(time).filter(|time| !time.is_zero());
        let is_clients = matches!(name, "client" | "client-fin" | "http-request" | "http-keep-alive");
        if is_clients { self.of_clients(kind, &of) } else { self.of_servers(kind, &of) }?;
        args.end()
    }

    fn log(&mut self, mut args: Args<'_>, env: Env<'_>) -> Result<(), String> {
        let to = match args.peek() {
            Some("global") => {
                args.next();
                args.end()?;
                LogTo::Global
            }
            _ => LogTo::Here(log(args, env)?),
        };
        if !self.logs.contains(&to) {
            self.logs.push(to);
        }
        Ok(())
    }

    fn balance(&mut self, mut args: Args<'_>) -> Result<(), String> {
        let name = args.value("balance")?;
        self.balance = match name {
            "roundrobin" | "static-rr" => Balance::RoundRobin,
            "leastconn" => Balance::LeastConnections,
            "source" => Balance::Source,
            "uri" => Balance::Uri,
            "random" => Balance::Random(2),
            name => {
                match name.strip_prefix("random(").and_then(|rest| rest.strip_suffix(')')) {
                    Some(draws) => {
                        let draws = draws.parse().ok().filter(|draws| (1..=16).contains(draws));
                        Balance::Random(draws.ok_or_else(|| {
                            format!("`balance {name}`: write a number of draws from 1 to 16")
                        })?)
                    }
                    None => {
                        return Err(format!(
                            "`balance {name}` is not done by Muster; there is roundrobin, static-rr, leastconn, random, source, uri"
                        ));
                    }
                }
            }
        };
        args.end()
    }

    fn http_check(&mut self, mut args: Args<'_>) -> Result<(), String> {
        let Check::Http(check) = &mut self.check else {
            return Err("`http-check` without `option httpchk` before it is ignored by HAProxy; write `option httpchk` first".into());
        };
        match args.value("http-check")? {
            "send" => HttpCheck::send(check, args),
            "expect" => HttpCheck::expect(check, args),
            other => Err(format!("`http-check {other}` is not done by Muster; there is send and expect")),
        }
    }
}
