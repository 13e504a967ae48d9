//! A message between two nodes, in words.

use super::{Kind, Line};
use crate::{Passage, World};
use muster_serf::Instant;
use muster_wire::memberlist::Message;
use muster_wire::packet;
use muster_wire::serf;
use muster_wire::stream::Inbound;

pub(super) fn line(world: &World, passage: &Passage, begin: Instant) -> Line {
    let to = &world.spec(passage.to).name;
    let what = if passage.stream { on_stream(&passage.bytes) } else { in_datagram(&passage.bytes) };
    let stream = if passage.stream { "by TCP: " } else { "" };
    let lost = if passage.arrives { "" } else { "  (lost)" };
    Line {
        at: passage.at - begin,
        kind: Kind::Wire,
        who: world.spec(passage.from).name.clone(),
        text: format!("-> {to}  {stream}{what}{lost}"),
    }
}

fn in_datagram(bytes: &[u8]) -> String {
    let mut parts = Vec::new();
    let read = packet::unwrap(bytes, &mut |message| {
        parts.push(message.map_or_else(|error| error.to_string(), |message| in_words(&message)));
    });
    if let Err(error) = read {
        parts.push(error.to_string());
    }
    parts.join(", ")
}

fn on_stream(bytes: &[u8]) -> String {
    let mut plain = Vec::new();
    match Inbound::decode(bytes, &mut plain) {
        Ok(Inbound::PushPull(exchange)) => format!("push/pull of {} members", exchange.nodes().count()),
        Ok(Inbound::Message(message)) => in_words(&message),
        Err(error) => error.to_string(),
    }
}

fn in_words(message: &Message<'_>) -> String {
    match message {
        Message::Ping(ping) => format!("ping {}", ping.node),
        Message::IndirectPing(request) => format!("ping {} for me", request.node),
        Message::Ack(_) => "ack".to_owned(),
        Message::Nack(_) => "nack".to_owned(),
        Message::Suspect(suspect) => {
            format!("suspect {} (life {}) by {}", suspect.node, suspect.incarnation, suspect.from)
        }
        Message::Alive(alive) => format!("alive {} (life {})", alive.node, alive.incarnation),
        Message::Dead(dead) if dead.node == dead.from => {
            format!("{} says it left (life {})", dead.node, dead.incarnation)
        }
        Message::Dead(dead) => format!("dead {} (life {}) by {}", dead.node, dead.incarnation, dead.from),
        Message::User(bytes) => of_serf(bytes),
        Message::Err(error) => format!("error: {}", error.error),
    }
}

fn of_serf(bytes: &[u8]) -> String {
    match serf::Message::decode(bytes) {
        Ok(serf::Message::Join(intent)) => format!("join intent of {} (time {})", intent.node, intent.ltime),
        Ok(serf::Message::Leave(intent)) => {
            format!("leave intent of {} (time {})", intent.node, intent.ltime)
        }
        Ok(serf::Message::UserEvent(event)) => format!("event {} (time {})", event.name, event.ltime),
        Ok(_) => "another message of Serf".to_owned(),
        Err(error) => error.to_string(),
    }
}
