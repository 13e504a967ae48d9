//! Waiting for a fact instead of for a time.

use std::future::Future;
use std::time::{Duration, Instant};

/// How long a fact may take before the test fails: far beyond any promise, since machines are shared and slow.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The first and the longest pause between two questions.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(200)];

/// Asks `check` until it returns `Ok`, and returns that; panics with the last `Err` when [`PATIENCE`] ends.
pub async fn wait_for<T, F, Fut>(what: &str, mut check: F) -> T
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, String>>,
{
    let started = Instant::now();
    let [mut pause, longest] = PAUSES;
    loop {
        match check().await {
            Ok(value) => return value,
            Err(why) if started.elapsed() > PATIENCE => {
                panic!("{what}: not so after {} s: {why}", PATIENCE.as_secs());
            }
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = longest.min(pause.mul_f64(1.2));
    }
}

/// Waits until `said` contains `text`.
pub async fn says(what: &str, text: &str, said: impl Fn() -> String) {
    wait_for(what, || async { if said().contains(text) { Ok(()) } else { Err(said()) } }).await;
}
