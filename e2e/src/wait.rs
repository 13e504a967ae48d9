//! Waiting for a fact instead of for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a fact may take before the test fails: far beyond any promise, since machines are shared and slow.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Asks `check` until it returns `Ok`, and returns that; panics with the last `Err` when [`PATIENCE`] ends.
pub async fn wait_for<T, F, Fut>(what: &str, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let started = Instant::now();
    loop {
        match check().await {
            Ok(value) => return value,
            Err(why) if started.elapsed() > PATIENCE => {
                panic!("{what}: not so after {} s: {why}", PATIENCE.as_secs());
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}
