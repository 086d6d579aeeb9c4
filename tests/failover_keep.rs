//! Two failover loops against the kernel, each in a network namespace of its own, with a cable between them: a restart that
//! keeps, and a loop that dies. Needs root and `ip` (iproute2).
// The lints spare test functions, not what they call.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use lvsdeck::engine::command::{Asked, Command as Verb, Outcome, Who};
use lvsdeck::engine::driver::failover::{FailoverLoop, FailoverSender, FailoverView, Listener, remove_left_behind};
use lvsdeck::engine::driver::overrides;
use lvsdeck::engine::driver::shared::{Identity, Shared};
use lvsdeck::engine::driver::world::World;
use lvsdeck::engine::event::Fact;
use lvsdeck::engine::failover::{Failover, Past};
use lvsdeck::engine::io::overrides::OverridesFile;
use lvsdeck::engine::io::state::{StateDir, StateError};
use lvsdeck::engine::model::Configuration;
use lvsdeck::engine::snapshot::{ConfigStatus, VirtualRouterState, VirtualRouterStatus};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

/// Longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(30);

fn ip(arguments: &str) -> String {
    let output = Command::new("ip").args(arguments.split_whitespace()).output().expect("iproute2 is installed");
    assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn instance(number: u8, priority: u8) -> String {
    format!(
        "vrrp_instance VI_{number} {{\n interface veth\n virtual_router_id 5{number}\n priority {priority}\n advert_int 1\n \
         virtual_ipaddress {{\n 10.9.0.{number}/24\n }}\n}}\n"
    )
}

fn configuration(priority: u8) -> Configuration {
    read(&instance(1, priority))
}

/// With a second instance, in one sync group.
fn grouped(priority: u8) -> Configuration {
    let group = "vrrp_sync_group G {\n group {\n VI_1\n VI_2\n }\n}\n";
    read(&format!("{}{}{group}", instance(1, priority), instance(2, priority)))
}

fn read(text: &str) -> Configuration {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("lvsdeck.conf");
    std::fs::write(&file, text).unwrap();
    lvsdeck::engine::config::load(&file).unwrap().configuration.unwrap()
}

/// The state directory, as soon as the thread that wrote for the loop before has let it go.
fn open(directory: &Path) -> StateDir {
    let begun = Instant::now();
    loop {
        match StateDir::open(directory) {
            Ok(state) => return state,
            Err(StateError::InUse { .. }) if begun.elapsed() < LIMIT => thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// What a loop says, for another thread to wait on.
#[derive(Clone, Default)]
struct Ear {
    newest: Arc<(Mutex<Option<VirtualRouterStatus>>, Condvar)>,
    poisoned: Arc<AtomicBool>,
}

impl Listener for Ear {
    fn publish(&self, view: FailoverView) {
        assert!(!self.poisoned.load(Ordering::Relaxed), "as the test wants it");
        *self.newest.0.lock().unwrap() = view.routers.into_iter().next();
        self.newest.1.notify_all();
    }
    fn report(&self, _: Fact) {}
}

impl Ear {
    fn wait(&self, what: &str, good: impl Fn(&VirtualRouterStatus) -> bool) -> VirtualRouterStatus {
        let begun = Instant::now();
        let bad = |status: &mut Option<VirtualRouterStatus>| !status.as_ref().is_some_and(&good);
        let (status, timeout) = self.newest.1.wait_timeout_while(self.newest.0.lock().unwrap(), LIMIT, bad).unwrap();
        assert!(!timeout.timed_out(), "{what}: not within {:?}: {status:?}", begun.elapsed());
        status.clone().unwrap()
    }
}

fn journal() -> Arc<Shared> {
    let config = ConfigStatus { file: String::new(), loaded_at: SystemTime::UNIX_EPOCH, generation: 1 };
    Arc::new(Shared::new(Identity {
        node: "d1".into(),
        mode: "run",
        dataplane: "none".into(),
        config,
        warnings: Vec::new(),
    }))
}

type Job = Box<dyn FnOnce() + Send>;

/// A thread in a network namespace of its own, which does what it is asked.
struct Host {
    jobs: Sender<Job>,
    tid: i32,
    priority: u8,
    state: PathBuf,
}

impl Host {
    fn new(priority: u8, state: &Path) -> Self {
        let (jobs, todo): (Sender<Job>, Receiver<Job>) = channel();
        let (tell, told) = channel();
        thread::spawn(move || {
            // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only. gettid takes nothing.
            #[allow(unsafe_code)]
            let (result, tid) = unsafe { (libc::unshare(libc::CLONE_NEWNET), libc::gettid()) };
            assert_eq!(result, 0, "no network namespace: run as root ({})", std::io::Error::last_os_error());
            tell.send(tid).unwrap();
            for job in todo {
                job();
            }
        });
        Self { jobs, tid: told.recv().unwrap(), priority, state: state.to_path_buf() }
    }

    fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = channel();
        self.jobs.send(Box::new(move || drop(tell.send(job())))).unwrap();
        told.recv().expect("the job did not panic")
    }

    fn ip(&self, arguments: &'static str) -> String {
        self.run(move || ip(arguments))
    }

    fn holds_vip(&self) -> bool {
        self.ip("-4 addr show dev veth").contains("10.9.0.1/24")
    }

    /// Starts a loop as an engine does.
    fn start(&self) -> (FailoverSender, Ear, JoinHandle<std::io::Result<()>>) {
        let (priority, directory) = (self.priority, self.state.clone());
        self.run(move || {
            let state = open(&directory);
            let (owned, masterships) = (state.addresses().unwrap(), state.take_masterships().unwrap());
            let (file, overrides, error) = OverridesFile::open(&directory);
            assert!(error.is_none(), "{error:?}");
            let past = Past { owned, masterships, holds: overrides.instances.clone(), ..Past::default() };
            let core = Failover::new(&configuration(priority), past, Instant::now());
            let ear = Ear::default();
            let (overrides, _) = overrides::start(file, overrides, journal()).unwrap();
            let world = World::open(state).unwrap().writing_holds(overrides);
            let (body, sender) = FailoverLoop::new(core, world, ear.clone()).unwrap();
            (sender, ear, thread::spawn(move || body.run()))
        })
    }
}

/// d1 with priority 200 and d2 with 100, and the cable.
fn pair(place: &Path) -> (Host, Host) {
    let (first, second) = (Host::new(200, &place.join("d1")), Host::new(100, &place.join("d2")));
    let peer = second.tid;
    first.run(move || ip(&format!("link add name veth type veth peer name veth netns {peer}")));
    first.ip("addr add 10.9.0.11/24 dev veth");
    second.ip("addr add 10.9.0.12/24 dev veth");
    first.ip("link set veth up");
    second.ip("link set veth up");
    (first, second)
}

#[test]
fn a_restart_that_keeps_is_not_noticed_by_the_peer_and_the_address_never_leaves() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = pair(place.path());
    let (sender, ear, body) = first.start();
    let (peer_sender, peer_ear, peer_body) = second.start();
    ear.wait("d1 is master", |s| s.state == VirtualRouterState::Master && !s.addresses_here.is_empty());
    let peer = peer_ear.wait("d2 hears it", |s| s.state == VirtualRouterState::Backup && s.counters.adverts_rx > 1);
    for _ in 0..3 {
        sender.shutdown(true);
    }
    body.join().unwrap().unwrap();
    assert!(first.holds_vip());

    let begun = Instant::now();
    let (sender, ear, body) = first.start();
    let resumed = ear.wait("d1 is master again", |s| s.state == VirtualRouterState::Master);
    eprintln!("master again {:?} after the start", begun.elapsed());
    assert_eq!((resumed.reason.as_str(), resumed.history.len()), ("resumed after a restart", 1));
    let heard = peer_ear.wait("d2 hears d1 again", |s| s.counters.adverts_rx >= peer.counters.adverts_rx + 4);
    let states = |status: &VirtualRouterStatus| status.history.iter().map(|change| change.state).collect::<Vec<_>>();
    assert_eq!((states(&heard), heard.counters.priority_zero_rx), (states(&peer), 0));
    assert!(first.holds_vip() && !second.holds_vip());

    sender.shutdown(false);
    body.join().unwrap().unwrap();
    peer_ear.wait("d2 takes over", |s| s.state == VirtualRouterState::Master && !s.addresses_here.is_empty());
    assert!(!first.holds_vip() && second.holds_vip());
    peer_sender.shutdown(false);
    peer_body.join().unwrap().unwrap();
    assert!(!second.holds_vip());
}

#[test]
fn who_finds_another_master_after_a_restart_that_kept_tells_no_client_that_it_has_the_address() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = pair(place.path());
    let (sender, ear, body) = first.start();
    let (peer_sender, peer_ear, peer_body) = second.start();
    ear.wait("d1 is master", |s| s.state == VirtualRouterState::Master && !s.addresses_here.is_empty());
    peer_ear.wait("d2 hears it", |s| s.counters.adverts_rx > 0);
    sender.shutdown(true);
    body.join().unwrap().unwrap();
    let command = Verb::Takeover { instance: "VI_1".to_owned() };
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
    assert!(peer_sender.command(asked, |_| {}));
    peer_ear.wait("d2 takes over", |s| s.state == VirtualRouterState::Master && !s.addresses_here.is_empty());

    let (sender, ear, body) = first.start();
    let heard = ear.wait("d1 hears d2", |s| s.state == VirtualRouterState::Backup && s.counters.adverts_rx > 1);
    assert_eq!((heard.counters.garp_tx, heard.counters.became_master), (0, 0), "{:?}", heard.history);
    assert!(!first.holds_vip() && second.holds_vip());
    for (sender, body) in [(sender, body), (peer_sender, peer_body)] {
        sender.shutdown(false);
        body.join().unwrap().unwrap();
    }
}

#[test]
fn a_hold_outlasts_the_loop_and_the_higher_priority_stays_backup_after_the_next_start() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = pair(place.path());
    let (sender, ear, body) = first.start();
    let (peer_sender, peer_ear, peer_body) = second.start();
    ear.wait("d1 is master", |s| s.state == VirtualRouterState::Master && !s.addresses_here.is_empty());
    peer_ear.wait("d2 hears it", |s| s.counters.adverts_rx > 0);
    let command = Verb::Failover { instance: None, hold_seconds: None, blind: false };
    let who = Who { user: "anna".to_owned(), ..Who::default() };
    let (tell, told) = channel();
    let asked = Asked { id: 1, command, dry_run: false, token: None, force: false, who, reason: None, undoes: None };
    assert!(sender.command(asked, move |answer| tell.send(answer.outcome).unwrap()));
    assert_eq!(told.recv_timeout(LIMIT), Ok(Outcome::Done));
    let begun = Instant::now();
    while !std::fs::read_to_string(first.state.join("overrides.json")).is_ok_and(|text| text.contains("VI_1")) {
        assert!(begun.elapsed() < LIMIT, "the hold is written down");
        thread::yield_now();
    }
    sender.shutdown(true);
    body.join().unwrap().unwrap();

    let (sender, ear, body) = first.start();
    let held = ear.wait("d1 hears d2", |s| s.state == VirtualRouterState::Backup && s.counters.adverts_rx > 3);
    assert_eq!(held.held.as_deref(), Some("failover by anna; ends with rejoin"));
    assert!(!first.holds_vip() && second.holds_vip());
    for (sender, body) in [(sender, body), (peer_sender, peer_body)] {
        sender.shutdown(false);
        body.join().unwrap().unwrap();
    }
}

#[test]
fn an_instance_that_joins_the_group_of_a_master_makes_nobody_resign() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = pair(place.path());
    let (sender, ear, body) = first.start();
    let (peer_sender, peer_ear, peer_body) = second.start();
    ear.wait("d1 is master", |s| s.state == VirtualRouterState::Master && !s.addresses_here.is_empty());
    let peer = peer_ear.wait("d2 hears it", |s| s.state == VirtualRouterState::Backup && s.counters.adverts_rx > 1);
    for (sender, priority) in [(&peer_sender, 100), (&sender, 200)] {
        assert!(sender.reload(Arc::new(grouped(priority)), || {}));
    }
    let begun = Instant::now();
    while !first.ip("-4 addr show dev veth").contains("10.9.0.2/24") {
        assert!(begun.elapsed() < LIMIT, "the new one is master, too");
        thread::yield_now();
    }
    let heard = peer_ear.wait("d2 goes on", |s| s.counters.adverts_rx > peer.counters.adverts_rx + 3);
    assert_eq!((heard.counters.priority_zero_rx, heard.history.len()), (0, peer.history.len()), "{:?}", heard.history);
    assert!(first.holds_vip() && !second.ip("-4 addr show dev veth").contains("10.9.0.2/24"));
    sender.shutdown(false);
    body.join().unwrap().unwrap();
    let begun = Instant::now();
    while !(second.holds_vip() && second.ip("-4 addr show dev veth").contains("10.9.0.2/24")) {
        assert!(begun.elapsed() < LIMIT, "d2 takes both over");
        thread::yield_now();
    }
    peer_sender.shutdown(false);
    peer_body.join().unwrap().unwrap();
}

#[test]
fn a_loop_that_panics_resigns_so_that_the_peer_need_not_wait_for_its_silence() {
    let place = tempfile::tempdir().unwrap();
    let (first, second) = pair(place.path());
    let (_sender, ear, body) = first.start();
    let (peer_sender, peer_ear, peer_body) = second.start();
    ear.wait("d1 is master", |s| s.state == VirtualRouterState::Master && !s.addresses_here.is_empty());
    peer_ear.wait("d2 hears it", |s| s.counters.adverts_rx > 0);
    ear.poisoned.store(true, Ordering::Relaxed);
    assert!(body.join().is_err(), "the panic is told to whoever joins");
    let heard = peer_ear.wait("d2 takes over", |s| s.state == VirtualRouterState::Master);
    assert_eq!((heard.counters.priority_zero_rx, heard.reason.as_str()), (1, "10.9.0.11 resigned"));
    let directory = first.state.clone();
    first.run(move || remove_left_behind(&open(&directory)).unwrap());
    assert!(!first.holds_vip());
    peer_sender.shutdown(false);
    peer_body.join().unwrap().unwrap();
}
