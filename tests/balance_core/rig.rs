//! The core, an IPVS in memory and a clock that only moves when it is told to.

use lvsdeck::engine::balance::{Action, Balance, Input, Notice, OwnedService, ServiceOverrides};
use lvsdeck::engine::command::{Answer, Asked, Command, Undoes, Who};
use lvsdeck::engine::event::{EventKind, Fact};
use lvsdeck::engine::health::{Hindrance, Verdict};
use lvsdeck::engine::io::ipvs_netlink::IpvsKernel;
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::ipvs::IpvsTable;
use lvsdeck::engine::model::{
    CheckSpec, CheckTiming, Configuration, Forwarding, RealServer, RealServerKey, Scheduler, ServiceKey, VirtualServer,
    Weight,
};
use lvsdeck::engine::snapshot::{Moment, RealServerStatus, VirtualServerStatus};
use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub const WEB: &str = "tcp/10.0.0.1:80";
pub const A: &str = "10.0.0.71:80";
pub const B: &str = "10.0.0.72:80";
pub const S: Duration = Duration::from_secs(1);

pub fn key(text: &str) -> ServiceKey {
    text.parse().unwrap()
}
pub fn rs(text: &str) -> RealServerKey {
    text.parse().unwrap()
}
pub fn weight(number: u32) -> Weight {
    Weight::new(number).unwrap()
}

/// A server that is checked every 10 s, with one retry after 1 s, first at once.
pub fn server(text: &str) -> RealServer {
    let target: SocketAddr = text.parse().unwrap();
    let timing = CheckTiming { interval: 10 * S, timeout: S, retry: 1, retry_delay: S, warmup: Duration::ZERO };
    RealServer {
        forwarding: Forwarding::Dr,
        checks: vec![CheckSpec::tcp(target, timing).into()],
        ..RealServer::new(RealServerKey::from(target))
    }
}

pub fn service(text: &str, servers: &[&str]) -> VirtualServer {
    VirtualServer {
        scheduler: Scheduler::Rr,
        forwarding: Forwarding::Dr,
        real_servers: servers.iter().map(|text| server(text)).collect(),
        ..VirtualServer::new(key(text))
    }
}

/// The service with `alpha`, which each of its checks inherits.
pub fn with_alpha(mut service: VirtualServer) -> VirtualServer {
    let checks = service.real_servers.iter_mut().flat_map(|server| &mut server.checks);
    checks.for_each(|check| Arc::make_mut(check).alpha = true);
    service
}

pub fn reload(servers: &[VirtualServer]) -> Input {
    Input::Reload(Arc::new(Configuration { virtual_servers: servers.to_vec(), ..Configuration::default() }))
}

pub struct Rig {
    pub balance: Balance,
    pub kernel: SimulatedIpvs,
    pub now: Instant,
    /// How probes of targets that are not well end.
    pub dead: BTreeMap<SocketAddr, Verdict>,
    pub facts: Vec<Fact>,
    pub notices: Vec<Notice>,
    pub answers: Vec<Answer>,
    pub reloads: Vec<Result<(), String>>,
    pub remembered: Vec<OwnedService>,
    /// What operators want, as it was given out last.
    pub overrides: Vec<ServiceOverrides>,
    pub probes: usize,
    pub looks: usize,
}

impl Rig {
    pub fn new(servers: &[VirtualServer]) -> Self {
        Self::on(SimulatedIpvs::default(), servers, Vec::new())
    }
    pub fn on(kernel: SimulatedIpvs, servers: &[VirtualServer], owned: Vec<OwnedService>) -> Self {
        let now = Instant::now();
        Self {
            balance: Balance::new(servers, owned, Vec::new(), now),
            kernel,
            now,
            dead: BTreeMap::new(),
            facts: Vec::new(),
            notices: Vec::new(),
            answers: Vec::new(),
            reloads: Vec::new(),
            remembered: Vec::new(),
            overrides: Vec::new(),
            probes: 0,
            looks: 0,
        }
    }
    pub fn started(servers: &[VirtualServer]) -> Self {
        let mut rig = Self::new(servers);
        rig.give(Input::Start);
        rig
    }

    /// The engine is gone without a word; after `pause` the next one starts with `servers`, on what the kernel has.
    pub fn restarted(self, pause: Duration, servers: &[VirtualServer]) -> Self {
        let now = self.now + pause;
        let balance = Balance::new(servers, self.remembered.clone(), self.overrides.clone(), now);
        self.kernel.take_history();
        let mut next = Self { balance, now, facts: Vec::new(), answers: Vec::new(), probes: 0, ..self };
        next.give(Input::Start);
        next
    }

    /// Gives an input and does everything that follows, in order, without any time passing.
    pub fn give(&mut self, input: Input) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            self.balance.handle(self.now, input);
            while let Some(action) = self.balance.poll_action() {
                inputs.extend(self.perform(action));
            }
        }
    }

    fn perform(&mut self, action: Action) -> Vec<Input> {
        match action {
            Action::Probe { check, spec } => {
                self.probes += 1;
                let tcp = &*spec;
                let well = Verdict::Passed(Duration::from_millis(1));
                let verdict = self.dead.get(&tcp.target).cloned().unwrap_or(well);
                return vec![Input::Verdict { check, verdict }];
            }
            Action::Observe => {
                self.looks += 1;
                return vec![Input::Observed(self.kernel.read_table().map(Box::new))];
            }
            Action::Apply(ops) => {
                let apply = |op| {
                    let result = self.kernel.apply(&op);
                    Input::Applied { op: Box::new(op), result }
                };
                return ops.into_iter().map(apply).collect();
            }
            Action::CancelProbe { .. } => {}
            Action::Remember(owned) => self.remembered = owned,
            Action::Overrides(overrides) => self.overrides = overrides,
            Action::Report(fact) => self.facts.push(fact),
            Action::Notify(notice) => self.notices.push(*notice),
            Action::Answer { answer, .. } => self.answers.push(*answer),
            Action::Reloaded(result) => self.reloads.push(result.map(drop)),
        }
        Vec::new()
    }

    /// Lets time pass, waking the core at each of its deadlines.
    pub fn pass(&mut self, span: Duration) {
        let until = self.now + span;
        while let Some((at, _)) = self.balance.poll_timeout().filter(|(at, _)| *at <= until) {
            self.now = self.now.max(at);
            self.give(Input::Timeout);
        }
        self.now = until;
    }

    pub fn kill(&mut self, target: &str) {
        self.dead.insert(target.parse().unwrap(), Verdict::Failed("connection refused".to_owned()));
    }
    /// From now on this host can't run the checks of this target.
    pub fn hinder(&mut self, target: &str) {
        let reason = "no free file descriptor on this host".to_owned();
        let hindrance = Hindrance { reason, next: "raise the limit" };
        self.dead.insert(target.parse().unwrap(), Verdict::Unable(hindrance));
    }
    pub fn revive(&mut self, target: &str) {
        self.dead.remove(&target.parse().unwrap());
    }

    /// Gives another configuration; everything that the kernel has to do for it is done, and it is answered.
    pub fn reload(&mut self, servers: &[VirtualServer]) -> Result<(), String> {
        let told = self.reloads.len();
        self.give(reload(servers));
        assert_eq!(self.reloads.len(), told + 1, "exactly one answer: {:?}", self.reloads);
        self.reloads[told].clone()
    }

    pub fn ask(&mut self, command: Command) -> Answer {
        self.ask_with(command, false, None)
    }
    pub fn dry(&mut self, command: Command) -> Answer {
        self.ask_with(command, true, None)
    }
    pub fn ask_with(&mut self, command: Command, dry_run: bool, token: Option<String>) -> Answer {
        self.ask_for(command, (dry_run, token, false))
    }
    /// Whatever the floor says.
    pub fn force(&mut self, command: Command) -> Answer {
        self.ask_for(command, (false, None, true))
    }
    /// Berta takes back what was answered so, after so much more time.
    pub fn take_back(&mut self, done: &Answer, after: Duration) -> Answer {
        self.pass(after);
        let undoes = Undoes { what: "command 1".to_owned(), changed: done.preview.changed.clone() };
        let command = done.preview.undo.clone().unwrap().after(after).unwrap();
        self.asks("berta", command, (false, None, false), Some(undoes))
    }
    fn ask_for(&mut self, command: Command, how: (bool, Option<String>, bool)) -> Answer {
        self.asks("anna", command, how, None)
    }
    fn asks(
        &mut self,
        user: &str,
        command: Command,
        (dry_run, token, force): (bool, Option<String>, bool),
        undoes: Option<Undoes>,
    ) -> Answer {
        let who = Who { user: user.to_owned(), ..Who::default() };
        let asked =
            Asked { id: 7, command, dry_run, token, force, who, reason: Some("kernel update".to_owned()), undoes };
        self.answers.clear();
        self.give(Input::Command(Box::new(asked)));
        assert_eq!(self.answers.len(), 1, "exactly one answer: {:?}", self.answers);
        self.answers.remove(0)
    }

    pub fn edit<R>(&self, change: impl FnOnce(&mut IpvsTable) -> R) -> R {
        self.kernel.edit(change)
    }
    /// `10.0.0.71:80 w1, …` of a service in the kernel; `none` where it has no such service.
    pub fn table(&self, service: &str) -> String {
        self.edit(|table| {
            table.services.get(&key(service)).map_or_else(
                || "none".to_owned(),
                |service| {
                    let servers: Vec<String> =
                        service.destinations.iter().map(|(key, d)| format!("{key} w{}", d.weight)).collect();
                    servers.join(", ")
                },
            )
        })
    }
    pub fn ops(&self) -> Vec<String> {
        self.kernel.take_history().into_iter().map(|(op, _)| op.to_string()).collect()
    }
    pub fn status(&self) -> Vec<Arc<VirtualServerStatus>> {
        self.balance.status(Moment { now: self.now, wall: SystemTime::UNIX_EPOCH + 1_000_000 * S })
    }
    pub fn server(&self, service: usize, key: &str) -> RealServerStatus {
        self.status()[service].real_servers.iter().find(|server| server.key == rs(key)).unwrap().clone()
    }
    /// Takes the facts of one kind, each as `subject: from>to (reason)`.
    pub fn facts(&mut self, kind: EventKind) -> Vec<String> {
        let (mine, rest): (Vec<Fact>, Vec<Fact>) =
            std::mem::take(&mut self.facts).into_iter().partition(|fact| fact.kind == kind);
        self.facts = rest;
        let text = |fact: &Fact| {
            let side = |side: &Option<String>| side.clone().unwrap_or_default();
            format!("{}: {}>{} ({})", fact.subject, side(&fact.from), side(&fact.to), side(&fact.reason))
        };
        mine.iter().map(text).collect()
    }
}
