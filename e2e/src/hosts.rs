//! Addresses that no other test uses: loopback ones, a /24 of 127.0.0.0/8 per test, or hosts with a network stack each.
//!
//! Loopback is enough as long as nothing has to be cut: whatever is sent to a loopback address by TCP comes from
//! 127.0.0.1, so that no rule can tell who sent it. For that, see [`Network::hosts`](crate::Network::hosts).

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;

/// One test's own hosts.
#[derive(Debug)]
pub struct Hosts {
    /// The first three numbers of their addresses.
    prefix: [u8; 3],
    /// For loopback addresses: held for as long as they are used; no test's process listens there.
    claim: Option<TcpListener>,
}

/// A port nothing listens on; whoever binds it on 127.x.y.255 owns 127.x.y.0/24.
const CLAIM_PORT: u16 = 9;

impl Hosts {
    /// Claims free loopback addresses.
    pub fn claim() -> Self {
        loop {
            // 127.0 is everyone's and 127.77 the demo's.
            let (x, y) = (fastrand::u8(100..250), fastrand::u8(0..=255));
            if let Ok(claim) = TcpListener::bind((Ipv4Addr::new(127, x, y, 255), CLAIM_PORT)) {
                return Self { prefix: [127, x, y], claim: Some(claim) };
            }
        }
    }

    /// Hosts with network stacks of their own, which exist as namespaces named like their addresses.
    pub(crate) fn with_own_stacks(prefix: [u8; 3]) -> Self {
        Self { prefix, claim: None }
    }

    /// The `host`-th address.
    pub fn ip(&self, host: u8) -> Ipv4Addr {
        let [a, b, c] = self.prefix;
        Ipv4Addr::new(a, b, c, host)
    }

    /// `ip:port` as text.
    pub fn at(&self, host: u8, port: u16) -> String {
        format!("{}:{port}", self.ip(host))
    }

    /// How programs are started on the `host`-th host.
    pub(crate) fn launcher(&self, host: u8) -> Launcher {
        Launcher { namespace: self.claim.is_none().then(|| self.ip(host).to_string()) }
    }
}

/// Starts programs on one host.
#[derive(Clone, Debug)]
pub(crate) struct Launcher {
    namespace: Option<String>,
}

impl Launcher {
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let Some(namespace) = &self.namespace else { return Command::new(program) };
        // It becomes the program, so that signals reach that.
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{namespace}")).arg(program);
        command
    }
}
