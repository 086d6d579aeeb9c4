//! Signals of the console: TERM, INT, HUP and QUIT end it, TSTP stops it, CONT draws it anew.
//!
//! A console that can't end because its terminal takes no more output is ended here, with the terminal's modes restored.

use super::Input;
use crate::ui::terminal;
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

/// How long the loop has for its own way out.
const GRACE: Duration = Duration::from_millis(600);

/// Starts the thread that hears signals. `ending` holds the signal that ends the console; `alive` disconnects when the loop
/// has ended.
pub fn listen(inputs: SyncSender<Input>, ending: Arc<AtomicI32>, alive: Receiver<()>) -> io::Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if matches!(signal, SIGTSTP | SIGCONT) {
                let _ = inputs.try_send(Input::Signal(signal));
                continue;
            }
            ending.store(signal, Ordering::SeqCst);
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
