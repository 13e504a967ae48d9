//! The terminal while the table is live: raw mode, keys, and everything as it was afterwards.
//!
//! The table is drawn in line, below what was there, and stays when the demo is over: also after its `kill -9`, when nobody can
//! restore a screen.

use super::screen;
use super::view::View;
use crate::raw_terminal;
use crossterm::cursor;
use crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use crossterm::terminal::{self, Clear, ClearType};
use ratatui::backend::CrosstermBackend;
use ratatui::{TerminalOptions, Viewport};
use std::io::{self, Stdout};
use std::time::Duration;

/// Lines of the table on a tall terminal; what was on it before stays in sight.
const LINES_MAX: u16 = 24;
/// Below this the table says too little: lines are printed instead.
const LINES_MIN: u16 = 12;

/// A key that means something here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    Add,
    Stop,
    Kill,
    Up,
    Down,
    Traffic,
    Quit,
}

/// The terminal in raw mode; restored on drop, and by a panic before its words are printed.
#[derive(Debug)]
pub(crate) struct Terminal {
    inner: ratatui::Terminal<CrosstermBackend<Stdout>>,
    /// Lines of the last frame that stay.
    lines: u16,
}

impl Terminal {
    /// Takes the terminal, if there is one that can show the table.
    pub(crate) fn enter() -> Option<Self> {
        if !raw_terminal::is_there() || terminal::size().ok()?.1 < LINES_MIN {
            return None;
        }
        raw_terminal::enter(raw_terminal::restore).ok()?;
        // Asks the terminal where its cursor is: one that does not answer gets lines.
        let inner = below_the_cursor().inspect_err(|_| raw_terminal::restore()).ok()?;
        Some(Self { inner, lines: 0 })
    }

    /// Draws the view.
    pub(crate) fn draw(&mut self, view: &View) -> io::Result<()> {
        self.lines = screen::lines_at_end(view);
        self.inner.draw(|frame| {
            screen::draw(frame, view);
            // Whatever is printed when the demo is killed comes after the table.
            let area = frame.area();
            frame.set_cursor_position((area.left(), area.bottom().saturating_sub(1)));
        })?;
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
                // Lines were wrapped anew by the terminal, no one knows how: begin again at the top.
                Event::Resize(..) => {
                    crossterm::execute!(io::stdout(), Clear(ClearType::All), cursor::MoveTo(0, 0))?;
                    self.inner = below_the_cursor()?;
                }
                _ => {}
            }
        }
        Ok(keys)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let area = self.inner.get_frame().area();
        let after = area.top().saturating_add(self.lines).min(area.bottom().saturating_sub(1));
        let _ = crossterm::execute!(io::stdout(), cursor::MoveTo(0, after), Clear(ClearType::FromCursorDown));
        raw_terminal::restore();
    }
}

fn below_the_cursor() -> io::Result<ratatui::Terminal<CrosstermBackend<Stdout>>> {
    let lines = terminal::size()?.1.min(LINES_MAX);
    let options = TerminalOptions { viewport: Viewport::Inline(lines) };
    let mut terminal = ratatui::Terminal::with_options(CrosstermBackend::new(io::stdout()), options)?;
    terminal.clear()?;
    Ok(terminal)
}

fn meaning(code: KeyCode, modifiers: KeyModifiers) -> Option<Key> {
    match code {
        // In raw mode Ctrl-C is a key like the others.
        KeyCode::Char('c' | 'd') if modifiers.contains(KeyModifiers::CONTROL) => Some(Key::Quit),
        KeyCode::Char('q') => Some(Key::Quit),
        KeyCode::Char('a') => Some(Key::Add),
        KeyCode::Char('s') => Some(Key::Stop),
        KeyCode::Char('k') => Some(Key::Kill),
        KeyCode::Char('t') => Some(Key::Traffic),
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        _ => None,
    }
}
