//! `services.d`: a folder per service, in s6's form. A folder `log` in it is a service of its own that reads what the other writes.

use std::path::Path;

use muster_supervise::{Condition, Dependency};

use super::{Reading, attributes, names};

/// They start together, when everything read before is settled.
pub(super) fn read(folder: &Path, reading: &mut Reading) -> Result<(), String> {
    let behind = reading.behind_all();
    for name in names(folder)? {
        let own = folder.join(&name);
        if !own.is_dir() {
            continue;
        }
        let mut entry = attributes::longrun(&name, &own)?;
        entry.service.after.clone_from(&behind);
        entry.service.up_within = entry.notification_fd.and(reading.settings.ready_within);
        let log = own.join("log");
        if log.is_dir() {
            let mut logger = attributes::longrun(&format!("{name}/log"), &log)?;
            logger.service.after.clone_from(&behind);
            let logger = reading.push(logger);
            entry.service.after.push(Dependency { on: logger, until: Condition::Settled });
            entry.stdout_to = Some(logger);
        }
        reading.push(entry);
    }
    Ok(())
}
