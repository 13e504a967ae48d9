//! A real HAProxy under load while the membership changes ten times a second: steered by commands, and beside it, in the same
//! run, reloaded at every change, as handlers do it.

use crate::results::spread_ms;
use muster_control::routes::TEMPLATES;
use muster_control::templates::Templates;
use muster_e2e::load::{Load, Plan, failures};
use muster_e2e::{Agent, AgentOptions, Backend, Hosts, Process, wait_for};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Changes of the membership, one each [`EVERY`]. (Enough nodes, since a leave takes a second.)
const CHANGES: usize = 500;
const EVERY: Duration = Duration::from_millis(100);
const STAY: u8 = 3;
const COME_AND_GO: u8 = 24;
const FIRST_HOST: u8 = 10;
/// Of each kind of connection.
const PER_SECOND: u32 = 500;
/// Nodes that join within a second.
const AT_ONCE: u8 = 100;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Commands,
    ReloadEachChange,
}

pub(crate) async fn measure() -> Value {
    if !std::path::Path::new("/usr/sbin/haproxy").exists() {
        println!("skipped: haproxy is not installed (apt install haproxy)");
        return json!({ "skipped": "haproxy is not installed" });
    }
    let commands = under_change(Way::Commands).await;
    let reloads = under_change(Way::ReloadEachChange).await;
    json!({ "commands": commands, "reload_each_change": reloads, "at_once": at_once().await })
}

/// A HAProxy, the agent that keeps it right, and where both are.
struct Balancer {
    agent: Agent,
    /// The master; one that is replaced at each change has none.
    master: Option<Process>,
    front: String,
    directory: TempDir,
}

impl Balancer {
    async fn start(hosts: &Hosts, way: Way) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let front = hosts.at(1, 8080);
        let template = format!(
            "global\n maxconn 4000\n stats socket {} level admin expose-fd listeners\ndefaults\n mode http\n timeout connect 2s\n \
             timeout client 30s\n timeout server 30s\n option redispatch\n retries 3\n option idle-close-on-response\n \
             default-server check inter 1s\nfrontend front\n bind {front}\n default_backend web\nbackend web\n balance roundrobin\n\
             {{{{#each services.web.backends}}}}\n server {{{{host}}}} {{{{address}}}}\n{{{{/each}}}}\n",
            path("admin.sock"),
        );
        std::fs::write(path("haproxy.cfg.hb"), template).expect("the template can be written");
        let (config, source) = (path("haproxy.cfg"), path("haproxy.cfg.hb"));
        let text = match way {
            Way::Commands => format!(
                "[haproxy]\nmode = \"attached\"\ntemplate = {source:?}\nconfig = {config:?}\nsocket = {:?}\nmaster = {:?}\n",
                path("admin.sock"),
                path("master.sock"),
            ),
            Way::ReloadEachChange => format!(
                "[templates.ha]\nfiles = {{ {config:?} = {source:?} }}\ncheck = \"haproxy -c -f {config}\"\nsettle = \"0s\"\n\
                 on_change = \"run sh -c '{{ [ -S {socket} ] && exec haproxy -D -f {config} -p {pid} -x {socket} -sf $(cat {pid}); }} || exec \
                 haproxy -D -f {config} -p {pid}'\"\n",
                pid = path("pid"),
                socket = path("admin.sock"),
            ),
        };
        std::fs::write(path("muster.toml"), text).expect("the configuration can be written");
        let options = AgentOptions::default().tag("balances=1").flag("--config").flag(&path("muster.toml"));
        let agent = Agent::start(hosts, 1, "balancer", options);
        wait_for("the first file", || async {
            std::fs::read(directory.path().join("haproxy.cfg")).map_err(|error| error.to_string())
        })
        .await;
        let haproxy = (way == Way::Commands).then(|| {
            let mut command = Command::new("/usr/sbin/haproxy");
            command.args(["-W", "-db", "-S", &path("master.sock"), "-f", &config]);
            Process::start("haproxy", &mut command)
        });
        wait_for("HAProxy serves", || async {
            tokio::net::TcpStream::connect(&front).await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        Self { agent, master: haproxy, front, directory }
    }

    fn ask(&self, command: &str) -> Result<String, String> {
        let socket = self.directory.path().join("admin.sock");
        let mut text = String::new();
        UnixStream::connect(socket)
            .and_then(|mut stream| {
                writeln!(stream, "{command}")?;
                stream.read_to_string(&mut text)
            })
            .map_err(|error| error.to_string())?;
        Ok(text)
    }

    /// Those that HAProxy would send requests to.
    fn servers(&self) -> Result<BTreeSet<String>, String> {
        let stat = self.ask("show stat")?;
        let fields = stat.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let up = fields
            .filter(|f| f[0] == "web" && f[1] != "BACKEND" && f.get(17).is_some_and(|s| s.starts_with("UP")));
        Ok(up.map(|fields| fields[1].to_owned()).collect())
    }

    async fn serves(&self, wanted: &BTreeSet<String>) {
        wait_for("HAProxy serves exactly those that are there", || async {
            let up = self.servers()?;
            if up == *wanted { Ok(()) } else { Err(format!("{up:?} instead of {wanted:?}")) }
        })
        .await;
    }

    /// Workers of HAProxy that are there, beside the one that serves.
    fn old_workers(&self) -> usize {
        let masters = usize::from(self.master.is_some());
        self.processes().len().saturating_sub(1 + masters)
    }

    /// All of this HAProxy.
    fn processes(&self) -> Vec<i32> {
        let file = self.directory.path().join("haproxy.cfg").display().to_string();
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let is_ours = |pid: &i32| {
            let words = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let mut words = words.split(|byte| *byte == 0);
            words.next().is_some_and(|program| program.ends_with(b"haproxy"))
                && words.any(|word| word == file.as_bytes())
        };
        pids.filter(is_ours).collect()
    }
}

impl Drop for Balancer {
    /// Those without a master would outlive us.
    fn drop(&mut self) {
        for pid in self.processes() {
            let pid = rustix::process::Pid::from_raw(pid);
            let _ = pid.map(|pid| rustix::process::kill_process(pid, rustix::process::Signal::KILL));
        }
    }
}

/// One node that comes and goes when told.
async fn come_and_go(
    hosts: std::sync::Arc<Hosts>,
    host: u8,
    mut told: mpsc::Receiver<()>,
    done: mpsc::Sender<(u8, bool)>,
) {
    let mut agent: Option<Agent> = None;
    while told.recv().await.is_some() {
        match agent.take() {
            Some(mut leaving) => drop(leaving.process.stop().await),
            None => agent = Some(node(&hosts, host)),
        }
        let _ = done.send((host, agent.is_some())).await;
    }
}

fn node(hosts: &Hosts, host: u8) -> Agent {
    let options = AgentOptions::default().join(hosts.at(1, 7946)).tag("services=web:3000");
    Agent::start(hosts, host, &format!("s{host}"), options)
}

async fn under_change(way: Way) -> Value {
    let hosts = std::sync::Arc::new(Hosts::claim());
    let balancer = Balancer::start(&hosts, way).await;
    let mut apps = Vec::new();
    for host in FIRST_HOST..FIRST_HOST + STAY + COME_AND_GO {
        apps.push(Backend::start(&hosts, host, &format!("s{host}")).await);
    }
    let stay: Vec<Agent> = (FIRST_HOST..FIRST_HOST + STAY).map(|host| node(&hosts, host)).collect();
    let mut wanted: BTreeSet<String> = stay.iter().map(|agent| agent.name.clone()).collect();
    balancer.serves(&wanted).await;
    let (done, mut results) = mpsc::channel(64);
    let mut idle: Vec<(u8, mpsc::Sender<()>)> = Vec::new();
    for host in FIRST_HOST + STAY..FIRST_HOST + STAY + COME_AND_GO {
        let (tell, told) = mpsc::channel(1);
        tokio::spawn(come_and_go(std::sync::Arc::clone(&hosts), host, told, done.clone()));
        idle.push((host, tell));
    }
    let plan = |closes| Plan {
        address: balancer.front.clone(),
        per_second: PER_SECOND,
        post_every: 5,
        connections: 40,
        closes,
    };
    let loads = [Load::start(&plan(false)), Load::start(&plan(true))];
    let before = row(&balancer).await;
    let (mut made, mut busy, mut most_old) = (0, Vec::new(), 0);
    let mut tick = tokio::time::interval(EVERY);
    let began = Instant::now();
    while made < CHANGES {
        tick.tick().await;
        while let Ok((host, is_there)) = results.try_recv() {
            note(&mut wanted, host, is_there);
            if let Some(at) = busy.iter().position(|(of, _): &(u8, mpsc::Sender<()>)| *of == host) {
                idle.push(busy.remove(at));
            }
        }
        if idle.is_empty() {
            continue;
        }
        let next = idle.remove(0);
        let _ = next.1.send(()).await;
        busy.push(next);
        made += 1;
        most_old = most_old.max(balancer.old_workers());
    }
    let took = began.elapsed();
    while !busy.is_empty() {
        let Some((host, is_there)) = results.recv().await else { break };
        note(&mut wanted, host, is_there);
        // Whoever is told nothing more stays as it is for as long as it could be.
        let (done, rest) = busy.into_iter().partition(|(of, _)| *of == host);
        idle.extend::<Vec<_>>(done);
        busy = rest;
    }
    balancer.serves(&wanted).await;
    let (mut requests, mut failed) = (Vec::new(), Vec::new());
    for load in loads {
        let outcomes = load.stop().await;
        requests.push(outcomes.len());
        failed.push(failures(&outcomes));
    }
    wait_for("old workers have ended", || async {
        let old = balancer.old_workers();
        if old == 0 { Ok(()) } else { Err(format!("{old} are there")) }
    })
    .await;
    let after = row(&balancer).await;
    for failure in failed.iter().flatten().take(5) {
        println!("  {failure}");
    }
    let figures = json!({
        "changes": made, "took_s": took.as_secs_f64().round(),
        "requests": { "keep_alive": requests[0], "closing": requests[1] },
        "failed": { "keep_alive": failed[0].len(), "closing": failed[1].len() },
        "files": after.changed - before.changed,
        "reloads": match way { Way::Commands => after.reloads - before.reloads, Way::ReloadEachChange => after.changed - before.changed },
        "changes_without_reload": after.without_reload - before.without_reload,
        "old_workers_at_most": most_old, "left_over_processes": balancer.old_workers(),
    });
    println!("{}: {figures}", if way == Way::Commands { "by commands" } else { "reload at each change" });
    figures
}

fn note(wanted: &mut BTreeSet<String>, host: u8, is_there: bool) {
    let name = format!("s{host}");
    if is_there {
        wanted.insert(name)
    } else {
        wanted.remove(&name)
    };
}

async fn row(balancer: &Balancer) -> muster_control::templates::TemplateRow {
    let told: Templates = balancer.agent.control.get(TEMPLATES).await.expect("the agent answers");
    told.templates.into_iter().next().expect("there is a group")
}

/// A hundred nodes at once: until each of them is up in HAProxy.
async fn at_once() -> Value {
    let hosts = Hosts::claim();
    let balancer = Balancer::start(&hosts, Way::Commands).await;
    // One application for all of them: what counts here is membership.
    let app = Backend::start(&hosts, 2, "all").await;
    let port = app.address.rsplit(':').next().unwrap_or_default().to_owned();
    let before = row(&balancer).await;
    let began = Instant::now();
    let agents: Vec<Agent> = (0..AT_ONCE)
        .map(|number| {
            let options =
                AgentOptions::default().join(hosts.at(1, 7946)).tag(&format!("services=web:{port}"));
            Agent::start(&hosts, FIRST_HOST + number, &format!("s{number}"), options)
        })
        .collect();
    let started = began.elapsed();
    let wanted: BTreeSet<String> = agents.iter().map(|agent| agent.name.clone()).collect();
    balancer.has(&wanted).await;
    let took = began.elapsed();
    let after = row(&balancer).await;
    let figures = json!({
        "nodes": AT_ONCE, "started_within_ms": spread_ms(&[started.as_secs_f64() * 1e3])["median_ms"],
        "all_in_haproxy_after_ms": (took.as_secs_f64() * 1e3).round(),
        "batches": after.changed - before.changed, "reloads": after.reloads - before.reloads,
    });
    println!("at once: {figures}");
    figures
}

impl Balancer {
    /// Registered, whether they answer or not.
    async fn has(&self, wanted: &BTreeSet<String>) {
        wait_for("HAProxy has them all", || async {
            let states = self.ask("show servers state web")?;
            let there: BTreeSet<String> =
                states.lines().filter_map(|line| Some(line.split(' ').nth(3)?.to_owned())).collect();
            if wanted.is_subset(&there) {
                Ok(())
            } else {
                Err(format!("{} of {}", there.len(), wanted.len()))
            }
        })
        .await;
    }
}
