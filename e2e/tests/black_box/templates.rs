//! Files made of templates, read by a real HAProxy: whole, checked and in force, whatever becomes of the agent that makes them.

use muster_e2e::load::{Load, Plan, failures};
use muster_e2e::{Agent, AgentOptions, Hosts, Process, skip, wait_for};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// How often the agent is killed: a few times, or as often as the third ring asks for.
fn kills() -> u32 {
    std::env::var("MUSTER_E2E_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(15)
}

/// It answers by itself, with what the file says; so what is in force can be asked.
const TEMPLATE: &str = r#"global
    maxconn 1000
    stats socket {{env.STATS}} level admin expose-fd listeners
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
frontend front
    bind {{env.FRONT}}
    http-request return status 200 content-type application/json string '{"host":"{{#each services.web.backends}}{{host}}/{{weight}} {{/each}}"}'
backend web
{{#each services.web.backends}}
    server {{host}} {{address}} weight {{weight}}
{{/each}}
# whole
"#;

struct Balancer {
    directory: TempDir,
    front: String,
    agent: Agent,
    haproxy: Process,
}

impl Balancer {
    /// The agent makes the file, then HAProxy is started with it; from then on it is told to reload.
    async fn start(hosts: &Hosts) -> Self {
        let directory = TempDir::new().expect("a temporary directory can be made");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let front = hosts.at(1, 8080);
        let template =
            TEMPLATE.replace("{{env.FRONT}}", &front).replace("{{env.STATS}}", &path("stats.sock"));
        fs::write(path("haproxy.cfg.hb"), template).expect("the template can be written");
        let config = format!(
            "[templates.haproxy]\nfiles = {{ {target:?} = {template:?} }}\ncheck = \"haproxy -c -f {target}\"\nsettle = \"5ms\"\n\
             on_change = \"run sh -c '[ ! -e {pid} ] || kill -USR2 $(cat {pid})'\"\n",
            target = path("haproxy.cfg"),
            template = path("haproxy.cfg.hb"),
            pid = path("pid"),
        );
        fs::write(path("muster.toml"), config).expect("the configuration can be written");
        let options = AgentOptions::default().tag("balances=1").flag("--config").flag(&path("muster.toml"));
        let agent = Agent::start(hosts, 1, "lb", options);
        let file = directory.path().join("haproxy.cfg");
        wait_for("the first file", || async { fs::read_to_string(&file).map_err(|error| error.to_string()) })
            .await;
        let mut command = Command::new("/usr/sbin/haproxy");
        command.args(["-W", "-db", "-f"]).arg(&file);
        let haproxy = Process::start("haproxy", &mut command);
        wait_for("HAProxy serves", || async {
            tokio::net::TcpStream::connect(&front).await.map(drop).map_err(|error| error.to_string())
        })
        .await;
        // From now on there is somebody to tell.
        fs::write(path("pid"), haproxy.id().to_string()).expect("its number can be written");
        Self { directory, front, agent, haproxy }
    }

    fn file(&self) -> String {
        fs::read_to_string(self.directory.path().join("haproxy.cfg")).expect("the file is there")
    }

    /// Waits until the file and HAProxy both say so.
    async fn serves(&self, what: &str) {
        wait_for(&format!("HAProxy says {what:?}"), || async {
            let said = self.ask().await.unwrap_or_default();
            let told = format!("\"host\":\"{what}\"");
            if self.file().contains(&told) && said.contains(&told) {
                return Ok(());
            }
            let templates = self.agent.run(&["templates"]);
            Err(format!("{said}\n{templates:?}\n{}", self.file()))
        })
        .await;
    }

    async fn ask(&self) -> Option<String> {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(&self.front).await.ok()?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await.ok()?;
        Some(text)
    }
}

fn is_here() -> bool {
    let here = Path::new("/usr/sbin/haproxy").exists();
    if !here {
        skip("haproxy is not installed (apt install haproxy)");
    }
    here
}

/// Sets the weight that `backend` announces.
fn announce(backend: &Agent, weight: u32) {
    let tag = format!("services=web:3000/{weight}");
    backend.run(&["tags", "-set", &tag]).expect("the tag is taken");
}

#[tokio::test]
async fn an_agent_killed_at_any_moment_leaves_a_whole_file_and_a_serving_haproxy() {
    if !is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let mut balancer = Balancer::start(&hosts).await;
    let seed = hosts.at(1, 7946);
    let options = AgentOptions::default().join(&seed).tag("services=web:3000/1");
    let backend = Agent::start(&hosts, 2, "s2", options);
    balancer.serves("s2/1 ").await;
    let load = Load::start(&Plan {
        address: balancer.front.clone(),
        per_second: 200,
        post_every: 0,
        connections: 8,
        closes: true,
    });
    let mut random = fastrand::Rng::with_seed(6);
    for kill in 0..kills() {
        // So that every moment of it has its turn: looking, rendering, checking, replacing, telling.
        announce(&backend, 2 + kill % 90);
        tokio::time::sleep(Duration::from_millis(random.u64(0..120))).await;
        balancer.agent.process.kill();
        let file = balancer.file();
        assert!(file.ends_with("# whole\n"), "kill {kill}: {file}");
        let path = balancer.directory.path().join("haproxy.cfg");
        let check = Command::new("/usr/sbin/haproxy").args(["-c", "-f"]).arg(path).output();
        assert!(check.expect("haproxy runs").status.success(), "kill {kill}: {file}");
        balancer.agent.restart();
        if kill % 5 == 4 {
            balancer.serves(&format!("s2/{} ", 2 + kill % 90)).await;
        }
    }
    announce(&backend, 99);
    balancer.serves("s2/99 ").await;
    let outcomes = load.stop().await;
    let failed = failures(&outcomes);
    eprintln!("{} kills, {} requests, {} failed", kills(), outcomes.len(), failed.len());
    assert!(failed.is_empty(), "{failed:#?}\n{}", balancer.haproxy.said());
    let left: Vec<_> = fs::read_dir(balancer.directory.path())
        .expect("the directory is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[tokio::test]
async fn hostile_names_cost_nobody_else_anything() {
    if !is_here() {
        return;
    }
    let hosts = Hosts::claim();
    let balancer = Balancer::start(&hosts).await;
    let seed = hosts.at(1, 7946);
    let options = || AgentOptions::default().join(&seed).tag("services=web:3000/1");
    let names = ["../etc/evil", "a;b", "q\"x", "a#b", "o'k", "{{x}}", "é x", "good"];
    let _agents: Vec<Agent> =
        names.iter().zip(2..).map(|(name, host)| Agent::start(&hosts, host, name, options())).collect();
    balancer.serves("good/1 ").await;
    wait_for("all others are told of", || async {
        let told = balancer.agent.run(&["templates", "--format", "json"])?;
        let told: serde_json::Value = serde_json::from_str(&told).map_err(|error| error.to_string())?;
        let refusals = told["templates"][0]["refusals"].as_array().cloned().unwrap_or_default();
        if refusals.len() == names.len() - 1 { Ok(()) } else { Err(format!("{refusals:#?}")) }
    })
    .await;
    assert!(balancer.ask().await.is_some_and(|said| said.contains("\"host\":\"good/1 \"")));
}
