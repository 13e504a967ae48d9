//! Muster: one binary, a role per command.
fn main() {}
