//! `bind`: where clients come.

use crate::address::{Listen, listens};
use crate::args::Args;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use muster_haproxy::Env;
use muster_routes::{At, Bind, Place};

/// What a `bind` may not have here, and what to do.
const OTHERS: [(&str, &str); 14] = [
    ("ssl", "Muster ends TLS where muster.toml says so; write `tls` there"),
    ("crt", "name certificates in muster.toml"),
    ("v4v6", "write two: `bind *:PORT` and `bind [::]:PORT v6only`"),
    ("user", "the socket belongs to whoever starts the balancer; open it with `mode`"),
    ("group", "the socket belongs to whoever starts the balancer; open it with `mode`"),
    ("uid", "the socket belongs to whoever starts the balancer; open it with `mode`"),
    ("gid", "the socket belongs to whoever starts the balancer; open it with `mode`"),
    ("interface", "bind the interface's address"),
    ("transparent", "bind an address that this host has"),
    ("process", "there is one process"),
    ("thread", "there is one thread"),
    ("maxconn", "write `maxconn` on a line of its own, for the whole frontend"),
    ("backlog", "leave it out: the longest queue that the kernel allows is used"),
    ("proto", "leave it out: what a client speaks is seen by itself"),
];

/// Reads what stands behind `bind`.
pub(crate) fn bind(mut args: Args<'_>, place: &Place, env: Env<'_>) -> Result<Vec<Bind>, String> {
    let listens = listens(args.value("bind")?, env)?;
    let mut accept_proxy = false;
    let mut mode = None;
    let mut v6only = false;
    while let Some(word) = args.next() {
        match word {
            "accept-proxy" => accept_proxy = true,
            // A name for the statistics of sockets, which are not kept by themselves here.
            "name" => drop(args.value("name")?),
            "mode" => mode = Some(octal(args.value("mode")?)?),
            "v6only" => v6only = true,
            word => {
                return Err(match OTHERS.iter().find(|(other, _)| *other == word) {
                    Some((_, instead)) => format!("`bind ... {word}` is not done by Muster; {instead}"),
                    None => format!(
                        "`bind ... {word}` is not known here; there is accept-proxy, mode, name, v6only"
                    ),
                });
            }
        }
    }
    let made = listens.into_iter().map(|listen| {
        let at = match listen {
            Listen::Tcp(_) if mode.is_some() => return Err("`mode` is for sockets in the file system".into()),
            Listen::Tcp(addr) if v6only && addr.is_ipv4() => {
                return Err("`v6only` is for addresses of IPv6".into());
            }
            Listen::Tcp(addr) => At::Tcp(addr),
            Listen::Unix(path) => At::Unix { path, mode },
        };
        Ok(Bind { at, place: place.clone(), accept_proxy })
    });
    made.collect()
}

/// The permissions of a file.
pub(crate) fn octal(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777);
    mode.ok_or_else(|| format!("`mode {text}`: write three octal digits, such as 660"))
}
