//! A full disk, and a folder that became read-only: what was good stays in force, it is told, and it comes right by itself.

use super::haproxy::{Balancer, TEMPLATE, is_here};
use muster_control::templates::{TemplateRow, Templates};
use muster_e2e::load::Loads;
use muster_e2e::{Agent, AgentOptions, Hosts, Network, WholeNode, wait_for};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A small disk of its own. The mount goes with the namespace.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path) -> Self {
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"]).arg(at));
        Self(at.to_owned())
    }

    fn breaks(&self, how: How) {
        match how {
            // Until nothing fits any more.
            How::Full => drop(fs::write(self.0.join("ballast"), vec![b'x'; 1 << 20])),
            How::ReadOnly => self.remount("ro"),
        }
    }

    fn is_mended(&self, how: How) {
        match how {
            How::Full => fs::remove_file(self.0.join("ballast")).expect("it is there"),
            How::ReadOnly => self.remount("rw"),
        }
    }

    fn remount(&self, mode: &str) {
        run(Command::new("mount").args(["-o", &format!("remount,{mode}")]).arg(&self.0));
    }
}

#[derive(Clone, Copy, Debug)]
enum How {
    Full,
    ReadOnly,
}

impl How {
    /// In the words of the system.
    fn words(self) -> &'static str {
        match self {
            Self::Full => "No space left on device",
            Self::ReadOnly => "Read-only file system",
        }
    }
}

fn run(command: &mut Command) {
    let status = command.status().expect("it can be run");
    assert!(status.success(), "{command:?}");
}

fn is_told(row: &TemplateRow, how: How) -> Result<(), String> {
    let why = row.why.as_deref().unwrap_or_default();
    if row.state == "failing" && why.contains(how.words()) {
        Ok(())
    } else {
        Err(format!("{how:?}: {row:?}"))
    }
}

#[tokio::test]
async fn a_haproxy_goes_on_where_its_file_cannot_be_written_and_follows_when_it_can() {
    let test = "full_disk::a_haproxy_goes_on_where_its_file_cannot_be_written_and_follows_when_it_can";
    if !is_here() {
        return;
    }
    let Some(_network) = Network::own(test) else { return };
    let hosts = Hosts::claim();
    let directory = TempDir::new().expect("a temporary directory can be made");
    let disk = Disk::mount(directory.path());
    let balancer = Balancer::start_in(directory, &hosts, TEMPLATE);
    let _stays = WholeNode::backend(&hosts, 10, "s10");
    balancer.serves(&["s10"]).await;
    let loads = Loads::start(&balancer.front, 50);
    let mut joined = vec!["s10".to_owned()];
    let mut nodes = Vec::new();
    for (host, how) in [(11, How::Full), (12, How::ReadOnly)] {
        disk.breaks(how);
        let file = fs::read_to_string(balancer.path("haproxy.cfg")).expect("it is there");
        let name = format!("s{host}");
        nodes.push(WholeNode::backend(&hosts, host, &name));
        wait_for("it is told", || async { is_told(&balancer.row().await?, how) }).await;
        loads.pass(20).await;
        assert_eq!(fs::read_to_string(balancer.path("haproxy.cfg")).ok(), Some(file), "{how:?}");
        disk.is_mended(how);
        joined.push(name);
        balancer.serves(&joined.iter().map(String::as_str).collect::<Vec<_>>()).await;
        wait_for("it is right again", || async {
            let row = balancer.row().await?;
            if row.state == "right" && row.why.is_none() { Ok(()) } else { Err(format!("{row:?}")) }
        })
        .await;
    }
    let (all, failed) = loads.stop().await;
    assert!(failed.is_empty(), "{} of {all}: {failed:#?}\n{}", failed.len(), balancer.node.process.said());
    let row = balancer.row().await.expect("it tells");
    assert_eq!((row.reloads, row.restored), (0, 0), "{row:?}\n{}", balancer.node.process.said());
}

#[tokio::test]
async fn files_and_a_folder_stay_as_they_are_where_nothing_can_be_written_and_follow_when_it_can() {
    let test =
        "full_disk::files_and_a_folder_stay_as_they_are_where_nothing_can_be_written_and_follow_when_it_can";
    let Some(_network) = Network::own(test) else { return };
    let hosts = Hosts::claim();
    let directory = TempDir::new().expect("a temporary directory can be made");
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("disk")).expect("it can be made");
    let disk = Disk::mount(&at("disk"));
    fs::write(at("t"), "{{#each addresses}}{{host}} {{/each}}").expect("it can be written");
    let path = directory.path().display();
    let config = format!(
        "[templates.both]\nfiles = {{ '{path}/disk/list' = '{path}/t' }}\nfolder = '{path}/disk/nodes'\nsettle = '5ms'\n\
         on_change = \"run sh -c 'cat {path}/disk/list >> {path}/told'\"\n[templates.other]\nfiles = {{ '{path}/list' = '{path}/t' }}\n"
    );
    fs::write(at("muster.toml"), config).expect("it can be written");
    let config = at("muster.toml").display().to_string();
    let agent = Agent::start(&hosts, 1, "lb", AgentOptions::default().flag("--config").flag(&config));
    let web = |host: u8| {
        let options = AgentOptions::default().join(&agent.address).tag("role=web");
        Agent::start(&hosts, host, &format!("w{host}"), options)
    };
    let list = |file: &str| fs::read_to_string(at(file)).unwrap_or_default();
    let nodes = || {
        let entries =
            fs::read_dir(at("disk/nodes")).map(|entries| entries.filter_map(Result::ok).collect::<Vec<_>>());
        let names = entries
            .unwrap_or_default()
            .into_iter()
            .map(|entry| entry.file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    };
    let row = async || -> Result<TemplateRow, String> {
        let text = agent.run(&["templates", "--format", "json"]).or_else(|said| {
            // It ends with 1 while one fails.
            said.find('{').map(|at| said[at..].to_owned()).ok_or(said)
        })?;
        let told: Templates = serde_json::Deserializer::from_str(&text)
            .into_iter()
            .next()
            .ok_or("nothing")?
            .map_err(|error| format!("{error}: {text}"))?;
        told.templates.into_iter().find(|row| row.name == "both").ok_or_else(|| "no such group".to_owned())
    };
    let has = async |wanted: &[&str]| {
        let text = wanted.iter().map(|name| format!("{name} ")).collect::<String>();
        wait_for(&format!("all have {wanted:?}"), || async {
            let row = row().await?;
            let is_so = list("disk/list") == text
                && nodes() == wanted
                && row.state == "right"
                && list("told").ends_with(&text);
            if is_so { Ok(()) } else { Err(format!("{row:?} {} {:?}", list("disk/list"), nodes())) }
        })
        .await;
    };
    let mut agents = vec![web(2)];
    let mut names = vec!["w2"];
    has(&names).await;
    for (host, name, how) in [(3, "w3", How::Full), (4, "w4", How::ReadOnly)] {
        disk.breaks(how);
        let (before, told) = (list("disk/list"), list("told"));
        agents.push(web(host));
        wait_for("it is told", || async { is_told(&row().await?, how) }).await;
        assert_eq!((list("disk/list"), list("told")), (before, told), "{how:?}");
        // The others are not held up.
        names.push(name);
        let text = names.iter().map(|name| format!("{name} ")).collect::<String>();
        wait_for("the other group follows", || async {
            if list("list") == text { Ok(()) } else { Err(list("list")) }
        })
        .await;
        disk.is_mended(how);
        has(&names).await;
    }
    assert!(list("told").ends_with("w2 w3 w4 "), "{}", list("told"));
}
