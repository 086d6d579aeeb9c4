//! A made-up engine for the tests of the views, the socket and `ctl`: it says what a test lets it say, and writes down
//! what it is asked.
#![allow(dead_code)] // each test binary uses a part
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may fail
#![allow(clippy::duration_suboptimal_units)] // a moment, not a span

pub mod served;

use lvsdeck::engine::event::Fact;
use lvsdeck::engine::history::{LeftOut, Series};
use lvsdeck::engine::journal::Journal;
use lvsdeck::engine::{
    Admin, Answer, CheckStatus, Command, CommandRequest, ConfigStatus, Connection, ConnectionTally, ConnectionsPage,
    ConnectionsQuery, Counters, Difference, DrainStatus, EngineHandle, Event, EventKind, Family, Forwarding,
    HandleError, Health, HistoryError, HistoryPage, HistoryQuery, HostLoad, InterfaceCounters, InterfaceLoad,
    InterfaceRates, KernelServer, LogPage, LogQuery, LogRing, NextStep, Outcome, PeerDetail, PeerState, PeerStatus,
    Preview, QuorumStatus, Rates, RealServerStatus, Role, RouterDetail, RowsPage, RowsQuery, Scheduler, Severity,
    StateChange, Status, Still, Summary, Sysctl, Undoable, VirtualRouterState, VirtualRouterStatus,
    VirtualServerStatus, VrrpCounters, Who,
};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, SystemTime};

/// The moment at which every fixture lives.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// Some seconds before it.
pub fn ago(seconds: u64) -> SystemTime {
    now() - Duration::from_secs(seconds)
}

/// A check that passes, or fails with a reason.
pub fn check(target: &str, error: Option<&str>) -> CheckStatus {
    CheckStatus {
        kind: "TCP_CHECK".into(),
        target: target.into(),
        ok: Some(error.is_none()),
        failures: (if error.is_some() { 3 } else { 0 }, 3),
        latency_ms: error.is_none().then_some(1.94),
        at: Some(ago(1)),
        error: error.map(Into::into),
        next_in_ms: Some(5300),
    }
}

/// A server that is up.
pub fn server(key: &str) -> RealServerStatus {
    RealServerStatus {
        key: key.parse().unwrap(),
        forward: Forwarding::Dr,
        weight: 1,
        configured_weight: 1,
        health: Health::Up,
        health_since: ago(3600),
        admin: Admin::Enabled,
        added: false,
        drain: None,
        overridden: None,
        suspended: false,
        slow_start: None,
        kernel: Some(KernelServer { weight: 1, forward: Forwarding::Dr }),
        kernel_changed: None,
        active: 0,
        inactive: 0,
        persistent: 0,
        checks: vec![check(key, None)],
        counters: Counters::default().into(),
        rates: Rates::default().into(),
    }
}

/// A server that is down since some seconds.
pub fn down(key: &str, seconds: u64, why: &str) -> RealServerStatus {
    RealServerStatus {
        health: Health::Down,
        health_since: ago(seconds),
        weight: 0,
        kernel: None,
        checks: vec![check(key, Some(why))],
        ..server(key)
    }
}

/// A server that the operator drains.
pub fn draining(key: &str, active: u32) -> RealServerStatus {
    let drain = DrainStatus {
        since: ago(60),
        who: Some("anna".into()),
        reason: None,
        weight: 1,
        left: active,
        bound: 0,
        empty_in_s: None,
        deadline_at: None,
        is_over: false,
        return_at: None,
    };
    RealServerStatus { admin: Admin::Draining, weight: 0, active, drain: Some(Box::new(drain)), ..server(key) }
}

/// A service with its quorum as its servers say.
pub fn service(key: &str, real_servers: Vec<RealServerStatus>) -> VirtualServerStatus {
    let have = real_servers.iter().filter(|s| s.health == Health::Up).map(|s| s.weight).sum();
    VirtualServerStatus {
        key: key.parse().unwrap(),
        name: None,
        scheduler: Scheduler::Rr,
        forward: Forwarding::Dr,
        persistence: Some(7200),
        quorum: QuorumStatus { need: 1, have, up: have >= 1 },
        sorry_server_active: false,
        sorry_server: None,
        in_kernel: true,
        counters: Counters::default(),
        rates: Rates::default(),
        real_servers,
    }
}

/// An instance in a state.
pub fn router(name: &str, state: VirtualRouterState) -> VirtualRouterStatus {
    let master = state == VirtualRouterState::Master;
    VirtualRouterStatus {
        name: name.into(),
        interface: "eth0".into(),
        family: Family::Inet,
        vrid: 91,
        version: 2,
        state,
        priority: 200,
        effective_priority: 200,
        advert_interval_ms: 1000,
        preempt: true,
        since: ago(100),
        reason: "silence of 10.0.0.12".into(),
        held: None,
        priority_set: None,
        priority_by: None,
        addresses: vec!["10.0.0.1/24".into()],
        addresses_here: if master { vec!["10.0.0.1/24".into()] } else { Vec::new() },
        next: Some(NextStep { waiting: "advertise".into(), in_ms: 412 }),
        peers: vec![PeerStatus {
            address: "10.0.0.12".into(),
            source: "heard".into(),
            last_heard_at: Some(ago(50)),
            last_priority: Some(100),
            state: PeerState::Silent,
            reachable: Some(true),
            rejected: None,
            detail: PeerDetail::default(),
        }],
        counters: VrrpCounters::default(),
        history: vec![StateChange { at: ago(100), state, reason: "silence of 10.0.0.12".into() }],
        detail: RouterDetail { transport: "multicast".into(), ..RouterDetail::default() },
    }
}

/// A director with one instance and these services.
pub fn status(virtual_servers: Vec<VirtualServerStatus>) -> Status {
    Status {
        version: 1,
        node: "d1".into(),
        pid: 812,
        mode: "run".into(),
        dataplane: "kernel".into(),
        config: ConfigStatus { file: "/etc/keepalived/keepalived.conf".into(), loaded_at: ago(5000), generation: 1 },
        role: Role::Master,
        last_event: 0,
        changed_at: Some(ago(12)),
        virtual_routers: vec![router("VI_1", VirtualRouterState::Master)],
        virtual_servers: virtual_servers.into_iter().map(Arc::new).collect(),
        drift: Vec::new(),
        foreign_routers: Vec::new(),
        foreign: Vec::new(),
        ipvs: None,
        warnings: Vec::new(),
    }
}

/// A director with a web service of which one server is down, and a healthy database.
pub fn small() -> Status {
    let mut web = service(
        "tcp/10.0.0.1:80",
        vec![server("10.0.0.71:80"), down("10.0.0.72:80", 41, "timeout"), draining("10.0.0.73:80", 31)],
    );
    web.name = Some("web".into());
    status(vec![service("tcp/10.0.0.2:5432", vec![server("10.0.0.81:5432")]), web])
}

/// Questions that are being answered at the same time.
#[derive(Default)]
struct Crowd {
    inside: usize,
    most: usize,
    /// Each waits a moment for so many.
    wanted: usize,
}

/// An engine that answers from a status and a journal.
pub struct FakeEngine {
    status: Mutex<Arc<Status>>,
    journal: Mutex<Journal>,
    news: Condvar,
    outcome: Mutex<Outcome>,
    /// Who looks at the journal at the same time.
    crowd: Mutex<Crowd>,
    met: Condvar,
    /// Whether the next question for events fails: ends a `--follow`.
    gone: Mutex<bool>,
    late: Mutex<bool>,
    undo: Mutex<Command>,
    /// What `diff` finds; not available while there is nothing here.
    pub differences: Mutex<Option<Vec<Difference>>>,
    /// What was asked, by whom.
    pub asked: Mutex<Vec<(CommandRequest, Who)>>,
    /// What was refused before it came here: the verb, who and why.
    pub refused: Mutex<Vec<(Option<String>, Who, String)>>,
}

impl FakeEngine {
    /// An engine whose commands all end in `Done`.
    pub fn new(status: Status) -> Arc<Self> {
        Arc::new(Self {
            status: Mutex::new(Arc::new(status)),
            journal: Mutex::default(),
            news: Condvar::new(),
            outcome: Mutex::new(Outcome::Done),
            crowd: Mutex::default(),
            met: Condvar::new(),
            gone: Mutex::new(false),
            late: Mutex::new(false),
            undo: Mutex::new(Command::Rejoin { instance: None }),
            differences: Mutex::default(),
            asked: Mutex::default(),
            refused: Mutex::default(),
        })
    }
    /// Publishes another status.
    pub fn publish(&self, status: Status) {
        *self.status.lock().unwrap() = Arc::new(status);
    }
    /// How commands end from now on.
    pub fn let_commands_end(&self, outcome: Outcome) {
        *self.outcome.lock().unwrap() = outcome;
    }
    /// Writes an event about `subject`, so many seconds before now.
    pub fn happen(&self, subject: &str, seconds_ago: u64) {
        let fact = Fact::new(EventKind::ServerHealth, Severity::Warning, subject);
        let fact = fact.change("up", "down").reason("timeout");
        self.journal.lock().unwrap().append(fact, ago(seconds_ago), 0);
        self.news.notify_all();
    }
    /// From now on who looks at the journal waits a moment for `wanted` to do so at the same time.
    pub fn let_meet(&self, wanted: usize) {
        self.crowd.lock().unwrap().wanted = wanted;
    }
    /// How many looked at the journal at the same time.
    pub fn most_met(&self) -> usize {
        self.crowd.lock().unwrap().most
    }
    fn meet(&self) {
        let mut crowd = self.crowd.lock().unwrap();
        crowd.inside += 1;
        crowd.most = crowd.most.max(crowd.inside);
        self.met.notify_all();
        let moment = Duration::from_millis(100);
        let (mut crowd, _) = self.met.wait_timeout_while(crowd, moment, |crowd| crowd.inside < crowd.wanted).unwrap();
        crowd.inside -= 1;
    }
    /// What takes any command back from now on.
    pub fn let_undo_be(&self, undo: Command) {
        *self.undo.lock().unwrap() = undo;
    }
    /// Answers no command in time.
    pub fn be_late(&self) {
        *self.late.lock().unwrap() = true;
    }
    /// Answers no more questions for events.
    pub fn go(&self) {
        *self.gone.lock().unwrap() = true;
        self.news.notify_all();
    }
}

impl EngineHandle for FakeEngine {
    fn note_refused(&self, command: Option<&Command>, who: &Who, why: &str) {
        let verb = command.map(|command| command.verb().to_owned());
        self.refused.lock().unwrap().push((verb, who.clone(), why.to_owned()));
    }
    fn summary(&self) -> Result<Summary, HandleError> {
        Ok(Summary::of(&*self.status()?, now(), true))
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        Ok(self.status()?.virtual_routers.clone())
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        Ok(RowsPage::of(&*self.status()?, query, now()))
    }
    fn at(&self, at: SystemTime) -> Result<Arc<dyn EngineHandle>, HandleError> {
        Ok(Arc::new(Still { status: self.status()?, at, is_rewound: true }))
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        Ok(self.status.lock().unwrap().clone())
    }
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError> {
        if wait.is_zero() {
            self.meet();
        }
        let found = |journal: &mut Journal| journal.last_seq() <= after && !*self.gone.lock().unwrap();
        let journal = self.journal.lock().unwrap();
        let (journal, _) = self.news.wait_timeout_while(journal, wait, found).unwrap();
        let page = journal.page(journal.before_newest(after, limit), limit);
        let events: Vec<Event> = page.into_iter().map(Arc::unwrap_or_clone).collect();
        if events.is_empty() && *self.gone.lock().unwrap() {
            return Err(HandleError::NoEngine { socket: "fake".into(), cause: "it went".into() });
        }
        Ok(events)
    }
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        let series: &[Series] = match query.subject.split_once('/') {
            None => &[
                Series::ConnectionsPerS,
                Series::InPacketsPerS,
                Series::OutPacketsPerS,
                Series::InBytesPerS,
                Series::OutBytesPerS,
                Series::Active,
                Series::Inactive,
                Series::Up,
            ],
            Some(("vrrp", _)) => &[Series::State],
            Some(_) => return Ok(Err(HistoryError::NotKept { subject: query.subject.clone() })),
        };
        Ok(Ok(HistoryPage {
            subject: query.subject.clone(),
            from: ago(2),
            step_s: 1,
            series: series.iter().map(|series| (*series, vec![None, Some(2.0)])).collect(),
            left_out: LeftOut { services: 0, real_servers: 3 },
        }))
    }
    fn diff(&self) -> Result<Vec<Difference>, HandleError> {
        self.differences.lock().unwrap().clone().ok_or_else(|| HandleError::Rejected {
            status: 501,
            code: "not-available".into(),
            message: "the fake does not compare".into(),
            next: "let it".into(),
        })
    }
    fn undoable(&self) -> Result<Vec<Undoable>, HandleError> {
        let undo = Command::Rejoin { instance: None };
        Ok(vec![Undoable { id: 7, command: "failover --all".into(), who: "anna".into(), age_s: 12, undo }])
    }
    fn connections(&self, query: &ConnectionsQuery) -> Result<ConnectionsPage, HandleError> {
        let mut tally = ConnectionTally::new(query, None);
        for (client, state, expires, engine) in [
            ("10.9.0.5:50001", "ESTABLISHED", 899, None),
            ("10.9.0.5:50002", "FIN_WAIT", 61, None),
            ("10.9.0.6:0", "NONE", 54, Some(("sip", "call@host"))),
        ] {
            let [client, service, server] = [client, "10.0.0.1:80", "10.0.0.71:80"].map(|text| text.parse().unwrap());
            tally.count(&Connection { protocol: "TCP", client, service, server, state, expires, engine });
        }
        Ok(tally.page(now(), Duration::from_millis(3), true))
    }
    fn sysctls(&self) -> Result<Vec<Sysctl>, HandleError> {
        let word = |name: &str, value: &str, default: Option<&str>, warning: Option<&str>| Sysctl {
            name: name.into(),
            value: value.into(),
            default: default.map(Into::into),
            effect: "what it does".into(),
            warning: warning.map(Into::into),
        };
        Ok(vec![
            word("expire_nodest_conn", "0", Some("0"), Some("it is 0: packets are dropped; sysctl -w …")),
            word("sync_threshold", "5\t50", Some("3\t50"), None),
            word("brand_new", "7", None, None),
        ])
    }
    fn host(&self) -> Result<HostLoad, HandleError> {
        let counters = |bytes| InterfaceCounters { bytes, packets: 9, errors: 1, dropped: 2 };
        let rates = InterfaceRates { rx_bytes_per_s: 1.5, ..InterfaceRates::default() };
        let interface =
            |name: &str, rates| InterfaceLoad { name: name.into(), rx: counters(7), tx: counters(8), rates };
        Ok(HostLoad {
            at: now(),
            over_ms: Some(1_000),
            cpus: 2,
            cpu_percent: Some(12.5),
            load: [0.5, 0.25, 0.1],
            memory_bytes: 4_000,
            memory_available_bytes: 3_000,
            swap_bytes: 0,
            swap_used_bytes: 0,
            uptime_s: 86_400,
            interfaces: vec![interface("lo", None), interface("eth0", Some(rates))],
        })
    }
    fn log(&self, query: &LogQuery) -> Result<LogPage, HandleError> {
        let ring = LogRing::default();
        ring.push(ago(2), Severity::Info, "lvsdeck started");
        ring.push(ago(1), Severity::Warning, "(VI_1) advertisement refused");
        Ok(ring.page(query))
    }
    fn command(&self, request: &CommandRequest, who: &Who) -> Result<Answer, HandleError> {
        self.asked.lock().unwrap().push((request.clone(), who.clone()));
        if *self.late.lock().unwrap() {
            return Err(HandleError::TimedOut(Duration::from_secs(25)));
        }
        let preview = Preview {
            before: vec!["tcp/10.0.0.1:80 10.0.0.71:80 weight 1".into()],
            after: vec!["tcp/10.0.0.1:80 10.0.0.71:80 weight 0".into()],
            ops: vec!["set weight".into()],
            ipvsadm: vec!["ipvsadm -e -t 10.0.0.1:80 -r 10.0.0.71:80 -g -w 0".into()],
            blast_radius: "31 connections stay".into(),
            undo: Some(self.undo.lock().unwrap().clone()),
            undo_reason: None,
            changed: Vec::new(),
            ends: Vec::new(),
            confirm: matches!(request.command, Command::Stop { .. }).then(|| "stop".into()),
        };
        let right = preview.token(&request.command);
        let stale = request.token.as_ref().is_some_and(|token| *token != right);
        let token = request.dry_run.then_some(right);
        let outcome = match (request.dry_run, stale) {
            (true, _) => Outcome::Preview,
            (false, true) => Outcome::Stale,
            (false, false) => *self.outcome.lock().unwrap(),
        };
        Ok(Answer { id: 7, outcome, message: format!("{} of the fake", request.command.verb()), preview, token })
    }
}
