//! The whole story: check, bind, choose an address, start, run, leave.

mod prepare;

use crate::advertise;
use crate::chronicle::{self, Chronicle, own};
use crate::clock::Clock;
use crate::drain::{self, Responder};
use crate::ends::Ends;
use crate::exposure;
use crate::fleet::Fleet;
use crate::gossip::{self, Handle};
use crate::handlers::{self, Handlers};
use crate::hub::Hub;
use crate::join::Joiner;
use crate::key_queries::{KeyKeeper, QUERIES_WAITING_MAX};
use crate::own_tags::OwnTags;
use crate::readiness::Layer;
use crate::rejoin::rejoin;
use crate::reports::Reports;
use crate::resolve::{Families, Resolver};
use crate::roster::{Inbox, Roster};
use crate::rpc;
use crate::sealer::Sealer;
use crate::seed::Seed;
use crate::seek::{Pace, Seeker};
use crate::server;
use crate::shared::Shared;
use crate::signals::{Caught, Signals};
use crate::snapshot;
use crate::supervised::Supervisor;
use crate::telemetry;
use crate::templates::{self, Templates};
use crate::{Config, Ended, Error, Stage, TagsFile, discover, metrics, random, sockets};
use futures_util::future::OptionFuture;
use muster_fleet::{DrawOptions, Gossip};
use muster_history::Keeper;
use muster_serf::Serf;
use muster_wire::{Border, Label};
use prepare::{
    LEAVE_PROPAGATE_DELAY, announces, check_name, gossip_address, keyring_file, load_keys, log_advertised,
    profile, serf_config, supervisor,
};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

/// A leave that was asked for may take the time of its parts, and so much more.
const LEAVE_MARGIN: Duration = Duration::from_secs(1);
/// Requests to leave that wait for the same leave.
const LEAVES_ASKED_MAX: usize = 16;
/// How long the last answers on the control socket and the gossip thread may take to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(1);
/// What the start needed is given back then.
const SETTLED_AFTER: Duration = Duration::from_secs(10);

/// Runs the agent until it is told to leave (control socket, TERM, INT). Blocks the calling thread.
#[expect(clippy::needless_pass_by_value, reason = "nobody needs the configuration after the agent")]
pub fn run(config: Config) -> Result<Ended, Error> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::System)?;
    let ended = runtime.block_on(async {
        // Caught first: a signal during the start must not leave a half-started agent behind.
        let mut signals = Signals::catch().map_err(Error::System)?;
        tokio::spawn(async {
            tokio::time::sleep(SETTLED_AFTER).await;
            muster_resident::give_back_start();
        });
        let mut agent = tokio::select! {
            agent = Agent::start(&config) => agent?,
            signal = signals.next_end() => {
                config.stages.tell(Stage::Caught(signal));
                tracing::info!(signal, "told to end before the start was complete");
                // Nobody knows of us yet.
                return Ok(if Ends::of(&config).leave_on(signal) { Ended::Left } else { Ended::Stopped });
            }
        };
        let ended = agent.live(&config, &mut signals).await;
        agent.stop(&ended).await;
        ended
    });
    // A disk that does not answer holds up nobody's end.
    runtime.shutdown_background();
    ended
}

/// Everything that runs.
#[derive(Debug)]
struct Agent {
    gossip: Handle,
    /// Errs when the gossip thread has ended.
    gossip_end: oneshot::Receiver<()>,
    name_lost: oneshot::Receiver<gossip::NameLost>,
    /// Taken when seeking begins.
    seeker: Option<Seeker>,
    /// Requests on the control socket; each is told how the leave went.
    leave_asked: mpsc::Receiver<oneshot::Sender<Ended>>,
    leave_waiting: Vec<oneshot::Sender<Ended>>,
    snapshot: Option<snapshot::Keeping>,
    shared: Arc<Shared>,
    handlers: Handlers,
    templates: Templates,
    serving: JoinHandle<()>,
    stop_serving: watch::Sender<bool>,
    bound: SocketAddr,
    advertised: SocketAddr,
}

impl Agent {
    async fn start(config: &Config) -> Result<Self, Error> {
        check_name(&config.node)?;
        let keys = load_keys(config)?;
        let tags_file = config.tags_file.as_ref().map(TagsFile::new);
        let tags = tags_file.as_ref().map_or_else(|| Ok(config.tags.clone()), TagsFile::load)?;
        let seeds = config.start_join.iter().chain(&config.join).map(|text| Seed::parse(text));
        let seeds = seeds.collect::<Result<Vec<_>, _>>()?;
        let former = config.snapshot.as_ref().map(snapshot::Opened::open).transpose()?;
        let is_wanted = !config.socket.as_os_str().is_empty();
        let listener = is_wanted.then(|| server::Listener::bind(&config.socket)).transpose()?;
        let rpc = rpc::Listener::bind(config.rpc.as_ref())?;
        let admin = server::Admin::bind(config.admin)?;
        let sockets = sockets::held_or_bound(&config.inherited, gossip_address(config)?)?;
        let bound = sockets.addr;
        let resolver = Resolver::system(Families::of_bind(bound.ip()));
        let advertised = advertise::choose(config.advertise, bound, &seeds, &resolver).await?;
        log_advertised(&advertised);
        let gossip_is = exposure::of(keys.is_some(), bound);
        if gossip_is == Gossip::Open {
            tracing::warn!(
                "gossip is not encrypted: whoever reaches {bound} can become a member and get traffic; \
                 `muster keygen` makes a key for all nodes"
            );
        }
        let sealer = Arc::new(Sealer::new(Border::new(Label::default(), keys)));

        let supervisor = supervisor(config)?;
        let beginning = supervisor.as_ref().map(Supervisor::begin);
        let layer = Layer {
            announces: announces(config, &tags),
            readiness: beginning.as_ref().map(|beginning| beginning.readiness.clone()).unwrap_or_default(),
        };
        let told = layer.over(&tags, config.default_port);

        let clock = Clock::start();
        let (seed, overhead) = (random::seed().map_err(Error::System)?, sealer.packet_overhead());
        let own = serf_config(config, told, advertised.addr, bound.port(), overhead, seed);
        let mut serf = Serf::new(own, clock.now())?;
        if let Some(opened) = &former {
            serf.resume(&opened.former.clocks());
        }
        let inbox = Arc::new(Inbox::default());
        serf.members().for_each(|member| inbox.put(member.clone()));
        let roster = Arc::new(Roster::new(config.node.clone(), Arc::clone(&inbox)));
        let hub = Hub::default();
        let synced = watch::Sender::new(false);
        let sync_told = synced.subscribe();
        let history = Keeper::start(config.history.clone()).map_err(Error::System)?;
        // Called as Serf, nobody asked for one.
        if config.history.path.is_none() && config.contract {
            tracing::info!(
                "the history is kept in memory, until this agent ends; `[history] path` or `snapshot_path` names a file for it"
            );
        }
        history.record(chronicle::own(
            &config.node,
            "agent",
            "started",
            concat!("muster ", env!("CARGO_PKG_VERSION")),
        ));
        let members_told = chronicle::listen(&hub);
        let (gossip, commands) = Handle::new();
        let handlers = Handlers::new(handlers::Parts {
            hub: hub.clone(),
            gossip: gossip.clone(),
            roster: Arc::clone(&roster),
            resolver: Resolver::system(Families { v4: true, v6: true }),
            clock,
            life: random::seed().map_err(Error::System)?,
            node: config.node.clone(),
            withheld: config.withheld.clone(),
        });
        // Before gossip begins, so that they are told of our own join too.
        handlers.configure(&config.handlers)?;
        let (name_lost, name_lost_told) = oneshot::channel();
        let (key_queries, asked_about_keys) = mpsc::channel(QUERIES_WAITING_MAX);
        let (drain_queries, asked_to_let_go) = mpsc::channel(drain::QUERIES_WAITING_MAX);
        let gossip_end = gossip::spawn(gossip::Parts {
            serf,
            clock,
            sealer: Arc::clone(&sealer),
            sockets,
            stream_timeout: profile(config.profile).stream_timeout,
            commands,
            inbox: Arc::clone(&inbox),
            hub: hub.clone(),
            key_queries,
            drain_queries,
            synced,
            name_lost,
        })
        .map_err(Error::System)?;

        let keeper = KeyKeeper::new(Arc::clone(&sealer), keyring_file(config), gossip.clone());
        tokio::spawn(keeper.keep(asked_about_keys));
        let allow_loopback = advertised.addr.ip().is_loopback();
        let rules = config.rules.clone();
        let options = DrawOptions { default_port: config.default_port, allow_loopback, rules };
        let fleet = Fleet::new(options, gossip_is);
        let pictures = fleet.pictures();
        tokio::spawn(fleet.keep(Arc::clone(&roster), inbox, sync_told));

        let reports = Arc::new(Reports::default());
        let responder = Responder {
            gossip: gossip.clone(),
            pictures: pictures.clone(),
            reports: Arc::clone(&reports),
            started: std::time::Instant::now(),
        };
        tokio::spawn(responder.keep(asked_to_let_go));

        let advertise_chosen = config.advertise.is_none() && bound.ip().is_unspecified();
        let joiner = Joiner {
            gossip: gossip.clone(),
            resolver,
            bound,
            advertised: advertised.addr,
            advertise_chosen,
            room: None,
        };
        if let Some(wanted) = &config.discover {
            let parts = discover::Parts {
                joiner: joiner.clone(),
                roster: Arc::clone(&roster),
                node: config.node.clone(),
                replay: config.replay_on_join,
            };
            discover::start(wanted, parts)?;
        }
        let snapshot = former.map(|opened| {
            let former = opened.former.clone();
            tokio::spawn(rejoin(joiner.clone(), former, config.node.clone(), Arc::clone(&roster)));
            opened.keep(Arc::clone(&roster), gossip.clone(), &hub)
        });
        let templates = Templates::start(
            &config.templates,
            templates::Sources {
                node: config.node.clone(),
                roster: Arc::clone(&roster),
                pictures: pictures.clone(),
                reports: Arc::clone(&reports),
                withheld: config.withheld.clone(),
            },
        );
        let chronicle = Chronicle {
            keeper: history.clone(),
            node: config.node.clone(),
            members: members_told,
            gossip: gossip.clone(),
            pictures: pictures.clone(),
            reports: Arc::clone(&reports),
            templates: templates.board(),
        };
        tokio::spawn(chronicle.keep());
        let (leave, leave_asked) = mpsc::channel(LEAVES_ASKED_MAX);
        let stop_serving = watch::Sender::new(false);
        let advertised_addr = advertised.addr;
        let shared = Arc::new(Shared {
            gossip: gossip.clone(),
            hub,
            handlers: handlers.clone(),
            log: config.log.clone(),
            joiner: joiner.clone().for_requests(),
            roster: Arc::clone(&roster),
            pictures,
            reports,
            history,
            templates: templates.board(),
            tags: OwnTags::new(tags, layer, config.default_port, tags_file, gossip.clone()),
            profile: config.profile,
            protocol: config.protocol,
            leave,
            stop: stop_serving.subscribe(),
            node: config.node.clone(),
            encrypted: sealer.is_sealing(),
            advertised,
            bound,
            socket: config.socket.clone(),
        });
        if let (Some(supervisor), Some(beginning)) = (supervisor, beginning) {
            tokio::spawn(supervisor.obey(beginning, Arc::clone(&shared)));
        }
        let router = server::router(Arc::clone(&shared));
        let control = listener.map(|listener| listener.serve(router, stop_serving.subscribe()));
        let rpc = rpc.map(|rpc| rpc.serve(Arc::clone(&shared), stop_serving.subscribe()));
        let admin = admin.map(|admin| admin.serve(Arc::clone(&shared), stop_serving.subscribe()));
        let serving = tokio::spawn(async move {
            tokio::join!(OptionFuture::from(control), OptionFuture::from(rpc), OptionFuture::from(admin));
        });
        metrics::start(&config.collectors, &gossip);
        let pace = Pace { first_pause: config.retry_interval, replay: config.replay_on_join };
        let seeker = Some(Seeker::new(joiner, seeds, roster, pace));
        config.stages.tell(Stage::Listening);
        Ok(Self {
            gossip,
            gossip_end,
            name_lost: name_lost_told,
            seeker,
            leave_asked,
            leave_waiting: Vec::new(),
            snapshot,
            shared,
            handlers,
            templates,
            serving,
            stop_serving,
            bound,
            advertised: advertised_addr,
        })
    }

    /// Seeks the cluster and serves until told to leave; then leaves.
    async fn live(&mut self, config: &Config, signals: &mut Signals) -> Result<Ended, Error> {
        let (bound, advertised) = (self.bound, self.advertised);
        let mut ends = Ends::of(config);
        let shared = Arc::clone(&self.shared);
        let seeking = self.seeker.take().map(|mut seeker| async move {
            shared.tags.worth_a_join().await;
            if !config.start_join.is_empty() {
                config.stages.tell(Stage::Joining);
                let joined = seeker.strictly(config.start_join.len()).await?;
                config.stages.tell(Stage::Joined(joined));
            }
            if config.join_strict && !config.join.is_empty() {
                seeker.strictly(usize::MAX).await?;
            }
            tracing::info!(
                node = ?config.node, bind = %bound, advertise = %advertised, socket = %config.socket.display(),
                "agent running"
            );
            config.stages.tell(Stage::Running);
            seeker.keep(config.retry_max).await
        });
        let seeking = OptionFuture::from(seeking);
        tokio::pin!(seeking);
        // Beside everything else: files on a disk that does not answer are read for ever, and TERM is obeyed meanwhile.
        let mut reloads = JoinSet::new();
        let mut reload_asked = false;
        loop {
            if reload_asked && reloads.is_empty() {
                reload_asked = false;
                config.stages.tell(Stage::Reloading);
                let (reload, shared) = (config.reload.clone(), Arc::clone(&self.shared));
                reloads.spawn(async move { reload.run(&shared.tags).await });
            }
            tokio::select! {
            Some(reloaded) = reloads.join_next() => {
                let (what, why) = match &reloaded {
                    Ok(Some(_)) => ("reloaded", "HUP: what can change while the agent runs"),
                    _ => ("refused", "HUP: the log says which mistake it has; everything stays as it was"),
                };
                self.shared.history.record(own(&config.node, "config", what, why));
                if let Ok(Some(reloaded)) = reloaded {
                    ends = Ends::reloaded(&reloaded);
                    if let Err(why) = self.handlers.configure(&reloaded.handlers) {
                        tracing::error!("not every handler could be taken: {why}");
                    }
                    self.templates.configure(&reloaded.templates);
                }
                continue;
            }
            Some(Err(error)) = &mut seeking => return Err(error),
            Ok(gossip::NameLost { to: holder, votes, answers }) = &mut self.name_lost => {
                // Without a leave, which would be the holder's.
                return Err(Error::NameTaken { name: config.node.clone(), holder, votes, answers });
            }
            _ = &mut self.gossip_end => return Err(Error::GossipEnded),
            caught = signals.next() => match caught {
                Caught::Reload => {
                    config.stages.tell(Stage::Caught("HUP"));
                    // While one runs, the next begins after it: it reads what changed since.
                    reload_asked = true;
                    continue;
                }
                Caught::Telemetry => {
                        tell_telemetry(&self.gossip).await;
                        continue;
                    }
                    Caught::End(signal) => {
                    config.stages.tell(Stage::Caught(signal));
                    if !ends.leave_on(signal) {
                        tracing::warn!(signal, "ending without a leave, as configured");
                        return Ok(Ended::Stopped);
                    }
                    config.stages.tell(Stage::Leaving);
                    tracing::info!(signal, "leaving the cluster");
                }
            },
            Some(asked) = self.leave_asked.recv() => {
                tracing::info!("told to leave on the control socket or by RPC");
                self.leave_waiting.push(asked);
            }
            }
            break;
        }
        // Whoever asks waits for as long as it takes; a signal has a limit, since somebody stops the host.
        let takes = config.broadcast_timeout * 2 + LEAVE_PROPAGATE_DELAY + LEAVE_MARGIN;
        let limit = if self.leave_waiting.is_empty() {
            config.leave_timeout
        } else {
            config.leave_timeout.max(takes)
        };
        let ended = self.leave(limit, signals).await;
        while let Ok(asked) = self.leave_asked.try_recv() {
            self.leave_waiting.push(asked);
        }
        for waiting in self.leave_waiting.drain(..) {
            // Who asked and went away needs no answer.
            let _ = waiting.send(ended);
        }
        Ok(ended)
    }

    async fn leave(&self, limit: Duration, signals: &mut Signals) -> Ended {
        if let Some(snapshot) = &self.snapshot {
            // First, as in Serf: whatever becomes of the leave, it was meant.
            snapshot.leave().await;
        }
        tokio::select! {
            left = self.gossip.leave() => match left {
                Ok(()) => {
                    tracing::info!("left the cluster");
                    return Ended::Left;
                }
                Err(gone) => tracing::error!("could not leave: {gone}"),
            },
            signal = signals.next_end() => tracing::warn!(signal, "hurried; others will find this node failed"),
            () = tokio::time::sleep(limit) => {
                tracing::warn!(?limit, "the leave took too long; others may find this node failed");
            }
        }
        Ended::Hurried
    }

    /// Ends the handlers and templates, then the control socket, answers in progress first, then gossip.
    async fn stop(self, ended: &Result<Ended, Error>) {
        // First, since they may ask the agent, and answer queries.
        self.handlers.stop(matches!(ended, Ok(Ended::Left))).await;
        self.templates.stop().await;
        self.stop_serving.send_replace(true);
        if ended.is_ok() && timeout(STOP_TIMEOUT, self.serving).await.is_err() {
            tracing::debug!("a client of the control socket did not take its answer");
        }
        if let Some(snapshot) = &self.snapshot {
            snapshot.end().await;
        }
        let (what, why) = match ended {
            Ok(Ended::Left) => ("left", "told to leave".to_owned()),
            Ok(Ended::Hurried) => ("hurried", "told to end before the leave was done".to_owned()),
            Ok(Ended::Stopped) => ("stopped", "told to end without a leave".to_owned()),
            Err(error) => ("failed", error.to_string()),
        };
        self.shared.history.record(own(&self.shared.node, "agent", what, why));
        let history = self.shared.history.clone();
        // What a disk does not take in this time is lost with the process.
        let _ = tokio::task::spawn_blocking(move || history.end(STOP_TIMEOUT)).await;
        self.gossip.stop().await;
        // It may have ended by itself.
        if !self.gossip_end.is_terminated() {
            let _ = timeout(STOP_TIMEOUT, self.gossip_end).await;
        }
    }
}

/// Like Serf's, not part of the log: whatever its level and form, it was asked for.
async fn tell_telemetry(gossip: &Handle) {
    let Ok((counters, stats)) = gossip.telemetry().await else { return };
    let text = telemetry::dump(&counters, &stats, std::time::SystemTime::now());
    // Nobody reads it, or the disk is full: nothing to be done, and no harm.
    let _ = std::io::stderr().write_all(text.as_bytes());
}
