//! Our own name, claimed by another as well.

use crate::query::CONFLICT;
use crate::vote::Vote;
use crate::{Event, Instant, QueryId, QueryParams, Serf};
use alloc::format;
use core::net::SocketAddr;

impl Serf {
    /// Somebody claims a name that another has. If it is ours and the claimant is there, the others are asked whose it is.
    pub(super) fn conflict(
        &mut self,
        now: Instant,
        name: &str,
        holder: SocketAddr,
        claimant: SocketAddr,
        claimant_answers: bool,
    ) {
        let ours = name == self.config.name;
        let whose = if ours { "our name" } else { "the name" };
        let verdict = match claimant_answers {
            true => "names must be unique",
            false => "nobody answers to it there, so that this is old news or forged",
        };
        let name = name.escape_debug();
        self.note(
            claimant_answers,
            format!("{whose} {name} of {holder} is also claimed by {claimant}: {verdict}"),
        );
        if ours
            && self.config.resolves_names
            && claimant_answers
            && self.leaving.is_staying()
            && self.vote.is_none()
        {
            self.call_vote(now, holder, claimant);
        }
    }

    fn call_vote(&mut self, now: Instant, us: SocketAddr, claimant: SocketAddr) {
        let name = self.config.name.clone();
        match self.ask(now, CONFLICT, name.as_bytes(), &QueryParams::default()) {
            Ok(query) => self.vote = Some(Vote::new(query, us, claimant)),
            Err(error) => self.note(true, format!("cannot ask whose our name is: {error}")),
        }
    }

    /// Counts a response if it is a vote on our name; says whether it was.
    pub(super) fn count_vote(&mut self, id: QueryId, payload: &[u8]) -> bool {
        let vote = self.vote.as_mut().filter(|vote| vote.query == id);
        vote.map(|vote| vote.count(payload)).is_some()
    }

    /// Ends the vote if this was its query; says whether it was.
    pub(super) fn end_vote(&mut self, id: QueryId) -> bool {
        let Some(vote) = self.vote.take_if(|vote| vote.query == id) else { return false };
        let Vote { claimant, answers, for_us, for_claimant, .. } = vote;
        if vote.is_lost() {
            self.event(Event::NameLost { to: claimant, votes: for_claimant, answers });
        } else if answers == 0 {
            self.note(true, format!("nobody answered whose our name is, we or {claimant}: we keep it"));
        } else {
            self.note(true, format!("we keep our name: {for_us} of {answers} members know us by it"));
        }
        true
    }
}
