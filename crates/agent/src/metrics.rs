//! What was counted, sent to a collector: statsd by UDP, statsite by TCP, in the one form of both and with Serf's names.
//!
//! Serf sends each event as it happens. Here what came together in ten seconds is sent, which collectors add up to the same;
//! a burst of gossip then costs no datagram per datagram. A collector that is not there costs nothing but what was counted.

use crate::gossip::Handle;
use crate::resolve::{Families, Resolver};
use crate::telemetry::{Counters, Reading, readings};
use muster_serf::Stats;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// Between two reports.
const EVERY: Duration = Duration::from_secs(10);
/// A collector gets so long to take a report.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where a report goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Collector {
    /// statsd, `HOST:PORT`.
    Statsd(String),
    /// statsite, `HOST:PORT`.
    Statsite(String),
}

/// Reports to each for as long as the agent lives.
pub(crate) fn start(collectors: &[Collector], gossip: &Handle) {
    for collector in collectors {
        let resolver = Resolver::system(Families { v4: true, v6: true });
        tokio::spawn(report(collector.clone(), gossip.clone(), resolver));
    }
}

async fn report(collector: Collector, gossip: Handle, resolver: Resolver) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut sent, mut was_told) = (BTreeMap::new(), false);
    loop {
        ticks.tick().await;
        let Ok((counters, stats)) = gossip.telemetry().await else { return };
        let text = lines(&counters, &stats, &mut sent);
        match timeout(PATIENCE, send(&collector, &resolver, text.as_bytes())).await {
            Ok(Ok(())) => was_told = false,
            failed if !was_told => {
                was_told = true;
                let why = match failed {
                    Ok(sent) => sent.err().map_or_else(String::new, |error| error.to_string()),
                    Err(_) => "it takes nothing".to_owned(),
                };
                tracing::warn!(?collector, "metrics cannot be sent: {why}; trying again every ten seconds");
            }
            _ => {}
        }
    }
}

async fn send(collector: &Collector, resolver: &Resolver, text: &[u8]) -> io::Result<()> {
    match collector {
        Collector::Statsite(at) => {
            TcpStream::connect(address(at, resolver).await?).await?.write_all(text).await
        }
        Collector::Statsd(at) => {
            let to = address(at, resolver).await?;
            let any = if to.is_ipv4() { IpAddr::from([0; 4]) } else { IpAddr::from([0_u16; 8]) };
            UdpSocket::bind((any, 0)).await?.send_to(text, to).await.map(drop)
        }
    }
}

/// Asked for each time: a collector may move.
async fn address(at: &str, resolver: &Resolver) -> io::Result<SocketAddr> {
    if let Ok(addr) = at.parse() {
        return Ok(addr);
    }
    let wrong = || io::Error::other(format!("{at:?} is not HOST:PORT"));
    let (host, port) = at.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    let ips = resolver.resolve(host).await.map_err(io::Error::other)?;
    ips.first()
        .map(|ip| SocketAddr::new(*ip, port))
        .ok_or_else(|| io::Error::other(format!("{host} has no address")))
}

/// What there is to report; of counters, what came since they were sent.
fn lines(counters: &Counters, stats: &Stats, sent: &mut BTreeMap<&'static str, u64>) -> String {
    let mut text = String::new();
    for (name, reading) in readings(counters, stats) {
        // Writing to a text does not fail.
        let _ = match reading {
            Reading::Gauge(value) => writeln!(text, "serf-agent.{name}:{value}|g"),
            Reading::Sample(value) => writeln!(text, "serf-agent.{name}:{value}|ms"),
            Reading::Counter { sum, .. } => {
                let before = sent.insert(name, sum).unwrap_or(0);
                match sum - before {
                    0 => Ok(()),
                    since => writeln!(text, "serf-agent.{name}:{since}|c"),
                }
            }
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_told_once_and_gauges_each_time() {
        let mut counters = Counters::default();
        counters.user_event();
        counters.sent(100);
        let (stats, mut sent) = (Stats { members: 3, ..Stats::default() }, BTreeMap::new());
        let first = lines(&counters, &stats, &mut sent);
        assert!(
            first.contains("serf-agent.serf.events:1|c\n")
                && first.contains("serf-agent.memberlist.udp.sent:100|c\n"),
            "{first}"
        );
        assert!(
            first.contains("serf-agent.serf.members:")
                && first.contains("|g\n")
                && first.contains("serf-agent.serf.queue.Event:")
        );
        counters.sent(20);
        let second = lines(&counters, &stats, &mut sent);
        assert!(
            second.contains("serf-agent.memberlist.udp.sent:20|c\n") && !second.contains("serf.events"),
            "{second}"
        );
        assert!(second.contains("serf-agent.serf.members:"));
    }
}
