//! Who waits for whom.

use crate::config::keys::process as keys;
use crate::config::suggest;
use crate::config::{Named, Problem};
use muster_supervise::{Condition, Dependency, ServiceId};

/// `NAME` or `NAME:CONDITION`.
fn parse(text: &str) -> Result<(&str, Condition), String> {
    let (name, condition) = text.split_once(':').unwrap_or((text, "ready"));
    let until = match condition {
        "started" => Condition::Started,
        "ready" => Condition::Ready,
        "completed" => Condition::Completed,
        "settled" => Condition::Settled,
        _ => {
            let hint = suggest::hint(condition, ["started", "ready", "completed", "settled"]);
            return Err(format!(
                "`{text}`: a process is waited for until it is started, ready, completed or settled{hint}"
            ));
        }
    };
    Ok((name, until))
}

fn names<'a>(process: &Named<'a>) -> impl Iterator<Item = &'a str> {
    process.texts(&keys::AFTER).iter().filter_map(|text| parse(text).ok()).map(|(name, _)| name)
}

/// Those that others wait for come before them; who waits in a circle, or for nobody, is a problem.
pub(super) fn sort<'a>(all: &[Named<'a>], problems: &mut Vec<Problem>) -> Vec<Named<'a>> {
    let mut sorted: Vec<Named<'a>> = Vec::new();
    let mut rest: Vec<Named<'a>> = all.to_vec();
    for process in all {
        for name in names(process).filter(|name| all.iter().all(|other| other.name != *name)) {
            let hint = suggest::hint(name, all.iter().map(|other| other.name));
            let text = format!("[processes.{}] waits for `{name}`, which is no process{hint}", process.name);
            problems.push(Problem::at(process.origin(&keys::AFTER), text));
        }
    }
    while !rest.is_empty() {
        let waits_for_rest =
            |process: &Named<'a>| names(process).any(|name| rest.iter().any(|other| other.name == name));
        let (later, now): (Vec<_>, Vec<_>) = rest.iter().copied().partition(waits_for_rest);
        if now.is_empty() {
            let circle: Vec<&str> = later.iter().map(|process| process.name).collect();
            let text =
                format!("these wait for each other in a circle, or for one that does: {}", circle.join(", "));
            problems.push(Problem::at(later[0].origin(&keys::AFTER), text));
            sorted.extend(later);
            break;
        }
        sorted.extend(now);
        rest = later;
    }
    sorted
}

/// What a process waits for, of those already placed; counted from `first` on.
pub(super) fn after(
    process: &Named<'_>,
    placed: &[(&str, Vec<usize>)],
    first: usize,
    problems: &mut Vec<Problem>,
) -> Vec<Dependency> {
    let mut after = Vec::new();
    for text in process.texts(&keys::AFTER) {
        match parse(text) {
            Err(why) => problems.push(Problem::at(process.origin(&keys::AFTER), format!("after: {why}"))),
            Ok((name, until)) => {
                let ids = placed.iter().find(|(other, _)| *other == name).map_or(&[][..], |(_, ids)| ids);
                after.extend(ids.iter().map(|id| Dependency { on: ServiceId(first + id), until }));
            }
        }
    }
    after
}
