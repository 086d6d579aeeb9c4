//! Signals of the console: TERM, INT, HUP and QUIT end it, TSTP stops it, CONT draws it anew, WINCH wakes it.
//!
//! A console that can't end because its terminal takes no more output is ended here, with the terminal's modes restored.

use super::Input;
use crate::ui::terminal;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

/// How long the loop has for its own way out.
const GRACE: Duration = Duration::from_millis(600);

/// What signals said, to be looked at in each turn of the loop: an input may find no room in a loop that is held up.
#[derive(Debug, Default)]
pub struct Raised {
    /// The signal that ends the console; 0: none.
    pub ending: AtomicI32,
    /// The terminal's size has changed, or had changed and changed back: what was on it is gone.
    pub resized: AtomicBool,
}

/// Starts the thread that hears signals. `alive` disconnects when the loop has ended.
pub fn listen(inputs: SyncSender<Input>, raised: Arc<Raised>, alive: Receiver<()>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            raised.resized.fetch_or(signal == SIGWINCH, Ordering::SeqCst);
            if matches!(signal, SIGTSTP | SIGCONT | SIGWINCH) {
                let _ = inputs.try_send(Input::Signal(signal));
                continue;
            }
            raised.ending.store(signal, Ordering::SeqCst);
            let _ = inputs.try_send(Input::Signal(signal));
            if alive.recv_timeout(GRACE) == Err(RecvTimeoutError::Timeout) {
                terminal::restore_modes();
                std::process::exit(128 + signal);
            }
            return;
        }
    })?;
    Ok(())
}
