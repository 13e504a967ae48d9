//! What rules changed in the heads that are passed on. One buffer, used again for each request: after the first few there is no
//! allocation.

use crate::head::{RequestHead, split};
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// Most bytes of values that the rules may write for one request. Values can repeat what the client sent, so this is what a client can
/// make us hold.
pub const EDIT_BYTES_MAX: usize = 64 << 10;

/// A change of one field.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'e> {
    /// It has this value alone.
    Set(&'e str, &'e [u8]),
    /// It has this one too, behind those that it has.
    Add(&'e str, &'e [u8]),
    /// It is taken out.
    Delete(&'e str),
}

/// The changes of one request and of its response.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Edits {
    kept: Vec<Kept>,
    names: String,
    values: Vec<u8>,
    scratch: Vec<u8>,
    target: Option<Range<usize>>,
    location: Option<Range<usize>>,
    /// Where in `kept` the service's own begin.
    of_service: usize,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct Kept {
    kind: Kind,
    of_response: bool,
    name: Range<usize>,
    value: Range<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Set,
    Add,
    Delete,
}

/// The rules write more than [`EDIT_BYTES_MAX`] for this request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct TooMuch;

impl Edits {
    /// Of no request yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing of the request's head is changed.
    pub fn keeps_request(&self) -> bool {
        self.target.is_none() && self.kept.iter().all(|kept| kept.of_response)
    }

    /// What is asked for instead, path and query; `None` when it stays as it came.
    pub fn target(&self) -> Option<&[u8]> {
        self.target.clone().and_then(|range| self.values.get(range))
    }

    /// Where a redirect leads.
    pub fn location(&self) -> &[u8] {
        self.location.clone().and_then(|range| self.values.get(range)).unwrap_or_default()
    }

    /// What changes in the request's fields, in this order.
    pub fn request(&self) -> impl Iterator<Item = Change<'_>> + Clone {
        self.kept.iter().filter(|kept| !kept.of_response).map(|kept| self.change(kept))
    }

    /// What changes in the response's, in this order: a response passes the service first and the frontend last.
    pub fn response(&self) -> impl Iterator<Item = Change<'_>> + Clone {
        let (of_frontend, of_service) = self.kept.split_at(self.of_service.min(self.kept.len()));
        let all = of_service.iter().chain(of_frontend);
        all.filter(|kept| kept.of_response).map(|kept| self.change(kept))
    }

    fn change(&self, kept: &Kept) -> Change<'_> {
        let name = &self.names[kept.name.clone()];
        let value = &self.values[kept.value.clone()];
        match kept.kind {
            Kind::Set => Change::Set(name, value),
            Kind::Add => Change::Add(name, value),
            Kind::Delete => Change::Delete(name),
        }
    }

    /// Forgets all of it for the next request.
    pub(crate) fn clear(&mut self) {
        self.kept.clear();
        self.names.clear();
        self.values.clear();
        (self.target, self.location, self.of_service) = (None, None, 0);
    }

    /// From here on, the rules are the service's.
    pub(crate) fn enter_service(&mut self) {
        self.of_service = self.kept.len();
    }

    pub(crate) fn keep(
        &mut self,
        kind: Kind,
        of_response: bool,
        name: &str,
        value: impl FnOnce(&Self, &mut Vec<u8>),
    ) -> Result<(), TooMuch> {
        let value = self.write(value)?;
        let start = self.names.len();
        self.names.push_str(name);
        self.kept.push(Kept { kind, of_response, name: start..self.names.len(), value });
        Ok(())
    }

    pub(crate) fn set_target(&mut self, target: impl FnOnce(&Self, &mut Vec<u8>)) -> Result<(), TooMuch> {
        self.target = Some(self.write(target)?);
        Ok(())
    }

    pub(crate) fn set_location(&mut self, location: impl FnOnce(&Self, &mut Vec<u8>)) -> Result<(), TooMuch> {
        self.location = Some(self.write(location)?);
        Ok(())
    }

    /// Has `write` put something behind the values; it sees what was changed before.
    fn write(&mut self, write: impl FnOnce(&Self, &mut Vec<u8>)) -> Result<Range<usize>, TooMuch> {
        let start = self.values.len();
        // What `write` reads must not move while it writes.
        let mut new = core::mem::take(&mut self.scratch);
        new.clear();
        write(self, &mut new);
        self.values.extend_from_slice(&new);
        self.scratch = new;
        match self.values.len() <= EDIT_BYTES_MAX {
            true => Ok(start..self.values.len()),
            false => Err(TooMuch),
        }
    }
}

/// A request as the rules before have left it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'v> {
    pub(crate) head: &'v RequestHead<'v>,
    pub(crate) edits: &'v Edits,
}

impl<'v> View<'v> {
    pub(crate) fn target(self) -> &'v [u8] {
        self.edits.target().unwrap_or(self.head.target)
    }

    pub(crate) fn path(self) -> &'v [u8] {
        split(self.target()).0
    }

    pub(crate) fn query(self) -> Option<&'v [u8]> {
        split(self.target()).1
    }

    /// The host that is meant, unless a rule has set another.
    pub(crate) fn host(self) -> Option<&'v [u8]> {
        match self.edits.request().filter(|change| is_of(*change, "host")).last() {
            Some(Change::Set(_, value) | Change::Add(_, value)) => Some(value),
            Some(Change::Delete(_)) => None,
            None => self.head.host,
        }
    }

    /// Whether `see` says true to one of the values of field `name`.
    pub(crate) fn any_value(self, name: &str, see: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let mine = || self.edits.request().filter(|change| is_of(*change, name));
        // What came before a `Set` or `Delete` is gone.
        let cut = last_cut(mine());
        if cut.is_none()
            && self.head.fields.any(&mut |field, value| field.eq_ignore_ascii_case(name) && see(value))
        {
            return true;
        }
        mine().skip(cut.unwrap_or(0)).any(|change| match change {
            Change::Set(_, value) | Change::Add(_, value) => see(value),
            Change::Delete(_) => false,
        })
    }
}

/// The place of the last change that forgets what was before.
fn last_cut<'e>(changes: impl Iterator<Item = Change<'e>>) -> Option<usize> {
    let cuts = changes.enumerate().filter(|(_, change)| !matches!(change, Change::Add(..)));
    cuts.last().map(|(at, _)| at)
}

fn is_of(change: Change<'_>, name: &str) -> bool {
    let (Change::Set(field, _) | Change::Add(field, _) | Change::Delete(field)) = change;
    field.eq_ignore_ascii_case(name)
}
