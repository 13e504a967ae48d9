//! A real HAProxy that follows the fleet: servers come and go while it runs, nothing fails, and what only a reload can do is
//! done by one.

use muster_control::routes::{FLEET_REPORTS, TEMPLATES};
use muster_control::templates::{TemplateRow, Templates};
use muster_e2e::load::Loads;
use muster_e2e::{Hosts, WholeNode, skip, wait_for};
use muster_fleet::Report;
use rustix::process::Signal;
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(super) const TEMPLATE: &str = "global
    maxconn 2000
    stats socket STATS level admin expose-fd listeners
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    option redispatch
    retries 3
    option idle-close-on-response
    default-server check inter 500ms
frontend front
    bind FRONT
    default_backend web
backend web
    balance roundrobin
{{#each services.web.backends}}
    server {{host}} {{address}}
{{/each}}
";

/// How many changes of the membership; the figures of `make proof` take five hundred.
fn changes() -> usize {
    std::env::var("MUSTER_E2E_CHANGES").ok().and_then(|text| text.parse().ok()).unwrap_or(12)
}

/// A whole node that balances by HAProxy.
pub(super) struct Balancer {
    pub(super) node: WholeNode,
    pub(super) front: String,
    directory: TempDir,
}

impl Balancer {
    fn start(hosts: &Hosts, template: &str) -> Self {
        Self::start_in(TempDir::new().expect("a temporary directory can be made"), hosts, template)
    }

    /// With all of its files there.
    pub(super) fn start_in(directory: TempDir, hosts: &Hosts, template: &str) -> Self {
        let front = hosts.at(1, 8080);
        let path = |name: &str| directory.path().join(name).display().to_string();
        let text = template.replace("STATS", &path("run/admin.sock")).replace("FRONT", &front);
        fs::write(path("haproxy.cfg.hb"), text).expect("the template can be written");
        let configuration = format!(
            "[haproxy]\nmode = \"managed\"\ntemplate = {:?}\nconfig = {:?}\nsocket = {:?}\nmaster = {:?}",
            path("haproxy.cfg.hb"),
            path("haproxy.cfg"),
            path("run/admin.sock"),
            path("run/master.sock"),
        );
        let node = WholeNode::start(hosts, 1, "lb", &configuration);
        Self { node, front, directory }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// One question to HAProxy itself.
    fn ask(&self, command: &str) -> Result<String, String> {
        let mut stream =
            UnixStream::connect(self.path("run/admin.sock")).map_err(|error| error.to_string())?;
        let mut text = String::new();
        writeln!(stream, "{command}")
            .and_then(|()| stream.read_to_string(&mut text))
            .map_err(|error| error.to_string())?;
        Ok(text)
    }

    pub(super) async fn row(&self) -> Result<TemplateRow, String> {
        let told: Templates = self.node.control.get(TEMPLATES).await.map_err(|error| error.to_string())?;
        told.templates.into_iter().next().ok_or_else(|| "no group".to_owned())
    }

    /// Waits until HAProxy, its file and what is reported agree on these servers, and they are up.
    pub(super) async fn serves(&self, names: &[&str]) {
        let wanted: BTreeSet<String> = names.iter().map(|name| (*name).to_owned()).collect();
        wait_for(&format!("HAProxy serves {names:?}"), || async {
            let file = fs::read_to_string(self.path("haproxy.cfg")).map_err(|error| error.to_string())?;
            let listed: BTreeSet<String> = file
                .lines()
                .filter_map(|line| line.trim().strip_prefix("server ")?.split(' ').next())
                .map(str::to_owned)
                .collect();
            let stat = self.ask("show stat")?;
            let up: BTreeSet<String> = stat
                .lines()
                .map(|line| line.split(',').collect::<Vec<_>>())
                .filter(|fields| fields.first() == Some(&"web") && fields.get(1) != Some(&"BACKEND"))
                .map(|fields| {
                    format!("{}{}", fields[1], if fields[17].starts_with("UP") { "" } else { fields[17] })
                })
                .collect();
            let reports: Vec<Report> =
                self.node.control.get(FLEET_REPORTS).await.map_err(|error| error.to_string())?;
            let reported: BTreeSet<String> = reports
                .iter()
                .flat_map(|report| &report.backends)
                .filter(|backend| backend.state == "up")
                .map(|backend| backend.node.clone())
                .collect();
            if listed == wanted && up == wanted && reported == wanted {
                return Ok(());
            }
            Err(format!("file {listed:?}, HAProxy {up:?}, reported {reported:?}; {:?}", self.row().await))
        })
        .await;
    }
}

pub(super) fn is_here() -> bool {
    let here = Path::new("/usr/sbin/haproxy").exists();
    if !here {
        skip("haproxy is not installed (apt install haproxy)");
    }
    here
}

#[tokio::test]
async fn backends_come_and_go_without_a_reload_and_nothing_fails() {
    if !is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let balancer = Balancer::start(&hosts, TEMPLATE);
    let _stays = WholeNode::backend(&hosts, 10, "s10");
    let mut goes = [WholeNode::backend(&hosts, 11, "s11"), WholeNode::backend(&hosts, 12, "s12")];
    balancer.serves(&["s10", "s11", "s12"]).await;
    let reloads = balancer.row().await.expect("it tells").reloads;
    let loads = Loads::start(&balancer.front, 150);
    for change in 0..changes() / 2 {
        loads.pass(50).await;
        let (node, other) = if change % 2 == 0 { (0, "s12") } else { (1, "s11") };
        let status = goes[node].stop().await;
        assert!(status.success(), "{status}: {}", goes[node].process.said());
        balancer.serves(&["s10", other]).await;
        goes[node].again();
        balancer.serves(&["s10", "s11", "s12"]).await;
    }
    let (all, failed) = loads.stop().await;
    let row = balancer.row().await.expect("it tells");
    eprintln!("{} changes, {all} requests, {} failed, {row:?}", changes(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}\n{}", balancer.node.process.said());
    assert_eq!(row.reloads, reloads, "{}", balancer.node.process.said());
    assert!(row.without_reload >= changes() as u64);
}

#[tokio::test]
async fn what_an_operator_set_by_hand_stays_and_a_reload_is_one_only_where_it_must_be() {
    if !is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let balancer = Balancer::start(&hosts, TEMPLATE);
    let _nodes = [WholeNode::backend(&hosts, 10, "s10"), WholeNode::backend(&hosts, 11, "s11")];
    balancer.serves(&["s10", "s11"]).await;
    let before = balancer.row().await.expect("it tells");
    balancer.ask("set server web/s10 state drain").expect("it obeys");
    balancer.ask("set server web/s11 weight 7").expect("it obeys");
    // A line that no command can change.
    let text = fs::read_to_string(balancer.path("haproxy.cfg.hb")).expect("it is there");
    fs::write(balancer.path("haproxy.cfg.hb"), text.replace("retries 3", "retries 4"))
        .expect("it can be written");
    wait_for("a reload", || async {
        let row = balancer.row().await?;
        let told = row.told.clone().unwrap_or_default();
        let is_told = told.contains("`retries 4` is new, changed or in another place");
        if row.reloads == before.reloads + 1 && is_told { Ok(()) } else { Err(format!("{row:?}")) }
    })
    .await;
    let states = balancer.ask("show servers state web").expect("it answers");
    let columns = |name: &str| -> Vec<String> {
        let line = states.lines().find(|line| line.contains(&format!(" {name} "))).unwrap_or_default();
        line.split(' ').map(str::to_owned).collect()
    };
    // srv_admin_state 8: a drain that was forced; then srv_uweight.
    assert_eq!((&*columns("s10")[6], &*columns("s11")[6], &*columns("s11")[7]), ("8", "0", "7"), "{states}");
}

#[tokio::test]
async fn a_killed_haproxy_and_a_killed_agent_find_each_other_again() {
    if !is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let balancer = Balancer::start(&hosts, TEMPLATE);
    let _stays = WholeNode::backend(&hosts, 10, "s10");
    let mut goes = WholeNode::backend(&hosts, 11, "s11");
    balancer.serves(&["s10", "s11"]).await;
    // With all its workers: PID 1 starts it anew, with the file as it is.
    balancer.node.kill_service("haproxy");
    balancer.serves(&["s10", "s11"]).await;
    let reloads = balancer.row().await.expect("it tells").reloads;
    // An agent that comes back knows what HAProxy runs, and reloads nothing.
    balancer.node.kill_service("agent");
    goes.stop().await;
    balancer.serves(&["s10"]).await;
    goes.again();
    balancer.serves(&["s10", "s11"]).await;
    let row = balancer.row().await.expect("it tells");
    assert_eq!(row.reloads, 0, "before: {reloads}; {row:?}\n{}", balancer.node.process.said());
    goes.signal(Signal::KILL);
}

#[tokio::test]
async fn a_configuration_that_haproxy_refuses_changes_nothing_until_it_is_mended() {
    if !is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let balancer = Balancer::start(&hosts, TEMPLATE);
    let _stays = WholeNode::backend(&hosts, 10, "s10");
    balancer.serves(&["s10"]).await;
    let good = fs::read_to_string(balancer.path("haproxy.cfg.hb")).expect("it is there");
    fs::write(balancer.path("haproxy.cfg.hb"), good.replace("retries 3", "retrys 3"))
        .expect("it can be written");
    wait_for("it is told", || async {
        let row = balancer.row().await?;
        let why = row.why.clone().unwrap_or_default();
        let is_told = row.state == "failing" && why.contains("refused") && why.contains("retrys");
        if is_told { Ok(()) } else { Err(format!("{row:?}")) }
    })
    .await;
    let file = fs::read_to_string(balancer.path("haproxy.cfg")).expect("it is there");
    assert!(file.contains("retries 3"), "{file}");
    balancer.serves(&["s10"]).await;
    fs::write(balancer.path("haproxy.cfg.hb"), good).expect("it can be written");
    wait_for("it is right again", || async {
        let row = balancer.row().await?;
        if row.state == "right" { Ok(()) } else { Err(format!("{row:?}")) }
    })
    .await;
}

#[tokio::test]
async fn another_template_is_taken_at_hup_and_what_haproxy_was_started_with_is_kept() {
    if !is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let balancer = Balancer::start(&hosts, TEMPLATE);
    let _stays = WholeNode::backend(&hosts, 10, "s10");
    balancer.serves(&["s10"]).await;
    let before = balancer.row().await.expect("it tells");
    let text = fs::read_to_string(balancer.path("haproxy.cfg.hb")).expect("it is there");
    fs::write(balancer.path("other.hb"), text.replace("retries 3", "retries 4")).expect("it can be written");
    // The file is one that only a restart changes; all else counts.
    let config = |name: &str| format!("config = {:?}", balancer.path(name));
    balancer.node.reconfigure(&config("haproxy.cfg"), &config("elsewhere.cfg"));
    muster_e2e::says("it is told", "[haproxy] config: takes effect when this node is started again", || {
        balancer.node.process.said()
    })
    .await;
    balancer.node.reconfigure("haproxy.cfg.hb", "other.hb");
    wait_for("the other template counts", || async {
        let file = fs::read_to_string(balancer.path("haproxy.cfg")).unwrap_or_default();
        let row = balancer.row().await?;
        // Another driver, which has counted none before.
        let is_so = file.contains("retries 4") && row.reloads == 1 && row.state == "right";
        if is_so { Ok(()) } else { Err(format!("{row:?}\n{file}")) }
    })
    .await;
    assert!(!balancer.path("elsewhere.cfg").exists());
    assert_eq!(before.reloads, 0, "{before:?}");
    balancer.serves(&["s10"]).await;
    let _joins = WholeNode::backend(&hosts, 11, "s11");
    balancer.serves(&["s10", "s11"]).await;
    assert_eq!(balancer.row().await.expect("it tells").reloads, 1);
}
