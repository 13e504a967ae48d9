//! One worker of a handler: takes a job, waits for its turn, runs it, tells how it went.

use super::config::{Action, HandlerConfig, WebhookUrl};
use super::lane::{Job, Lane, Last};
use super::turns::TurnKeeper;
use super::webhook::{self, Delivery};
use crate::clock::Clock;
use crate::gossip::Handle;
use crate::plain::Plain;
use crate::process::outcome::{End, Outcome};
use crate::process::{self, stopped};
use crate::resolve::Resolver;
use crate::roster::Roster;
use muster_events::script::{Oneself, environment, stdin};
use muster_events::{HandlerId, Notice, Tail};
use muster_serf::{Member, QueryId};
use std::sync::Arc;
use std::time::Duration;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::time::sleep;

/// Serf's `warnSlow`.
const SLOW: Duration = Duration::from_secs(1);

/// What all workers of a node share.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) gossip: Handle,
    pub(super) roster: Arc<Roster>,
    pub(super) resolver: Resolver,
    pub(super) clock: Clock,
    /// Names this life of the agent, in the ids of deliveries.
    pub(super) life: u64,
    pub(super) node: String,
    /// Variables that hold secrets; no program gets them.
    pub(super) withheld: Vec<String>,
    pub(super) turns: TurnKeeper,
}

/// A handler as its workers know it.
#[derive(Debug)]
pub(super) struct Worker {
    pub(super) id: HandlerId,
    pub(super) config: HandlerConfig,
    pub(super) lane: Arc<Lane>,
    pub(super) tools: Arc<Tools>,
    pub(super) stop: watch::Receiver<bool>,
}

impl Worker {
    /// Works until the lane is closed.
    pub(super) async fn work(mut self) {
        while let Some((job, gap)) = self.lane.next().await {
            if gap > 0 {
                tracing::warn!(handler = ?self.lane.name(), "{gap} events were dropped, since its queue was full");
            }
            self.job(&job).await;
            self.lane.done();
        }
    }

    async fn job(&mut self, job: &Job) {
        let tools = Arc::clone(&self.tools);
        let _turn = if self.config.is_serf {
            let begun = tokio::select! {
                biased;
                () = stopped(&mut self.stop) => return,
                begun = tools.turns.begin(self.id) => begun,
            };
            if begun.is_none() {
                let event = job.notice.label();
                tracing::warn!(handler = ?self.lane.name(), ?event, "removed before its turn; the event was dropped");
                self.lane.missed(1);
                return;
            }
            begun
        } else {
            None
        };
        for _ in 0..job.runs {
            let outcome = self.run(job).await;
            self.tell(&job.notice, &outcome);
            self.answer(&job.notice, &outcome).await;
            let (event, ended) = (job.notice.label(), self.tools.clock.now().0);
            self.lane.ran(Last { event, ended, outcome });
        }
    }

    async fn run(&self, job: &Job) -> Outcome {
        let mut running = std::pin::pin!(self.act(job));
        tokio::select! {
            outcome = &mut running => return outcome,
            () = sleep(SLOW) => {
                tracing::warn!(handler = ?self.lane.name(), "slow: running for more than {SLOW:?}");
            }
        }
        running.await
    }

    async fn act(&self, job: &Job) -> Outcome {
        let mut command = match &self.config.action {
            Action::Shell(script) => {
                let mut command = Command::new("/bin/sh");
                command.arg("-c").arg(script);
                command
            }
            Action::Command(words) => {
                // `checked` saw to it that there is a first word; the system refuses an empty one.
                let mut words = words.iter();
                let mut command = Command::new(words.next().map(String::as_str).unwrap_or_default());
                command.args(words);
                command
            }
            Action::Webhook(url) => return self.deliver(url, job).await,
        };
        for name in &self.tools.withheld {
            command.env_remove(name);
        }
        let node = &*self.tools.node;
        let tags = self.tools.roster.look(|members| members.get(node).map(Member::tags).unwrap_or_default());
        command.envs(environment(&job.notice, Oneself { name: node, tags: &tags }));
        process::run(command, stdin(&job.notice), self.config.timeout, self.stop.clone()).await
    }

    async fn deliver(&self, url: &WebhookUrl, job: &Job) -> Outcome {
        let delivery = Delivery {
            url,
            id: format!("{:016x}-{}", self.tools.life, job.ticket),
            body: webhook::body(&job.notice, &self.tools.node),
            limit: self.config.timeout,
        };
        let (mut stop, started) = (self.stop.clone(), std::time::Instant::now());
        tokio::select! {
            outcome = delivery.run(&self.tools.resolver) => outcome,
            () = stopped(&mut stop) => {
                Outcome { end: End::Stopped, output: Tail::default(), took: started.elapsed() }
            }
        }
    }

    fn tell(&self, notice: &Notice, outcome: &Outcome) {
        let (handler, event) = (self.lane.name(), notice.label());
        let (took, end) = (outcome.took, &outcome.end);
        if outcome.output.is_cut() {
            let (total, kept) = (outcome.output.total(), outcome.output.bytes().len());
            tracing::warn!(?handler, "{total} bytes of output, of which the last {kept} are kept");
        }
        if outcome.is_success() {
            tracing::debug!(?handler, ?event, ?took, "{end}: {}", Plain(&outcome.last_lines()));
        } else {
            let lines = outcome.last_lines();
            let last = lines.lines().next_back().unwrap_or_default();
            tracing::error!(
                ?handler,
                ?event,
                ?took,
                "{end}{}{}",
                if last.is_empty() { "" } else { ": " },
                Plain(last)
            );
        }
    }

    /// What it printed is its answer, if it was asked and succeeded.
    async fn answer(&self, notice: &Notice, outcome: &Outcome) {
        let Notice::Query { id, name, .. } = notice else { return };
        if !outcome.is_success() || outcome.output.total() == 0 {
            return;
        }
        if let Err(why) = self.respond(*id, outcome.output.bytes().to_vec()).await {
            tracing::warn!(handler = ?self.lane.name(), query = ?name, "the answer could not be sent: {why}");
        }
    }

    async fn respond(&self, id: QueryId, payload: Vec<u8>) -> Result<(), String> {
        match self.tools.gossip.respond(id, payload).await {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(gone) => Err(gone.to_string()),
        }
    }
}
