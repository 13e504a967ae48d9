//! What tools ask a balancer over HAProxy's socket and page, answered in HAProxy's words.
//!
//! Facts go in and text comes out; nothing here reads a clock, a socket or a file. Forms, columns and error sentences are those of
//! HAProxy 2.6, recorded from it, since programs read them. What is not counted is left empty, and never shown as 0.
//!
//! ```text
//! bytes --> Session --> words --> answer (asks a Board for facts) --> Answer: text in pieces, a Change to be made
//! a request's head --> page::Ask --> page::answer --> page::Reply
//! ```
//!
//! | idea | file |
//! |---|---|
//! | what is known | `facts` |
//! | a connection: lines, `;`, the prompt, the level | `session` |
//! | which commands there are | `table` |
//! | one command answered | `command`, `set_server` |
//! | `show stat` | `column`, `row`, `stat` |
//! | `show info`, `show servers`, `show sess` | `info`, `servers` |
//! | the page | `page` |
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod column;
mod command;
mod facts;
mod info;
mod page;
mod row;
mod servers;
mod session;
mod set_server;
mod stat;
mod table;

pub use command::{Answer, Board, answer};
pub use facts::{
    Backend, Check, Counters, Facts, Front, Health, Kind, Missing, Mode, Process, Proxy, Server, State,
};
pub use page::{Ask, FORM_BYTES_MAX, PageSettings, Reply, is_for, reply};
pub use session::{LINE_BYTES_MAX, Level, Session, Step};
pub use set_server::{Change, WEIGHT_MAX};
