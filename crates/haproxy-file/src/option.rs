//! `option` and `no option`.

use crate::args::Args;
use crate::check::{Check, HttpCheck};
use crate::known;
use crate::log::LogFormat;
use crate::section::Kind;
use crate::settings::{Connections, Settings};
use alloc::format;
use alloc::string::String;
use muster_routes::{FieldName, ForwardedFor};

/// Reads what stands behind `option`, or behind `no option` when it is not `wanted`.
pub(crate) fn option(
    settings: &mut Settings,
    kind: Kind,
    mut args: Args<'_>,
    wanted: bool,
) -> Result<(), String> {
    let name = args.value("option")?;
    let key = format!("option {name}");
    let clients = |settings: &Settings| settings.of_clients(kind, &key);
    let servers = |settings: &Settings| settings.of_servers(kind, &key);
    let cannot_be_taken_back =
        || Err(format!("`no {key}` is refused by HAProxy too; leave it out, or use another `defaults`"));
    match name {
        "httplog" | "tcplog" => {
            clients(settings)?;
            if !wanted {
                return cannot_be_taken_back();
            }
            if args.peek() == Some("clf") {
                return Err("`option httplog clf` is not done by Muster; write `option httplog`".into());
            }
            settings.log_format = if name == "httplog" { LogFormat::Http } else { LogFormat::Tcp };
        }
        "dontlognull" => {
            clients(settings)?;
            settings.skips_silent = wanted;
        }
        "dontlog-normal" => {
            clients(settings)?;
            settings.skips_normal = wanted;
        }
        "log-separate-errors" => {
            clients(settings)?;
            settings.separates_errors = wanted;
        }
        "idle-close-on-response" => {
            clients(settings)?;
            settings.closes_idle_on_response = wanted;
        }
        "log-health-checks" => {
            servers(settings)?;
            settings.log_checks = wanted;
        }
        "abortonclose" => {
            servers(settings)?;
            settings.abort_on_close = wanted;
        }
        "allbackups" => {
            servers(settings)?;
            settings.all_backups = wanted;
        }
        "redispatch" => {
            servers(settings)?;
            if args.peek().is_some() {
                let every: i32 = args.next().and_then(|word| word.parse().ok()).unwrap_or_default();
                if every != 1 && every != -1 {
                    return Err(
                        "`option redispatch` with a number is not done by Muster; leave the number out"
                            .into(),
                    );
                }
            }
            settings.redispatch = wanted;
        }
        "http-keep-alive" => connections(settings, Connections::Keep, wanted),
        "http-server-close" => connections(settings, Connections::CloseServer, wanted),
        "httpclose" => connections(settings, Connections::Close, wanted),
        "forwardfor" => {
            if !wanted {
                return cannot_be_taken_back();
            }
            settings.forwarded_for = Some(forwarded_for(&mut args)?);
        }
        "httpchk" => {
            servers(settings)?;
            if !wanted {
                return cannot_be_taken_back();
            }
            settings.check = Check::Http(HttpCheck::option(args)?);
            return Ok(());
        }
        "tcp-check" => {
            servers(settings)?;
            settings.check = Check::Tcp;
        }
        name => return Err(known::option(name)),
    }
    args.end()
}

/// The last one holds; taking back another changes nothing.
fn connections(settings: &mut Settings, connections: Connections, wanted: bool) {
    match wanted {
        true => settings.connections = connections,
        false if settings.connections == connections => settings.connections = Connections::Keep,
        false => {}
    }
}

fn forwarded_for(args: &mut Args<'_>) -> Result<ForwardedFor, String> {
    let mut told = ForwardedFor { field: FieldName::new("X-Forwarded-For")?, except: None, if_none: false };
    while let Some(word) = args.next() {
        match word {
            "except" => told.except = Some(args.value("except")?.parse()?),
            "header" => told.field = FieldName::new(args.value("header")?)?,
            "if-none" => told.if_none = true,
            other => {
                return Err(format!(
                    "`option forwardfor {other}` is not known; there is except, header, if-none"
                ));
            }
        }
    }
    Ok(told)
}
