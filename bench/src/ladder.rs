//! The ladder of `examples/original`: the system as the original builds it, on its own programs (`original`), the same scripts on Muster
//! (`rung 0`), a real HAProxy that `muster run` keeps right with no script (`rung 1`), and Muster's own balancer and `muster run` with one
//! image (`rung 2`). Real containers, on a network of the engine for each.

use crate::results::spread_ms;
use crate::usage::Memory;
use muster_e2e::load::{Load, Outcome, Plan, failures};
use muster_e2e::{Bridge, Container, Image, Rung0, wait_for, who_answers};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::block_in_place;

/// How often each thing is done.
const TIMES: usize = 5;
/// Requests a second; half of them on connections of their own.
const PER_SECOND: u32 = 100;
/// Of how many requests the failed ones are told, each time.
const REQUESTS: usize = 700;
/// How many of them have passed when something happens.
const BEFORE: usize = 100;
/// How long a new balancer may take to serve both backends; the original does not always come back at all.
const LIMIT: Duration = Duration::from_secs(60);

/// What is run as the balancer, or as a backend.
struct Node<'a> {
    image: &'a Image,
    options: Vec<&'a str>,
    command: Vec<&'a str>,
}

impl<'a> Node<'a> {
    fn of(image: &'a Image) -> Self {
        Self { image, options: Vec::new(), command: Vec::new() }
    }

    fn start(&self, network: &Bridge<'_>, host: &str) -> Container {
        block_in_place(|| network.start_of(self.image, host, &self.options, &self.command))
    }
}

struct Rung<'a> {
    ha: Node<'a>,
    backend: Node<'a>,
}

pub(crate) async fn measure() -> Value {
    let Some(rung0) = Rung0::build() else { return json!("skipped: see above") };
    let mut figures = serde_json::Map::new();
    if let Some(original) = Rung0::original() {
        let rung = Rung { ha: Node::of(&original.ha), backend: Node::of(&original.backend) };
        figures.insert("original".to_owned(), climb(&rung).await);
    }
    let rung = Rung { ha: Node::of(&rung0.ha), backend: Node::of(&rung0.backend) };
    figures.insert("rung 0".to_owned(), climb(&rung).await);

    let key = "MUSTER_AGENT__ENCRYPT=bXVzdGVyLW11c3Rlci1tdXN0ZXItbXVzdGVyLW11c3Q=";
    let node = |command: &[&'static str]| Node {
        image: &rung0.stack,
        options: vec!["-e", key, "-e", "JOIN=ha"],
        command: command.to_vec(),
    };
    let ha = rung0.rung1();
    let rung = Rung {
        ha: Node { image: &ha, ..node(&[]) },
        backend: node(&["run", "--role", "backend", "--", "muster", "demo", "backend"]),
    };
    figures.insert("rung 1".to_owned(), climb(&rung).await);

    let rung = Rung {
        ha: node(&["run", "--proxy", "--service", "backend", "--listen", ":80"]),
        backend: node(&["run", "--role", "backend", "--", "muster", "demo", "backend"]),
    };
    figures.insert("rung 2".to_owned(), climb(&rung).await);
    let figures = Value::Object(figures);
    println!("{figures:#}");
    figures
}

async fn climb(rung: &Rung<'_>) -> Value {
    let network = rung.ha.image.network();
    let mut ha = Some(rung.ha.start(&network, "ha"));
    let backends = ["s1", "s2"].map(|name| rung.backend.start(&network, name));
    let (address, goes) = (front(&ha), &backends[1]);
    all_answer(&address).await;
    let (processes, memory) = running(&ha);
    let [mut joins, mut joins_alone, mut away] = [const { Vec::new() }; 3];
    let [mut stopped, mut killed] = [const { Tally::new() }; 2];
    for _ in 0..TIMES {
        let loads = loads(&address);
        pass(&loads, BEFORE).await;
        block_in_place(|| goes.stop());
        stopped.add(loads).await;
        block_in_place(|| goes.start_again());
        all_answer(&address).await;

        let loads = self::loads(&address);
        pass(&loads, BEFORE).await;
        block_in_place(|| goes.signal("KILL"));
        killed.add(loads).await;
        block_in_place(|| goes.start_again());
        all_answer(&address).await;

        let (whole, alone) = join(rung, &network, &address).await;
        joins.push(whole);
        joins_alone.push(alone);
        all_answer(&address).await;
    }
    let mut never = 0;
    for _ in 0..TIMES {
        let began = Instant::now();
        drop(block_in_place(|| ha.take()));
        ha = Some(rung.ha.start(&network, "ha"));
        let front = front(&ha);
        while began.elapsed() < LIMIT && !both_answer(&front) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        if began.elapsed() < LIMIT {
            away.push(ms(began));
        } else {
            never += 1;
        }
    }
    let figures = json!({
        "join: from `docker run` to the first request through the balancer": spread_ms(&joins),
        "join: of that, after the application answers by itself": spread_ms(&joins_alone),
        "docker stop of one of two backends": stopped.told(),
        "docker kill of one of two backends": killed.told(),
        "balancer made anew: from its removal until both backends answer through it": spread_ms(&away),
        "of these, not within a minute": never,
        "processes in the balancer's container": processes,
        "memory of the balancer's container": memory,
        "image of the balancer, bytes": rung.ha.image.size(),
        "image of a backend, bytes": rung.backend.image.size(),
    });
    block_in_place(|| drop((ha, backends)));
    figures
}

fn front(ha: &Option<Container>) -> String {
    ha.as_ref().map(|ha| format!("{}:80", ha.address())).unwrap_or_default()
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

/// Waits until these two answer through the balancer, and nobody else and nothing else.
async fn all_answer(front: &str) {
    wait_for("both backends answer", || async {
        if both_answer(front) { Ok(()) } else { Err(who_answers(front)) }
    })
    .await;
}

fn both_answer(front: &str) -> bool {
    let answers: Vec<String> = (0..6).map(|_| block_in_place(|| who_answers(front))).collect();
    answers.iter().all(|name| ["s1", "s2"].contains(&&**name))
        && ["s1", "s2"].iter().all(|name| answers.iter().any(|answer| answer == name))
}

/// A third backend comes and goes: milliseconds until it answers through the balancer, and of those, since it answers at all.
async fn join(rung: &Rung<'_>, network: &Bridge<'_>, front: &str) -> (f64, f64) {
    let began = Instant::now();
    let s3 = rung.backend.start(network, "s3");
    let own = format!("{}:3000", s3.address());
    let until = |address: String| async move {
        wait_for("s3 answers", || async {
            if who_answers(&address) == "s3" { Ok(()) } else { Err(address.clone()) }
        })
        .await;
    };
    until(own).await;
    let alone = Instant::now();
    // Not by `wait_for`, whose pauses grow to 200 ms.
    while who_answers(front) != "s3" {
        assert!(alone.elapsed() < Duration::from_secs(90), "s3 never answers through the balancer");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let (whole, since) = (ms(began), ms(alone));
    block_in_place(|| s3.stop());
    (whole, since)
}

fn loads(address: &str) -> [Load; 2] {
    [false, true].map(|closes| {
        let (address, per_second) = (address.to_owned(), PER_SECOND / 2);
        Load::start(&Plan { address, per_second, post_every: 0, connections: 20, closes })
    })
}

/// Waits for so many of both together.
async fn pass(loads: &[Load; 2], count: usize) {
    for load in loads {
        load.passes(count / 2).await;
    }
}

/// What became of all requests of one kind of event.
struct Tally {
    failed: Vec<usize>,
    reasons: Vec<String>,
}

impl Tally {
    const fn new() -> Self {
        Self { failed: Vec::new(), reasons: Vec::new() }
    }

    /// Waits for the rest of the requests of one time.
    async fn add(&mut self, loads: [Load; 2]) {
        let mut failed = 0;
        for load in loads {
            let rest = (REQUESTS / 2).saturating_sub(load.finished());
            load.passes(rest).await;
            let outcomes: Vec<Outcome> = load.stop().await.into_iter().take(REQUESTS / 2).collect();
            let reasons = failures(&outcomes);
            failed += reasons.len();
            self.reasons.extend(reasons);
        }
        self.failed.push(failed);
    }

    fn told(&self) -> Value {
        json!({
            "requests each time": REQUESTS,
            "failed each time": self.failed,
            "first reasons": self.reasons.iter().take(5).collect::<Vec<_>>(),
        })
    }
}

/// How many processes a container has, and their memory.
fn running(container: &Option<Container>) -> (usize, Value) {
    let processes = container.as_ref().map(Container::processes).unwrap_or_default();
    let memory: Vec<Memory> = processes.iter().filter_map(|pid| Memory::of(*pid).ok()).collect();
    let sum = |of: fn(&Memory) -> u64| memory.iter().map(of).sum::<u64>();
    let told = json!({
        "resident_kib": sum(|one| one.resident_kib),
        "proportional_kib": sum(|one| one.proportional_kib),
        "private_kib": sum(|one| one.private_kib),
    });
    (processes.len(), told)
}
