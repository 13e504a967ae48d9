//! Rendering a group's templates, and laying what differs beside what is there. Blocks on the disk.

use super::config::{Action, FileConfig, TemplatesConfig};
use super::folder;
use muster_fleet::{Picture, Refusal};
use muster_haproxy_driver::Reload;
use muster_render::{Escape, Fleet, Options, Partials, Seen, Template};
use muster_serf::Member;
use muster_whole_file::{self as whole_file, New};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Mode of a file that was not there.
const MODE_IF_NEW: u32 = 0o644;

/// The fleet as it is handed to the thread that renders.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) node: String,
    pub(super) members: Vec<(Member, SystemTime)>,
    pub(super) picture: Arc<Picture>,
    pub(super) environment: Arc<BTreeMap<String, String>>,
    /// What no earlier life made: it holds nothing that this one does not know.
    pub(super) own: BTreeSet<PathBuf>,
}

/// What is to come into force.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    pub(super) files: Vec<FreshFile>,
    pub(super) folder: Option<folder::Difference>,
    /// Who could not be written, and why.
    pub(super) refusals: Vec<Refusal>,
}

/// A file beside the one whose place it is to take.
#[derive(Debug)]
pub(super) struct FreshFile {
    pub(super) target: PathBuf,
    pub(super) new: New,
}

impl Fresh {
    /// Whether nothing differs.
    pub(super) fn is_same(&self) -> bool {
        self.files.is_empty() && self.folder.is_none()
    }
}

/// Renders everything; `only_missing` leaves alone what an earlier life made.
///
/// # Errors
/// In words: whose fault it is, and where. Nothing has changed then.
pub(super) fn make(config: &TemplatesConfig, facts: Facts, only_missing: bool) -> Result<Fresh, String> {
    sockets_folders(config);
    let own = facts.own.clone();
    let is_wanted = |target: &Path| !only_missing || own.contains(target) || !target.exists();
    let mut fresh = Fresh::default();
    let fleet = fleet(facts);
    let partials = partials(config)?;
    for file in config.files.iter().filter(|file| is_wanted(&file.target)) {
        let text = render(file, config.strict, &fleet, &partials, &mut fresh.refusals)?;
        let target = file.target.display();
        let mode = whole_file::differing(&file.target, text.as_bytes(), MODE_IF_NEW)
            .map_err(|error| format!("cannot read {target}: {error}"))?;
        if let Some(mode) = mode {
            let new = New::beside(&file.target, text.as_bytes(), mode)
                .map_err(|error| format!("cannot write beside {target}: {error}; the file is as it was"))?;
            fresh.files.push(FreshFile { target: file.target.clone(), new });
        }
    }
    if let Some(folder) = config.folder.as_ref().filter(|folder| is_wanted(&folder.path)) {
        fresh.folder = folder::difference(folder, &fleet, &mut fresh.refusals)?;
    }
    Ok(fresh)
}

/// In a fresh container nobody has made the folders of HAProxy's sockets, without which it does not start.
fn sockets_folders(config: &TemplatesConfig) {
    let Action::Haproxy(haproxy) = &config.action else { return };
    let master = match &haproxy.reload {
        Reload::Master(path) => Some(path),
        Reload::Command(_) => None,
    };
    for folder in [Some(&haproxy.socket), master].into_iter().flatten().filter_map(|path| path.parent()) {
        // Where it cannot be made, HAProxy says so itself.
        let _ = fs::create_dir_all(folder);
    }
}

/// Renders the first file and writes nothing.
pub(super) fn preview(config: &TemplatesConfig, facts: Facts) -> Result<(String, Vec<Refusal>), String> {
    let mut refusals = Vec::new();
    let first = config.files.first().ok_or("there is no file")?;
    let text = render(first, config.strict, &fleet(facts), &partials(config)?, &mut refusals)?;
    Ok((text, refusals))
}

/// Renders everything for a cluster that is made up, and writes nothing: what is wrong, one text for each file.
pub fn rehearse(config: &TemplatesConfig) -> Vec<String> {
    let fleet = made_up();
    let partials = match partials(config) {
        Ok(partials) => partials,
        Err(why) => return vec![why],
    };
    let render = |file| render(file, config.strict, &fleet, &partials, &mut Vec::new()).err();
    let mut problems: Vec<String> = config.files.iter().filter_map(render).collect();
    if let Some(folder) = &config.folder {
        problems.extend(folder::rehearse(folder, &fleet).err());
    }
    problems
}

/// This node as a balancer, and two that serve.
fn made_up() -> Fleet {
    let member = |name: &str, addr: [u8; 4], tags: &[(&str, &str)]| Seen {
        member: muster_fleet::Member {
            name: name.to_owned(),
            addr: addr.into(),
            port: 7946,
            status: muster_fleet::Status::Alive,
            tags: tags.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect(),
        },
        since: Some(1_700_000_000),
    };
    Fleet {
        node: "balancer".to_owned(),
        members: vec![
            member("balancer", [192, 0, 2, 1], &[("balances", "1")]),
            member("s1", [192, 0, 2, 2], &[("role", "backend")]),
            member("s2", [192, 0, 2, 3], &[("role", "backend")]),
        ],
        services: None,
        env: super::environment(&[]),
        variables: BTreeMap::new(),
    }
}

fn partials(config: &TemplatesConfig) -> Result<Partials, String> {
    let options = Options::strict(Escape::None);
    let read = |(name, path): &(String, PathBuf)| {
        let text = text(path, options.limits.template_bytes)?;
        let partial = Template::parse_partial(name, &text, &options)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((name.clone(), partial))
    };
    config.partials.iter().map(read).collect()
}

fn render(
    file: &FileConfig,
    strict: bool,
    fleet: &Fleet,
    partials: &Partials,
    refusals: &mut Vec<Refusal>,
) -> Result<String, String> {
    let options = Options { strict, ..Options::strict(file.escape) };
    let wrong = |error: muster_render::Error| format!("{}: {error}", file.template.display());
    let text = text(&file.template, options.limits.template_bytes)?;
    let template = Template::parse(&text, &options).map_err(wrong)?;
    let rendered = template.render_fleet(fleet, partials, &options).map_err(wrong)?;
    for refusal in rendered.refusals {
        if !refusals.contains(&refusal) {
            refusals.push(refusal);
        }
    }
    Ok(rendered.text)
}

/// A template's text, no longer than it may be.
fn text(path: &Path, most: usize) -> Result<String, String> {
    whole_file::read::text(path, most).map_err(|error| format!("{}: {error}", path.display()))
}

fn fleet(facts: Facts) -> Fleet {
    let seen = |(member, since): &(Member, SystemTime)| Seen {
        member: crate::fleet::member(member),
        since: since.duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_secs()).ok()),
    };
    Fleet {
        members: facts.members.iter().map(seen).collect(),
        services: Some(facts.picture.services.clone()),
        env: BTreeMap::clone(&facts.environment),
        variables: BTreeMap::new(),
        node: facts.node,
    }
}
