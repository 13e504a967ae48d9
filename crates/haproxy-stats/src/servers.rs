//! `show servers state`, which HAProxy's own state file is made of, and `show servers conn`.

use crate::facts::{Facts, Health, Proxy, Server, State};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};

/// The form of the list (management guide, `show servers state`).
const STATE: &str = "1\n# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight \
srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state bk_f_forced_id \
srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port\n";

/// One thread has one column of idle connections.
const CONN: &str = "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb safe_nb idle_lim \
idle_cur idle_per_thr[1]\n";

/// Which of both lists.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum List {
    State,
    Connections,
}

/// The answer; `backend` names one, or `#` and its number.
pub(crate) fn show(
    facts: Rc<Facts>,
    list: List,
    backend: Option<&str>,
) -> Result<Box<dyn Iterator<Item = String>>, &'static str> {
    let only = match backend {
        None => None,
        Some(name) => Some(find(&facts, name).ok_or("Can't find backend.\n")?),
    };
    let count = facts.proxies.len();
    let lines = (0..count).filter(move |at| only.is_none_or(|only| only == *at)).flat_map(move |at| {
        let facts = Rc::clone(&facts);
        let servers = facts.proxies[at].backend.as_ref().map_or(0, |backend| backend.servers.len());
        (0..servers).filter_map(move |nth| {
            let proxy = &facts.proxies[at];
            let server = proxy.backend.as_ref()?.servers.get(nth)?;
            let (iid, sid) = (at + Facts::FIRST_ID, nth + 1);
            Some(match list {
                List::State => state(proxy, iid, server, sid),
                List::Connections => connections(proxy, iid, server, sid),
            })
        })
    });
    let header = match list {
        List::State => STATE,
        List::Connections => CONN,
    };
    Ok(Box::new(core::iter::once(header.into()).chain(lines).chain(core::iter::once("\n".into()))))
}

/// The place of a backend.
pub(crate) fn find(facts: &Facts, name: &str) -> Option<usize> {
    let number = name.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
    facts.proxies.iter().enumerate().position(|(at, proxy)| {
        proxy.backend.is_some() && (proxy.name == name || number == Some(at + Facts::FIRST_ID))
    })
}

fn addr_and_port(server: &Server) -> (String, u16) {
    server.addr.map_or(("-".into(), 0), |addr| (addr.ip().to_string(), addr.port()))
}

fn state(proxy: &Proxy, iid: usize, server: &Server, sid: usize) -> String {
    let (addr, port) = addr_and_port(server);
    // SRV_ST_STOPPED and SRV_ST_RUNNING of HAProxy's include/haproxy/server-t.h; below its SRV_ADMF_*.
    let running = if server.is_up() { 2 } else { 0 };
    let admin = match server.state {
        State::Ready => 0,
        State::Drain => 8,
        State::Maintenance => 1,
    } | if server.is_disabled { 4 } else { 0 };
    // CHK_RES_*: unknown, neutral, failed, passed.
    let (status, result) = match server.health {
        Health::Unchecked => (1, 0),
        Health::Up => (6, 3),
        Health::Down => (8, 2),
    };
    let health = if server.is_up() && server.state == State::Ready { 2 } else { 0 };
    format!(
        "{iid} {} {sid} {} {addr} {running} {admin} {} {} {} {status} {result} {health} 0 0 0 0 - {port} - 0 0 - - 0\n",
        proxy.name,
        server.name,
        server.weight,
        server.weight_initial,
        server.counters.changed_s.unwrap_or(0),
    )
}

fn connections(proxy: &Proxy, iid: usize, server: &Server, sid: usize) -> String {
    let (addr, port) = addr_and_port(server);
    let (now, most) = (server.counters.current.unwrap_or(0), server.counters.current_max.unwrap_or(0));
    let idle = server.idle.unwrap_or(0);
    format!(
        "{}/{} {iid}/{sid} {addr} {port} - 0 {now} {most} 0 0 {idle} -1 {idle} {idle}\n",
        proxy.name, server.name
    )
}
