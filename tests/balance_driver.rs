//! The balance loop with real probes on loopback and an IPVS in memory. Every wait is on a condition.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use lvsdeck::engine::balance::{Balance, OwnedService, ServiceOverrides, unproven};
use lvsdeck::engine::command::{Answer, Asked, Command, Outcome, ServiceSelector, Who};
use lvsdeck::engine::driver::balance::{BalanceLoopError, BalanceView, Memory, Request, Scripts, run};
use lvsdeck::engine::event::{EventKind, Fact};
use lvsdeck::engine::io::ipvs_netlink::IpvsKernel;
use lvsdeck::engine::io::overrides::{Overrides, OverridesFile};
use lvsdeck::engine::io::simulated::SimulatedIpvs;
use lvsdeck::engine::ipvs::{IpvsOp, IpvsTable, Refusal, RefusalKind, Version};
use lvsdeck::engine::model::{
    CheckSpec, CheckTiming, Configuration, RealServer, RealServerKey, Scheduler, ServiceKey, VirtualServer, Weight,
};
use lvsdeck::engine::snapshot::{Admin, Health};
use std::net::SocketAddr;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

const WEB: &str = "tcp/10.0.0.1:80";
const PATIENCE: Duration = Duration::from_secs(30);

fn service(targets: &[SocketAddr], interval: Duration) -> VirtualServer {
    let timing = CheckTiming {
        interval,
        timeout: Duration::from_secs(2),
        retry: 1,
        retry_delay: interval / 2,
        warmup: Duration::ZERO,
    };
    let server = |target: &SocketAddr| RealServer {
        checks: vec![CheckSpec::tcp(*target, timing).into()],
        ..RealServer::new(RealServerKey::from(*target))
    };
    VirtualServer {
        scheduler: Scheduler::Rr,
        real_servers: targets.iter().map(server).collect(),
        ..VirtualServer::new(WEB.parse().unwrap())
    }
}

/// A running loop, from outside.
struct Running {
    views: watch::Receiver<BalanceView>,
    facts: Arc<Mutex<Vec<(Instant, Fact)>>>,
    remembered: Arc<Mutex<Vec<Vec<OwnedService>>>>,
    overrides: Arc<Mutex<Vec<ServiceOverrides>>>,
    commands: mpsc::Sender<Request>,
    stop: oneshot::Sender<bool>,
    ended: tokio::task::JoinHandle<Result<(), BalanceLoopError>>,
}

fn start(servers: &[VirtualServer], kernel: Box<dyn IpvsKernel>) -> Running {
    start_on(servers, kernel, Vec::new())
}

fn start_on(servers: &[VirtualServer], kernel: Box<dyn IpvsKernel>, owned: Vec<OwnedService>) -> Running {
    start_with(servers, kernel, owned, Vec::new())
}

fn start_with(
    servers: &[VirtualServer],
    kernel: Box<dyn IpvsKernel>,
    owned: Vec<OwnedService>,
    wanted: Vec<ServiceOverrides>,
) -> Running {
    let overrides = Arc::new(Mutex::new(wanted.clone()));
    let given = Arc::clone(&overrides);
    let core = Balance::new(servers, owned, wanted, tokio::time::Instant::now().into_std());
    let (publish, views) = watch::channel(BalanceView::default());
    let (commands, asked) = mpsc::channel(8);
    let (stop, stopped) = oneshot::channel();
    let (facts, remembered) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<Mutex<Vec<_>>>::default());
    let (told, kept) = (Arc::clone(&facts), Arc::clone(&remembered));
    let ended = tokio::task::spawn_local(run(
        core,
        (kernel, Scripts::none()),
        asked,
        move |view| drop(publish.send(view)),
        (
            move |facts: Vec<Fact>| told.lock().unwrap().extend(facts.into_iter().map(|fact| (Instant::now(), fact))),
            |_| {},
        ),
        move |memory| match memory {
            Memory::Owned(owned) => kept.lock().unwrap().push(owned),
            Memory::Overrides(all) => *given.lock().unwrap() = all,
        },
        async move { stopped.await.unwrap_or(false) },
    ));
    Running { views, facts, remembered, overrides, commands, stop, ended }
}

impl Running {
    async fn until(&mut self, what: &str, is_so: impl Fn(&BalanceView) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, self.views.wait_for(|view| is_so(view))).await;
        assert!(waited.is_ok_and(|view| view.is_ok()), "never: {what}");
    }
    async fn until_in_table(&mut self, servers: &[SocketAddr]) {
        let wanted: Vec<RealServerKey> = servers.iter().copied().map(RealServerKey::from).collect();
        self.until(&format!("exactly {servers:?} in the table"), |view| {
            view.servers.first().is_some_and(|service| {
                let in_table = service.real_servers.iter().filter(|s| s.kernel.is_some()).map(|s| s.key);
                service.in_kernel && in_table.collect::<Vec<_>>() == wanted
            })
        })
        .await;
    }
    async fn ask(&self, command: Command) -> Answer {
        let asked = Asked {
            id: 1,
            command,
            dry_run: false,
            token: None,
            force: false,
            who: Who::default(),
            reason: None,
            undoes: None,
        };
        let (reply, answer) = sync_channel(1);
        self.commands.send(Request::Command(asked, reply)).await.unwrap();
        let answer = tokio::task::spawn_blocking(move || answer.recv_timeout(PATIENCE));
        answer.await.unwrap().expect("an answer in time")
    }
    /// Another configuration; its answer comes by the receiver.
    async fn reload(&self, servers: &[VirtualServer]) -> oneshot::Receiver<Result<String, String>> {
        let configuration = Configuration { virtual_servers: servers.to_vec(), ..Configuration::default() };
        let (told, answer) = oneshot::channel();
        self.commands.send(Request::Reload(Arc::new(configuration), told)).await.unwrap();
        answer
    }
    async fn stop(self) {
        self.end(false).await;
    }
    async fn end(self, keep: bool) {
        self.stop.send(keep).unwrap();
        tokio::time::timeout(PATIENCE, self.ended).await.expect("it stops in time").unwrap().unwrap();
    }
}

fn servers_in(kernel: &SimulatedIpvs) -> Vec<SocketAddr> {
    kernel.edit(|table| table.services.values().flat_map(|s| s.destinations.keys().map(|k| k.0.into())).collect())
}

async fn listen(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_listener_that_closes_leaves_the_table_and_returns_when_it_opens_again() {
    let body = async {
        let (first, one) = listen("127.0.0.1:0").await;
        let (_second, two) = listen("127.0.0.2:0").await;
        let kernel = SimulatedIpvs::default();
        let mut running = start(&[service(&[one, two], Duration::from_millis(50))], Box::new(kernel.clone()));
        running.until_in_table(&[one, two]).await;
        drop(first);
        running.until_in_table(&[two]).await;
        assert_eq!(servers_in(&kernel), [two]);
        let down = running.views.borrow().servers[0].real_servers[0].clone();
        assert_eq!((down.health, down.checks[0].error.as_deref()), (Health::Down, Some("connection refused")));
        let _first = TcpListener::bind(one).await.unwrap();
        running.until_in_table(&[one, two]).await;
        assert_eq!(running.remembered.lock().unwrap().len(), 1);
        running.stop().await;
        assert_eq!(servers_in(&kernel), []);
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn from_decision_to_table_it_takes_less_than_fifty_milliseconds() {
    let body = async {
        let (first, one) = listen("127.0.0.1:0").await;
        let mut running = start(&[service(&[one], Duration::from_millis(50))], Box::new(SimulatedIpvs::default()));
        running.until_in_table(&[one]).await;
        drop(first);
        running.until_in_table(&[]).await;
        let facts = running.facts.lock().unwrap().clone();
        let when =
            |kind, to: &str| facts.iter().find(|(_, f)| f.kind == kind && f.to.as_deref() == Some(to)).unwrap().0;
        let took = when(EventKind::ServerTable, "absent") - when(EventKind::ServerHealth, "down");
        assert!(took < Duration::from_millis(50), "{took:?}");
        running.stop().await;
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn what_the_kernel_would_refuse_of_another_configuration_is_known_and_nothing_is_touched() {
    let body = async {
        let (_listener, one) = listen("127.0.0.1:0").await;
        let kernel = SimulatedIpvs::default();
        let web = service(&[one], Duration::from_secs(1));
        let mut running = start(std::slice::from_ref(&web), Box::new(kernel.clone()));
        running.until_in_table(&[one]).await;
        let before = kernel.edit(|table| table.clone());
        let of = |services: &[VirtualServer]| Configuration {
            virtual_servers: services.to_vec(),
            ..Configuration::default()
        };
        let other = VirtualServer { key: "udp/10.0.0.1:80".parse().unwrap(), ..web.clone() };
        let mut wrong = other.clone();
        (wrong.real_servers[0].lower_threshold, wrong.real_servers[0].upper_threshold) = (5, 2);
        assert!(
            unproven(&of(std::slice::from_ref(&web)), &of(std::slice::from_ref(&web))).is_empty(),
            "what runs is not tried again"
        );
        for (new, refused) in [(other, None), (wrong, Some("to udp/10.0.0.1:80"))] {
            let (told, tried) = oneshot::channel();
            let services = unproven(&of(std::slice::from_ref(&web)), &of(&[new]));
            running.commands.send(Request::Trial(services, told)).await.unwrap();
            let why = tried.await.unwrap().err().map(|refusal| refusal.message);
            assert_eq!(why.is_some(), refused.is_some());
            assert!(why.is_none_or(|why| why.contains(refused.unwrap())));
            assert_eq!(kernel.edit(|table| table.clone()), before);
        }
        running.stop().await;
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn a_drain_is_answered_when_the_kernel_has_it_and_memory_is_empty_after_the_stop() {
    let body = async {
        let (_listener, one) = listen("127.0.0.1:0").await;
        let kernel = SimulatedIpvs::default();
        let mut running = start(&[service(&[one], Duration::from_secs(1))], Box::new(kernel.clone()));
        running.until_in_table(&[one]).await;
        let selector = one.to_string().parse().unwrap();
        let answer = running
            .ask(Command::Drain { server: selector, service: None, hold_seconds: None, deadline_seconds: None })
            .await;
        assert_eq!(answer.outcome, Outcome::Done);
        let weight =
            kernel.edit(|table| table.services.values().next().unwrap().destinations[&RealServerKey::from(one)].weight);
        assert_eq!(weight, Weight::ZERO);
        let remembered = Arc::clone(&running.remembered);
        running.stop().await;
        assert_eq!(remembered.lock().unwrap().last(), Some(&Vec::new()));
        assert!(kernel.edit(|table| table.services.is_empty()));
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn whoever_hears_of_something_finds_it_in_the_view() {
    let body = async {
        let (_listener, one) = listen("127.0.0.1:0").await;
        let mut running = start(&[service(&[one], Duration::from_secs(1))], Box::new(SimulatedIpvs::default()));
        running.until_in_table(&[one]).await;
        for weight in (2..30).map(|weight| Weight::new(weight).unwrap()) {
            let (service, server) = (WEB.parse::<ServiceKey>().unwrap().into(), RealServerKey::from(one));
            assert_eq!(
                running.ask(Command::Weight { service, server, weight, hold_seconds: None }).await.outcome,
                Outcome::Done
            );
            assert_eq!(running.views.borrow().servers[0].real_servers[0].weight, weight.get(), "when it is answered");
        }
        running.stop().await;
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn a_drain_outlasts_the_engine_on_disk_and_the_next_start_writes_nothing_to_the_kernel() {
    let body = async {
        let (_listener, one) = listen("127.0.0.1:0").await;
        let (kernel, place) = (SimulatedIpvs::default(), tempfile::tempdir().unwrap());
        let servers = [service(&[one], Duration::from_millis(50))];
        let mut running = start(&servers, Box::new(kernel.clone()));
        running.until_in_table(&[one]).await;
        let selector = one.to_string().parse().unwrap();
        let answer = running
            .ask(Command::Drain { server: selector, service: None, hold_seconds: None, deadline_seconds: None })
            .await;
        assert_eq!(answer.outcome, Outcome::Done);
        let (overrides, owned) = (Arc::clone(&running.overrides), Arc::clone(&running.remembered));
        running.end(true).await;
        let services = overrides.lock().unwrap().clone();
        let (mut file, ..) = OverridesFile::open(place.path());
        file.save(&Overrides { services, ..Overrides::default() }).unwrap();

        let (_, read, error) = OverridesFile::open(place.path());
        assert!(error.is_none(), "{error:?}");
        kernel.take_history();
        let owned = owned.lock().unwrap().last().cloned().unwrap();
        let mut next = start_with(&servers, Box::new(kernel.clone()), owned, read.services);
        next.until("the check passed and it still drains", |view| {
            let server = view.servers.first().map(|service| service.real_servers[0].clone());
            server.is_some_and(|server| (server.health, server.admin) == (Health::Up, Admin::Draining))
        })
        .await;
        assert_eq!(kernel.take_history(), []);
        let drained = |table: &mut IpvsTable| {
            table.services.values().all(|s| s.destinations[&RealServerKey::from(one)].weight == Weight::ZERO)
        };
        assert!(kernel.edit(drained));
        next.stop().await;
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn a_reload_is_told_when_the_kernel_has_it_and_each_of_two_in_a_row() {
    let body = async {
        let (_first, one) = listen("127.0.0.1:0").await;
        let (_second, two) = listen("127.0.0.2:0").await;
        let kernel = SimulatedIpvs::default();
        let of = |targets: &[SocketAddr]| [service(targets, Duration::from_millis(50))];
        let mut running = start(&of(&[one]), Box::new(kernel.clone()));
        running.until_in_table(&[one]).await;
        kernel.take_history();
        let unchanged = running.reload(&of(&[one])).await;
        assert_eq!(tokio::time::timeout(PATIENCE, unchanged).await.unwrap().unwrap(), Ok(String::new()));
        assert_eq!(kernel.take_history(), []);
        let (both, second) = (running.reload(&of(&[one, two])).await, running.reload(&of(&[two])).await);
        for told in [both, second] {
            assert_eq!(tokio::time::timeout(PATIENCE, told).await.unwrap().unwrap(), Ok(String::new()));
        }
        assert_eq!(servers_in(&kernel), [two]);
        running.until_in_table(&[two]).await;
        running.stop().await;
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn an_end_that_keeps_leaves_everything_and_the_next_start_goes_on_with_it() {
    let body = async {
        let (_listener, one) = listen("127.0.0.1:0").await;
        let (reserved, two) = listen("127.0.0.2:0").await;
        drop(reserved);
        let kernel = SimulatedIpvs::default();
        let servers = [service(&[one, two], Duration::from_millis(50))];
        let mut running = start(&servers, Box::new(kernel.clone()));
        running.until_in_table(&[one]).await;
        let (remembered, facts) = (Arc::clone(&running.remembered), Arc::clone(&running.facts));
        kernel.take_history();
        running.end(true).await;
        assert_eq!((kernel.take_history(), servers_in(&kernel)), (vec![], vec![one]));
        let owned = remembered.lock().unwrap().last().cloned().unwrap();
        assert_eq!(owned[0].servers, [RealServerKey::from(one), RealServerKey::from(two)]);
        let is_left_behind = |fact: &Fact| fact.kind == EventKind::Warning;
        assert!(!facts.lock().unwrap().iter().any(|(_, fact)| is_left_behind(fact)));
        let mut next = start_on(&servers, Box::new(kernel.clone()), owned);
        next.until("the dead one was judged", |view| {
            view.servers.first().is_some_and(|s| s.real_servers[1].health == Health::Down)
        })
        .await;
        assert_eq!(kernel.take_history(), [], "the dead one was never put back");
        next.stop().await;
        assert_eq!(servers_in(&kernel), []);
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn a_quiet_loop_publishes_about_once_a_second_and_not_more() {
    let body = async {
        let kernel = SimulatedIpvs::default();
        let mut quiet = service(&["127.0.0.1:9".parse().unwrap()], Duration::from_mins(1));
        quiet.real_servers[0].checks.clear();
        let mut running = start(&[quiet], Box::new(kernel));
        running.until("the service is in the kernel", |view| view.servers.first().is_some_and(|s| s.in_kernel)).await;
        let begun = Instant::now();
        let mut views = 0;
        while begun.elapsed() < Duration::from_secs(3) {
            running.views.changed().await.unwrap();
            views += 1;
        }
        assert!((2..=8).contains(&views), "{views} views in three seconds");
        running.stop().await;
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

/// A kernel connection whose thread dies at the first look.
struct Dying;

impl IpvsKernel for Dying {
    fn read_table(&mut self) -> Result<IpvsTable, Refusal> {
        panic!("made up by the test")
    }
    fn apply(&mut self, _: &IpvsOp) -> Result<(), Refusal> {
        Ok(())
    }
    fn version(&mut self) -> Result<Version, Refusal> {
        Ok(Version { number: (1, 2, 1), table_size: 4096 })
    }
}

#[tokio::test]
async fn a_kernel_thread_that_dies_ends_the_loop_with_an_error() {
    let body = async {
        let running = start(&[], Box::new(Dying));
        let ended = tokio::time::timeout(PATIENCE, running.ended).await.expect("it ends in time").unwrap();
        assert!(matches!(ended, Err(BalanceLoopError::ThreadEnded)), "{ended:?}");
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

/// What is sent to the kernel together.
const TOGETHER: usize = 128;

/// A kernel whose first send takes until the test says how it ends, for all that is in it; the others succeed at once.
struct Stuck {
    began: mpsc::UnboundedSender<()>,
    ends: std::sync::mpsc::Receiver<Result<(), Refusal>>,
    done: Arc<Mutex<Vec<String>>>,
}

impl IpvsKernel for Stuck {
    fn read_table(&mut self) -> Result<IpvsTable, Refusal> {
        Ok(IpvsTable::default())
    }
    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        self.done.lock().unwrap().push(op.to_string());
        Ok(())
    }
    fn apply_all(&mut self, ops: &[IpvsOp]) -> Vec<Result<(), Refusal>> {
        let is_first = self.done.lock().unwrap().is_empty();
        self.done.lock().unwrap().extend(ops.iter().map(ToString::to_string));
        let stuck = is_first && self.began.send(()).is_ok();
        let end = if stuck { self.ends.recv().unwrap_or(Ok(())) } else { Ok(()) };
        vec![end; ops.len()]
    }
    fn version(&mut self) -> Result<Version, Refusal> {
        Ok(Version { number: (1, 2, 1), table_size: 4096 })
    }
}

/// A loop that was asked to stop while the first 128 of its 200 operations are in the kernel.
async fn stopped_while_stuck() -> (Running, std::sync::mpsc::Sender<Result<(), Refusal>>, Arc<Mutex<Vec<String>>>) {
    let services: Vec<VirtualServer> = (1..=100)
        .map(|n| {
            let mut one = service(&["127.0.0.1:9".parse().unwrap()], Duration::from_mins(1));
            one.key = format!("tcp/10.0.0.{n}:80").parse().unwrap();
            one.real_servers[0].checks.clear();
            one
        })
        .collect();
    let (began, mut entered) = mpsc::unbounded_channel();
    let (end, ends) = std::sync::mpsc::channel();
    let done = Arc::<Mutex<Vec<String>>>::default();
    let mut running = start(&services, Box::new(Stuck { began, ends, done: Arc::clone(&done) }));
    entered.recv().await.unwrap();
    let asked = Asked {
        id: 1,
        command: drain_all(),
        dry_run: false,
        token: None,
        force: false,
        who: Who::default(),
        reason: None,
        undoes: None,
    };
    let (reply, answer) = sync_channel(1);
    running.commands.send(Request::Command(asked, reply)).await.unwrap();
    std::mem::replace(&mut running.stop, oneshot::channel().0).send(false).unwrap();
    let answer = tokio::task::spawn_blocking(move || answer.recv_timeout(PATIENCE));
    answer.await.unwrap().expect("what waits for the kernel is answered when the loop stops");
    (running, end, done)
}

fn drain_all() -> Command {
    Command::Drain { server: "127.0.0.1:9".parse().unwrap(), service: None, hold_seconds: None, deadline_seconds: None }
}

#[tokio::test]
async fn a_stop_gives_up_what_waits_and_takes_back_only_what_was_made() {
    let body = async {
        let (mut running, end, done) = stopped_while_stuck().await;
        end.send(Ok(())).unwrap();
        (&mut running.ended).await.unwrap().unwrap();
        let done = done.lock().unwrap();
        let (made, taken_back) = done.split_at(TOGETHER);
        let of = |ops: &[String], kind| {
            ops.iter().filter_map(|op| op.strip_prefix(kind).map(str::to_owned)).collect::<Vec<_>>()
        };
        assert!(made.iter().all(|op| op.starts_with("add ")), "{made:?}");
        assert_eq!(of(taken_back, "remove service "), of(made, "add service "));
        assert_eq!(taken_back.len(), of(made, "add service ").len(), "{taken_back:?}");
        assert_eq!(running.remembered.lock().unwrap().last(), Some(&Vec::new()));
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test]
async fn a_kernel_that_does_not_answer_is_asked_nothing_more_at_the_stop() {
    let body = async {
        let (mut running, end, done) = stopped_while_stuck().await;
        end.send(Err(Refusal::general(RefusalKind::TimedOut, "change the kernel's IPVS table"))).unwrap();
        (&mut running.ended).await.unwrap().unwrap();
        assert_eq!(done.lock().unwrap().len(), TOGETHER);
        let remembered = running.remembered.lock().unwrap().last().unwrap().clone();
        assert!(remembered.iter().any(|owned| owned.key.to_string() == "tcp/10.0.0.1:80"), "{remembered:?}");
        assert!(told_of_the_rest(&running));
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_takes_five_seconds_at_most_whatever_the_kernel_does() {
    let body = async {
        let (mut running, end, _) = stopped_while_stuck().await;
        let begun = tokio::time::Instant::now();
        (&mut running.ended).await.unwrap().unwrap();
        assert!(begun.elapsed() < Duration::from_millis(5_100), "{:?}", begun.elapsed());
        assert_eq!(running.remembered.lock().unwrap().last().map(Vec::len), Some(100));
        assert!(told_of_the_rest(&running));
        drop(end);
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

#[tokio::test(start_paused = true)]
async fn a_kernel_that_does_not_return_is_told_and_holds_neither_the_loop_nor_commands() {
    const COMMANDS: u32 = 40;
    let body = async {
        let (began, mut entered) = mpsc::unbounded_channel();
        let (end, ends) = std::sync::mpsc::channel();
        let kernel = Stuck { began, ends, done: Arc::default() };
        let mut running =
            start(&[service(&["127.0.0.1:9".parse().unwrap()], Duration::from_hours(1))], Box::new(kernel));
        entered.recv().await.unwrap();
        let is_silent = |view: &BalanceView| view.warnings.iter().any(|warning| warning.code == "ipvs-silent");
        // More than the thread's queue has room for: each is to be remembered.
        let mut answers = Vec::new();
        for weight in 1..=COMMANDS {
            let command = Command::Weight {
                service: ServiceSelector(WEB.to_owned()),
                server: "127.0.0.1:9".parse().unwrap(),
                weight: Weight::new(weight).unwrap(),
                hold_seconds: None,
            };
            let asked = Asked {
                id: 1,
                command,
                dry_run: false,
                token: None,
                force: false,
                who: Who::default(),
                reason: None,
                undoes: None,
            };
            let (reply, answer) = sync_channel(1);
            running.commands.send(Request::Command(asked, reply)).await.unwrap();
            let before = running.views.borrow().at;
            running.until("a view after a command", |view| view.at > before).await;
            answers.push(answer);
        }
        running.until("the warning", is_silent).await;
        let told = |running: &Running, to: &str| {
            let facts = running.facts.lock().unwrap();
            facts.iter().filter(|(_, fact)| fact.subject == "ipvs" && fact.to.as_deref() == Some(to)).count()
        };
        // The paused clock leaps ahead of a thread that is at work, too: what matters is that each silence is told to its end.
        assert_eq!(told(&running, "ipvs-silent"), told(&running, "gone") + 1);
        for _ in 0..=COMMANDS {
            end.send(Ok(())).unwrap();
        }
        running.until("the end of it", |view| !is_silent(view)).await;
        assert_eq!(told(&running, "ipvs-silent"), told(&running, "gone"));
    };
    tokio::task::LocalSet::new().run_until(body).await;
}

fn told_of_the_rest(running: &Running) -> bool {
    let is_it = |fact: &Fact| fact.reason.as_ref().is_some_and(|reason| reason.contains("the next start removes it"));
    running.facts.lock().unwrap().iter().any(|(_, fact)| is_it(fact))
}

#[tokio::test]
async fn two_thousand_dead_servers_are_found_within_seconds_and_the_rest_stays() {
    let body = async {
        let (_listener, alive) = listen("127.0.0.1:0").await;
        let (reserved, dead) = listen("127.0.0.1:0").await;
        drop(reserved);
        let dead = (0..2_000_u32).map(|n| SocketAddr::new((0x7f01_0000 + n).to_be_bytes().into(), dead.port()));
        let targets: Vec<SocketAddr> = std::iter::once(alive).chain(dead).collect();
        let kernel = SimulatedIpvs::default();
        let mut running = start(&[service(&targets, Duration::from_secs(1))], Box::new(kernel));
        running.until_in_table(&[alive]).await;
        running.stop().await;
    };
    tokio::task::LocalSet::new().run_until(body).await;
}
