//! What people ask for: orders from a second terminal, and keys, which are orders for the selected node.

use super::Show;
use super::{PER_SECOND, Stage};
use crate::demo::cluster::Added;
use crate::demo::plain;
use crate::demo::remote::{Answer, Asked, Order};
use crate::demo::terminal::Key;
use crate::demo::traffic::Traffic;
use crate::demo::view::{NodeView, Tone, TrafficState};
use crate::demo::watch::BALANCER;
use std::net::SocketAddr;
use std::time::Instant;

impl Show {
    pub(super) async fn hear(&mut self, (order, answer): Asked) {
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
                Ok(format!("{name} starts; requests reach it as soon as it is ready and has joined"))
            }
            Order::Stop { name, force } => {
                self.cluster.stop(&name, force).map_err(|error| error.to_string())?;
                self.tell(
                    Tone::Plain,
                    format!("{name} stops: no new requests, then its application ends and its agent leaves"),
                );
                Ok(format!("{name} gets no new requests, finishes those it has, and leaves"))
            }
            Order::Kill { name, force } => {
                self.cluster.kill(&name, force).map_err(|error| error.to_string())?;
                self.tell(
                    Tone::Plain,
                    format!("kill -9 of {name}: its supervisor, application and agent at once"),
                );
                Ok(format!("{name} was killed, with its application and its agent"))
            }
        }
    }

    pub(super) async fn press(&mut self, key: Key) {
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
    pub(super) fn place(&self, nodes: &[NodeView]) -> Option<usize> {
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
}
