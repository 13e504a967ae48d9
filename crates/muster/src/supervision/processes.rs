//! `[processes.NAME]` of the configuration, made what PID 1 keeps running.

mod entry;
mod order;
mod replica;
mod wants;

use crate::config::keys::process as keys;
use crate::config::{Named, Problem, Settings};
use muster_init::plan::Entry;
use std::path::Path;

pub(crate) use entry::own_program;

/// The entries behind `first` others; those that others wait for stand before them. Everything wrong is told.
pub(crate) fn read(settings: &Settings, first: usize, etc: &Path) -> Result<Vec<Entry>, Vec<Problem>> {
    let mut problems = Vec::new();
    let named: Vec<Named<'_>> = settings.processes().collect();
    let ordered = order::sort(&named, &mut problems);
    let mut entries: Vec<Entry> = Vec::new();
    // Where the replicas of each stand, without whoever watches their output.
    let mut placed: Vec<(&str, Vec<usize>)> = Vec::new();
    for process in ordered {
        let begin = entries.len();
        for replica in replica::of(&process) {
            let by = first + entries.len();
            match entry::make(&process, &replica, etc) {
                Ok(mut made) => {
                    // What a group says of its own members counts from its beginning.
                    made.iter_mut().for_each(|entry| entry.moved_by(by));
                    entries.append(&mut made);
                }
                Err(mut found) => problems.append(&mut found),
            }
        }
        let after = order::after(&process, &placed, first, &mut problems);
        for entry in &mut entries[begin..] {
            entry.service.after.extend(after.iter().copied());
        }
        let own = (begin..entries.len()).filter(|id| entries[*id].is_public);
        placed.push((process.name, own.collect()));
    }
    problems.dedup_by_key(|problem| problem.to_string());
    if problems.is_empty() { Ok(entries) } else { Err(problems) }
}

/// Which services the processes offer, and where.
pub(crate) fn offered(settings: &Settings) -> Vec<(String, u16)> {
    let of = |process: &Named<'_>| {
        let service = process.text(&keys::SERVICE).map(str::to_owned);
        let ports = replica::of(process).into_iter().filter_map(|replica| replica.port);
        service
            .into_iter()
            .flat_map(move |service| ports.clone().map(move |port| (service.clone(), port)))
            .collect::<Vec<_>>()
    };
    settings.processes().flat_map(|process| of(&process)).collect()
}

/// Everything wrong with the processes, for `muster check`.
pub(crate) fn problems(settings: &Settings) -> Vec<Problem> {
    read(settings, 0, Path::new("/etc")).err().unwrap_or_default()
}

#[cfg(test)]
mod tests;
