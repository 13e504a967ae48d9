//! The demo itself: one loop over the clock, looks at the cluster, orders, keys and signals.
//!
//! It runs on the main thread alone, since children are tied to the thread that made them (see [`super::tether`]).

use super::cluster::{self, Added, Cluster, Net};
use super::plain;
use super::remote::{self, Answer, Asked, Order};
use super::rundir::{self, Owner, RunDir};
use super::terminal::{Key, Terminal};
use super::traffic::Traffic;
use super::view::{self, Event, NodeView, Tone, TrafficState, TrafficView, View, count};
use super::watch::{self, BALANCER, Look, Watch};
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

/// Backends at the start.
const BACKENDS: usize = 2;
/// The demo's requests per second.
const PER_SECOND: u32 = 50;
/// Between two frames; also how long a key may wait.
const TICK: Duration = Duration::from_millis(50);
/// Between two summaries without a terminal.
const SUMMARY_INTERVAL: Duration = Duration::from_secs(5);
/// Failed requests are told at most this often.
const FAILURES_INTERVAL: Duration = Duration::from_secs(1);
/// Events kept.
const EVENTS_MAX: usize = 200;
/// The balancer's processes end within this, or are killed.
const BALANCER_STOP_TIMEOUT: Duration = Duration::from_secs(5);

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) net: Net,
    /// Make requests.
    pub(crate) traffic: bool,
    /// Stop after this long.
    pub(crate) run_for: Option<Duration>,
    /// Print lines even on a terminal.
    pub(crate) plain: bool,
    /// How this binary is called.
    pub(crate) program: String,
}

/// Why there was no demo.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{0}")]
    RunDir(#[from] rundir::Error),
    #[error("{0}")]
    Cluster(#[from] cluster::Error),
    /// The balancer's processes did not survive their start.
    #[error("{0}")]
    Broken(String),
    #[error("the system refused: {0}")]
    System(#[from] io::Error),
}

/// Whether all went well: no request failed and no process ended by itself.
pub(crate) type WentWell = bool;

/// Runs the demo until it is told to stop. Blocks the main thread.
///
/// # Errors
/// It could not start.
pub(crate) fn run(options: Options) -> Result<WentWell, Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(show(options))
}

async fn show(options: Options) -> Result<WentWell, Error> {
    let mut hangup = signal(SignalKind::hangup())?;
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;

    let xdg = std::env::var_os("XDG_RUNTIME_DIR");
    let places = rundir::candidates(xdg.as_deref().map(Path::new));
    let mut rundir = RunDir::claim(&places[0])?;
    let frontend = options.net.frontend();
    let url = format!("http://{frontend}/");
    rundir.describe(&Owner { pid: std::process::id(), url: url.clone() })?;

    // Declared before the terminal, so that it outlives it: the last words are printed on a restored one.
    let mut cluster = Cluster::start(options.net, &rundir.file("")).await?;
    for _ in 0..BACKENDS {
        cluster.add(None).await?;
    }
    let mut orders = remote::listen(&rundir.file(remote::SOCKET))?;
    let (sender, mut looks) = mpsc::channel(1);
    tokio::spawn(watch::look_on(cluster.balancer_socket(), sender));
    let traffic = options.traffic.then(|| Traffic::new(SocketAddr::V4(frontend), PER_SECOND));
    let terminal = if options.plain { None } else { Terminal::enter() };
    let mut show = Show::new(options, url, cluster, traffic, terminal);
    show.welcome();

    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while show.stage != Stage::Over {
        tokio::select! {
            _ = ticks.tick() => show.tick().await?,
            Some(look) = looks.recv() => show.see(&look),
            Some((order, answer)) = orders.recv() => show.hear((order, answer)).await,
            _ = hangup.recv() => show.quit(),
            _ = int.recv() => show.quit(),
            _ = term.recv() => show.quit(),
        }
    }
    Ok(show.farewell())
}

/// How far the end has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Running,
    StoppingBackends,
    StoppingBalancer(Instant),
    Over,
}

struct Show {
    options: Options,
    url: String,
    /// Before the cluster: it is restored, then what is left of the processes is killed.
    terminal: Option<Terminal>,
    cluster: Cluster,
    watch: Watch,
    traffic: Option<Traffic>,
    stage: Stage,
    started: Instant,
    /// The balancer's agent has answered once.
    is_seen: bool,
    was_up: bool,
    /// A process ended by itself.
    is_broken: bool,
    events: Vec<Event>,
    /// Name of the node that keys act on.
    selected: Option<String>,
    /// Backends whose first answer is to be told: name, address, when they were started.
    awaited: Vec<(String, IpAddr, Instant)>,
    summarised: Duration,
    failures_told: (Duration, u64),
}

impl Show {
    fn new(
        options: Options,
        url: String,
        cluster: Cluster,
        traffic: Option<Traffic>,
        terminal: Option<Terminal>,
    ) -> Self {
        Self {
            options,
            url,
            terminal,
            cluster,
            watch: Watch::default(),
            traffic,
            stage: Stage::Running,
            started: Instant::now(),
            is_seen: false,
            was_up: false,
            is_broken: false,
            events: Vec::new(),
            selected: None,
            awaited: Vec::new(),
            summarised: Duration::ZERO,
            failures_told: (Duration::ZERO, 0),
        }
    }

    fn at(&self) -> Duration {
        self.started.elapsed()
    }

    fn welcome(&mut self) {
        let program = &self.options.program;
        if self.terminal.is_none() {
            let words = format!(
                "a balancer and {BACKENDS} backends are starting on loopback addresses; open {}\n\
                 from another terminal: {program} demo add | stop NAME | kill NAME | status",
                self.url
            );
            self.print(&words);
        }
        self.tell(
            Tone::Plain,
            "to try: k kills a backend as kill -9 does; count the failed requests".to_owned(),
        );
    }

    /// Keys, the next steps, the next frame.
    async fn tick(&mut self) -> Result<(), Error> {
        let keys = match &mut self.terminal {
            // A terminal that is gone sends HUP as well.
            Some(terminal) => terminal.keys().unwrap_or_default(),
            None => Vec::new(),
        };
        for key in keys {
            self.press(key).await;
        }
        let at = self.at();
        for event in self.cluster.step(Instant::now(), at) {
            self.is_broken = true;
            self.push(event);
        }
        if !self.is_seen
            && let Some(what) = self.cluster.broken_balancer()
        {
            return Err(Error::Broken(format!("the balancer's {what}")));
        }
        self.tell_failures(at);
        self.tell_first_answers();
        if self.stage == Stage::Running && self.options.run_for.is_some_and(|run_for| at >= run_for) {
            self.quit();
        }
        self.go_on_stopping();
        self.draw(at);
        Ok(())
    }

    fn see(&mut self, look: &Look) {
        self.is_seen = true;
        for event in self.watch.see(look, self.at()) {
            self.push(event);
        }
        if self.watch.up() == 0 {
            return;
        }
        self.was_up = true;
        if let Some(traffic) =
            self.traffic.as_ref().filter(|traffic| traffic.state() == TrafficState::Waiting)
            && self.stage == Stage::Running
        {
            traffic.set(TrafficState::On);
        }
    }

    async fn hear(&mut self, (order, answer): Asked) {
        // Nobody may wait for it any more.
        let _ = answer.send(self.obey(order).await);
    }

    async fn obey(&mut self, order: Order) -> Answer {
        if order != Order::Status && self.stage != Stage::Running {
            return Err("the demo is ending".to_owned());
        }
        match order {
            Order::Status => Ok(plain::table(&self.view())),
            Order::Add { name } => {
                let begun = Instant::now();
                let Added { name, ip } =
                    self.cluster.add(name.as_deref()).await.map_err(|error| error.to_string())?;
                self.tell(Tone::Plain, format!("{name} starts: a web application, and an agent that joins"));
                if let Some(traffic) = &self.traffic {
                    traffic.forget(ip.into());
                    self.awaited.retain(|(other, ..)| *other != name);
                    self.awaited.push((name.clone(), ip.into(), begun));
                }
                Ok(format!("{name} starts; requests reach it as soon as it has joined"))
            }
            Order::Stop { name, force } => {
                self.cluster.stop(&name, force).map_err(|error| error.to_string())?;
                self.tell(
                    Tone::Plain,
                    format!("{name} stops: its agent leaves, a second later its application ends"),
                );
                Ok(format!("{name} leaves; a second later its application ends"))
            }
            Order::Kill { name, force } => {
                self.cluster.kill(&name, force).map_err(|error| error.to_string())?;
                self.tell(Tone::Plain, format!("kill -9 of {name}: its application and its agent"));
                Ok(format!("{name} was killed, its application and its agent"))
            }
        }
    }

    async fn press(&mut self, key: Key) {
        let nodes = self.nodes();
        let selected = self.place(&nodes).map(|place| nodes[place].name.clone()).unwrap_or_default();
        let order = match key {
            Key::Quit => return self.quit(),
            Key::Up => return self.select(-1),
            Key::Down => return self.select(1),
            Key::Traffic => return self.switch_traffic(),
            Key::Add => Order::Add { name: None },
            Key::Stop | Key::Kill if selected == BALANCER => {
                return self.tell(Tone::Waiting, "choose a backend with ↑ and ↓; q ends the demo".to_owned());
            }
            Key::Stop => Order::Stop { name: selected, force: false },
            Key::Kill => Order::Kill { name: selected, force: false },
        };
        if let Err(why) = self.obey(order).await {
            self.tell(Tone::Waiting, why);
        }
    }

    fn select(&mut self, step: isize) {
        let nodes = self.nodes();
        let Some(last) = nodes.len().checked_sub(1) else { return };
        let place = self.place(&nodes).unwrap_or(0).saturating_add_signed(step).min(last);
        self.selected = Some(nodes[place].name.clone());
    }

    /// Where the selected node stands; the first backend when none was chosen.
    fn place(&self, nodes: &[NodeView]) -> Option<usize> {
        let chosen = self.selected.as_ref().and_then(|name| nodes.iter().position(|node| node.name == *name));
        chosen.or_else(|| nodes.iter().position(|node| !node.is_balancer))
    }

    fn switch_traffic(&mut self) {
        let Some(traffic) = &self.traffic else {
            let traffic = Traffic::new(SocketAddr::V4(self.options.net.frontend()), PER_SECOND);
            traffic.set(TrafficState::On);
            self.traffic = Some(traffic);
            return;
        };
        match traffic.state() {
            TrafficState::Off => traffic.set(TrafficState::On),
            TrafficState::On | TrafficState::Waiting => traffic.set(TrafficState::Off),
        }
    }

    /// Begins the end; the second time, ends at once.
    fn quit(&mut self) {
        if self.stage != Stage::Running {
            self.stage = Stage::Over;
            return;
        }
        self.stage = Stage::StoppingBackends;
        if let Some(traffic) = &self.traffic {
            traffic.set(TrafficState::Off);
        }
        self.tell(
            Tone::Plain,
            "stopping: the backends leave, then the balancer; once more hurries".to_owned(),
        );
        self.cluster.stop_backends();
    }

    fn go_on_stopping(&mut self) {
        match self.stage {
            Stage::StoppingBackends if self.cluster.live_backends() == 0 => {
                self.cluster.stop_balancer();
                self.stage = Stage::StoppingBalancer(Instant::now());
            }
            Stage::StoppingBalancer(since)
                if self.cluster.is_gone() || since.elapsed() >= BALANCER_STOP_TIMEOUT =>
            {
                self.stage = Stage::Over;
            }
            _ => {}
        }
    }

    fn tell_failures(&mut self, at: Duration) {
        let (told_at, told) = self.failures_told;
        let Some(TrafficView { failed, reasons, .. }) = self.traffic.as_ref().map(Traffic::view) else {
            return;
        };
        if failed > told && at.saturating_sub(told_at) >= FAILURES_INTERVAL {
            self.failures_told = (at, failed);
            let reasons: Vec<String> = reasons.into_keys().collect();
            self.tell(Tone::Bad, format!("{} requests failed: {}", count(failed - told), reasons.join(", ")));
        }
    }

    fn tell_first_answers(&mut self) {
        let Some(traffic) = &self.traffic else { return };
        let mut told = Vec::new();
        self.awaited.retain(|(name, ip, begun)| {
            let Some(first) = traffic.first_answer(*ip) else { return true };
            let took = view::length(first.into_std().saturating_duration_since(*begun));
            told.push(format!("{name} answered its first request {took} after its start"));
            false
        });
        for text in told {
            self.tell(Tone::Good, text);
        }
    }

    fn tell(&mut self, tone: Tone, text: String) {
        self.push(Event { at: self.at(), tone, text });
    }

    fn push(&mut self, event: Event) {
        if self.terminal.is_none() {
            self.print(&plain::line(&event));
        }
        self.events.push(event);
        if self.events.len() > EVENTS_MAX {
            self.events.remove(0);
        }
    }

    /// Prints a line; a reader that went away ends the demo.
    fn print(&mut self, text: &str) {
        if writeln!(io::stdout(), "{text}").is_err() && self.stage == Stage::Running {
            self.stage = Stage::StoppingBackends;
            self.cluster.stop_backends();
        }
    }

    fn draw(&mut self, at: Duration) {
        let view = self.view();
        if let Some(terminal) = &mut self.terminal {
            // A terminal that is gone sends HUP as well.
            let _ = terminal.draw(&view);
        } else if at.saturating_sub(self.summarised) >= SUMMARY_INTERVAL {
            self.summarised = at;
            self.print(&plain::summary(at, &view));
        }
    }

    /// Those the cluster knows, and those just started that it does not know yet.
    fn nodes(&self) -> Vec<NodeView> {
        let mut nodes = self.watch.nodes();
        let starting = |name: &str, addr: String| NodeView {
            name: name.to_owned(),
            addr,
            agent: "starting".to_owned(),
            is_balancer: name == BALANCER,
            ..NodeView::default()
        };
        if !self.is_seen {
            nodes.push(starting(BALANCER, self.options.net.frontend().to_string()));
        }
        for (name, addr) in self.cluster.running_backends() {
            if self.watch.agent_state(&name).is_none() {
                nodes.push(starting(&name, addr.to_string()));
            }
        }
        watch::sort(&mut nodes);
        nodes
    }

    fn view(&self) -> View {
        let nodes = self.nodes();
        let traffic = match &self.traffic {
            Some(traffic) => traffic.view(),
            None => TrafficView { state: TrafficState::Off, ..TrafficView::default() },
        };
        let verdict = match self.stage {
            Stage::Running => view::verdict(&nodes, &traffic),
            Stage::StoppingBackends | Stage::StoppingBalancer(_) => {
                view::ending("stopping", &nodes, &traffic)
            }
            Stage::Over => view::ending("stopped", &nodes, &traffic),
        };
        View {
            verdict,
            url: self.url.clone(),
            program: self.options.program.clone(),
            selected: self.place(&nodes),
            is_over: self.stage == Stage::Over,
            nodes,
            traffic,
            events: self.events.clone(),
        }
    }

    /// The last frame or summary; what is left of the processes ends with `self`.
    fn farewell(mut self) -> WentWell {
        let at = self.at();
        self.summarised = Duration::ZERO;
        let view = self.view();
        match &mut self.terminal {
            Some(terminal) => drop(terminal.draw(&view)),
            None => self.print(&plain::summary(at, &view)),
        }
        let failed = view.traffic.failed + self.watch.failed();
        self.was_up && failed == 0 && !self.is_broken
    }
}
