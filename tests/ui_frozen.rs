//! A console that is frozen or killed costs its director nothing: a real engine in a network namespace of its own, a real console in a
//! real terminal, and the advertisements as they arrive at the other end of the cable. Needs root and `ip` (iproute2).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)] // a test: a panic is its verdict

mod ui_terminal;

use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use ui_terminal::{PATIENCE, Pty};

/// Half a second between advertisements; a backup takes over after three of them and a skew below one.
const INTERVAL: Duration = Duration::from_millis(500);

const CONFIGURATION: &str = "vrrp_instance VI_1 {\n state MASTER\n interface d0\n virtual_router_id 51\n priority 255\n version 3\n \
                             advert_int 0.5\n virtual_ipaddress {\n  10.99.0.1/24\n }\n}\n";

/// An engine that is master, and the end of the cable at which its advertisements arrive.
struct Director {
    engine: Child,
    wire: Socket,
    place: TempDir,
}

impl Director {
    fn start() -> Self {
        // SAFETY: unshare takes no pointer; it changes the namespace of the calling thread only.
        #[allow(unsafe_code)]
        let result = unsafe { libc::unshare(libc::CLONE_NEWNET) };
        assert_eq!(result, 0, "no network namespace of its own: run as root ({})", std::io::Error::last_os_error());
        for arguments in
            ["link add d0 type veth peer name d1", "link set d1 up", "link set d0 up", "addr add 10.99.0.11/24 dev d0"]
        {
            let output = Command::new("ip").args(arguments.split(' ')).output().expect("iproute2 is installed");
            assert!(output.status.success(), "ip {arguments}: {}", String::from_utf8_lossy(&output.stderr));
        }
        // What arrives, and not what leaves: ETH_P_IP sees received packets only.
        let arriving = Protocol::from(i32::from(0x0800_u16.to_be()));
        let wire = Socket::new(Domain::PACKET, Type::DGRAM, Some(arriving)).unwrap();
        wire.set_read_timeout(Some(PATIENCE)).unwrap();
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("x.conf");
        std::fs::write(&file, CONFIGURATION).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_lvsdeck"));
        command.args(["run", "--vrrp-only", "-f"]).arg(file).arg("--socket").arg(place.path().join("x.sock"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let engine = command.spawn().expect("the program starts");
        Self { engine, wire, place }
    }

    /// When the next advertisement arrives.
    fn advertisement(&self) -> Instant {
        let mut packet = [0; 2_048];
        loop {
            let length = (&self.wire).read(&mut packet).expect("advertisements arrive");
            if length > 20 && packet[0] >> 4 == 4 && packet[9] == 112 {
                return Instant::now();
            }
        }
    }

    /// The longest time between so many advertisements.
    fn longest_silence(&self, count: usize) -> Duration {
        let arrived: Vec<Instant> = (0..count).map(|_| self.advertisement()).collect();
        arrived.windows(2).map(|two| two[1] - two[0]).max().unwrap()
    }

    fn console(&self) -> Pty {
        let socket = self.place.path().join("x.sock").display().to_string();
        let pty = Pty::start(&[env!("CARGO_BIN_EXE_lvsdeck"), "attach", "--socket", &socket], &[], true);
        pty.wait_for("MASTER 1/1");
        pty
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.engine), Signal::TERM);
        let _ = self.engine.wait();
    }
}

#[test]
fn no_advertisement_is_missed_while_a_terminal_stands_still() {
    let director = Director::start();
    director.advertisement();
    let mut pty = director.console();
    let gate = pty.gate.clone();
    let frozen = gate.lock().expect("a lock");
    pty.fill();
    let silence = director.longest_silence(10);
    assert!(pty.is_writing(), "the console was not stuck for as long as the advertisements were counted");
    assert!(silence < INTERVAL * 3, "a backup would have taken over: {silence:?} without an advertisement");
    drop(frozen);
    pty.clear();
    pty.keys("\x0c");
    pty.wait_for("MASTER 1/1");
    pty.keys("q");
    assert_eq!(pty.end(), 0);
}

#[test]
fn a_console_that_is_killed_leaves_its_director_alone_and_another_one_opens() {
    let mut director = Director::start();
    director.advertisement();
    let mut pty = director.console();
    pty.signal(Signal::KILL);
    assert_ne!(pty.end(), 0);
    let silence = director.longest_silence(5);
    assert!(silence < INTERVAL * 3, "a backup would have taken over: {silence:?} without an advertisement");
    assert!(director.engine.try_wait().unwrap().is_none(), "the engine goes on");
    let mut pty = director.console();
    pty.keys("q");
    pty.wait_for(&format!("detached, engine running as pid {}", director.engine.id()));
    assert_eq!(pty.end(), 0);
}
