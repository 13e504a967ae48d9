//! Certificates that change while clients are served.
//!
//! Files are looked at now and then, by name, size, time and inode, which sees renamed files, Kubernetes' swapped links and
//! mounts that tell of nothing. A certificate and its key are two files and are written one after the other, so a change counts
//! when it has been the same twice. What is broken changes nothing, and is told once.

use super::files::{self, Stamp};
use super::{Found, Server, load_with};
use crate::aside::aside;
use crate::bounds;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::SystemTime;
use tokio::sync::Notify;

/// Follows the files of `paths` for ever; at once, when it is `asked` to.
pub(crate) async fn run(server: Rc<Server>, paths: Vec<PathBuf>, asked: Rc<Notify>) {
    let mut in_use = Some(server.stamp.clone());
    let mut last = in_use.clone();
    loop {
        let is_asked = tokio::select! {
            () = asked.notified() => true,
            () = tokio::time::sleep(bounds::CERTIFICATES_LOOK) => false,
        };
        let now = stamp(&paths).await;
        let is_settled = now == std::mem::replace(&mut last, now.clone());
        if !is_asked && (now == in_use || !is_settled) {
            continue;
        }
        in_use = now;
        load(&server, &paths).await;
    }
}

async fn load(server: &Server, paths: &[PathBuf]) {
    let (own, provider) = (paths.to_vec(), server.provider());
    let Some(Found { problems, notes, choice }) =
        aside(move || load_with(&own, &provider, SystemTime::now())).await
    else {
        return;
    };
    match choice {
        Some(choice) => {
            server.show(choice);
            notes.iter().for_each(|note| tracing::warn!("{note}"));
            tracing::info!("the certificates were read again: new connections are shown what is there now");
        }
        None => {
            for problem in problems {
                tracing::error!(
                    "certificates were changed and cannot be used; those of before are shown on: {problem}"
                );
            }
        }
    }
}

async fn stamp(paths: &[PathBuf]) -> Option<Stamp> {
    let paths = paths.to_vec();
    aside(move || files::stamp(&paths)).await
}
