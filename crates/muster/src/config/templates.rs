//! `[templates.NAME]` as the agent wants them, and what is wrong with them.

use super::haproxy;
use super::keys::haproxy as haproxy_keys;
use super::keys::template as keys;
use super::named::Named;
use super::origin::Problem;
use super::owners::Owners;
use super::settings::Settings;
use muster_agent::templates::{Action, FileConfig, FolderConfig, TemplatesConfig, rehearse};
use muster_render::{Escape, Pace};
use std::path::Path;
use std::time::Duration;

/// All groups. Those that cannot be read are told elsewhere.
pub(crate) fn all(settings: &Settings) -> Vec<TemplatesConfig> {
    let named = settings.templates().map(|named| read(&named, &mut Vec::new()));
    named.chain(haproxy::group(settings)).collect()
}

/// Everything wrong with them; and what is worth knowing. Renders each template for a fleet that is made up.
pub(super) fn check(settings: &Settings, problems: &mut Vec<Problem>, notes: &mut Vec<Problem>) {
    let mut owners = Owners::default();
    if let Some(config) = haproxy::group(settings) {
        let at = |key, text: String| Problem::at(settings.origin(key), text);
        problems.extend(rehearse(&config).into_iter().map(|why| at(&haproxy_keys::TEMPLATE, why)));
        let (refused, risky) = haproxy_lines(&config);
        problems.extend(refused.into_iter().map(|why| at(&haproxy_keys::TEMPLATE, why)));
        notes.extend(risky.into_iter().map(|why| at(&haproxy_keys::TEMPLATE, why)));
        for file in &config.files {
            owners.take(&file.target, haproxy::GROUP);
        }
    }
    for named in settings.templates() {
        if named.name == haproxy::GROUP && haproxy::is_on(settings) {
            let text = format!("[templates.{}] is what [haproxy] makes; choose another name", named.name);
            problems.push(Problem::at(named.origin(&keys::FILES), text));
        }
        let config = read(&named, problems);
        let problem = |key, text: String| Problem::at(named.origin(key), text);
        if config.files.is_empty() && config.folder.is_none() {
            let text = format!("[templates.{}] has neither `files` nor `folder`", named.name);
            problems.push(problem(&keys::FILES, text));
        }
        for target in config.files.iter().map(|file| &file.target) {
            if !target.is_absolute() {
                let text = format!("{}: write where the file goes from `/` on", target.display());
                problems.push(problem(&keys::FILES, text));
            }
            problems.extend(owners.take(target, named.name).map(|text| problem(&keys::FILES, text)));
        }
        if let Some(FolderConfig { path, .. }) = &config.folder {
            if !path.is_absolute() {
                let text = format!("{}: write where the folder is from `/` on", path.display());
                problems.push(problem(&keys::FOLDER, text));
            }
            problems.extend(owners.take(path, named.name).map(|text| problem(&keys::FOLDER, text)));
        }
        problems.extend(rehearse(&config).into_iter().map(|why| problem(&keys::FILES, why)));
        let (refused, risky) = haproxy_lines(&config);
        problems.extend(refused.into_iter().map(|why| problem(&keys::FILES, why)));
        notes.extend(risky.into_iter().map(|why| problem(&keys::FILES, why)));
        if let Some(words) = &config.check {
            let is_named = |file: &FileConfig| {
                file.target.to_str().is_some_and(|target| words.iter().any(|word| word.contains(target)))
            };
            if !config.files.iter().any(is_named) {
                let text = format!(
                    "the check of [templates.{}] names none of its files, so that it never sees a new one",
                    named.name
                );
                notes.push(problem(&keys::CHECK, text));
            }
        }
    }
}

/// What no HAProxy takes in the templates of its configurations, and what is worth knowing. One that cannot be read is told elsewhere.
fn haproxy_lines(config: &TemplatesConfig) -> (Vec<String>, Vec<String>) {
    let (mut refused, mut risky) = (Vec::new(), Vec::new());
    for file in config.files.iter().filter(|file| file.escape == Escape::Haproxy) {
        let Ok((more_refused, more_risky)) = haproxy::lint(&file.template) else { continue };
        refused.extend(more_refused);
        risky.extend(more_risky);
    }
    (refused, risky)
}

fn read(named: &Named<'_>, problems: &mut Vec<Problem>) -> TemplatesConfig {
    // Each word was read when the file was.
    let escape: Option<Escape> = named.text(&keys::ESCAPE).and_then(|mode| mode.parse().ok());
    let files = named.tags(&keys::FILES).into_iter().map(|(target, template)| FileConfig {
        escape: escape.unwrap_or_else(|| Escape::for_file(&target)),
        target: target.into(),
        template: template.into(),
    });
    let action = named.text(&keys::ON_CHANGE).map_or(Ok(Action::None), action).unwrap_or_else(|why| {
        problems.push(Problem::at(named.origin(&keys::ON_CHANGE), why));
        Action::None
    });
    let time = |key| named.duration(key).unwrap_or_default();
    TemplatesConfig {
        name: named.name.to_owned(),
        files: files.collect(),
        partials: named.tags(&keys::PARTIALS).into_iter().map(|(name, path)| (name, path.into())).collect(),
        strict: named.bool(&keys::STRICT),
        folder: named.text(&keys::FOLDER).map(|path| FolderConfig {
            path: path.into(),
            content: named.text(&keys::FOLDER_CONTENT).unwrap_or_default().to_owned(),
        }),
        check: Some(named.texts(&keys::CHECK).to_vec()).filter(|words| !words.is_empty()),
        check_within: time(&keys::CHECK_WITHIN),
        action,
        action_within: time(&keys::ACTION_WITHIN),
        pace: Pace {
            settle: time(&keys::SETTLE),
            settle_max: time(&keys::SETTLE_MAX).max(time(&keys::SETTLE)),
            retry: time(&keys::RETRY).max(Duration::from_millis(10)),
            retry_max: time(&keys::RETRY_MAX),
        },
    }
}

fn action(text: &str) -> Result<Action, String> {
    let text = text.trim();
    let (word, rest) =
        text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim()));
    let words = shlex::split(rest).ok_or_else(|| format!("`{text}` has a quote that does not end"))?;
    match (word, &words[..]) {
        ("none", []) => Ok(Action::None),
        ("run", [_, ..]) => Ok(Action::Run(words)),
        ("signal", [process, signal]) => own(&["signal", process, signal]),
        ("restart", [process]) => own(&["restart", process]),
        _ => Err(format!("`{text}` is none of none, run COMMAND, signal PROCESS SIGNAL, restart PROCESS")),
    }
}

/// What this very program does, as a command.
fn own(words: &[&str]) -> Result<Action, String> {
    let program = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let program = Path::new(&program).to_str().ok_or("the path of this program is no text in UTF-8")?;
    Ok(Action::Run([program].iter().chain(words).map(|word| (*word).to_owned()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_is_a_command_or_nothing() {
        let words = |words: &[&str]| Action::Run(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(action("none"), Ok(Action::None));
        assert_eq!(action(" run  nginx -s 'reload now' "), Ok(words(&["nginx", "-s", "reload now"])));
        let Ok(Action::Run(signal)) = action("signal ha HUP") else { panic!("no command") };
        assert_eq!(signal[1..], ["signal", "ha", "HUP"]);
        for wrong in ["", "run", "none x", "signal ha", "restart", "run 'x", "reload"] {
            assert!(action(wrong).is_err(), "{wrong:?}");
        }
    }
}
