//! The demo itself: one loop over the clock, looks at the cluster, orders, keys and signals.
//!
//! It runs on the main thread alone, since children are tied to the thread that made them (see [`super::tether`]).

use super::cluster::{self, Cluster, Net};
use super::plain;
use super::remote;
use super::rundir::{self, Owner, RunDir};
use super::terminal::Terminal;
use super::traffic::Traffic;
use super::view::{Event, Tone, TrafficState};
use super::watch::{self, Look, Watch};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};

mod orders;
mod telling;

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
/// A timed run in which no backend is up by then has failed.
const FIRST_UP_TIMEOUT: Duration = Duration::from_secs(30);
/// The balancer's node ends within this, or is killed.
const BALANCER_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// What was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) net: Net,
    /// Make requests.
    pub(crate) traffic: bool,
    /// Stop this long after the first backend is up.
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
    /// The balancer did not survive its start.
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
    /// When the first backend was up.
    first_up: Option<Duration>,
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
            first_up: None,
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
        if self.terminal.is_some() {
            let words = "to try: k, a kill -9 of the backend at the >; do requests fail?";
            return self.tell(Tone::Plain, words.to_owned());
        }
        let Options { program, .. } = &self.options;
        let words = format!(
            "a balancer and {BACKENDS} backends start on loopback addresses; open {}\n\
             in a second terminal: {program} demo add|stop|kill|status",
            self.url
        );
        self.print(&words);
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
            return Err(Error::Broken(format!("the balancer {what}")));
        }
        self.tell_failures(at);
        self.tell_first_answers();
        if self.stage == Stage::Running && self.time_is_over(at) {
            self.quit();
        }
        self.go_on_stopping();
        self.draw(at);
        Ok(())
    }

    /// A slow start is not taken off the time asked for.
    fn time_is_over(&self, at: Duration) -> bool {
        self.options.run_for.is_some_and(|run_for| match self.first_up {
            Some(first_up) => at >= first_up + run_for,
            None => at >= FIRST_UP_TIMEOUT,
        })
    }

    fn see(&mut self, look: &Look) {
        self.is_seen = true;
        for event in self.watch.see(look, self.at()) {
            self.push(event);
        }
        if self.watch.up() == 0 {
            return;
        }
        self.first_up.get_or_insert(self.started.elapsed());
        if let Some(traffic) =
            self.traffic.as_ref().filter(|traffic| traffic.state() == TrafficState::Waiting)
            && self.stage == Stage::Running
        {
            traffic.set(TrafficState::On);
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
        self.first_up.is_some() && failed == 0 && !self.is_broken
    }
}
