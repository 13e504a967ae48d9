//! The numbers of the signals that a supervisor itself sends. On Linux they are the same for every architecture we build for.

/// Hang up: to most daemons "read your configuration again".
pub const HUP: i32 = 1;
/// Ends a process whatever it wants.
pub const KILL: i32 = 9;
/// Asks a process to end.
pub const TERM: i32 = 15;
/// Lets a stopped process go on: a paused one would never see the signal that asks it to end.
pub const CONT: i32 = 18;
