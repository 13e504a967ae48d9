//! Whole clusters in one thread and in virtual time.

mod appeal;
mod burst;
mod detection;
mod direct;
mod fallback;
mod faults;
mod hostile;
mod large;
mod lifeguard;
mod membership;
mod news;
mod repair;
mod takeover;
mod telling;
mod why;
mod world;
