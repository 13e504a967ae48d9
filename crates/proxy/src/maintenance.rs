//! Services that are closed for a while: by the configuration, or by a file that exists.

use crate::aside::aside;
use crate::bounds;
use crate::plane::Plane;
use crate::service::Service;
use std::path::PathBuf;
use std::rc::Rc;

/// Looks for the files of all services, for ever: at once, and again when the configuration was read.
pub(crate) async fn run(plane: Rc<Plane>) {
    loop {
        look(&plane).await;
        let changed = plane.routes_changed.notified();
        match files(&plane).is_empty() {
            true => changed.await,
            false => tokio::select! {
                () = changed => {}
                () = tokio::time::sleep(bounds::MAINTENANCE_LOOK) => {}
            },
        }
    }
}

async fn look(plane: &Plane) {
    let files = files(plane);
    if files.is_empty() {
        return;
    }
    let paths: Vec<PathBuf> = files.iter().map(|(_, path)| path.clone()).collect();
    let Some(found) = aside(move || paths.iter().map(|path| path.exists()).collect::<Vec<_>>()).await else {
        return;
    };
    for ((service, path), is_there) in files.iter().zip(found) {
        if service.close(is_there) {
            let (service, path) = (service.name.escape_default(), path.display());
            match is_there {
                true => tracing::warn!(%service, "closed for maintenance: {path} is there"),
                false => tracing::info!(%service, "open again: {path} is gone"),
            }
        }
    }
}

fn files(plane: &Plane) -> Vec<(Rc<Service>, PathBuf)> {
    let routes = plane.routes();
    let file = |service: &Rc<Service>| {
        Some((
            Rc::clone(service),
            service.maintenance.as_ref().and_then(|maintenance| maintenance.file.clone())?,
        ))
    };
    routes.services.values().filter_map(file).collect()
}
