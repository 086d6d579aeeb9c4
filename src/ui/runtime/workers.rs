//! The threads around the loop: one reads keys, one asks for pictures, one waits for events, one gives commands.
//!
//! None of them draws, and nobody waits for them: they end when their channel does, or with the process.

use super::Input;
use crate::engine::{
    CommandRequest, ConnectionsQuery, EngineHandle, HandleError, JournalFrom, LogQuery, RowsPage, RowsQuery, Summary,
    Who,
};
use crate::ui::intent::Message;
use crate::ui::state::{Polled, Wanted};
use crate::ui::terminal;
use crossterm::event::{self, Event as TerminalEvent};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// How often a picture is taken when nothing else asks for one.
const EVERY: Duration = Duration::from_secs(1);
/// How long to wait for the rest of what was typed at once: more than a busy machine takes to get back to this thread.
const DRAIN: Duration = Duration::from_millis(20);
/// How long one call waits for an event.
const WAIT: Duration = Duration::from_secs(2);

/// Events of one page of the journal.
const PAGE: usize = 256;

/// A wish for pictures.
pub enum Wish {
    /// All of this, now and every second from now on.
    Now(Wanted),
    /// The same, but of it only what was not asked for before is asked at once.
    FromNow(Wanted),
}

/// What is asked one after the other, in the order of the keys.
pub enum Ask {
    /// A command; its answer comes with the serial.
    Command(u64, CommandRequest),
    /// What can be taken back.
    Undoable,
}

/// Where the loop sends its wishes.
pub struct Workers {
    /// What to ask for.
    pub wishes: Sender<Wish>,
    /// Numbers before which events are wanted.
    pub older: Sender<u64>,
    /// Commands, and what goes with them.
    pub commands: Sender<Ask>,
    /// What is asked of the connection table, with its serial.
    pub connections: Sender<(u64, ConnectionsQuery)>,
    /// Screens to be written into files, with the moment that they show.
    pub exports: Sender<(String, Option<SystemTime>)>,
    /// Orders for a demonstration.
    pub orders: Sender<String>,
    /// Which engine answers.
    pub known: Arc<Known>,
    /// Disconnects the event thread when it is dropped.
    _running: Sender<()>,
    /// The thread that reads keys, and the end of a pair whose closing ends it.
    keys: Option<(JoinHandle<()>, UnixStream)>,
}

impl Workers {
    /// Ends the thread that reads keys, so that what is typed next reaches whoever has the terminal then. The loop's
    /// receiver must be gone: a full channel would hold the thread.
    pub fn stop_reading(&mut self) {
        if let Some((keys, open)) = self.keys.take() {
            drop(open);
            // A reader that panicked reads nothing any more either.
            let _ = keys.join();
        }
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(body)
}

/// Starts all of them.
pub fn start(engine: &Arc<dyn EngineHandle>, inputs: &SyncSender<Input>) -> io::Result<Workers> {
    let (wishes, asked) = channel();
    let (older, before) = channel();
    let (exports, screens) = channel();
    let (commands, given) = channel();
    let (connections, browsed) = channel();
    let (running, stopped) = channel();
    let (orders, ordered) = channel();
    let known = Arc::new(Known::default());
    let (open, ended) = UnixStream::pair()?;
    let i = inputs.clone();
    let keys = Some((spawn("keys", move || read_keys(&i, &ended))?, open));
    let (e, i, k) = (engine.clone(), inputs.clone(), known.clone());
    spawn("pictures", move || take_pictures(e.as_ref(), &i, &asked, &k))?;
    let (e, i, k) = (engine.clone(), inputs.clone(), known.clone());
    spawn("events", move || follow_events(e.as_ref(), &i, &stopped, &k))?;
    let (e, i) = (engine.clone(), inputs.clone());
    spawn("exports", move || write_exports(e.as_ref(), &i, &screens))?;
    let (e, i) = (engine.clone(), inputs.clone());
    spawn("journal", move || read_journal(e.as_ref(), &i, &before))?;
    let (e, i) = (engine.clone(), inputs.clone());
    spawn("commands", move || give_commands(e.as_ref(), &i, &given))?;
    let (e, i) = (engine.clone(), inputs.clone());
    spawn("connections", move || read_connections(e.as_ref(), &i, &browsed))?;
    if engine.stage().is_some() {
        let (e, i) = (engine.clone(), inputs.clone());
        spawn("orders", move || give_orders(e.as_ref(), &i, &ordered))?;
    }
    Ok(Workers { wishes, older, exports, commands, connections, orders, known, _running: running, keys })
}

/// Which engine answered last.
#[derive(Default)]
pub struct Known {
    /// Its process; 0 before the first answer.
    pid: AtomicU32,
    /// How often another one answered; a demonstration shows one director or another from one process.
    turn: AtomicU32,
    node: Mutex<String>,
}

impl Known {
    /// The engine's process, when it ever answered.
    pub fn pid(&self) -> Option<u32> {
        Some(self.pid.load(Ordering::Relaxed)).filter(|pid| *pid != 0)
    }

    fn answered(&self, summary: &Summary) {
        let mut node = self.node.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = self.pid.swap(summary.pid, Ordering::Relaxed);
        if (pid, node.as_str()) != (summary.pid, summary.node.as_str()) {
            node.clone_from(&summary.node);
            self.turn.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the reader of keys waits for.
#[derive(PartialEq, Eq)]
enum Typed {
    Something,
    Nothing,
    /// The terminal hung up.
    Lost,
    /// The loop has ended.
    Enough,
}

/// Waits for input on the terminal. crossterm's own wait spins through the last millisecond of each timeout, and for as
/// long as a terminal is hung up; this one sleeps.
fn wait(ended: &UnixStream) -> Typed {
    let stdin = io::stdin();
    let mut fds = [PollFd::new(&stdin, PollFlags::IN), PollFd::new(ended, PollFlags::IN)];
    let second = Timespec { tv_sec: 1, tv_nsec: 0 };
    if poll(&mut fds, Some(&second)).is_err() {
        return Typed::Nothing; // interrupted by a signal
    }
    let [keys, ended] = fds.map(|fd| fd.revents());
    if !ended.is_empty() {
        Typed::Enough
    } else if keys.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
        Typed::Lost
    } else if keys.is_empty() {
        Typed::Nothing
    } else {
        Typed::Something
    }
}

/// Reads the terminal until it is gone or the loop has ended.
fn read_keys(inputs: &SyncSender<Input>, ended: &UnixStream) {
    let mut more = false;
    loop {
        // What crossterm has read already is not seen by this wait. Its own gives up without a look at that when this thread
        // was not running for the whole time: after keys, it is asked once more when nothing follows them.
        more = match wait(ended) {
            Typed::Enough => return,
            Typed::Something => true,
            Typed::Nothing if !terminal::is_there() => return drop(inputs.send(Input::TerminalLost)),
            Typed::Nothing if more => false,
            Typed::Nothing => continue,
            Typed::Lost => return drop(inputs.send(Input::TerminalLost)),
        };
        while let Ok(true) = event::poll(DRAIN) {
            let input = match event::read() {
                Ok(TerminalEvent::Key(key)) => Input::Key(key, Instant::now()),
                Ok(TerminalEvent::Paste(text)) => Input::Message(Message::Paste(text)),
                // The loop looks at the size by itself, since it hears the signal.
                Ok(_) => continue,
                Err(_) => return drop(inputs.send(Input::TerminalLost)),
            };
            if inputs.send(input).is_err() {
                return;
            }
        }
    }
}

/// Asks for a picture every second, and at once for what the loop wants beyond the last one.
fn take_pictures(engine: &dyn EngineHandle, inputs: &SyncSender<Input>, wished: &Receiver<Wish>, known: &Known) {
    let Ok(Wish::Now(mut wanted) | Wish::FromNow(mut wanted)) = wished.recv() else { return };
    let mut asked: Option<Wanted> = None;
    let mut log = (0, 0);
    let mut next = Instant::now();
    loop {
        let mut due = false;
        let patience = if wanted.at.is_some() { EVERY } else { next.saturating_duration_since(Instant::now()) };
        let mut wish = match wished.recv_timeout(patience) {
            Ok(wish) => Some(wish),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        while let Some(newer) = wish {
            let now;
            (now, wanted) = match newer {
                Wish::Now(wanted) => (true, wanted),
                Wish::FromNow(wanted) => (false, wanted),
            };
            due |= now;
            wish = wished.try_recv().ok();
        }
        // What was does not change: it is asked for once.
        let fresh = Instant::now() < next || wanted.at.is_some();
        let is_same = |a: &&Wanted| {
            (&a.query, a.routers, a.at, &a.history, a.host, a.log)
                == (&wanted.query, wanted.routers, wanted.at, &wanted.history, wanted.host, wanted.log)
        };
        let same = asked.as_ref().filter(|_| !due && fresh).filter(is_same);
        let message = match same {
            Some(same) if same.detail == wanted.detail => None,
            Some(_) => detail(engine, &wanted),
            None => {
                next = Instant::now() + EVERY;
                let guide = engine.stage().map(|stage| Message::Guide(Box::new(stage.guide())));
                if guide.is_some_and(|guide| inputs.send(Input::Message(guide)).is_err()) {
                    return;
                }
                for more in beside(engine, &wanted, &mut log, known) {
                    if inputs.send(Input::Message(more)).is_err() {
                        return;
                    }
                }
                Some(picture(engine, &wanted, known))
            }
        };
        asked = Some(wanted.clone());
        if message.is_some_and(|message| inputs.send(Input::Message(message)).is_err()) {
            return;
        }
    }
}

/// What stands beside a picture where it is on screen: the host, and what is new in the engine's log. `log`: which engine, and
/// the number of the newest line that was received.
fn beside(engine: &dyn EngineHandle, wanted: &Wanted, log: &mut (u32, u64), known: &Known) -> Vec<Message> {
    let mut messages = Vec::new();
    if wanted.host {
        messages.push(Message::Host(engine.host().map(Box::new).map_err(said)));
    }
    if wanted.log {
        let turn = known.turn.load(Ordering::Relaxed);
        if log.0 != turn {
            *log = (turn, 0);
        }
        let page = engine.log(&LogQuery { after: log.1, ..LogQuery::default() });
        log.1 = page.as_ref().map_or(log.1, |page| page.newest);
        messages.push(Message::Log(page.map_err(said)));
    }
    messages
}

fn picture(engine: &dyn EngineHandle, wanted: &Wanted, known: &Known) -> Message {
    match take(engine, wanted) {
        Ok(polled) => {
            known.answered(&polled.summary);
            Message::Polled(Box::new(polled))
        }
        Err(error) => match (error, wanted.at) {
            (HandleError::Rejected { message, .. }, Some(at)) => Message::NoPast(at, message),
            (error, _) => Message::Lost(error.to_string(), matches!(error, HandleError::NoEngine { .. })),
        },
    }
}

/// Only the details. An engine that does not give them is noticed with the next picture.
fn detail(engine: &dyn EngineHandle, wanted: &Wanted) -> Option<Message> {
    let (service, server) = wanted.detail.clone()?;
    let then = wanted.at.map(|at| engine.at(at)).transpose().ok()?;
    let engine = then.as_deref().unwrap_or(engine);
    let found = engine.real_server(&service, &server).ok()?;
    Some(Message::Detail((service, server), found.map(Box::new)))
}

fn take(engine: &dyn EngineHandle, wanted: &Wanted) -> Result<Polled, HandleError> {
    // The history has all moments; one that has none of a subject leaves it out.
    let history: Vec<_> = wanted.history.iter().filter_map(|query| engine.history(query).ok()?.ok()).collect();
    let then = wanted.at.map(|at| engine.at(at)).transpose()?;
    let engine = then.as_deref().unwrap_or(engine);
    let summary = engine.summary()?;
    let routers = if wanted.routers { Some(engine.virtual_routers()?) } else { None };
    let page = match &wanted.query {
        Some(query) => Some(rows(engine, query, wanted.follow.as_deref())?),
        None => None,
    };
    let detail = match &wanted.detail {
        Some((service, server)) => engine.real_server(service, server)?,
        None => None,
    };
    Ok(Polled { wanted: wanted.clone(), summary, routers, page, detail, history })
}

fn rows(engine: &dyn EngineHandle, query: &RowsQuery, follow: Option<&str>) -> Result<RowsPage, HandleError> {
    let page = engine.rows(query)?;
    let Some(key) = follow.filter(|key| !page.rows.iter().any(|row| row.key == **key)) else { return Ok(page) };
    // The selected row moved out of the window: find it, and look at the rows around it.
    let only = RowsQuery { anchor: Some(key.to_owned()), offset: None, limit: Some(1), ..query.clone() };
    let found = engine.rows(&only)?;
    if !found.anchor_found {
        return Ok(page);
    }
    let offset = found.offset.saturating_sub(query.limit.unwrap_or(60) / 2);
    engine.rows(&RowsQuery { offset: Some(offset), ..query.clone() })
}

/// Waits for events, so that a change is on screen at once and not at the next second.
fn follow_events(engine: &dyn EngineHandle, inputs: &SyncSender<Input>, stopped: &Receiver<()>, engines: &Known) {
    let pause = |time| stopped.recv_timeout(time) != Err(RecvTimeoutError::Timeout);
    let (mut after, mut known) = (0, 0);
    loop {
        let process = engines.turn.load(Ordering::Relaxed);
        if process == 0 {
            if pause(Duration::from_millis(20)) {
                return;
            }
            continue;
        }
        let anew = process != known;
        if anew {
            (after, known) = (0, process);
        }
        let started = Instant::now();
        match engine.events(after, 256, if anew { Duration::ZERO } else { WAIT }) {
            Ok(events) => {
                let nothing = events.is_empty();
                after = events.last().map_or(after, |event| event.seq);
                if (anew || !nothing) && inputs.send(Input::Message(Message::Events(events, anew))).is_err() {
                    return;
                }
                // An engine that does not wait must not make this thread spin.
                if nothing && started.elapsed() < WAIT / 10 && pause(WAIT / 10) {
                    return;
                }
            }
            // Answered, and refused: too many ask at a time.
            Err(HandleError::Rejected { .. }) => {
                if pause(EVERY) {
                    return;
                }
            }
            Err(error) => {
                let unheard = Message::Unheard(error.to_string());
                if inputs.send(Input::Message(unheard)).is_err() || pause(EVERY) {
                    return;
                }
            }
        }
    }
}

/// Writes what is shown into files.
fn write_exports(
    engine: &dyn EngineHandle,
    inputs: &SyncSender<Input>,
    screens: &Receiver<(String, Option<SystemTime>)>,
) {
    while let Ok((screen, at)) = screens.recv() {
        let written = super::export::write(engine, &screen, at, Path::new("."));
        let message = Message::Exported(written.map_err(|error| error.to_string()));
        if inputs.send(Input::Message(message)).is_err() {
            return;
        }
    }
}

/// Reads the journal backwards, a page at a time.
fn read_journal(engine: &dyn EngineHandle, inputs: &SyncSender<Input>, before: &Receiver<u64>) {
    while let Ok(first) = before.recv() {
        let after = first.saturating_sub(1 + PAGE as u64);
        // An engine that does not answer is noticed with the next picture.
        let events = engine.journal(JournalFrom::After(after), PAGE).map_or_else(|_| Vec::new(), |page| page.events);
        if inputs.send(Input::Message(Message::Older(events))).is_err() {
            return;
        }
    }
}

/// What is said of an engine that did not do or tell something.
fn said(error: HandleError) -> String {
    match error {
        HandleError::Rejected { message, next, .. } if !next.is_empty() => format!("{message}; {next}"),
        other => other.to_string(),
    }
}

/// Reads the connection table for whoever asked last: it may take seconds, and an older question has no reader any more.
fn read_connections(engine: &dyn EngineHandle, inputs: &SyncSender<Input>, asked: &Receiver<(u64, ConnectionsQuery)>) {
    while let Ok(first) = asked.recv() {
        let (serial, query) = asked.try_iter().last().unwrap_or(first);
        let answer = engine.connections(&query).map(Box::new).map_err(said);
        if inputs.send(Input::Message(Message::Connections(serial, answer))).is_err() {
            return;
        }
    }
}

/// Gives commands one after the other. A remote engine takes who gave them from the socket and not from here.
fn give_commands(engine: &dyn EngineHandle, inputs: &SyncSender<Input>, given: &Receiver<Ask>) {
    let user =
        ["SUDO_USER", "USER"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "console".to_owned());
    let who = Who { user, pid: Some(std::process::id()), ..Who::default() };
    while let Ok(ask) = given.recv() {
        let message = match ask {
            Ask::Command(serial, request) => {
                Message::Answered(serial, engine.command(&request, &who).map(Box::new).map_err(said))
            }
            Ask::Undoable => Message::Undoable(engine.undoable().map_err(said)),
        };
        if inputs.send(Input::Message(message)).is_err() {
            return;
        }
    }
}

/// Gives orders to a demonstration.
fn give_orders(engine: &dyn EngineHandle, inputs: &SyncSender<Input>, ordered: &Receiver<String>) {
    while let Ok(words) = ordered.recv() {
        let Some(stage) = engine.stage() else { return };
        if inputs.send(Input::Message(Message::Ordered(stage.order(&words)))).is_err() {
            return;
        }
    }
}
