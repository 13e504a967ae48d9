//! What a file asks for that is read and not done yet: refused where requests would go wrong without it, else said.

use super::servers_check;
use muster_haproxy_file::{Backend, Balance, Connections, File, Front, Target};
use muster_routes::{Frontend, Place};

/// What is missing, each with its line.
#[derive(Debug, Default)]
pub(super) struct Shortfall {
    /// Requests would not be treated as the file says.
    pub(super) refused: Vec<String>,
    /// They are, and something beside them is missing.
    pub(super) noted: Vec<String>,
}

impl Shortfall {
    pub(super) fn of(file: &File) -> Self {
        let mut shortfall = Self::default();
        if let (Some(_), Some(front)) = (file.global.clients_max, file.plan.frontends().first()) {
            shortfall.note(
                &front.place,
                "`maxconn` of `global` is not held yet: as many clients are taken as files may be opened",
            );
        }
        for (frontend, front) in file.plan.frontends().iter().zip(&file.fronts) {
            shortfall.of_frontend(frontend, front);
        }
        for backend in &file.backends {
            shortfall.of_backend(backend);
        }
        shortfall
    }

    fn refuse(&mut self, place: &Place, words: &str) {
        self.refused.push(format!("{place}: {words}"));
    }

    fn note(&mut self, place: &Place, words: &str) {
        self.noted.push(format!("{place}: {words}"));
    }

    fn of_frontend(&mut self, frontend: &Frontend, front: &Front) {
        let place = &frontend.place;
        if frontend.limits.clients_max.is_some() {
            self.note(place, "`maxconn` is not held yet: as many clients are taken as files may be opened");
        }
        let timeouts = &frontend.timeouts;
        let others = [timeouts.head, timeouts.keep_alive, timeouts.tunnel, timeouts.client_fin];
        if others.iter().any(Option::is_some) {
            self.note(
                place,
                "of a client's timeouts, `timeout client` alone is held yet, in the place of the others",
            );
        }
        self.connections(place, front.connections);
    }

    fn of_backend(&mut self, backend: &Backend) {
        let place = &backend.place;
        if backend.cookie.is_some() {
            self.refuse(
                place,
                "clients do not stay with their server by `cookie` yet; take it out, or use `balance source`",
            );
        }
        if backend.balance == Balance::Uri {
            self.refuse(place, "`balance uri` is not done yet; use `balance roundrobin`");
        }
        for server in &backend.servers {
            if server.queue_max.is_some() {
                self.refuse(
                    &server.place,
                    "requests wait for any server and not for one, so `maxqueue` is not held yet; take it out",
                );
            }
            if server.proxy_header.is_some() {
                self.refuse(&server.place, "`send-proxy` is not done for single servers yet; take it out");
            }
            if matches!(server.target, Target::Unix(_)) {
                self.refuse(
                    &server.place,
                    "servers on sockets in the file system are not reached yet; write an address",
                );
            }
        }
        if backend.servers.iter().any(|server| server.check.is_some())
            && servers_check::common(backend).is_none()
        {
            self.note(
                place,
                "servers are asked by `check` only where all of a backend are, in the same way and on their own port; here what \
                 requests see of them decides",
            );
        }
        if backend.servers.iter().filter(|server| server.backup).count() > 1 && !backend.all_backups {
            self.note(place, "all backups serve when no other server does, not the first of them alone");
        }
        let timeouts = &backend.timeouts;
        let others = [timeouts.tunnel, timeouts.server_fin];
        if others.iter().any(Option::is_some) {
            self.note(
                place,
                "of a server's timeouts, `timeout connect`, `timeout check`, `timeout queue` and `timeout server` alone are held yet",
            );
        }
        self.connections(place, backend.connections);
    }

    fn connections(&mut self, place: &Place, connections: Connections) {
        if connections != Connections::Keep {
            self.note(
                place,
                "connections are kept for more requests all the same: they cannot be closed behind each yet",
            );
        }
    }
}
