//! The terminal while the console has it, and the promise that it is given back on every way out.
//!
//! One write a frame, within DEC 2026 brackets unless it is so short that nothing tears it, and none when nothing changed.
//! Never a query: answers that come late would be taken for keys. The cursor stays hidden; text fields show their own.

use super::ConsoleError;
use super::paint::{WORTH, paint, scroll};
use super::state::UiState;
use super::theme::Theme;
use super::view;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::buffer::Buffer;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Alternate screen, cursor hidden, bracketed paste, everything cleared.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[0m\x1b[2J\x1b[H";
/// The way back, from whatever was being written.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[?2004l\x1b[0m\x1b[?25h\x1b[?1049l";

/// The brackets of DEC 2026 around a frame: the terminal shows it whole.
const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";
const END_FRAME: &[u8] = b"\x1b[?2026l";
/// A frame of so few bytes, without brackets, goes through a line and a terminal as one piece.
const ONE_PIECE: usize = 256;

/// Whether the terminal is ours now.
static OURS: AtomicBool = AtomicBool::new(false);
/// Held while something is written: a frame must not land on the screen that was just given back by another thread.
static WRITING: Mutex<()> = Mutex::new(());

/// Writes, if the terminal is still ours.
fn write(out: &mut File, bytes: &[u8]) -> io::Result<()> {
    let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    if OURS.load(Ordering::SeqCst) { out.write_all(bytes) } else { Ok(()) }
}

fn output() -> io::Result<File> {
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// Gives the terminal back, once; safe to call from a panic hook and from any thread.
pub fn restore() {
    if OURS.swap(false, Ordering::SeqCst) {
        let _one_at_a_time = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
        // Errors mean that the terminal is gone, and with it everything that could be restored.
        let _ = output().and_then(|mut out| out.write_all(LEAVE));
        let _ = disable_raw_mode();
    }
}

/// Prints a screen that stays, after the terminal was given back.
pub fn leave(screen: &str) {
    let _ = output().and_then(|mut out| out.write_all(screen.as_bytes()));
}

/// Gives back what can be given back without writing, for a terminal that takes no more output.
pub fn restore_modes() {
    OURS.store(false, Ordering::SeqCst);
    let _ = disable_raw_mode();
}

/// Whether the terminal is still there: a hung-up one answers no ioctl.
pub fn is_there() -> bool {
    io::stdout().is_terminal()
}

/// The terminal in raw mode on its alternate screen. Dropping it restores.
pub struct Terminal {
    out: File,
    shown: Option<Buffer>,
    /// The picture before that one: the next is drawn in its memory, which the system would otherwise clear and map anew.
    older: Buffer,
}

impl Terminal {
    /// Takes the terminal.
    pub fn enter() -> Result<Self, ConsoleError> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(ConsoleError::NotATerminal);
        }
        let error = |operation| move |cause| ConsoleError::Terminal { operation, cause };
        let out = output().map_err(error("open"))?;
        if std::env::var_os("TERM").is_some_and(|term| term == "dumb") {
            return Err(ConsoleError::Dumb);
        }
        restore_on_panic();
        // What was typed before there was anything to see was meant for somebody else.
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        let mut terminal = Self { out, shown: None, older: Buffer::default() };
        terminal.take().map_err(error("raw mode"))?;
        Ok(terminal)
    }

    /// Takes the terminal (again): after a suspension, or when something else wrote on it.
    pub fn take(&mut self) -> io::Result<()> {
        OURS.store(true, Ordering::SeqCst);
        enable_raw_mode()?;
        self.shown = None;
        write(&mut self.out, ENTER)
    }

    /// Columns and rows; 80x24 when the terminal doesn't know.
    pub fn size() -> (u16, u16) {
        crossterm::terminal::window_size().map_or((80, 24), |size| match (size.columns, size.rows) {
            (0, _) | (_, 0) => (80, 24),
            known => known,
        })
    }

    /// What is on the screen, as far as it was drawn.
    pub const fn shown(&self) -> Option<&Buffer> {
        self.shown.as_ref()
    }

    /// Forgets what is on the screen: the next frame paints all of it.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// Sends a sequence that changes nothing on the screen: for the clipboard, or the bell.
    pub fn send(&mut self, sequence: &str) -> io::Result<()> {
        write(&mut self.out, sequence.as_bytes())
    }

    /// Whether the terminal takes something now without holding the console up: of a serial line, that fewer than 256
    /// characters wait to be sent (`tty_poll` asks what `TIOCOUTQ` asks); of a pseudo-terminal, which always says 0 there,
    /// that its buffer has room.
    pub fn has_room(&self) -> bool {
        let mut fds = [PollFd::new(&self.out, PollFlags::OUT)];
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        // A terminal that is gone "has room": the write finds out.
        poll(&mut fds, Some(&at_once)) != Ok(0)
    }

    /// Draws the difference between what is shown and what should be, in one write; nothing when there is none.
    pub fn draw(&mut self, state: &UiState, theme: &Theme) -> io::Result<()> {
        let next = view::picture_over(std::mem::take(&mut self.older), state, theme);
        let is_repaint = self.shown.as_ref().is_none_or(|shown| shown.area != next.area);
        let mut frame = Vec::new();
        let mut before = self.shown.take().unwrap_or_default();
        if is_repaint {
            frame.extend_from_slice(b"\x1b[0m\x1b[2J\x1b[H");
            before.resize(next.area);
            before.reset();
        }
        let mut changed = before.diff(&next);
        // A quiet second changes a few digits: then nothing was scrolled, and nothing is looked for.
        let is_scrolled = !is_repaint && changed.len() >= WORTH && scroll(&mut frame, &mut before, &next);
        if is_scrolled {
            changed = before.diff(&next);
        }
        if is_repaint || is_scrolled || !changed.is_empty() {
            paint(&mut frame, changed, next.area.width);
            let needs_brackets = is_repaint || is_scrolled || frame.len() > ONE_PIECE;
            let bytes = if needs_brackets { [BEGIN_FRAME, &frame, END_FRAME].concat() } else { frame };
            write(&mut self.out, &bytes)?;
        }
        (self.shown, self.older) = (Some(next), before);
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
    }
}

/// A panic anywhere gives the terminal back before it is reported, and ends the console: it is a client, and a console with
/// a dead thread would show things that are not true.
fn restore_on_panic() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.swap(true, Ordering::SeqCst) {
        return;
    }
    let report = Arc::new(std::panic::take_hook());
    std::panic::set_hook(Box::new(move |panic| {
        let was_ours = OURS.load(Ordering::SeqCst);
        restore();
        report(panic);
        if was_ours {
            std::process::exit(101);
        }
    }));
}
