//! Connecting as Go's `net.Dial` does, and failing in its words: scripts look for `connection refused`.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::time::Duration;

/// Connects to `HOST:PORT`, to each address of the host in turn.
pub(super) fn dial(address: &str, timeout: Duration) -> Result<TcpStream, String> {
    let failed = |why: String| format!("dial tcp: {why}");
    let (host, port) = split(address).map_err(failed)?;
    let port = number(port).map_err(failed)?;
    let ips = match host.parse::<IpAddr>() {
        Ok(ip) => vec![ip],
        // Nothing before the colon is this host.
        Err(_) if host.is_empty() => vec![IpAddr::from([127, 0, 0, 1])],
        Err(_) => resolve(host).map_err(|why| failed(format!("lookup {host}: {why}")))?,
    };
    let mut first = None;
    for ip in ips {
        let at = SocketAddr::new(ip, port);
        match TcpStream::connect_timeout(&at, timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => {
                let at = if host.is_empty() { address.to_owned() } else { at.to_string() };
                first.get_or_insert(format!("dial tcp {at}: {}", in_words(&error)));
            }
        }
    }
    Err(first.unwrap_or_else(|| failed(format!("lookup {host}: no such host"))))
}

/// Go's `net.SplitHostPort`.
fn split(address: &str) -> Result<(&str, &str), String> {
    let refuse = |why: &str| Err(format!("address {address}: {why}"));
    if address.is_empty() {
        return Err("missing address".to_owned());
    }
    if let Some(rest) = address.strip_prefix('[') {
        let Some((host, rest)) = rest.split_once(']') else { return refuse("missing ']' in address") };
        return match rest.strip_prefix(':') {
            Some(port) if !port.contains(':') => Ok((host, port)),
            Some(_) => refuse("too many colons in address"),
            None => refuse("missing port in address"),
        };
    }
    match address.rsplit_once(':') {
        None => refuse("missing port in address"),
        Some((host, _)) if host.contains(':') => refuse("too many colons in address"),
        Some(parts) => Ok(parts),
    }
}

fn number(port: &str) -> Result<u16, String> {
    if port.is_empty() {
        return Ok(0);
    }
    match port.parse::<u32>() {
        Ok(number) => u16::try_from(number).map_err(|_| format!("address {port}: invalid port")),
        Err(_) => Err(format!("address tcp/{port}: unknown port")),
    }
}

fn resolve(host: &str) -> Result<Vec<IpAddr>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(muster_agent::addresses_of(host)).map_err(|_| "no such host".to_owned())
}

/// Go's words for a failed `connect`.
fn in_words(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::TimedOut {
        return "i/o timeout".to_owned();
    }
    format!("connect: {}", system_words(error))
}

/// The system's words as Go has them: in lower case, without their number.
pub(in crate::serf) fn system_words(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(address: &str) -> String {
        dial(address, Duration::from_secs(1)).unwrap_err()
    }

    /// Recorded from Serf 0.9.4.
    #[test]
    fn addresses_that_are_none_are_refused_in_gos_words() {
        for (address, said) in [
            ("", "dial tcp: missing address"),
            ("127.0.0.1", "dial tcp: address 127.0.0.1: missing port in address"),
            ("127.0.0.1:zz", "dial tcp: address tcp/zz: unknown port"),
            ("127.0.0.1:99999", "dial tcp: address 99999: invalid port"),
            ("::1:7373", "dial tcp: address ::1:7373: too many colons in address"),
            ("[::1", "dial tcp: address [::1: missing ']' in address"),
            ("[::1]", "dial tcp: address [::1]: missing port in address"),
        ] {
            assert_eq!(refusal(address), said);
        }
    }

    #[test]
    fn nobody_listening_is_said_in_gos_words() {
        // Port 0 is nobody's.
        assert_eq!(refusal("127.0.0.1:"), "dial tcp 127.0.0.1:0: connect: connection refused");
        assert_eq!(refusal("[::1]:0"), "dial tcp [::1]:0: connect: connection refused");
        assert_eq!(refusal(":0"), "dial tcp :0: connect: connection refused");
    }
}
