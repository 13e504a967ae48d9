//! The routes for programs and their authors: an OpenAPI 3.1 document.
//!
//! `docs/openapi.json` is made of the types in [`routes`](crate::routes) by a test, which fails while the two differ. So the
//! agent serves a text, and nothing that makes it is in the binary.

/// What [`OPENAPI`](crate::routes::OPENAPI) answers.
pub const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

#[cfg(test)]
mod fleet;
#[cfg(test)]
mod generate;
#[cfg(test)]
mod operations;
