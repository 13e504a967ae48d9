//! A terminal in raw mode, for those that draw on it and read single keys: taken, and given back whatever happens.

use crossterm::{cursor, terminal};
use std::io::{self, IsTerminal};

/// Whether input and output are one that can place its cursor.
pub(crate) fn is_there() -> bool {
    let is_able = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    is_able && io::stdin().is_terminal() && io::stdout().is_terminal()
}

/// Takes it. A panic calls `leave` before its words are printed.
pub(crate) fn enter(leave: fn()) -> io::Result<()> {
    terminal::enable_raw_mode()?;
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        leave();
        before(info);
    }));
    Ok(())
}

/// Gives it back.
pub(crate) fn restore() {
    let _ = terminal::disable_raw_mode();
    let _ = crossterm::execute!(io::stdout(), cursor::Show);
}
