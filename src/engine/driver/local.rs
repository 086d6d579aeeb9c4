//! The engine as its own process sees it: reads from [`Shared`], commands to the loop that they concern, which writes them
//! into the journal.

use super::balance;
use super::connections::Connections;
use super::failover::FailoverSender;
use super::feel;
use super::lately::Lately;
use super::overrides::Written;
use super::reload::Reloader;
use super::shared::{Shared, Vitals};
use super::stop::{self, Stop};
use super::sysctls;
use super::undo::{Given, Going, UndoStack};
use crate::engine::command::{
    Answer, Asked, Command, CommandRequest, Half, Outcome, Preview, Reach, ServiceSelector, Undoable, Undoes, Who,
    clean,
};
use crate::engine::connections::{ConnectionsPage, ConnectionsQuery};
use crate::engine::difference::Difference;
use crate::engine::event::{Event, Fact, MAX_REASON};
use crate::engine::handle::{EngineHandle, HandleError, unreadable_host};
use crate::engine::history::{HistoryError, HistoryPage, HistoryQuery};
use crate::engine::io::host_load::HostReader;
use crate::engine::io::state::StateDir;
use crate::engine::ipvs::{Refusal, Sysctl};
use crate::engine::journal::{JournalFrom, JournalPage, LogPage, LogQuery};
use crate::engine::model::{Configuration, VirtualServer};
use crate::engine::reload::compare;
use crate::engine::snapshot::{HostLoad, RealServerStatus, RowsPage, RowsQuery, Status, Summary, VirtualRouterStatus};
use crate::engine::still::Still;
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;

/// How long a command may take: a failover waits for somebody to take over, at most 3 × 40.95 s + skew.
const COMMAND_LIMIT: Duration = Duration::from_mins(3);

/// The same for one about servers, which waits for the kernel alone: it is told that it waits in vain before it goes.
const SERVERS_LIMIT: Duration = Duration::from_secs(25);

/// A moment, the configuration's generation, and how everything was.
type Moment = ((SystemTime, u64), Arc<Status>);

/// The running engine. Reads are cheap; [`command`](EngineHandle::command) blocks until the loop has answered.
pub struct LocalEngine {
    shared: Arc<Shared>,
    failover: FailoverSender,
    balance: mpsc::Sender<balance::Request>,
    reloader: Reloader,
    undo: UndoStack,
    stop: Arc<Stop>,
    /// Begins each token: that of another run commits nothing here.
    run: String,
    last_id: AtomicU64,
    last_dry_run: AtomicU64,
    /// The newest comparison of file, engine and kernel.
    compared: Lately<Vec<Difference>>,
    /// What can be taken back: each of it is tried on the loops.
    offered: Lately<Vec<Undoable>>,
    connections: Connections,
    host: HostReader,
    /// What becomes of what operators want beside the file.
    written: Option<Written>,
    /// Where the next start finds what this one leaves in place.
    state: Option<StateDir>,
    /// The moment that was asked for last, with the configuration's generation, and how it was.
    past: Mutex<Option<Moment>>,
}

impl LocalEngine {
    /// The handle over two running loops; `stop` is told when somebody asks for the end.
    pub fn new(
        shared: Arc<Shared>,
        failover: FailoverSender,
        balance: mpsc::Sender<balance::Request>,
        reloader: Reloader,
        stop: Arc<Stop>,
    ) -> Self {
        Self {
            shared,
            failover,
            balance,
            reloader,
            undo: UndoStack::default(),
            stop,
            run: format!("{:08x}", RandomState::new().build_hasher().finish() >> 32),
            last_id: AtomicU64::new(0),
            last_dry_run: AtomicU64::new(0),
            compared: Lately::default(),
            offered: Lately::default(),
            connections: Connections::default(),
            host: HostReader::default(),
            written: None,
            state: None,
            past: Mutex::default(),
        }
    }

    /// The same, whose answers say what is not on disk, and which leaves nothing in place that the next start can't know of.
    #[must_use]
    pub fn telling_of_disk(self, written: Written, state: StateDir) -> Self {
        Self { written: Some(written), state: Some(state), ..self }
    }

    /// The kernel's table, where a command brings the first service.
    fn table_for(&self, command: &Command) -> Result<(), Refusal> {
        if matches!(command, Command::AddService { .. }) { self.reloader.open_table() } else { Ok(()) }
    }

    /// Whether both loops live.
    pub fn vitals(&self) -> Vitals {
        self.shared.vitals()
    }

    /// The number of the newest event.
    pub fn newest_event(&self) -> u64 {
        self.shared.newest()
    }

    /// What runs now.
    pub fn configuration(&self) -> Arc<Configuration> {
        self.reloader.configuration()
    }

    fn dispatch(&self, asked: Asked) -> Result<Answer, HandleError> {
        if let (Command::AddService { .. }, Err(refusal)) = (&asked.command, self.table_for(&asked.command)) {
            let message = format!("the kernel can't serve it: {refusal}");
            return Ok(self.tell(&asked, Answer::refused(message)));
        }
        match &asked.command {
            Command::Reload => Ok(self.tell(&asked, self.reloader.reload(&asked))),
            Command::Undo { id } => self.take_back(*id, &asked),
            Command::Stop { .. } => Ok(self.end(&asked)),
            command => {
                let configuration = self.follow_file();
                let going = Going::New(Reach::of(command, &|name| group_of(&configuration, name)));
                self.give(asked, going)
            }
        }
    }

    /// Gives a command to its loop, and waits for the answer.
    fn give(&self, asked: Asked, going: Going) -> Result<Answer, HandleError> {
        let (answer, answered) = sync_channel(1);
        let told = asked.clone();
        let given = self.written.as_ref().map(Written::given);
        let is_of_servers = asked.command.half() == Half::Balance;
        let limit = if is_of_servers { SERVERS_LIMIT } else { COMMAND_LIMIT };
        let going = if asked.dry_run { Going::DryRun } else { going };
        let accepted = self.undo.send(&told, going, || {
            if is_of_servers {
                self.balance.try_send(balance::Request::Command(asked, answer)).is_ok()
            } else {
                self.failover.command(asked, move |came| _ = answer.send(came))
            }
        });
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(message) => return Ok(self.tell(&told, Answer::refused(message))),
        };
        match if accepted { answered.recv_timeout(limit) } else { Err(RecvTimeoutError::Disconnected) } {
            Ok(mut answer) => {
                self.undo.answered(told.id, &answer);
                self.say_what_moves(&told.command, &mut answer.preview);
                let disk = self.written.as_ref().zip(given).filter(|_| answer.outcome == Outcome::Done);
                if let Some(trouble) = disk.and_then(|(written, given)| written.trouble_since(given)) {
                    answer.message =
                        format!("{}; not on disk, so that a restart would forget it: {trouble}", answer.message);
                }
                Ok(answer)
            }
            Err(RecvTimeoutError::Timeout) => {
                self.undo.expects(told.id, answered);
                Err(HandleError::TimedOut(limit))
            }
            Err(RecvTimeoutError::Disconnected) => {
                let refused = Answer::refused("the engine is stopping, or too many commands wait; try again");
                Ok(self.tell(&told, refused))
            }
        }
    }

    /// The services that go with the addresses of instances that give mastership up: the failover loop knows none.
    fn say_what_moves(&self, command: &Command, preview: &mut Preview) {
        let instance = match command {
            Command::Failover { instance, .. } => instance.as_ref(),
            Command::Rejoin { instance } if preview.confirm.is_some() => instance.as_ref(),
            Command::Priority { instance, .. } if preview.confirm.is_some() => Some(instance),
            _ => return,
        };
        if preview.is_empty() {
            return;
        }
        let moving = instance.map(|name| group_of(&self.reloader.configuration(), name));
        let moves =
            |router: &VirtualRouterStatus, _: &str| moving.as_ref().is_none_or(|names| names.contains(&router.name));
        if let Some(carried) = feel::carried(&self.shared.status(), moves) {
            preview.blast_radius = format!("{carried}; {}", preview.blast_radius);
        }
    }

    /// Does what takes a command back, as the same person. Without a number: the newest, and no other one in its place.
    fn take_back(&self, id: Option<u64>, asked: &Asked) -> Result<Answer, HandleError> {
        if self.stop.has_begun() {
            let message = "the engine is stopping: that can't be taken back, nor anything before it; start it again";
            return Ok(self.tell(asked, Answer::refused(message)));
        }
        self.follow_file();
        self.try_ways_back();
        match id.map_or_else(|| self.newest(), Ok).and_then(|id| self.undo.find(id)) {
            Ok((given, inverse)) => self.take_this_back(&given, inverse, asked),
            Err(message) => Ok(self.tell(asked, Answer::refused(message))),
        }
    }

    /// What an operator added and the file has by now is the file's: no undo takes it out. Gives what runs.
    fn follow_file(&self) -> Arc<Configuration> {
        let (configuration, generation) = self.reloader.generation();
        self.undo.follow(generation, |inverse| removes_from(&configuration, inverse));
        configuration
    }

    /// The newest command. Errors: it can't be taken back, and an older one would be a surprise.
    fn newest(&self) -> Result<u64, String> {
        let newest = self.undo.newest()?;
        let why = match &newest.way_back() {
            Some(inverse) if self.would_change(inverse) => return Ok(newest.id),
            // Who does not lead has nothing to give up, though nothing of what was done is over.
            Some(inverse @ Command::Failover { .. }) => {
                self.tried(inverse).map_or_else(|e| e.to_string(), |a| a.message)
            }
            Some(_) => "what it did is over, or its object has gone".to_owned(),
            None => newest.no_way_back().to_owned(),
        };
        Err(self.undo.not_the_newest(&newest, &why))
    }

    /// Finds out what taking back each command about servers would act on by now. Nothing stands on one that has nothing left to
    /// take back.
    fn try_ways_back(&self) {
        for (id, inverse) in self.undo.ways_back() {
            let back = match (self.tried(&inverse), &inverse) {
                (Err(_), _) => None,
                (Ok(Answer { outcome: Outcome::Preview, preview, .. }), _) if !preview.is_empty() => {
                    Some(Reach::exactly(&preview.changed))
                }
                // What can't be done as one may be left in part.
                (Ok(_), Command::Several { commands }) if commands.iter().any(|one| self.would_change(one)) => None,
                (Ok(_), _) => Some(Reach::Nothing),
            };
            self.undo.would_act_on(id, back);
        }
    }

    /// Whether what takes a command back would change something: not where somebody did so by hand, or its object has gone.
    fn would_change(&self, inverse: &Command) -> bool {
        // What can't be tried is not ruled out.
        self.tried(inverse).map_or(true, |answer| answer.outcome == Outcome::Preview && !answer.preview.is_empty())
    }

    fn tried(&self, inverse: &Command) -> Result<Answer, HandleError> {
        let request =
            CommandRequest { command: inverse.clone(), reason: None, dry_run: true, token: None, force: false };
        self.command(&request, &Who::default())
    }

    fn take_this_back(&self, given: &Given, inverse: Command, asked: &Asked) -> Result<Answer, HandleError> {
        let what = format!("command {}, {} by {}", given.id, given.act, given.who);
        let reason = asked.reason.clone().or_else(|| given.wanted.clone());
        // The loop tells the journal of it.
        let undoes = Undoes { what: what.clone(), changed: given.changed.clone() };
        let inverse = Asked { command: inverse, reason, undoes: Some(undoes), ..asked.clone() };
        let mut answer = self.give(inverse, Going::Back(given.id))?;
        answer.message = match answer.outcome {
            Outcome::Preview => format!("would take back {what}"),
            Outcome::Done => format!("took back {what}: {}", answer.message),
            Outcome::Refused | Outcome::Failed | Outcome::Stale => {
                format!("{what}, is not taken back: {}", answer.message)
            }
        };
        Ok(answer)
    }

    /// Tells the journal of an answer that no loop gave.
    fn tell(&self, asked: &Asked, answer: Answer) -> Answer {
        if let Some(fact) = Fact::command(asked, answer.outcome, &answer.message) {
            self.shared.append(fact);
        }
        answer
    }

    fn end(&self, asked: &Asked) -> Answer {
        let is_to_stay = matches!(asked.command, Command::Stop { keep: true });
        if let Some(Err(error)) = self.state.as_ref().filter(|_| is_to_stay).map(StateDir::try_to_write) {
            let message = format!(
                "the next start could not go on as master, since this one can't write down that it was: {error}; or stop \
                 without keep: masters resign"
            );
            return self.tell(asked, Answer::refused(message));
        }
        let answer = self.tell(asked, stop::answer(asked, &self.shared.status()));
        if let (Outcome::Done, Command::Stop { keep }) = (answer.outcome, &asked.command) {
            self.stop.ask(*keep);
        }
        answer
    }
}

/// The members of an instance's sync group, itself among them.
fn group_of(configuration: &Configuration, name: &str) -> BTreeSet<String> {
    let mut groups = configuration.sync_groups.iter();
    let group = groups.find(|group| group.members.iter().any(|member| member == name));
    group.into_iter().flat_map(|group| group.members.iter().cloned()).chain([name.to_owned()]).collect()
}

impl EngineHandle for LocalEngine {
    fn summary(&self) -> Result<Summary, HandleError> {
        Ok(Summary::of(&self.shared.status(), SystemTime::now(), true))
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        Ok(self.shared.status().virtual_routers.clone())
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        Ok(RowsPage::of(&self.shared.status(), query, SystemTime::now()))
    }
    fn real_server(&self, service: &str, server: &str) -> Result<Option<RealServerStatus>, HandleError> {
        Ok(self.shared.real_server(service, server))
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        Ok(self.shared.status())
    }
    fn status_at_once(&self) -> Option<Arc<Status>> {
        self.shared.composed()
    }
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError> {
        Ok(self.shared.events(after, limit, wait).into_iter().map(Arc::unwrap_or_clone).collect())
    }
    fn page(&self, after: u64, limit: usize) -> Result<Vec<Arc<Event>>, HandleError> {
        Ok(self.shared.page(after, limit))
    }
    fn journal(&self, from: JournalFrom, limit: usize) -> Result<JournalPage, HandleError> {
        Ok(self.shared.journal(from, limit))
    }
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        Ok(self.shared.history_page(query))
    }
    fn at(&self, at: SystemTime) -> Result<Arc<dyn EngineHandle>, HandleError> {
        let key = (at, self.shared.status().config.generation);
        // A front asks several things about a moment, and what was does not change.
        let mut last = self.past.lock().unwrap_or_else(PoisonError::into_inner);
        let status = if let Some((_, status)) = last.as_ref().filter(|(known, _)| *known == key) {
            status.clone()
        } else {
            let status = Arc::new(self.shared.rewound(at)?);
            *last = Some((key, status.clone()));
            status
        };
        Ok(Arc::new(Still { status, at, is_rewound: true }))
    }
    fn diff(&self) -> Result<Vec<Difference>, HandleError> {
        let status = self.shared.status();
        self.compared.get(status.last_event, || {
            let file = self.reloader.file().map_err(|unfit| HandleError::Rejected {
                status: 409,
                code: "file-unfit".to_owned(),
                message: format!("the configuration file can't be compared: {}", unfit.0.join("; ")),
                next: "mend the file; `lvsdeck check` names each mistake".to_owned(),
            })?;
            Ok(compare(&file, &self.reloader.configuration(), &status, &self.shared.said_by()))
        })
    }
    fn undoable(&self) -> Result<Vec<Undoable>, HandleError> {
        self.offered.get(self.shared.newest(), || {
            self.follow_file();
            self.try_ways_back();
            Ok(self.undo.list().into_iter().filter(|one| self.would_change(&one.undo)).collect())
        })
    }
    fn connections(&self, query: &ConnectionsQuery) -> Result<ConnectionsPage, HandleError> {
        self.connections.page(query, &self.shared.status(), self.shared.dataplane.get())
    }
    fn sysctls(&self) -> Result<Vec<Sysctl>, HandleError> {
        sysctls::listing(&self.shared.status())
    }
    fn host(&self) -> Result<HostLoad, HandleError> {
        self.host.read().map_err(unreadable_host)
    }
    fn log(&self, query: &LogQuery) -> Result<LogPage, HandleError> {
        Ok(self.shared.log.page(query))
    }
    fn note_refused(&self, command: Option<&Command>, who: &Who, why: &str) {
        self.shared.append(Fact::not_permitted(command, who, why));
    }
    fn events_of_run(&self) -> Result<u64, HandleError> {
        Ok(self.shared.events_of_run())
    }
    fn command(&self, request: &CommandRequest, who: &Who) -> Result<Answer, HandleError> {
        let id = if request.dry_run { 0 } else { self.last_id.fetch_add(1, Ordering::Relaxed) + 1 };
        // The loops tell answers apart by this number, dry runs too.
        let asked = Asked {
            id: if id == 0 { u64::MAX - self.last_dry_run.fetch_add(1, Ordering::Relaxed) } else { id },
            command: request.command.clone(),
            dry_run: request.dry_run,
            token: request.token.as_deref().map(|token| token.strip_prefix(&self.run).unwrap_or(token).to_owned()),
            force: request.force,
            who: who.clone(),
            // From here on it is in holds, logs and events: none of them is to be steered by it.
            reason: request.reason.as_deref().map(|reason| clean(reason, MAX_REASON)),
            undoes: None,
        };
        let mut answer = self.dispatch(asked)?;
        answer.id = id;
        answer.token = answer.token.map(|token| format!("{}{token}", self.run));
        Ok(answer)
    }
}

/// Whether this takes something out that the file has.
fn removes_from(configuration: &Configuration, command: &Command) -> bool {
    let is_one = |named: &ServiceSelector, its: &VirtualServer| named.matches(&its.key, its.name.as_deref());
    let mut services = configuration.virtual_servers.iter();
    match command {
        Command::RemoveService { service } => services.any(|its| is_one(service, its)),
        Command::RemoveServer { service, server } => {
            services.any(|its| is_one(service, its) && its.real_servers.iter().any(|its| its.key == *server))
        }
        Command::Several { commands } => commands.iter().any(|command| removes_from(configuration, command)),
        _ => false,
    }
}
