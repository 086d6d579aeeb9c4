//! Sets what the file's `lvs_*` words ask for: timeouts, and the sync daemon in the role of the instance that it follows.
//!
//! A thread of its own with a connection of its own: an instance that becomes master waits for nothing here, and the kernel
//! turns a daemon in the order of these calls. It wakes with each event, so that the roles turn at once, and looks every
//! [`LOOK`] whether somebody else changed them. Without such words it opens nothing.

use super::shared::Shared;
use crate::engine::event::{Event, EventKind, Fact, Severity};
use crate::engine::io::ipvs_admin::{self, IpvsAdmin};
use crate::engine::ipvs::{DaemonStep, Refusal, SyncDaemon, Timeouts, daemon_steps, wanted_daemons};
use crate::engine::model::{Configuration, LvsTimeouts, LvsWords};
use crate::engine::snapshot::VirtualRouterState;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Between two looks at the daemons when nothing happens.
const LOOK: Duration = Duration::from_secs(10);
/// What the facts are about.
const SUBJECT: &str = "sync-daemon";

/// The thread.
pub struct Synchroniser {
    end: Sender<bool>,
    thread: JoinHandle<()>,
}

impl Synchroniser {
    /// Starts it; `configuration` gives the one that runs.
    pub fn start(
        shared: Arc<Shared>,
        configuration: impl Fn() -> Arc<Configuration> + Send + 'static,
    ) -> io::Result<Self> {
        let (end, ended) = channel();
        // Before the thread: it may first run when the engine already stops, and must not wait for what was told before.
        let seen = shared.newest();
        let worker = Worker::new(shared, Box::new(ipvs_admin::open));
        let body = move || worker.run(seen, &configuration, &ended);
        Ok(Self { end, thread: thread::Builder::new().name("ipvs-sync".to_owned()).spawn(body)? })
    }

    /// Ends it once its loop has seen that the engine stops. With `keep` all stays as it is.
    pub fn end(self, keep: bool) {
        _ = self.end.send(keep);
        if self.thread.join().is_err() {
            tracing::error!("the thread that turns the sync daemon panicked");
        }
    }
}

/// Opens the kernel's IPVS.
type Open = Box<dyn Fn() -> Result<Box<dyn IpvsAdmin>, Refusal> + Send>;

struct Worker {
    shared: Arc<Shared>,
    open: Open,
    kernel: Option<Box<dyn IpvsAdmin>>,
    /// The newest state of each instance that an event told.
    states: BTreeMap<String, bool>,
    /// The daemons that this engine wants to run.
    wished: Vec<SyncDaemon>,
    /// As they were set last.
    timeouts: LvsTimeouts,
    /// The refusal that was told last.
    told: Option<String>,
}

impl Worker {
    fn new(shared: Arc<Shared>, open: Open) -> Self {
        Self {
            shared,
            open,
            kernel: None,
            states: BTreeMap::new(),
            wished: Vec::new(),
            timeouts: LvsTimeouts::default(),
            told: None,
        }
    }

    /// Follows the events above `seen` until one says that the engine stops.
    fn run(mut self, mut seen: u64, configuration: &dyn Fn() -> Arc<Configuration>, ended: &Receiver<bool>) {
        let mut looked_at = None::<Instant>;
        loop {
            let words = configuration().global.lvs.clone();
            let (wished, is_due) =
                (self.wish(&words, &configuration()), looked_at.is_none_or(|at| at.elapsed() >= LOOK));
            if is_due || wished != self.wished || words.timeouts != self.timeouts {
                self.round(&words, wished);
                looked_at = Some(Instant::now());
            }
            let (events, is_closed) = self.shared.follow_for(seen, LOOK);
            seen = events.last().map_or(seen, |event| event.seq);
            self.note(&events);
            if is_closed || events.iter().any(|event| event.kind == EventKind::EngineStopping) {
                return self.finish(&configuration().global.lvs, ended.recv().unwrap_or(true));
            }
        }
    }

    fn note(&mut self, events: &[Arc<Event>]) {
        for event in events.iter().filter(|event| event.kind == EventKind::InstanceState) {
            let is_master = event.to.as_deref() == Some(VirtualRouterState::Master.name());
            self.states.insert(event.subject.clone(), is_master);
        }
    }

    fn wish(&self, words: &LvsWords, configuration: &Configuration) -> Vec<SyncDaemon> {
        let Some(daemon) = &words.sync_daemon else { return Vec::new() };
        let router = configuration.virtual_routers.iter().find(|router| Some(&router.name) == daemon.instance.as_ref());
        let vrid = router.map_or(0, |router| router.vrid.get());
        let is_master = daemon.instance.as_ref().map(|name| {
            self.states.get(name).copied().unwrap_or_else(|| {
                let status = self.shared.status();
                status.virtual_routers.iter().any(|r| r.name == *name && r.state == VirtualRouterState::Master)
            })
        });
        wanted_daemons(daemon, is_master, vrid)
    }

    fn round(&mut self, words: &LvsWords, wished: Vec<SyncDaemon>) {
        let is_ours = !wished.is_empty() || !self.wished.is_empty();
        let before = std::mem::replace(&mut self.wished, wished);
        let sets_timeouts = words.timeouts != self.timeouts;
        if !is_ours && !sets_timeouts {
            return;
        }
        let result = self.act(words, &before, is_ours, sets_timeouts);
        let refusal = result.err().map(|refusal| refusal.to_string());
        if let Some(message) = refusal.as_ref().filter(|_| refusal != self.told) {
            let fact = Fact::new(EventKind::OperationRefused, Severity::Warning, SUBJECT);
            self.shared.append(fact.reason(message.clone()));
            self.kernel = None; // the next round begins on a connection of its own
        }
        self.told = refusal;
    }

    fn act(
        &mut self,
        words: &LvsWords,
        before: &[SyncDaemon],
        is_ours: bool,
        sets_timeouts: bool,
    ) -> Result<(), Refusal> {
        let kernel = match &mut self.kernel {
            Some(kernel) => kernel,
            none => none.insert((self.open)()?),
        };
        if sets_timeouts {
            let LvsTimeouts { tcp, tcp_fin, udp } = words.timeouts;
            kernel.set_timeouts(Timeouts { tcp, tcp_fin, udp })?;
            self.timeouts = words.timeouts;
            let now = kernel.timeouts()?;
            let text = format!("timeouts are tcp {} s, tcpfin {} s, udp {} s now", now.tcp, now.tcp_fin, now.udp);
            self.shared.append(Fact::new(EventKind::Warning, Severity::Notice, "ipvs").reason(text));
        }
        if !is_ours {
            return Ok(());
        }
        let running = kernel.daemons()?;
        let steps = daemon_steps(&self.wished, &running);
        if steps.is_empty() {
            return Ok(());
        }
        for step in &steps {
            perform(kernel.as_mut(), step)?;
        }
        let why = if before == self.wished { "somebody else changed it" } else { "as lvs_sync_daemon asks" };
        self.shared.append(turned(&running, &self.wished).reason(why));
        Ok(())
    }

    /// The engine stops: the daemon ends with it, and with `lvs_flush_on_stop` every service.
    fn finish(&mut self, words: &LvsWords, keep: bool) {
        if keep {
            return;
        }
        self.round(&LvsWords { timeouts: self.timeouts, ..LvsWords::default() }, Vec::new());
        if words.flush_on_stop {
            let flushed = (self.open)().and_then(|mut kernel| kernel.flush());
            let fact = Fact::new(EventKind::ServiceTable, Severity::Notice, "ipvs");
            self.shared.append(match flushed {
                Ok(()) => fact.to("absent").reason("all services were removed: lvs_flush_on_stop"),
                Err(refusal) => Fact { kind: EventKind::OperationRefused, severity: Severity::Warning, ..fact }
                    .reason(refusal.to_string()),
            });
        }
    }
}

fn perform(kernel: &mut dyn IpvsAdmin, step: &DaemonStep) -> Result<(), Refusal> {
    match step {
        DaemonStep::Stop(role) => kernel.stop_daemon(*role),
        DaemonStep::Start(daemon) => kernel.start_daemon(daemon),
    }
}

/// The event of another role.
fn turned(before: &[SyncDaemon], now: &[SyncDaemon]) -> Fact {
    let word = |daemons: &[SyncDaemon]| {
        let roles: Vec<&str> = daemons.iter().map(|daemon| daemon.role.name()).collect();
        if roles.is_empty() { "off".to_owned() } else { roles.join("+") }
    };
    Fact::new(EventKind::SyncDaemon, Severity::Notice, SUBJECT).change(word(before), word(now))
}

#[cfg(test)]
mod tests {
    use super::super::shared::Identity;
    use super::*;
    use crate::engine::io::simulated::SimulatedIpvs;
    use crate::engine::ipvs::{DaemonRole, RefusalKind};
    use crate::engine::model::SyncDaemonWords;
    use crate::engine::snapshot::ConfigStatus;
    use std::time::SystemTime;

    struct Rig {
        kernel: SimulatedIpvs,
        worker: Worker,
        configuration: Configuration,
    }

    fn rig() -> Rig {
        let config = ConfigStatus { file: String::new(), loaded_at: SystemTime::UNIX_EPOCH, generation: 1 };
        let shared = Shared::new(Identity {
            node: "d1".into(),
            mode: "run",
            dataplane: "kernel".into(),
            config,
            warnings: Vec::new(),
        });
        shared.begin(0, Vec::new());
        let kernel = SimulatedIpvs::default();
        let opened = kernel.clone();
        let open: Open = Box::new(move || Ok(Box::new(opened.clone()) as Box<dyn IpvsAdmin>));
        let (instance, id, group) = (Some("VI_1".to_owned()), Some(7), None);
        let daemon = SyncDaemonWords { interface: "eth0".into(), instance, id, max_length: 0, port: 0, ttl: 0, group };
        let mut configuration = Configuration::default();
        configuration.global.lvs.sync_daemon = Some(daemon);
        Rig { kernel, worker: Worker::new(Arc::new(shared), open), configuration }
    }

    impl Rig {
        fn round(&mut self) {
            let words = self.configuration.global.lvs.clone();
            let wished = self.worker.wish(&words, &self.configuration);
            self.worker.round(&words, wished);
        }
        fn becomes(&mut self, state: &str) {
            let fact = Fact::new(EventKind::InstanceState, Severity::Notice, "VI_1").change("BACKUP", state);
            self.worker.shared.append(fact);
            let newest = self.worker.shared.page(0, usize::MAX);
            self.worker.note(&newest);
            self.round();
        }
        fn roles(&self) -> Vec<DaemonRole> {
            self.kernel.with_daemons(|daemons| Ok(daemons.iter().map(|daemon| daemon.role).collect())).unwrap()
        }
        fn told(&self, kind: EventKind) -> Vec<String> {
            let events = self.worker.shared.page(0, usize::MAX);
            let told = events.iter().filter(|event| event.kind == kind);
            told.map(|event| {
                let word = |text: &Option<String>| text.clone().unwrap_or_default();
                format!("{}>{} {}", word(&event.from), word(&event.to), word(&event.reason))
            })
            .collect()
        }
    }

    #[test]
    fn an_engine_that_stops_before_the_thread_has_run_is_not_waited_for() {
        for _ in 0..50 {
            let shared = rig().worker.shared;
            let thread = Synchroniser::start(Arc::clone(&shared), Arc::default).unwrap();
            shared.append(Fact::new(EventKind::EngineStopping, Severity::Notice, "engine"));
            thread.end(false);
        }
    }

    #[test]
    fn the_daemon_turns_with_its_instance_and_ends_with_the_engine() {
        let mut rig = rig();
        rig.round();
        assert_eq!(rig.roles(), [DaemonRole::Backup]);
        rig.becomes("MASTER");
        assert_eq!(rig.roles(), [DaemonRole::Master]);
        rig.becomes("FAULT");
        assert_eq!(rig.roles(), [DaemonRole::Backup]);
        let words = rig.configuration.global.lvs.clone();
        rig.worker.finish(&words, true);
        assert_eq!(rig.roles(), [DaemonRole::Backup], "kept for the next start");
        rig.worker.finish(&words, false);
        assert_eq!(rig.roles(), []);
        let why = "as lvs_sync_daemon asks";
        let expected =
            ["off>backup", "backup>master", "master>backup", "backup>off"].map(|turn| format!("{turn} {why}"));
        assert_eq!(rig.told(EventKind::SyncDaemon), expected);
    }

    #[test]
    fn a_daemon_that_somebody_ended_is_started_again_and_told() {
        let mut rig = rig();
        rig.round();
        rig.kernel
            .with_daemons(|daemons| {
                daemons.clear();
                Ok(())
            })
            .unwrap();
        rig.round();
        rig.round();
        assert_eq!(rig.roles(), [DaemonRole::Backup]);
        assert_eq!(rig.told(EventKind::SyncDaemon)[1..], ["off>backup somebody else changed it"]);
    }

    #[test]
    fn a_refusal_is_told_once_and_tried_again() {
        let mut rig = rig();
        rig.kernel.refuse_everything(Refusal { kind: RefusalKind::Other, message: "no such interface".to_owned() });
        rig.round();
        rig.round();
        assert_eq!(rig.told(EventKind::OperationRefused), ["> no such interface"]);
        rig.kernel.relent();
        rig.round();
        assert_eq!(rig.roles(), [DaemonRole::Backup]);
    }

    #[test]
    fn timeouts_are_set_once_and_a_word_that_is_missing_keeps_its_own() {
        let mut rig = rig();
        rig.configuration.global.lvs =
            LvsWords { timeouts: LvsTimeouts { tcp: 0, tcp_fin: 60, udp: 20 }, ..LvsWords::default() };
        rig.round();
        rig.round();
        assert_eq!(rig.kernel.kept_timeouts(), Timeouts { tcp: 900, tcp_fin: 60, udp: 20 });
        assert_eq!(rig.told(EventKind::Warning).len(), 1);
        assert_eq!(rig.roles(), []);
    }

    #[test]
    fn flush_on_stop_empties_the_table_and_a_kept_end_does_not() {
        let mut rig = rig();
        let op = crate::engine::ipvs::IpvsOp::NewService("tcp/10.0.0.1:80".parse().unwrap(), Box::new(service()));
        IpvsAdmin::apply(&mut rig.kernel, &op).unwrap();
        let words = LvsWords { flush_on_stop: true, ..LvsWords::default() };
        rig.worker.finish(&words, true);
        assert_eq!(rig.kernel.edit(|table| table.services.len()), 1);
        rig.worker.finish(&words, false);
        assert_eq!(rig.kernel.edit(|table| table.services.len()), 0);
    }

    fn service() -> crate::engine::ipvs::Service {
        crate::engine::ipvs::Service {
            scheduler: "rr".to_owned(),
            persistence: None,
            odd_mask: None,
            one_packet: false,
            scheduler_flags: 0,
            engine: None,
            destinations: BTreeMap::new(),
            traffic: crate::engine::ipvs::Traffic::default(),
        }
    }
}
