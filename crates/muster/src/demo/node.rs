//! One node of the demo: a `muster run` with a configuration, a control socket and a log of its own.

use super::spawn::Process;
use super::view::clean;
use rustix::process::Signal;
use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// Of Serf's RPC.
const RPC_PORT: u16 = 7373;
/// The service that the balancer balances.
const SERVICE: &str = "backend";

/// See the module's page. Killed when dropped.
#[derive(Debug)]
pub(crate) struct Node {
    process: Process,
}

impl Node {
    /// Starts the balancer's: an agent at `gossip`, a proxy that clients reach at `front`.
    ///
    /// # Errors
    /// A file cannot be written, or no process started.
    pub(crate) fn balancer(
        name: &str,
        gossip: SocketAddrV4,
        front: SocketAddrV4,
        dir: &Path,
    ) -> io::Result<Self> {
        let front = front.to_string();
        let more = ["--tag", "role=balancer", "--listen", &front, "--service", SERVICE];
        // Nothing stands in it: the demo is the same whatever this host is configured for.
        Self::start(name, gossip, dir, "", &more, &[])
    }

    /// Starts a backend's: an agent at `gossip` that joins at `seed`, a web application at `web`.
    ///
    /// # Errors
    /// As of [`Node::balancer`].
    pub(crate) fn backend(
        name: &str,
        gossip: SocketAddrV4,
        web: SocketAddrV4,
        seed: Ipv4Addr,
        dir: &Path,
    ) -> io::Result<Self> {
        let config = web_application(web)?;
        let (seed, port) = (seed.to_string(), format!("port={}", web.port()));
        let more = ["--tag", "role=backend", "--tag", &port, "--join", &seed];
        let identity = [
            ("SERVER_IP", web.ip().to_string()),
            ("SERVER_NAME", name.to_owned()),
            ("SERVER_TAG", "demo".to_owned()),
        ];
        Self::start(name, gossip, dir, &config, &more, &identity)
    }

    /// The control socket of a node's agent.
    pub(crate) fn socket(dir: &Path, name: &str) -> PathBuf {
        dir.join(format!("{name}.sock"))
    }

    fn start(
        name: &str,
        gossip: SocketAddrV4,
        dir: &Path,
        config: &str,
        more: &[&str],
        variables: &[(&str, String)],
    ) -> io::Result<Self> {
        let file = dir.join(format!("{name}.toml"));
        std::fs::write(&file, config)?;
        // On its own address too, as on a host of its own.
        let rpc = SocketAddrV4::new(*gossip.ip(), RPC_PORT).to_string();
        let gossip = gossip.to_string();
        let (socket, places) = (Self::socket(dir, name), dir.join(name));
        let mut args: Vec<OsString> = vec!["run".into()];
        let flags: [(&str, &std::ffi::OsStr); 6] = [
            ("--node", name.as_ref()),
            ("--bind", gossip.as_ref()),
            ("--rpc-addr", rpc.as_ref()),
            ("--socket", socket.as_ref()),
            ("--config", file.as_ref()),
            ("--control", places.as_ref()),
        ];
        args.extend(flags.into_iter().flat_map(|(flag, value)| [flag.into(), value.to_owned()]));
        args.extend(more.iter().map(OsString::from));
        let process = Process::spawn(&args, variables, dir.join(format!("{name}.log")))?;
        Ok(Self { process })
    }

    /// Tells it to end in order.
    pub(crate) fn stop(&mut self) {
        self.process.signal(Signal::TERM);
    }

    /// `kill -9`; what runs on it dies with it (see [`super::tether`]).
    pub(crate) fn kill(&mut self) {
        self.process.signal(Signal::KILL);
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.process.ended()
    }

    /// What to say of a node that nobody told to end, if it did.
    pub(crate) fn ended_by_itself(&mut self) -> Option<String> {
        let status = self.process.ended()?;
        let words = self.process.last_words();
        let words: Vec<String> = words.lines().map(clean).collect();
        let words =
            if words.is_empty() { String::new() } else { format!("; its last words: {}", words.join(" / ")) };
        Some(format!("(process {}) ended by itself, {status}{words}", self.process.pid()))
    }
}

/// The configuration of a node that serves the demo's web application at `web`.
fn web_application(web: SocketAddrV4) -> io::Result<String> {
    let program = super::spawn::executable();
    let program = program.to_str().ok_or_else(|| {
        io::Error::other(format!("the name of this program is no UTF-8: {}", program.display()))
    })?;
    let command = [program, "demo", "backend", "--listen", &web.to_string()];
    // What JSON makes of texts is TOML too.
    let command = serde_json::to_string(&command)?;
    Ok(format!(
        "[processes.web]\n\
         command = {command}\n\
         port = {port}\n\
         service = \"{SERVICE}\"\n\
         ready = \"tcp {web}\"\n",
        port = web.port()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_application_is_ready_where_it_listens() {
        let text = web_application("127.77.0.11:3000".parse().unwrap()).unwrap();
        assert!(text.contains("\"demo\",\"backend\",\"--listen\",\"127.77.0.11:3000\"]\n"), "{text}");
        assert!(text.contains("ready = \"tcp 127.77.0.11:3000\"\n"), "{text}");
        text.parse::<toml::Table>().unwrap();
    }
}
