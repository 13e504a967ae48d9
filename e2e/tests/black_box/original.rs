//! Rung 0 of `examples/original`: containers as the original lab builds them, with bash scripts under `/init`, `serf` and `handlebars`, where
//! Muster stands for s6-overlay, Serf, Node and handlebars-cmd by its links alone. The real HAProxy balances.
//!
//! After each step five accounts of who is there have to agree: the containers that run (the truth), the files of `/nodes`, the
//! rendered configuration, HAProxy's `show stat`, and who answers through HAProxy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use muster_e2e::{Bridge, Container, Image, Rung0, exchange, skip, wait_for, who_answers};

/// Containers on one network: a balancer `ha` and backends.
struct Lab<'a> {
    ha_image: &'a Image,
    backend_image: &'a Image,
    backend_command: &'static [&'static str],
    /// What runs in the balancer's container, and how often.
    programs: &'static [(&'static str, usize)],
    network: Bridge<'a>,
    ha: Option<Container>,
    backends: BTreeMap<String, Container>,
}

impl<'a> Lab<'a> {
    fn new(images: &'a Rung0) -> Self {
        Self {
            ha_image: &images.ha,
            backend_image: &images.backend,
            backend_command: &[],
            programs: &[("haproxy", 1), ("serf", 1)],
            network: images.ha.network(),
            ha: None,
            backends: BTreeMap::new(),
        }
    }

    /// No handler and no script: `muster run` on both sides.
    fn of_rung_1(images: &'a Rung0, ha: &'a Image) -> Self {
        Self {
            ha_image: ha,
            backend_image: &images.stack,
            backend_command: &["run", "--role", "backend", "--", "muster", "demo", "backend"],
            // PID 1 and the agent; HAProxy's master and its worker.
            programs: &[("haproxy", 2), ("muster", 2)],
            network: ha.network(),
            ha: None,
            backends: BTreeMap::new(),
        }
    }

    fn start_ha(&mut self) {
        self.ha = Some(self.network.start_of(self.ha_image, "ha", &[], &[]));
    }

    /// Starts these at the same time.
    fn start(&mut self, names: &[&str]) {
        let (network, image, command) = (&self.network, self.backend_image, self.backend_command);
        let options = ["-e", "JOIN=ha"];
        let made: Vec<Container> = std::thread::scope(|scope| {
            let starts: Vec<_> = names
                .iter()
                .map(|name| scope.spawn(|| network.start_of(image, name, &options, command)))
                .collect();
            starts.into_iter().map(|start| start.join().expect("it starts")).collect()
        });
        self.backends.extend(names.iter().map(|name| (*name).to_owned()).zip(made));
    }

    /// Stops these at the same time; each ends by itself.
    fn stop(&self, names: &[&str]) {
        std::thread::scope(|scope| {
            for name in names {
                let backend = &self.backends[*name];
                scope.spawn(|| assert_eq!(backend.stop(), 0, "{}", backend.said()));
            }
        });
    }

    fn ha(&self) -> &Container {
        self.ha.as_ref().expect("it was started")
    }

    /// Waits until all accounts tell of exactly these backends, with their addresses; how long that took.
    #[expect(clippy::print_stderr, reason = "a test tells how long it took")]
    async fn agrees(&self, step: &str, names: &[&str]) {
        let began = Instant::now();
        let truth: BTreeMap<String, String> =
            names.iter().map(|name| ((*name).to_owned(), self.backends[*name].address())).collect();
        wait_for(step, || async {
            let ha = self.ha();
            let nodes = pairs(&ha.exec(&["sh", "-c", "cd /nodes && cat -- * 2>/dev/null"]), "");
            let file = pairs(&ha.exec(&["cat", "/etc/haproxy/haproxy.cfg"]), "server ");
            let up = servers_up(&ha.address());
            if nodes != truth || file != truth {
                return Err(format!("truth {truth:?}\nnodes {nodes:?}\nfile {file:?}"));
            }
            let wanted: BTreeSet<String> = truth.keys().cloned().collect();
            if up != wanted {
                return Err(format!("show stat: {up:?}, not {wanted:?}"));
            }
            let answered: BTreeSet<String> =
                (0..2 * names.len()).map(|_| who_answers(&format!("{}:80", ha.address()))).collect();
            if answered == wanted { Ok(()) } else { Err(format!("{answered:?} answer, not {wanted:?}")) }
        })
        .await;
        eprintln!("{step}: all agree after {:.1} s", began.elapsed().as_secs_f64());
        // Nobody else's processes: one HAProxy, one agent. One that was relieved may take a moment to finish.
        wait_for(&format!("{step}: no process is left over"), || async {
            let running = self.ha().exec(&["ps", "-o", "comm"]);
            let count = |program: &str| running.lines().filter(|line| line.trim() == program).count();
            let is_right = self.programs.iter().all(|(program, wanted)| count(program) == *wanted);
            if is_right { Ok(()) } else { Err(running) }
        })
        .await;
    }
}

impl Drop for Lab<'_> {
    /// All at once: removing them one after the other takes a second each.
    fn drop(&mut self) {
        let containers: Vec<Container> =
            std::mem::take(&mut self.backends).into_values().chain(self.ha.take()).collect();
        std::thread::scope(|scope| {
            for container in containers {
                scope.spawn(move || drop(container));
            }
        });
    }
}

/// `NAME ADDRESS` of each line that begins with this; the port is left out.
fn pairs(text: &str, beginning: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix(beginning));
    let words = lines.filter_map(|line| line.split_once(' '));
    words
        .map(|(name, rest)| {
            let address = rest.split([':', ' ']).next().unwrap_or(rest);
            (name.to_owned(), address.to_owned())
        })
        .collect()
}

/// The servers that HAProxy takes for up, by its command socket; of those it does not, the name says so.
fn servers_up(address: &str) -> BTreeSet<String> {
    let told = exchange(&format!("{address}:9999"), "show stat\n").unwrap_or_default();
    told.lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .filter(|row| row.first() == Some(&"nodes") && row.get(1) != Some(&"BACKEND"))
        .filter_map(|row| {
            let (name, status) = (row.get(1)?, row.get(17)?);
            Some(if *status == "UP" { (*name).to_owned() } else { format!("{name} ({status})") })
        })
        .collect()
}

#[tokio::test]
async fn the_original_lab_follows_its_backends_with_no_script_edited() {
    let Some(images) = Rung0::build() else { return };
    let mut lab = Lab::new(&images);
    lab.start_ha();
    lab.agrees("ha alone", &[]).await;
    lab.start(&["s1", "s2"]);
    lab.agrees("two joined", &["s1", "s2"]).await;
    lab.start(&["s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10"]);
    let all = ["s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10"];
    lab.agrees("eight more", &all).await;

    lab.stop(&all[5..]);
    lab.agrees("five stopped", &all[..5]).await;

    lab.backends["s3"].signal("KILL");
    lab.backends["s4"].signal("KILL");
    lab.backends["s5"].pause();
    lab.agrees("two killed, one paused", &all[..2]).await;
    lab.backends["s5"].unpause();
    lab.agrees("the paused one goes on", &["s1", "s2", "s5"]).await;

    // Under its name, with another address: s6 may have its old one.
    lab.backends.remove("s4");
    lab.backends["s6"].start_again();
    lab.start(&["s4"]);
    lab.backends["s3"].start_again();
    lab.agrees("one made again, two started again", &["s1", "s2", "s3", "s4", "s5", "s6"]).await;

    lab.ha().signal("KILL");
    lab.ha().ends();
    lab.ha().start_again();
    lab.agrees("ha killed and started again", &["s1", "s2", "s3", "s4", "s5", "s6"]).await;
    assert_eq!(lab.ha().stop(), 0, "{}", lab.ha().said());
}

/// Rung 1: the template and HAProxy are the original's, all scripts are gone.
#[tokio::test]
async fn without_scripts_the_lab_follows_its_backends_and_haproxy_is_never_reloaded() {
    let Some(images) = Rung0::build() else { return };
    let ha = images.rung1();
    let mut lab = Lab::of_rung_1(&images, &ha);
    lab.start(&["s1"]);
    lab.start_ha();
    lab.agrees("rung 1: one first", &["s1"]).await;
    let before = worker(&lab);
    lab.start(&["s2", "s3", "s4", "s5", "s6"]);
    let all = ["s1", "s2", "s3", "s4", "s5", "s6"];
    lab.agrees("rung 1: five more", &all).await;
    lab.stop(&all[4..]);
    lab.agrees("rung 1: two stopped", &all[..4]).await;
    lab.backends["s3"].signal("KILL");
    lab.backends["s4"].pause();
    lab.agrees("rung 1: one killed, one paused", &all[..2]).await;
    lab.backends["s4"].unpause();
    lab.agrees("rung 1: the paused one goes on", &["s1", "s2", "s4"]).await;
    lab.backends.remove("s3");
    lab.backends["s5"].start_again();
    lab.start(&["s3"]);
    lab.agrees("rung 1: one made again, one started again", &all[..5]).await;
    assert_eq!(worker(&lab), before, "it was reloaded: {}", lab.ha().exec(&["muster", "templates"]));

    lab.ha().signal("KILL");
    lab.ha().ends();
    lab.ha().start_again();
    lab.agrees("rung 1: ha killed and started again", &all[..5]).await;
    assert_eq!(lab.ha().stop(), 0, "{}", lab.ha().said());
}

/// The process of HAProxy that answers.
fn worker(lab: &Lab<'_>) -> Option<String> {
    let info = exchange(&format!("{}:9999", lab.ha().address()), "show info\n").ok()?;
    info.lines().find_map(|line| line.strip_prefix("Pid: ")).map(str::to_owned)
}

#[tokio::test]
async fn the_original_lab_comes_up_in_any_order() {
    let Some(images) = Rung0::build() else { return };
    let mut lab = Lab::new(&images);
    lab.start(&["s1", "s2", "s3"]);
    lab.start_ha();
    lab.agrees("backends first", &["s1", "s2", "s3"]).await;

    // Another balancer in its place, that knows nothing of them, and more of them at the same time.
    lab.ha = None;
    lab.start(&["s4", "s5"]);
    lab.start_ha();
    lab.agrees("a new ha", &["s1", "s2", "s3", "s4", "s5"]).await;
}

/// What the scripts do on Muster is what they do on the programs they were written for.
#[tokio::test]
async fn the_same_scripts_do_the_same_on_the_original_programs() {
    let Some(images) = Rung0::original() else { return };
    let mut lab = Lab::new(&images);
    lab.start_ha();
    lab.agrees("original: ha alone", &[]).await;
    lab.start(&["s1", "s2", "s3"]);
    lab.agrees("original: three joined", &["s1", "s2", "s3"]).await;
    lab.stop(&["s2"]);
    lab.agrees("original: one stopped", &["s1", "s3"]).await;
}

#[test]
fn no_script_of_the_original_lab_names_muster() {
    fn look(folder: &Path, seen: &mut usize) {
        for entry in std::fs::read_dir(folder).expect("it is a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                look(&path, seen);
            } else if path.file_name().is_some_and(|name| name != "Dockerfile") {
                let text = std::fs::read_to_string(&path).expect("it is text");
                assert!(!text.to_lowercase().contains("muster"), "{}", path.display());
                *seen += 1;
            }
        }
    }
    let mut seen = 0;
    look(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/original/rung0")), &mut seen);
    assert_eq!(seen, 8);
}

/// docker-compose 1.29, where it is installed, reads both; who is outside of the host reaches neither the statistics nor the command socket.
#[test]
fn both_compose_files_are_valid_and_publish_what_commands_haproxy_to_the_host_alone() {
    let asked = Command::new("docker-compose").arg("--version").output();
    if !asked.is_ok_and(|answer| answer.status.success()) {
        return skip("docker-compose is not installed (apt install docker-compose)");
    }
    let example = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/original"));
    for folder in [example.to_owned(), example.join("2020")] {
        let told =
            Command::new("docker-compose").arg("config").current_dir(&folder).output().expect("it is there");
        assert!(told.status.success(), "{told:?}");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        for port in [1936, 9999] {
            let lines: Vec<&str> = told.lines().filter(|line| line.contains(&port.to_string())).collect();
            assert_eq!(lines.len(), 1, "{told}");
            assert!(lines[0].contains(&format!("127.0.0.1:{port}:{port}")), "{told}");
        }
    }
    let scaled = std::fs::read_to_string(example.join("compose.yaml")).expect("it is text");
    assert!(!scaled.contains("container_name:") && !scaled.contains("ipv4_address:"), "{scaled}");
}
