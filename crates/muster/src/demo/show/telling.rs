//! What people are told: the view, events, and failures with their reasons.

use super::{EVENTS_MAX, FAILURES_INTERVAL, SUMMARY_INTERVAL, Show, Stage};
use crate::demo::plain;
use crate::demo::traffic::Traffic;
use crate::demo::view::{self, Event, NodeView, Tone, TrafficState, TrafficView, View, count};
use crate::demo::watch::{self, BALANCER};
use std::io::{self, Write};
use std::time::Duration;

impl Show {
    pub(super) fn tell_failures(&mut self, at: Duration) {
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

    pub(super) fn tell_first_answers(&mut self) {
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

    pub(super) fn tell(&mut self, tone: Tone, text: String) {
        self.push(Event { at: self.at(), tone, text });
    }

    pub(super) fn push(&mut self, event: Event) {
        if self.terminal.is_none() {
            self.print(&plain::line(&event));
        }
        self.events.push(event);
        if self.events.len() > EVENTS_MAX {
            self.events.remove(0);
        }
    }

    /// Prints a line; a reader that went away ends the demo.
    pub(super) fn print(&mut self, text: &str) {
        if writeln!(io::stdout(), "{text}").is_err() && self.stage == Stage::Running {
            self.stage = Stage::StoppingBackends;
            self.cluster.stop_backends();
        }
    }

    pub(super) fn draw(&mut self, at: Duration) {
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
    pub(super) fn nodes(&self) -> Vec<NodeView> {
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

    pub(super) fn view(&self) -> View {
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
}
