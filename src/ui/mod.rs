//! The console: a client that may die at any time, reads snapshots and sends commands.
//!
//! ```text
//! keys, answers, events ─► Message ─► update(state) ─► Effect ─► engine thread, command thread, terminal
//!                                        │
//!                                        └─► view(state, theme) ─► buffer ─► one write, and only when something changed
//! ```
//!
//! [`run`] is all that the composition root needs. The threads that ask the engine never draw, the thread that draws never
//! asks: an engine that does not answer leaves the last picture on screen, greyed, and says since when. Closing, killing or
//! freezing the console changes nothing on the director.

pub mod bell;
mod drains;
pub mod format;
pub mod intent;
pub mod keymap;
pub mod mistakes;
pub mod paint;
mod palette;
pub mod popup;
pub mod rows;
mod runtime;
pub mod screens;
pub mod script;
pub mod state;
pub mod svg;
mod terminal;
pub mod theme;
pub mod update;
pub mod view;
pub mod widgets;

pub use runtime::run;
use std::path::PathBuf;

/// How the console starts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// Writes are never allowed, whatever the operator presses.
    pub read_only: bool,
    /// Writes are allowed from the start, where the socket permits them.
    pub start_unlocked: bool,
    /// Who may give commands, where this user may not.
    pub commanders: Option<String>,
    /// A built-in theme or a file; without it `ansi`, or `mono` when `NO_COLOR` is set.
    pub theme: Option<String>,
    /// A file with keys of the operator's own.
    pub keys: Option<PathBuf>,
    /// When the terminal's bell rings; without it as the key file says, else never.
    pub bell: Option<bell::Bell>,
    /// How many colours; without it as many as the terminal's environment says, none with `NO_COLOR` and no theme named.
    pub depth: Option<theme::Depth>,
    /// Lines and marks in ASCII; without it, ASCII where the locale is not UTF-8 or the terminal is the Linux console.
    pub ascii: Option<bool>,
    /// First and last moment of the recording that the engine replays: the console opens on the first.
    pub replay: Option<(std::time::SystemTime, std::time::SystemTime)>,
    /// Something to say at the start.
    pub notice: Option<String>,
    /// Columns and rows to draw in, whatever the terminal has.
    pub size: Option<(u16, u16)>,
    /// Keys to press and things to wait for.
    pub script: Option<script::Script>,
}

/// Why the console ended. The engine goes on in every case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// What ended it.
    pub cause: ExitCause,
    /// The engine's process, when it ever answered: `detached, engine running as pid N`.
    pub pid: Option<u32>,
    /// Why its script failed, with file and line.
    pub script_failed: Option<String>,
}

/// What ended the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCause {
    /// The operator left.
    Detached,
    /// This signal came.
    Signal(i32),
    /// A step of its script failed.
    ScriptFailed,
    /// The terminal is gone (closed window, lost connection): there is nobody to tell.
    TerminalLost,
}

/// Why there is no console.
#[derive(Debug, thiserror::Error)]
pub enum ConsoleError {
    /// Input or output is no terminal.
    #[error("the console needs a terminal; use `lvsdeck ctl status` for scripts and pipes")]
    NotATerminal,
    /// A terminal that can't place the cursor.
    #[error(
        "TERM=dumb can't show the console; say which terminal this is (TERM=xterm-256color), or use `lvsdeck status`"
    )]
    Dumb,
    /// The terminal refused something.
    #[error("terminal: {operation}: {cause}")]
    Terminal {
        /// What was tried.
        operation: &'static str,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
}
