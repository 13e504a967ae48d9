//! `global`: what concerns the whole process.

use crate::args::Args;
use crate::known;
use crate::log::{Log, log};
use crate::section::Line;
use crate::stats::{self, StatsSocket};
use crate::time::time;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;
use muster_haproxy::Env;

/// The process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Global {
    /// Clients at the same time, on all frontends together.
    pub clients_max: Option<u32>,
    /// Where proxies log that say `log global`.
    pub logs: Vec<Log>,
    /// What lines of syslog are tagged with.
    pub log_tag: Option<String>,
    /// Where tools ask.
    pub stats_sockets: Vec<StatsSocket>,
    /// How long such a tool may be silent.
    pub stats_timeout: Option<Duration>,
    /// It goes to the background.
    pub daemon: bool,
    /// It keeps itself running.
    pub master_worker: bool,
    /// Where it writes its process id.
    pub pidfile: Option<String>,
    /// How long a stop waits for the clients that are left.
    pub hard_stop_after: Option<Duration>,
}

impl Global {
    pub(crate) fn read(&mut self, line: &Line, env: Env<'_>) -> Result<(), String> {
        let mut args = Args::new(&line.words);
        match args.value("")? {
            "maxconn" => {
                let number = args.number("maxconn", 0..=u32::MAX)?;
                // HAProxy then takes what the system allows.
                self.clients_max = Some(number).filter(|number| *number > 0);
            }
            "log" => {
                self.logs.push(log(args, env)?);
                return Ok(());
            }
            "log-tag" => self.log_tag = Some(args.value("log-tag")?.into()),
            "stats" => match args.value("stats")? {
                "socket" => {
                    self.stats_sockets.extend(stats::socket(args, &line.place, env)?);
                    return Ok(());
                }
                "timeout" => {
                    let time = time(args.value("stats timeout")?, "stats timeout")?;
                    if time.is_zero() {
                        return Err(
                            "`stats timeout 0` is refused by HAProxy too; write a time such as 30s".into()
                        );
                    }
                    self.stats_timeout = Some(time);
                }
                other => {
                    return Err(format!(
                        "`stats {other}` does not belong into `global`; there is socket, timeout"
                    ));
                }
            },
            "daemon" => self.daemon = true,
            "master-worker" => self.master_worker = true,
            "pidfile" => self.pidfile = Some(args.value("pidfile")?.into()),
            "hard-stop-after" => {
                self.hard_stop_after = Some(time(args.value("hard-stop-after")?, "hard-stop-after")?);
            }
            "nbthread" => {
                let threads: u32 = args.number("nbthread", 1..=64)?;
                if threads != 1 {
                    return Err(format!(
                        "`nbthread {threads}`: Muster's balancer has one thread; write 1, or leave the line out"
                    ));
                }
            }
            "no" => return Err(format!("`{}` is not known here; leave the line out", line.words.join(" "))),
            word => return Err(known::global(word)),
        }
        args.end()
    }
}
