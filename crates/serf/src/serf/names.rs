//! Answering who holds a name.
//!
//! A reference agent whose name is claimed at another address asks everybody whom they know by it, and shuts down unless
//! a majority of the answers names its own address; no answer at all counts against it (serf.go, `resolveNodeConflict`).
//! What we make of such answers ourselves is told in `vote`.
//!
//! swim may just be finding out whether the holder still lives. Then the answer waits for that: a node that was
//! re-created elsewhere asks as soon as it joins, and must not be sent away in favour of its own past.

use super::Serf;
use crate::QueryId;
use crate::query::Asker;
use alloc::string::String;
use alloc::vec::Vec;

/// Most answers that wait. Disputes are rare; whoever forges more of them gets no answer.
const WAITING_MAX: usize = 64;
/// Longest name worth remembering (swim takes no longer one from anybody).
const NAME_BYTES_MAX: usize = 512;

/// An answer that waits for swim's judgement.
#[derive(Debug)]
pub(super) struct Asked {
    name: String,
    asker: Asker,
    id: QueryId,
}

impl Serf {
    /// Somebody asks who holds a name: answered in [`Serf::answer_who_holds`]. Who shares the name keeps out of it.
    pub(super) fn hear_who_holds(&mut self, asker: Asker, id: QueryId, name: &str) {
        let is_ours = name == self.config.name;
        if !is_ours && self.waiting.len() < WAITING_MAX && name.len() <= NAME_BYTES_MAX {
            self.waiting.push(Asked { name: name.into(), asker, id });
        }
    }

    /// Gives the answers that have nothing left to wait for, once swim's judgement has reached our table. Whether there
    /// were any.
    pub(super) fn answer_who_holds(&mut self) -> bool {
        let all = core::mem::take(&mut self.waiting).into_iter();
        let (waiting, decided): (Vec<_>, Vec<_>) = all.partition(|asked| self.swim.is_disputed(&asked.name));
        self.waiting = waiting;
        for Asked { name, asker, id } in &decided {
            if !self.knows_nothing_of(asker, name) {
                self.answer_conflict(asker, *id, name);
            }
        }
        !decided.is_empty()
    }

    /// Whether the asker claims the name elsewhere than we know it, and its question is the first we hear of that. Our
    /// record says nothing then about who lives; whoever the asker joined through has asked both.
    fn knows_nothing_of(&self, asker: &Asker, name: &str) -> bool {
        let elsewhere = self.members.get(name).is_some_and(|member| member.socket_addr() != asker.at());
        asker.name == name && elsewhere && !self.swim.is_claimed(name)
    }
}
