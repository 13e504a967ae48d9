//! Work that may block.

use tokio::sync::oneshot;

/// Does `work` in a thread of its own: a slow disk holds up nobody, and one that never answers not even our end. `None`: there is no thread
/// to be had, which was told.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, result) = oneshot::channel();
    let started = std::thread::Builder::new().name("files".into()).spawn(move || {
        let _ = done.send(work());
    });
    if let Err(cause) = started {
        tracing::warn!(%cause, "no thread to look at files with; trying again");
    }
    result.await.ok()
}
