//! The loop of the console. The only place in `ui` that reads a clock.
//!
//! 1. Wait for an input, at most a second.
//! 2. Take everything that has arrived, so that a storm of keys or a slow terminal costs one frame and not many.
//! 3. Update; perform effects.
//! 4. Draw when something shown has changed.
//!
//! A draw that took longer than a second is a stall: keys typed meanwhile are dropped, because the operator did not see
//! what they acted on.

mod export;
mod pace;
mod player;
mod signals;
mod workers;

use super::format;
use super::intent::{Effect, Message};
use super::keymap;
use super::script::Script;
use super::state::{Tone, UiState, Wanted};
use super::terminal::Terminal;
use super::theme::{Depth, Theme};
use super::update::{unread_for, update, wanted};
use super::view;
use super::{ConsoleError, Exit, ExitCause, Options};
use crate::engine::EngineHandle;
use crossterm::Command as _;
use crossterm::clipboard::CopyToClipboard;
use crossterm::event::KeyEvent;
use pace::Pace;
use player::Shown;
use ratatui::buffer::Buffer;
use rustix::process::{Pid, Signal, getpgid, getpgrp, getsid, kill_current_process_group};
use signal_hook::consts::{SIGCONT, SIGTSTP, SIGWINCH};
use signals::Raised;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};
use workers::{Ask, Wish, Workers};

/// The longest that the loop sleeps.
const SECOND: Duration = Duration::from_secs(1);
/// A draw longer than this is a stall.
const STALL: Duration = Duration::from_secs(1);
/// Keys that arrive this soon after a stall were typed during it.
const AFTERMATH: Duration = Duration::from_millis(300);

/// What reaches the loop.
enum Input {
    /// For `update` as it is.
    Message(Message),
    /// A key, and when it was read.
    Key(KeyEvent, Instant),
    /// A signal.
    Signal(i32),
    /// The terminal hung up.
    TerminalLost,
    /// The script wants the screen as it is after all that came before.
    Look(SyncSender<Buffer>),
    /// A step of the script failed, and why.
    ScriptFailed(String),
}

/// Runs the console on an engine until the operator leaves, a signal comes or the terminal goes. The terminal is as it was
/// when this returns, and also when it doesn't.
pub fn run(engine: &Arc<dyn EngineHandle>, options: &Options) -> Result<Exit, ConsoleError> {
    let (theme, warning) = choose_theme(options);
    let terminal = Terminal::enter()?;
    let (inputs, arriving) = sync_channel(256);
    let (alive, watched) = channel();
    let raised = Arc::new(Raised::default());
    let error = |operation| move |cause| ConsoleError::Terminal { operation, cause };
    signals::listen(inputs.clone(), raised.clone(), watched).map_err(error("signals"))?;
    let workers = workers::start(engine, &inputs).map_err(error("threads"))?;
    let shown = options.script.clone().map(|script| play(script, &inputs)).transpose().map_err(error("threads"))?;
    let mut state =
        UiState::new(options.size.unwrap_or_else(Terminal::size), options.read_only, options.start_unlocked);
    state.replay = options.replay;
    state.viewing = options.replay.map(|(first, _)| first);
    state.own_pid = Some(std::process::id());
    state.commanders.clone_from(&options.commanders);
    let key_warning = match keymap::choose(options.keys.as_deref()) {
        Ok(settings) => {
            (state.keys, state.bell, state.columns) = (Arc::new(settings.keys), settings.bell, settings.columns);
            None
        }
        Err(mistakes) => Some(format!("{}; using the keys as they come", mistakes.in_short())),
    };
    state.bell = options.bell.unwrap_or(state.bell);
    let warnings: Vec<String> = options.notice.clone().into_iter().chain(warning).chain(key_warning).collect();
    if !warnings.is_empty() {
        // Of several, all are named in one line: what is wrong in each stands behind its place.
        let room = if warnings.len() == 1 { usize::MAX } else { 76 / warnings.len() };
        let short = warnings.iter().map(|warning| format::cut(warning, room, '~').into_owned()).collect::<Vec<_>>();
        update(&mut state, Message::Warning(short.join(" | ")), Duration::ZERO);
    }
    let mut console = Console {
        started: Instant::now(),
        terminal,
        theme,
        state,
        workers,
        raised,
        fixed: options.size,
        shown,
        script_failed: None,
        asked: None,
        turned: Instant::now(),
        stall: None,
        dropped: 0,
        full_since: None,
        left: None,
        pace: Pace::default(),
        urgent: true,
    };
    let cause = console.turn(&arriving);
    drop(arriving);
    console.workers.stop_reading();
    let pid = console.workers.known.pid();
    let (script_failed, left) = (console.script_failed.take(), console.left.take());
    drop(console);
    drop(alive);
    if let Some(screen) = left {
        super::terminal::leave(&screen);
    }
    Ok(Exit { cause, pid, script_failed })
}

/// Plays a script beside the loop; gives where the loop is to publish what it draws.
fn play(script: Script, inputs: &SyncSender<Input>) -> std::io::Result<Arc<Shown>> {
    let (shown, inputs) = (Arc::<Shown>::default(), inputs.clone());
    let look = shown.clone();
    thread::Builder::new().name("script".to_owned()).spawn(move || player::play(&script, &look, &inputs))?;
    Ok(shown)
}

struct Console {
    started: Instant,
    terminal: Terminal,
    theme: Theme,
    state: UiState,
    workers: Workers,
    raised: Arc<Raised>,
    /// Columns and rows to draw in, whatever the terminal has.
    fixed: Option<(u16, u16)>,
    /// What a script looks at.
    shown: Option<Arc<Shown>>,
    /// When the last turn began to wait.
    turned: Instant,
    /// Why the script failed.
    script_failed: Option<String>,
    /// What the engine was asked for last.
    asked: Option<Wanted>,
    /// Begin and end of the last stall.
    stall: Option<(Instant, Instant)>,
    /// Keys dropped since the stall began.
    dropped: usize,
    /// Since when a picture waits for a terminal that takes nothing.
    full_since: Option<Instant>,
    /// The screen that is to stay in the terminal.
    left: Option<String>,
    /// How often pictures are drawn.
    pace: Pace,
    /// Something came that is drawn at once, however slow the link is: a key, a change of state, an answer.
    urgent: bool,
}

impl Console {
    fn turn(&mut self, arriving: &Receiver<Input>) -> ExitCause {
        loop {
            match self.ask_and_draw() {
                ControlFlow::Break(cause) => return cause,
                ControlFlow::Continue(()) => {}
            }
            let wait = match self.pace.wait(Instant::now(), self.urgent) {
                wait if self.state.dirty && !wait.is_zero() => wait.min(SECOND),
                _ => SECOND,
            };
            let wait = unread_for(&self.state, self.started.elapsed()).map_or(wait, |unread| wait.min(unread));
            self.turned = Instant::now();
            let arrived = arriving.recv_timeout(wait);
            self.stood_still(wait);
            let mut input = match arrived {
                Ok(input) => Some(input),
                Err(RecvTimeoutError::Timeout) => Some(Input::Message(Message::Tick)),
                // Never: the loop's own threads hold senders for as long as the terminal is there.
                Err(RecvTimeoutError::Disconnected) => return ExitCause::TerminalLost,
            };
            while let Some(next) = input {
                if let ControlFlow::Break(cause) = self.take(next) {
                    return cause;
                }
                input = arriving.try_recv().ok();
            }
        }
    }

    /// The process was stopped, or its host, when a turn took much longer than it waits: what came meanwhile was typed blindly.
    fn stood_still(&mut self, wait: Duration) {
        let now = Instant::now();
        if now.duration_since(self.turned) > wait + STALL {
            self.stall = Some((self.turned, now));
            self.state.awake_since = self.started.elapsed();
        }
    }

    fn ask_and_draw(&mut self) -> ControlFlow<ExitCause> {
        let signal = self.raised.ending.load(Ordering::SeqCst);
        if signal != 0 {
            return ControlFlow::Break(ExitCause::Signal(signal));
        }
        if self.raised.resized.swap(false, Ordering::SeqCst) {
            let (columns, rows) = self.fixed.unwrap_or_else(Terminal::size);
            self.update(Message::Resize(columns, rows))?;
        }
        let now = wanted(&self.state);
        if self.asked.as_ref() != Some(&now) {
            let _ = self.workers.wishes.send(Wish::FromNow(now.clone()));
            self.asked = Some(now);
        }
        let begun = Instant::now();
        if !self.state.dirty || !self.pace.wait(begun, self.urgent).is_zero() {
            return ControlFlow::Continue(());
        }
        if self.is_full(begun) && !self.urgent {
            if self.pace.put_off(begun) {
                self.state.link = self.pace.said();
            }
            return ControlFlow::Continue(());
        }
        (self.state.dirty, self.urgent) = (false, false);
        if self.terminal.draw(&self.state, &self.theme).is_err() {
            return ControlFlow::Break(ExitCause::TerminalLost);
        }
        let ended = Instant::now();
        if let (Some(shown), Some(picture)) = (&self.shown, self.terminal.shown()) {
            shown.publish(picture);
        }
        if self.pace.drawn(begun, ended) {
            self.state.link = self.pace.said();
            self.state.dirty = true;
        }
        let since = self.full_since.take().unwrap_or(begun);
        if ended.duration_since(since) > STALL {
            self.stall = Some((since, ended));
        }
        ControlFlow::Continue(())
    }

    /// Whether the terminal takes nothing now. Since when is kept: what is typed meanwhile is typed blindly.
    fn is_full(&mut self, now: Instant) -> bool {
        if !self.terminal.has_room() {
            self.full_since.get_or_insert(now);
            return true;
        }
        if let Some(since) = self.full_since.take().filter(|since| now.duration_since(*since) > STALL) {
            self.stall = Some((since, now));
        }
        false
    }

    fn take(&mut self, input: Input) -> ControlFlow<ExitCause> {
        self.urgent |= match &input {
            Input::Message(message) => message.is_urgent(),
            Input::Key(..) | Input::Signal(_) | Input::TerminalLost | Input::ScriptFailed(_) => true,
            Input::Look(_) => false,
        };
        match input {
            Input::Message(message) => self.update(message),
            // A script waits for what it wants to see.
            Input::Key(_, read_at) if self.shown.is_none() && self.typed_blindly(read_at) => {
                self.dropped += 1;
                let still = self.full_since.map(|since| since.elapsed());
                let stalled = still.or(self.stall.map(|(from, to)| to.duration_since(from)));
                let seconds = stalled.unwrap_or_default().as_secs();
                self.update(Message::KeysDropped(self.dropped, seconds))
            }
            Input::Key(key, _) => self.update(Message::Key(key)),
            Input::Signal(SIGTSTP) => self.stop(),
            Input::Signal(SIGCONT) => self.appear(),
            // The next turn sees it.
            Input::Signal(SIGWINCH) => ControlFlow::Continue(()),
            Input::Signal(signal) => ControlFlow::Break(ExitCause::Signal(signal)),
            Input::TerminalLost => ControlFlow::Break(ExitCause::TerminalLost),
            Input::Look(tell) => {
                // A script that has ended looks no more.
                _ = tell.send(view::picture(&self.state, &self.theme));
                ControlFlow::Continue(())
            }
            Input::ScriptFailed(why) => {
                self.script_failed = Some(why);
                ControlFlow::Break(ExitCause::ScriptFailed)
            }
        }
    }

    /// Whether a key was typed while the screen stood still.
    fn typed_blindly(&mut self, read_at: Instant) -> bool {
        if let Some(since) = self.full_since
            && self.is_full(Instant::now())
        {
            return read_at > since + STALL;
        }
        let Some((from, to)) = self.stall else { return false };
        if read_at >= to + AFTERMATH {
            (self.stall, self.dropped) = (None, 0);
        }
        // A key that was read just before the stall arrives after it as well: it was typed with open eyes.
        read_at > from && read_at < to + AFTERMATH
    }

    fn update(&mut self, message: Message) -> ControlFlow<ExitCause> {
        for effect in update(&mut self.state, message, self.started.elapsed()) {
            match effect {
                Effect::Poll => {
                    let now = wanted(&self.state);
                    let _ = self.workers.wishes.send(Wish::Now(now.clone()));
                    self.asked = Some(now);
                }
                Effect::Command(serial, request) => {
                    let _ = self.workers.commands.send(Ask::Command(serial, request));
                }
                Effect::Order(words) => {
                    let _ = self.workers.orders.send(words);
                }
                Effect::Older(before) => {
                    let _ = self.workers.older.send(before);
                }
                Effect::Undoable => _ = self.workers.commands.send(Ask::Undoable),
                Effect::Connections(serial, query) => _ = self.workers.connections.send((serial, query)),
                Effect::Export => {
                    let screen = export::text(&view::picture(&self.state, &self.theme));
                    let _ = self.workers.exports.send((screen, self.state.viewing));
                }
                Effect::Copy(text) => self.send(&clipboard(&text))?,
                Effect::Ring => self.send("\x07")?,
                Effect::Redraw => self.terminal.forget(),
                Effect::Suspend => self.suspend(),
                Effect::Detach => return ControlFlow::Break(ExitCause::Detached),
                Effect::LeaveScreen => {
                    self.left = self.terminal.shown().map(export::text);
                    return ControlFlow::Break(ExitCause::Detached);
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Something for the terminal that is no picture.
    fn send(&mut self, sequence: &str) -> ControlFlow<ExitCause> {
        match self.terminal.send(sequence) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(ExitCause::TerminalLost),
        }
    }

    /// Ctrl-Z: the whole job stops, as a shell expects. Without a shell to come back to, it would stop for ever.
    fn suspend(&mut self) {
        if !a_shell_waits() || kill_current_process_group(Signal::TSTP).is_err() {
            self.state.say(Tone::Bad, "no shell waits for this console: there would be no way back from Ctrl-Z");
        }
    }

    /// Stopped by SIGTSTP: the terminal is given back first, and taken again when somebody continues the process.
    fn stop(&mut self) -> ControlFlow<ExitCause> {
        super::terminal::restore();
        let _ = signal_hook::low_level::emulate_default_handler(SIGTSTP);
        self.appear()
    }

    /// Continued: whatever was on the terminal meanwhile is overwritten.
    fn appear(&mut self) -> ControlFlow<ExitCause> {
        if self.terminal.take().is_err() {
            return ControlFlow::Break(ExitCause::TerminalLost);
        }
        // A turn before this one may have noticed it: then the clock has gone on.
        self.stall = self.stall.filter(|(_, noticed)| noticed.elapsed() < AFTERMATH);
        self.stood_still(Duration::ZERO);
        let (columns, rows) = self.fixed.unwrap_or_else(Terminal::size);
        self.update(Message::Resize(columns, rows))
    }
}

/// Whether a shell with job control started this process group, and notices that it stops: the parent of its first process is in
/// another group of the same session (`setpgid(2)`).
fn a_shell_waits() -> bool {
    let group = getpgrp();
    let stat = std::fs::read_to_string(format!("/proc/{group}/stat")).unwrap_or_default();
    // The name in brackets may have any character: what follows is the state and the parent.
    let parent = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
    parent.and_then(Pid::from_raw).is_some_and(|parent| {
        getsid(Some(parent)).ok() == getsid(None).ok() && getpgid(Some(parent)).is_ok_and(|other| other != group)
    })
}

/// What puts a text into the terminal's clipboard (OSC 52).
fn clipboard(text: &str) -> String {
    let mut sequence = String::new();
    // Writing to a String can't fail.
    let _ = CopyToClipboard::to_clipboard_from(text).write_ansi(&mut sequence);
    sequence
}

/// The theme asked for, or the default with the reason why not.
fn choose_theme(options: &Options) -> (Theme, Option<String>) {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_default();
    let of_terminal = Depth::of_terminal(&set("COLORTERM"), &set("TERM"));
    // What was asked for on the command line, a depth or a theme, wins over the environment.
    let depth = match (options.depth, &options.theme) {
        (Some(depth), _) => depth,
        (None, None) if !set("NO_COLOR").is_empty() => Depth::None,
        (None, Some(_)) => of_terminal.max(Depth::Sixteen),
        (None, None) => of_terminal,
    };
    // The theme knows what it uses; crossterm is not to look at the environment again.
    crossterm::style::force_color_output(true);
    let (theme, warning) = match Theme::load(options.theme.as_deref().unwrap_or("ansi")) {
        Ok(theme) => (theme, None),
        Err(error) => {
            (Theme::load("ansi").unwrap_or_else(|_| Theme::plain()), Some(format!("{}; using ansi", error.in_short())))
        }
    };
    let mut theme = theme.at_depth(depth);
    theme.ascii = options.ascii.unwrap_or_else(needs_ascii);
    (theme, warning)
}

/// Whether the locale is not UTF-8, or the terminal is the Linux console with its small font.
fn needs_ascii() -> bool {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_lowercase();
    !(locale.contains("utf-8") || locale.contains("utf8")) || set("TERM").as_deref() == Some("linux")
}
