//! What a running HAProxy says of its servers, held against a text: whether it can be the one that it runs, and what of it a new
//! process may take over.
//!
//! HAProxy believes a state file more than its configuration (`load-server-state-from-file`): 2.6 and 3.0 were seen to keep
//! the port of the file where the configuration has a new one, and to leave in maintenance for ever who was about to enter.

use crate::change::ServerName;
use crate::config::Config;
use crate::reply::{ServerState, state_lines};
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::net::SocketAddr;

/// Of the format.
const VERSION: &str = "1";

impl Config {
    /// Whether a HAProxy with these servers can run this text. `is_leaving`: those who run beside it, as they still have sessions.
    pub fn fits(&self, states: &[ServerState], is_leaving: impl Fn(&ServerName) -> bool) -> bool {
        // `server-template` makes some that are not written out.
        let Some(listed) = self.servers() else { return true };
        let addresses = self.addresses();
        let is_right = |state: &ServerState| {
            let of_text = addresses.get(&state.name);
            listed.contains(&state.name)
                && of_text.is_none_or(|addr| state.address.is_none_or(|now| now == *addr))
        };
        let mut staying = states.iter().filter(|state| !is_leaving(&state.name));
        staying.clone().count() == listed.len() && staying.all(is_right)
    }

    /// Where each server is, as far as the text says it in numbers.
    pub fn addresses(&self) -> BTreeMap<ServerName, SocketAddr> {
        let mut addresses = BTreeMap::new();
        for section in self.sections.iter().filter(|section| section.has_servers()) {
            let Some(backend) = section.name() else { continue };
            for line in section.of("server") {
                let [_, name, address, ..] = line.words.as_slice() else { continue };
                let name = ServerName { backend: backend.into(), server: name.clone() };
                addresses.extend(address.parse().ok().map(|addr| (name, addr)));
            }
        }
        addresses
    }
}

/// The state file for a process that reads `wanted`, of the reply to `show servers state`: without those who are elsewhere now, and
/// without those whose state is ours, not an operator's.
pub fn state_file(reply: &str, wanted: &Config, is_ours: impl Fn(&ServerName) -> bool) -> String {
    let addresses = wanted.addresses();
    let mut file = String::new();
    let head = reply.lines().map(str::trim).filter(|line| *line == VERSION || line.starts_with("# "));
    let lines = state_lines(reply).into_iter().filter(|(_, state)| {
        let is_elsewhere = addresses.get(&state.name).is_some_and(|addr| state.address != Some(*addr));
        !is_elsewhere && !is_ours(&state.name)
    });
    for line in head.chain(lines.map(|(line, _)| line)) {
        file.push_str(line);
        file.push('\n');
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::server_states;
    use alloc::collections::BTreeSet;
    use alloc::vec::Vec;

    const REPLY: &str = "1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_fqdn srv_port
3 b 1 s1 127.0.0.1 0 0 10 10 - 3001
3 b 2 s2 127.0.0.1 0 1 1 1 - 3002
3 b 3 s3 10.0.0.9 0 1 1 1 host.example 3003
4 MASTER 1 cur-1 - 2 0 0 0 - 0

";
    const TEXT: &str =
        "backend b\n server s1 127.0.0.1:3001\n server s2 127.0.0.1:3002\n server s3 host.example:3003\n";

    fn read(text: &str) -> Config {
        Config::read(text).unwrap()
    }

    fn fits(text: &str, leaving: &[&str]) -> bool {
        let leaving: BTreeSet<_> = leaving.iter().map(|name| alloc::format!("b/{name}")).collect();
        read(text).fits(&server_states(REPLY), |name| leaving.contains(&alloc::format!("{name}")))
    }

    #[test]
    fn a_text_fits_the_servers_that_it_names_where_it_has_them() {
        assert!(fits(TEXT, &[]));
        assert!(!fits(&TEXT.replace("3002", "3012"), &[]), "another port");
        assert!(!fits(&TEXT.replace("s2", "s4"), &[]), "another name");
        assert!(!fits("backend b\n server s1 127.0.0.1:3001\n", &[]), "one too many runs");
        assert!(!fits(&alloc::format!("{TEXT} server s4 127.0.0.1:1\n"), &[]), "one is missing");
        assert!(fits("backend b\n server s1 127.0.0.1:3001\n server s3 host.example:3003\n", &["s2"]));
        assert!(fits("backend b\n server-template s 1-3 host.example:3003\n", &[]), "it does not list them");
    }

    #[test]
    fn a_state_file_leaves_out_what_would_win_over_the_configuration() {
        let file = |text: &str, ours: &str| state_file(REPLY, &read(text), |name| name.server == ours);
        let all: Vec<_> = REPLY.lines().take(5).collect();
        assert_eq!(file(TEXT, "").lines().collect::<Vec<_>>(), all);
        assert_eq!(file(TEXT, "s2").lines().collect::<Vec<_>>(), [all[0], all[1], all[2], all[4]]);
        let moved = TEXT.replace("127.0.0.1:3001", "127.0.0.1:3011");
        assert_eq!(file(&moved, "").lines().collect::<Vec<_>>(), [all[0], all[1], all[3], all[4]]);
    }
}
