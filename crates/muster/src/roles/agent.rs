//! `muster agent`.

use crate::cli::AgentArgs;
use crate::config::check::{Findings, Purpose, Role, check};
use crate::config::{Problem, Settings, Sources, haproxy, load, views};
use crate::{exit, out};
use muster_agent::inherited::Inherited;
use muster_agent::{Ended, LogBook, Reload};
use std::process::ExitCode;

pub(crate) fn run(args: AgentArgs) -> ExitCode {
    let book = LogBook::default();
    let sources = args.sources();
    let (settings, switch) = match super::prepare(&sources, Role::Agent, Some(book.clone())) {
        Ok(prepared) => prepared,
        Err(end) => return end,
    };
    // Behind the check, which asks what was handed down.
    let inherited = match Inherited::take() {
        Ok(inherited) => inherited,
        Err(why) => return out::fail(&why),
    };
    let started = settings.clone();
    let reload = Reload::by(move || {
        let mut settings = reread(&sources, Role::Agent, check)?;
        let fixed = haproxy::keep_fixed(&mut settings, &started);
        if !fixed.is_empty() {
            // With these it may be another configuration than the one that was looked at.
            without_mistake(&check(&settings, &[Role::Agent], Purpose::Reload), &[])?;
            tracing::warn!("[haproxy] {}: takes effect when this node is started again", fixed.join(", "));
        }
        switch.set(views::log(&settings).level);
        Ok(views::reloaded(&settings))
    });
    match muster_agent::run(muster_agent::Config { reload, log: book, inherited, ..views::agent(&settings) })
    {
        Ok(Ended::Left) => exit::CLEAN,
        // The agent's log says why. Others will see this node as failed, so this was no success.
        Ok(Ended::Hurried | Ended::Stopped) => exit::FAILED,
        Err(error) => out::fail(&error),
    }
}

/// What the same sources say now; without a mistake, or not at all.
pub(crate) fn reread(
    sources: &Sources,
    role: Role,
    check: fn(&Settings, &[Role], Purpose) -> Findings,
) -> Result<Settings, String> {
    let loaded = load(sources);
    without_mistake(&check(&loaded.settings, &[role], Purpose::Reload), &loaded.problems)?;
    Ok(loaded.settings)
}

/// Everything that is wrong, in words.
fn without_mistake(findings: &Findings, read: &[Problem]) -> Result<(), String> {
    let problems: Vec<String> = findings.problems_after(read).map(ToString::to_string).collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}
