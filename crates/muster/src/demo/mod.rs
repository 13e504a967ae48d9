//! `muster demo`: the whole journey on one machine, with nothing else installed.
//!
//! One balancer and some backends, each a `muster run` on a loopback address of its own, found by gossip as on real hosts.
//!
//! | module | idea |
//! |---|---|
//! | [`show`] | the loop: clock, looks, orders, keys, signals |
//! | [`cluster`], [`node`] | which nodes there are; one is added, stopped, killed |
//! | [`spawn`], [`tether`], [`ports`] | one child process; it dies with the demo; is its address free? |
//! | [`rundir`], [`remote`] | the directory with lock, sockets and logs; orders from a second terminal |
//! | [`watch`], [`traffic`] | what the cluster says of itself; the demo's own requests |
//! | [`view`], [`screen`], [`plain`], [`terminal`] | what there is to show; how, on a terminal and without; raw mode and keys |
//! | [`backend`], `sessions` | `muster demo backend`: the web application behind the balancer |

mod backend;
mod cluster;
mod node;
mod plain;
mod ports;
mod remote;
mod rundir;
mod screen;
mod sessions;
mod show;
mod spawn;
mod terminal;
pub(crate) mod tether;
mod traffic;
mod view;
mod watch;

use crate::{exit, out};
use cluster::Net;
use remote::Order;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

/// What `--help` ends with.
const KEYS: &str = "\
Keys: a adds a backend, s stops the one at the > in order, k ends it with kill -9, t switches the demo's own \
requests, q quits. Nothing is left running, even when the demo itself is killed.

Everything is on loopback addresses (127.0.0.0/8, Linux): the balancer's node is 127.77.0.1, backend sN is \
127.77.0.(10+N). Each node is one `muster run`, as in a container; its configuration, socket and log are in \
$XDG_RUNTIME_DIR/muster-demo, else /tmp/muster-demo-UID: `muster status --control DIR/s1` shows what runs on s1.";

/// Arguments of `muster demo`.
#[derive(clap::Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true, after_long_help = KEYS)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Address of the balancer; 0.0.0.0 to be reached from outside, as in a container.
    #[arg(long, value_name = "IP", default_value_t = Ipv4Addr::LOCALHOST)]
    listen: Ipv4Addr,
    /// Port of the balancer.
    #[arg(long, value_name = "PORT", default_value_t = 8080, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// Network of the nodes: their addresses are this one with another last byte.
    #[arg(long, value_name = "127.X.Y.0", default_value = "127.77.0.0", value_parser = base)]
    base: Ipv4Addr,
    /// Make no requests; t begins them.
    #[arg(long)]
    no_traffic: bool,
    /// Stop this long after the first backend is up, such as 10s; exit 0 if nothing failed, else 1.
    #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
    run_for: Option<Duration>,
    /// Print lines instead of a live table, as when the output is no terminal.
    #[arg(long)]
    plain: bool,
}

#[derive(clap::Subcommand, Clone, Debug)]
enum Command {
    Backend(backend::Args),
    /// Add a backend to the running demo.
    Add {
        /// One that was stopped or killed, to start it again.
        name: Option<String>,
    },
    /// Stop a backend in order: it leaves, finishes its requests and ends.
    Stop(Target),
    /// Kill a backend with its agent, as `kill -9` does.
    Kill(Target),
    /// Show the running demo's table once.
    Status,
}

/// Which backend.
#[derive(clap::Args, Clone, Debug)]
struct Target {
    /// Its name, such as s1.
    name: String,
    /// Even if it is the last one.
    #[arg(long)]
    force: bool,
}

/// Runs the demo, or one of its parts.
pub(crate) fn run(args: Args) -> ExitCode {
    let order = match args.command {
        None => return start(&args),
        Some(Command::Backend(args)) => {
            return backend::run(&args).map_or_else(|error| out::fail(&error), |()| exit::CLEAN);
        }
        Some(Command::Add { name }) => Order::Add { name },
        Some(Command::Stop(Target { name, force })) => Order::Stop { name, force },
        Some(Command::Kill(Target { name, force })) => Order::Kill { name, force },
        Some(Command::Status) => Order::Status,
    };
    ask(&order)
}

fn start(args: &Args) -> ExitCode {
    if std::process::id() == 1 {
        return below_pid_1();
    }
    let options = show::Options {
        net: Net { base: args.base, front: SocketAddrV4::new(args.listen, args.port) },
        traffic: !args.no_traffic,
        run_for: args.run_for,
        plain: args.plain,
        program: program(),
    };
    match show::run(options) {
        // A visitor may have let requests fail on purpose; only a timed run is a check.
        Ok(went_well) if went_well || args.run_for.is_none() => exit::CLEAN,
        Ok(_) => exit::FAILED,
        Err(error) => out::fail(&error),
    }
}

/// As PID 1 of a container it would inherit what a killed node leaves, and nobody would reap that: `muster --` does.
fn below_pid_1() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    let error = std::process::Command::new(spawn::executable()).arg("--").args(words).exec();
    out::fail(&format!("cannot start the demo below a PID 1: {error}"))
}

/// How this binary is called from another terminal.
fn program() -> String {
    // Cargo tells the programs it runs; the path below target is long and nobody types it.
    if std::env::var_os("CARGO_MANIFEST_DIR").is_some() {
        let profile = if cfg!(debug_assertions) { "" } else { " --release" };
        return format!("cargo run -q{profile} --");
    }
    let name = std::env::args_os().next().unwrap_or_else(|| "muster".into());
    view::clean(&name.to_string_lossy())
}

/// Gives an order to the running demo.
fn ask(order: &Order) -> ExitCode {
    let xdg = std::env::var_os("XDG_RUNTIME_DIR");
    let places = rundir::candidates(xdg.as_deref().map(Path::new));
    let Some(dir) = places.iter().find(|dir| rundir::owner(dir).is_some()) else {
        return out::fail(&"no demo of yours is running: start one with `muster demo`");
    };
    match remote::ask(&dir.join(remote::SOCKET), order) {
        Ok(Ok(words)) => out::answer(&format!("{}\n", words.trim_end())),
        Ok(Err(why)) => out::fail(&why),
        Err(error) => out::fail(&format!("the demo does not answer: {error}; it may be starting or ending")),
    }
}

fn base(text: &str) -> Result<Ipv4Addr, String> {
    match text.parse::<Ipv4Addr>() {
        Ok(base) if base.is_loopback() && base.octets()[3] == 0 => Ok(base),
        _ => Err("the nodes live on this machine: give a loopback network such as 127.77.0.0".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nodes_live_on_loopback_only() {
        assert!(base("127.9.8.0").is_ok());
        for text in ["127.9.8.1", "10.0.0.0", "::1", ""] {
            assert!(base(text).is_err(), "{text:?}");
        }
    }
}
