//! Between HTTP/2 and the words of HTTP/1.1, in which all that decides about a message is written: rules, what is passed on, what is
//! refused. So there is one reader that can be wrong, and not two that can differ; the price is a head written and read once more.
//!
//! ```text
//! client's HEADERS --> head::request_text  --> muster_http1 reads, refuses, rewrites
//! backend's head   --> muster_http1        --> head::response --> HEADERS
//! DATA             <-> body::Framed, body::Unframed           <-> chunks or a length
//! ```

pub(crate) mod body;
pub(crate) mod head;
