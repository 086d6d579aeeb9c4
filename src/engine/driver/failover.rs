//! The failover loop: a thread of its own that owns every virtual router and waits in `ppoll`.
//!
//! Each round, in this order:
//! 1. perform the core's actions, oldest first; before addresses are announced, what came meanwhile is handed in: whoever
//!    hears that another is master then gives them up, and tells nobody of them;
//! 2. publish what changed (four times a second at most, unless a state changed);
//! 3. wait for a packet, a message of the kernel, a command, or the core's deadline;
//! 4. hand in packets first, then kernel messages, then commands, and only then the time: a thread that was merely
//!    descheduled hears the master's advertisement before it concludes that there was none. So all are looked at where a
//!    deadline has come, and else those that the wait found.
//!
//! It holds no lock while it waits or sends, and awaits nothing but its inputs.

use super::surroundings::Surroundings;
use super::world::World;
use crate::engine::command::{Answer, Asked};
use crate::engine::event::Fact;
use crate::engine::failover::{Action, Failover, Input, Notice, Past};
use crate::engine::io::state::StateDir;
use crate::engine::io::wait::{self, Alarm, Bell, Ear, Ready};
use crate::engine::model::{Configuration, TrackKind};
use crate::engine::snapshot::{ForeignRouter, Moment, VirtualRouterStatus, Warning};
use crate::engine::vrrp::Tracked;
use std::io;
use std::os::fd::AsRawFd;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant, SystemTime};

/// Time between two publications while only timers and counters move.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(250);
/// With more instances than this timers and counters are published as seldom as if nothing moved: a view of hundreds costs
/// more than all their advertisements.
const CROWD: usize = 64;
/// Time between two publications when nothing moves at all.
pub const PULSE: Duration = Duration::from_secs(1);
/// What came is looked at again before addresses are announced, when that was longer ago.
const HEARD_LATELY: Duration = Duration::from_millis(1);
/// Requests that may wait for the loop.
const QUEUE: usize = 64;

/// What the loop publishes.
#[derive(Debug, Clone, Default)]
pub struct FailoverView {
    /// When; none before the first round.
    pub at: Option<Instant>,
    /// Every instance.
    pub routers: Vec<VirtualRouterStatus>,
    /// Virtual routers of others.
    pub foreign: Vec<ForeignRouter>,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
}

/// Where the loop tells what it sees. Called on the loop's thread: must not block.
pub trait Listener: Send {
    /// The newest view; the one before is obsolete.
    fn publish(&self, view: FailoverView);
    /// Something happened.
    fn report(&self, fact: Fact);
    /// Scripts and FIFOs are to be told.
    fn notify(&self, _notice: Notice) {}
}

/// What is done with an answer, on the loop's thread.
type Reply = Box<dyn FnOnce(Answer) + Send>;

/// What is done when something is in effect and in the view, on the loop's thread.
type Done = Box<dyn FnOnce() + Send>;

/// One request to the loop.
enum Request {
    Command(Box<Asked>, Reply),
    Reload(Arc<Configuration>, Done),
    Tracked { kind: TrackKind, name: String, state: Tracked, said: String },
    Shutdown { keep: bool },
}

/// The way into a running loop; may be shared by threads.
#[derive(Clone)]
pub struct FailoverSender {
    requests: SyncSender<Request>,
    bell: Arc<Bell>,
}

impl FailoverSender {
    /// Gives a command; `answer` is called once, on the loop's thread. False when the loop has ended or is flooded.
    pub fn command(&self, asked: Asked, answer: impl FnOnce(Answer) + Send + 'static) -> bool {
        let sent = self.requests.try_send(Request::Command(Box::new(asked), Box::new(answer))).is_ok();
        self.bell.ring();
        sent
    }

    /// Gives the loop another configuration; it can't refuse. `done` is called once it is in effect and in the view, on the
    /// loop's thread. False when it has ended.
    pub fn reload(&self, configuration: Arc<Configuration>, done: impl FnOnce() + Send + 'static) -> bool {
        let sent = self.requests.send(Request::Reload(configuration, Box::new(done))).is_ok();
        self.bell.ring();
        sent
    }

    /// Tells how a tracked script, process or file counts from now on, and what it said. Waits while the loop is flooded.
    pub fn tracked(&self, kind: TrackKind, name: String, state: Tracked, said: String) {
        // A loop that has ended needs to know no more.
        _ = self.requests.send(Request::Tracked { kind, name, state, said });
        self.bell.ring();
    }

    /// Asks for an orderly end: masters resign, addresses go (unless they are to be kept), the thread returns.
    pub fn shutdown(&self, keep: bool) {
        let _ = self.requests.send(Request::Shutdown { keep });
        self.bell.ring();
    }
}

/// The loop before it runs.
pub struct FailoverLoop<L, W = World> {
    core: Failover,
    world: W,
    listener: L,
    requests: Receiver<Request>,
    ear: Ear,
    alarm: Alarm,
    waiting: Vec<(u64, Reply)>,
    /// What is told once a view is out that shows it: whoever hears of something finds it there.
    facts: Vec<Fact>,
    answers: Vec<(Reply, Answer)>,
    reloaded: Vec<Done>,
    published_at: Option<Instant>,
    /// Until the next view that nobody needs at once.
    pause: Duration,
    urgent: bool,
    /// Something may have changed since the last view.
    stale: bool,
}

impl<L: Listener, W: Surroundings> FailoverLoop<L, W> {
    /// A loop over `core`, acting through `world`.
    pub fn new(core: Failover, world: W, listener: L) -> io::Result<(Self, FailoverSender)> {
        let (bell, ear) = wait::bell()?;
        let (sender, requests) = sync_channel(QUEUE);
        let alarm = Alarm::new()?;
        let this = Self {
            core,
            world,
            listener,
            requests,
            ear,
            alarm,
            waiting: Vec::new(),
            facts: Vec::new(),
            answers: Vec::new(),
            reloaded: Vec::new(),
            published_at: None,
            pause: PUBLISH_INTERVAL,
            urgent: true,
            stale: true,
        };
        Ok((this, FailoverSender { requests: sender, bell: Arc::new(bell) }))
    }

    /// Runs until it was asked to end and every master has resigned. Errors: the kernel's sockets can't be waited for.
    ///
    /// A panic in here is not the end of the host's mastership: others are told before it goes on, and whoever joins the
    /// thread takes the addresses off ([`remove_left_behind`]).
    pub fn run(mut self) -> io::Result<()> {
        match panic::catch_unwind(AssertUnwindSafe(|| self.rounds())) {
            Ok(ended) => ended,
            Err(panic) => {
                for resignation in self.core.last_words() {
                    _ = self.world.perform(&resignation);
                }
                self.facts.drain(..).for_each(|fact| self.listener.report(fact));
                panic::resume_unwind(panic)
            }
        }
    }

    fn rounds(&mut self) -> io::Result<()> {
        let Self { world, core, .. } = &mut *self;
        world.list(|input| core.handle(Instant::now(), input))?;
        // What was master moments ago listens for another master first.
        self.perform()?;
        let Self { world, core, .. } = &mut *self;
        world.drain(&Ready::All, |input| core.handle(Instant::now(), input))?;
        let now = Instant::now();
        core.handle(now.checked_sub(world.silent_before()).unwrap_or(now), Input::Start);
        let mut now = now;
        loop {
            self.perform()?;
            self.publish(now);
            if self.core.is_stopped() {
                return Ok(());
            }
            let (ready, deadline) = self.wait()?;
            // Once a round: to ask for the time costs as much as a packet.
            now = Instant::now();
            let ready = if deadline.is_some_and(|at| at <= now) { Ready::All } else { ready };
            let Self { world, core, .. } = &mut *self;
            world.drain(&ready, |input| core.handle(now, input))?;
            if ready.has(self.ear.as_raw_fd()) {
                self.take_requests();
                now = Instant::now();
            }
            self.core.handle(now, Input::Timeout);
        }
    }

    fn perform(&mut self) -> io::Result<()> {
        let mut heard_at = None::<Instant>;
        loop {
            if self.core.announces_next() && heard_at.is_none_or(|at| at.elapsed() > HEARD_LATELY) {
                let Self { world, core, .. } = &mut *self;
                world.drain(&Ready::All, |input| core.handle(Instant::now(), input))?;
                heard_at = Some(Instant::now());
            }
            let Some(action) = self.core.poll_action() else { return Ok(()) };
            match action {
                Action::Report(fact) => {
                    self.urgent = true;
                    self.facts.push(fact);
                }
                Action::Notify(notice) => self.listener.notify(*notice),
                Action::Answer { id, answer } => {
                    self.urgent = true;
                    if let Some(at) = self.waiting.iter().position(|(waiting, _)| *waiting == id) {
                        self.answers.push((self.waiting.swap_remove(at).1, *answer));
                    }
                }
                other => {
                    if let Err(error) = self.world.perform(&other) {
                        let refused = Input::Refused { action: Box::new(other), error };
                        self.core.handle(Instant::now(), refused);
                    }
                }
            }
        }
    }

    /// Publishes what changed; `round` is when this round began.
    fn publish(&mut self, round: Instant) {
        if !self.urgent && self.published_at.is_some_and(|at| round < at + self.pause) {
            self.stale = true;
            return;
        }
        let now = Instant::now();
        let moment = Moment { now, wall: SystemTime::now() };
        let mut warnings = self.core.warnings();
        warnings.extend(self.world.warnings());
        let routers = self.core.status(moment);
        self.pause = if routers.len() > CROWD { PULSE } else { PUBLISH_INTERVAL };
        let foreign = self.core.foreign_routers(moment);
        self.listener.publish(FailoverView { at: Some(now), routers, foreign, warnings });
        (self.published_at, self.urgent, self.stale) = (Some(now), false, false);
        self.facts.drain(..).for_each(|fact| self.listener.report(fact));
        self.answers.drain(..).for_each(|(reply, answer)| reply(answer));
        self.reloaded.drain(..).for_each(|done| done());
    }

    /// Waits for something to do; gives what can be read, and the deadline that it waited for.
    fn wait(&mut self) -> io::Result<(Ready, Option<Instant>)> {
        let mut descriptors = vec![self.ear.as_raw_fd(), self.alarm.as_raw_fd()];
        descriptors.extend(self.world.descriptors());
        let deadlines = [self.core.poll_timeout().map(|(at, _)| at), self.world.deadline(), self.pulse_at()];
        let deadline = deadlines.into_iter().flatten().min();
        self.alarm.set(deadline)?;
        Ok((wait::readable(&descriptors)?, deadline))
    }

    /// When the next view is due even if nothing happens: one that was withheld soon, any other as a pulse, since readers
    /// take an old one for a loop that hangs.
    fn pulse_at(&self) -> Option<Instant> {
        self.published_at.map(|at| at + if self.stale { self.pause } else { PULSE })
    }

    fn take_requests(&mut self) {
        self.ear.clear();
        loop {
            match self.requests.try_recv() {
                Ok(Request::Command(asked, answer)) => {
                    self.waiting.push((asked.id, answer));
                    self.core.handle(Instant::now(), Input::Command(asked));
                }
                Ok(Request::Tracked { kind, name, state, said }) => {
                    self.core.handle(Instant::now(), Input::Tracked { kind, name, state, said });
                }
                Ok(Request::Reload(new, done)) => {
                    self.core.handle(Instant::now(), Input::Reload(new));
                    self.urgent = true;
                    self.reloaded.push(done);
                }
                Ok(Request::Shutdown { keep }) => self.core.handle(Instant::now(), Input::Shutdown { keep }),
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return,
            }
        }
    }
}

/// Takes off the interfaces what a loop left there when it died: what the next start would do, at once.
pub fn remove_left_behind(state: &StateDir) -> io::Result<()> {
    struct Deaf;
    impl Listener for Deaf {
        fn publish(&self, _: FailoverView) {}
        fn report(&self, _: Fact) {}
    }
    let owned = state.addresses().map_err(io::Error::other)?;
    let links = state.links().map_err(io::Error::other)?;
    let core = Failover::new(&Configuration::default(), Past { owned, links, ..Past::default() }, Instant::now());
    let (last, sender) = FailoverLoop::new(core, World::open(state.clone())?, Deaf)?;
    sender.shutdown(false);
    last.run()
}
