//! Does it accept a connection?

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

pub(super) fn ask(address: SocketAddr, timeout: Duration) -> Result<TcpStream, String> {
    TcpStream::connect_timeout(&address, timeout).map_err(|error| format!("{address}: {error}"))
}
