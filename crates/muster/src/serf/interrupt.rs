//! INT ends a command that waits, with a word and an exit code of its own.

use super::ui::{Code, Ui};
use tokio::signal::unix::{SignalKind, signal};

/// From now on INT prints `words`, if there are any, and ends the process with `code`.
pub(super) fn on_int(ui: Ui, words: &'static str, code: Code) {
    // Should the system give no thread or signal, INT ends the process as it does any other.
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let caught = runtime.block_on(async { signal(SignalKind::interrupt()) });
    let Ok(mut int) = caught else { return };
    let wait = move || {
        runtime.block_on(int.recv());
        if !words.is_empty() {
            ui.line(words);
        }
        std::process::exit(i32::from(code))
    };
    let _ = std::thread::Builder::new().name("interrupt".to_owned()).spawn(wait);
}
