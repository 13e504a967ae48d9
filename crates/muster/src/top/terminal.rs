//! The whole screen while the cluster is shown: raw mode, keys, and everything as it was afterwards.

use super::screen;
use super::state::{Key, State};
use crate::raw_terminal;
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use ratatui::backend::CrosstermBackend;
use std::io::{self, Stdout};
use std::time::Duration;

/// Restored on drop, and by a panic before its words are printed.
#[derive(Debug)]
pub(crate) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Stdout>>,
}

impl Terminal {
    /// Whether there is one that can show anything.
    pub(crate) fn is_there() -> bool {
        raw_terminal::is_there()
    }

    /// Takes the screen.
    pub(crate) fn enter() -> io::Result<Self> {
        raw_terminal::enter(leave)?;
        crossterm::execute!(io::stdout(), EnterAlternateScreen)
            .and_then(|()| ratatui::Terminal::new(CrosstermBackend::new(io::stdout())))
            .map(|inner| Self { inner })
            .inspect_err(|_| leave())
    }

    pub(crate) fn draw(&mut self, state: &State, at: Duration) -> io::Result<()> {
        self.inner.draw(|frame| screen::draw(frame, state, at))?;
        Ok(())
    }

    /// The keys pressed since the last call; does not wait.
    pub(crate) fn keys(&mut self) -> io::Result<Vec<Key>> {
        let mut keys = Vec::new();
        while event::poll(Duration::ZERO)? {
            match event::read()? {
                Event::Key(key) if key.kind != KeyEventKind::Release => {
                    keys.extend(meaning(key.code, key.modifiers));
                }
                _ => {}
            }
        }
        Ok(keys)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn leave() {
    let _ = crossterm::execute!(io::stdout(), LeaveAlternateScreen);
    raw_terminal::restore();
}

fn meaning(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
    match code {
        // In raw mode Ctrl-C is a key like the others.
        KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => Some(Key::End),
        KeyCode::Char(_) if modifiers.contains(KeyModifiers::CONTROL) => None,
        KeyCode::Char(c) => Some(Key::Char(c)),
        KeyCode::Backspace => Some(Key::Back),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Esc => Some(Key::Escape),
        KeyCode::Tab | KeyCode::BackTab => Some(Key::Tab),
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        _ => None,
    }
}
