//! Loopback addresses that no other test uses: a /24 of 127.0.0.0/8 per test.

use std::net::{Ipv4Addr, TcpListener};

/// One test's own network, 127.x.y.0/24.
#[derive(Debug)]
pub struct Hosts {
    x: u8,
    y: u8,
    /// Held for as long as the network is used; no test's process listens there.
    _claim: TcpListener,
}

/// A port nothing listens on; whoever binds it on 127.x.y.255 owns 127.x.y.0/24.
const CLAIM_PORT: u16 = 9;

impl Hosts {
    /// Claims a free network.
    pub fn claim() -> Self {
        loop {
            // 127.0 is everyone's and 127.77 the demo's.
            let (x, y) = (fastrand::u8(100..250), fastrand::u8(0..=255));
            if let Ok(claim) = TcpListener::bind((Ipv4Addr::new(127, x, y, 255), CLAIM_PORT)) {
                return Self { x, y, _claim: claim };
            }
        }
    }

    /// The network's `host`-th address.
    pub fn ip(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.x, self.y, host)
    }

    /// `ip:port` as text.
    pub fn at(&self, host: u8, port: u16) -> String {
        format!("{}:{port}", self.ip(host))
    }
}
