//! `cont-init.d` and `cont-finish.d`: scripts that run one after the other, before the services and after them; and before all of them
//! `fix-attrs.d`, files that say whose files are.

use std::path::Path;

use muster_supervise::{Kind, Service};

use super::{Reading, names};
use crate::applets::FIX_ATTRS;
use crate::plan::{Entry, Exec};

/// One process follows all files of `fix-attrs.d`.
pub(super) fn fix_attrs(folder: &Path, reading: &mut Reading) -> Result<(), String> {
    let files = names(folder)?;
    if files.is_empty() {
        return Ok(());
    }
    // Only a program whose file was replaced since has none; then the name is as good as any.
    let program = std::env::current_exe().map_or_else(|_| "muster".into(), Into::into);
    let words = [program, FIX_ATTRS.into()].into_iter();
    let words = words.chain(files.iter().map(|name| folder.join(name).into())).collect();
    let service = Service {
        critical: reading.settings.failure_ends_container,
        after: reading.behind_all(),
        ..Service::oneshot("fix-attrs")
    };
    reading.push(Entry { main: Some(Exec::of(words)), is_public: false, ..Entry::new(service) });
    Ok(())
}

/// Each waits for the one before it. One that fails is told; the others run all the same, unless failures end the container.
pub(super) fn init(folder: &Path, reading: &mut Reading) -> Result<(), String> {
    for name in names(folder)? {
        let service = Service {
            critical: reading.settings.failure_ends_container,
            after: reading.behind_all(),
            ..Service::oneshot(&format!("cont-init.d/{name}"))
        };
        let main = Some(script(folder, &name));
        reading.push(Entry { main, is_public: false, ..Entry::new(service) });
    }
    Ok(())
}

/// What comes first in the list is taken down last: so they are read from the last to the first.
pub(super) fn finish(folder: &Path, reading: &mut Reading) -> Result<(), String> {
    for name in names(folder)?.into_iter().rev() {
        let service = Service {
            kind: Kind::Oneshot { up: false, down: true },
            down_within: reading.settings.finish_within,
            after: reading.behind_all(),
            ..Service::oneshot(&format!("cont-finish.d/{name}"))
        };
        let after = Some(script(folder, &name));
        reading.push(Entry { after, is_public: false, ..Entry::new(service) });
    }
    Ok(())
}

fn script(folder: &Path, name: &str) -> Exec {
    Exec::of(vec![folder.join(name).into()])
}
