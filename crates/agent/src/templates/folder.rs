//! One file per backend in a folder, named by its node: what scripts look into to see who is there.
//!
//! Names are made safe, so that no node writes outside the folder or hides in it. A list in the folder remembers which files
//! are ours: those of an earlier life go, and what somebody else put there is never touched. The folder says who is there, not
//! what runs: it does not come back when an action fails.

use super::config::FolderConfig;
use muster_fleet::Refusal;
use muster_render::{Escape, Fleet, Options, Partials, Template, Value};
use muster_whole_file as whole_file;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The list of our files, one name on a line.
const LIST: &str = ".muster";
/// Longest list that is read: ten thousand of the longest names take some 2.5 MB.
const LIST_BYTES_MAX: usize = 16 << 20;
const MODE: u32 = 0o644;
/// Longest name of a file on usual file systems, less what writing whole needs (`.NAME.new`).
const NAME_BYTES_MAX: usize = 255 - 5;

/// What has to change in a folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Difference {
    path: PathBuf,
    write: Vec<(String, String)>,
    remove: Vec<String>,
    /// All that are ours afterwards.
    ours: BTreeSet<String>,
}

/// Compares the folder with the fleet; `None` if it is right.
pub(super) fn difference(
    config: &FolderConfig,
    fleet: &Fleet,
    refusals: &mut Vec<Refusal>,
) -> Result<Option<Difference>, String> {
    let path = &config.path;
    let mut wanted = wanted(config, fleet, refusals)?;
    let former = list(config).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    wanted.retain(|name, file| {
        // Nodes are called as they like.
        let is_free = former.contains(name) || path.join(name).symlink_metadata().is_err();
        if !is_free {
            let reason = format!("{} is somebody else's", path.join(name).display());
            refuse(refusals, Refusal { node: file.node.clone(), reason });
        }
        is_free
    });
    let wanted: BTreeMap<String, String> = wanted.into_iter().map(|(name, file)| (name, file.text)).collect();
    let ours: BTreeSet<String> = wanted.keys().cloned().collect();
    let is_as = |name: &str, text: &str| {
        let path = path.join(name);
        is_file(&path) && fs::read(path).is_ok_and(|old| old == text.as_bytes())
    };
    let difference = Difference {
        path: path.clone(),
        remove: former.difference(&ours).cloned().collect(),
        write: wanted.into_iter().filter(|(name, text)| !is_as(name, text)).collect(),
        ours,
    };
    let is_same = difference.write.is_empty() && difference.remove.is_empty() && path.is_dir();
    Ok((!is_same).then_some(difference))
}

/// Whether the content can be made for such a fleet.
pub(super) fn rehearse(config: &FolderConfig, fleet: &Fleet) -> Result<(), String> {
    wanted(config, fleet, &mut Vec::new()).map(|_| ())
}

/// Reading a pipe would wait for whoever writes into it, and a link may lead out of the folder.
fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_file())
}

fn refuse(refusals: &mut Vec<Refusal>, refusal: Refusal) {
    if !refusals.contains(&refusal) {
        refusals.push(refusal);
    }
}

struct Wanted {
    node: String,
    text: String,
}

/// By name.
fn wanted(
    config: &FolderConfig,
    fleet: &Fleet,
    refusals: &mut Vec<Refusal>,
) -> Result<BTreeMap<String, Wanted>, String> {
    let options = Options::strict(Escape::None);
    let path = config.path.display();
    let wrong = |error: muster_render::Error| format!("the content of files in {path}: {error}");
    let template = Template::parse(&config.content, &options).map_err(wrong)?;
    let mut wanted = BTreeMap::new();
    for (node, addr) in fleet.addresses() {
        let text = template.render(&data(&node, addr), &Partials::new(), &options);
        let refused = match (file_name(&node), text) {
            (Some(name), Ok(text)) => {
                wanted.insert(name, Wanted { node, text });
                continue;
            }
            (None, _) => "its name is too long for a file".to_owned(),
            // A template that is wrong for all is an error; a value that cannot be written is that node's.
            (_, Err(error)) if !node.contains(char::is_control) => return Err(wrong(error)),
            (_, Err(error)) => error.to_string(),
        };
        refuse(refusals, Refusal { node, reason: refused });
    }
    Ok(wanted)
}

impl Difference {
    /// Makes it so. What was done when an error ends it stays, and the list knows of it.
    pub(super) fn apply(self) -> Result<(), String> {
        let path = &self.path;
        let wrong = |error: io::Error| format!("cannot keep {}: {error}", path.display());
        fs::create_dir_all(path).map_err(wrong)?;
        // First those that will be, and those that were: none of ours is ever unlisted.
        let all = self.ours.iter().chain(&self.remove);
        write_list(path, all).map_err(wrong)?;
        for (name, text) in &self.write {
            let path = path.join(name);
            if path.symlink_metadata().is_ok_and(|metadata| metadata.is_symlink()) {
                // What was ours is replaced, and not what somebody made it lead to.
                fs::remove_file(&path).map_err(wrong)?;
            }
            whole_file::replace(&path, text.as_bytes(), MODE).map_err(wrong)?;
        }
        for name in &self.remove {
            match fs::remove_file(path.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(wrong(error)),
                _ => {}
            }
        }
        if !self.remove.is_empty() {
            write_list(path, self.ours.iter()).map_err(wrong)?;
        }
        Ok(())
    }
}

fn data(node: &str, addr: SocketAddr) -> Value {
    Value::record([
        ("host", Value::copy(node)),
        ("ip", addr.ip().to_string().into()),
        ("port", usize::from(addr.port()).into()),
    ])
}

/// The files that an earlier life made.
fn list(config: &FolderConfig) -> io::Result<BTreeSet<String>> {
    let path = config.path.join(LIST);
    if path.symlink_metadata().is_ok() && !is_file(&path) {
        return Err(io::Error::other(format!("{LIST} is no file")));
    }
    match whole_file::read::text(&path, LIST_BYTES_MAX) {
        // Somebody may have written it: only names that could be ours.
        Ok(text) => Ok(text.lines().filter(|name| is_file_name(name)).map(str::to_owned).collect()),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidData) => {
            Ok(BTreeSet::new())
        }
        Err(error) => Err(error),
    }
}

fn write_list<'n>(path: &Path, names: impl Iterator<Item = &'n String>) -> io::Result<()> {
    let text = names.fold(String::new(), |text, name| text + name + "\n");
    whole_file::update(&path.join(LIST), text.as_bytes(), MODE).map(|_| ())
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// The file of a node: letters, digits, `-_.` as they are, and no dot first; all else as `%HH`.
fn file_name(node: &str) -> Option<String> {
    let mut name = String::new();
    for (at, byte) in node.bytes().enumerate() {
        if is_plain(byte) && !(at == 0 && byte == b'.') {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02X}");
        }
    }
    (!name.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(name)
}

fn is_file_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && name.bytes().all(|byte| is_plain(byte) || byte == b'%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_one_file_in_the_folder() {
        let cases = [
            ("s1", "s1"),
            ("web-1.example_2", "web-1.example_2"),
            ("../etc/evil", "%2E.%2Fetc%2Fevil"),
            (".hidden", "%2Ehidden"),
            ("%2E", "%252E"),
            ("é *", "%C3%A9%20%2A"),
        ];
        for (node, name) in cases {
            assert_eq!(file_name(node).as_deref(), Some(name));
            assert!(is_file_name(name));
        }
        assert_eq!(file_name(""), None);
        assert_eq!(file_name(&"é".repeat(100)), None);
        for no_file in ["", ".muster", "../x", "a/b"] {
            assert!(!is_file_name(no_file), "{no_file}");
        }
    }
}
