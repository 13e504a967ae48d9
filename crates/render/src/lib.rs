//! Templates over the fleet: (fleet data, template text) to bytes, or an error with line and column.
//!
//! The language is Handlebars: what handlebars.js 4 renders, this renders, byte by byte (`tests/conformance.rs` holds it to
//! recorded cases). It is our own reader and renderer, not a crate's, for what a balancer's configuration needs and no crate
//! gives: a bound on work and recursion that no template can pass ([`Limits`]), an escape per kind of file that may refuse
//! a value ([`Escape`]), unknown names as errors with their place, and the lines of `handlebars-cmd` as they were.
//!
//! ```
//! use muster_render::{Escape, Options, Partials, Template, Value};
//!
//! let options = Options::strict(Escape::Haproxy);
//! let template = Template::parse("{{#each hosts}}server {{this}}\n{{/each}}", &options)?;
//! let data: Value = [("hosts", ["a", "b c"].into_iter().map(Value::from).collect())].into_iter().collect();
//! assert_eq!(template.render(&data, &Partials::new(), &options)?, "server a\nserver b\\x20c\n");
//! # Ok::<(), muster_render::Error>(())
//! ```
#![cfg_attr(not(test), no_std)]
extern crate alloc;

mod error;
mod escape;
mod expression;
mod fleet;
mod group;
mod helpers;
mod limits;
mod model;
mod number;
mod parse;
mod render;
mod scan;
mod template;
mod tree;
mod value;
mod wanted;
mod whitespace;

pub use error::Error;
pub use escape::Escape;
pub use fleet::{Fleet, Rendered, Seen};
pub use group::{Counts, Group, Input, Made, Pace, Step};
pub use limits::{DEPTH_MAX, Limits};
pub use template::{Options, Partials, Template};
pub use value::{Map, Number, Text, Value};
