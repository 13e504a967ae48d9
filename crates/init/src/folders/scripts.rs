//! `cont-init.d` and `cont-finish.d`: scripts that run one after the other, before the services and after them.

use std::path::Path;

use muster_supervise::{Kind, Service};

use super::{Reading, names};
use crate::plan::{Entry, Exec};

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
