//! What a balancer does with a request before it picks a backend.
//!
//! A [`Plan`] has frontends; a frontend has listening places, an ordered list of rules, and perhaps a service for whatever no rule
//! sends elsewhere. A rule has a condition and an action. The shell hands over a request's head and gets an [`Outcome`]:
//!
//! ```text
//! Plan --+
//!        +--> decide --> Outcome: a service, a redirect, an answer of our own, or nobody
//! head --+          `--> Edits:   what changes in the heads that are passed on
//! ```
//!
//! | idea | file |
//! |---|---|
//! | the plan and its frontends | `plan` |
//! | what is wrong with one, and what in it never happens | `check`, `cover` |
//! | when a rule applies | `condition`, with `pattern`, `glob`, `regex`, `host` |
//! | what it does | `action` |
//! | values with variables in them | `template` |
//! | a request as rules see it | `head` |
//! | what rules changed in it | `edits` |
//! | the decision | `decide` |
//!
//! Paths are compared as they were sent: `/%61dmin` and `//admin` are not `/admin` here, while a backend may think so. Who denies
//! a path should deny what is not known instead.
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod action;
mod check;
mod condition;
mod cover;
mod decide;
mod edits;
mod glob;
mod head;
mod host;
mod pattern;
mod place;
mod plan;
mod regex;
mod template;
#[cfg(test)]
mod testing;

pub use action::{Action, DENY_STATUS, Edit, FieldName, Page, Redirect, RedirectCode, Rewrite, To};
pub use check::{Finding, Gravity};
pub use condition::{Condition, Term, Test};
pub use decide::{Outcome, decide};
pub use edits::{Change, EDIT_BYTES_MAX, Edits};
pub use head::{Connection, Fields, RequestHead};
pub use host::HostPattern;
pub use pattern::{How, Pattern};
pub use place::Place;
pub use plan::{
    At, Bind, Draft, ForwardedFor, Frontend, Limits, Mode, Plan, RULES_MAX, Rule, Service, Timeouts,
};
pub use regex::{REGEX_BYTES_MAX, Regex};
pub use template::{Flaw, Part, Template, Variable};
