//! The console in a real pseudo-terminal: it gives the terminal back on every way out, and goes when the terminal goes.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)] // a test: a panic is its verdict

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// The example's path, built once.
fn fixture() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "console_fixture"]).status();
        assert!(built.expect("cargo runs").success(), "the example does not build");
        let here = std::env::current_exe().expect("a path");
        let target: PathBuf = here.ancestors().nth(2).expect("target/debug").into();
        target.join("examples/console_fixture").display().to_string()
    })
}

struct Seen {
    parser: vt100::Parser,
    raw: Vec<u8>,
}

/// A program in a terminal of its own.
struct Pty {
    child: Box<dyn Child + Send + Sync>,
    master: Option<Box<dyn MasterPty + Send>>,
    slave: Option<Box<dyn SlavePty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
    stop: Arc<AtomicBool>,
    /// Held: nobody reads.
    gate: Arc<Mutex<()>>,
    reader: Option<std::thread::JoinHandle<()>>,
}

impl Pty {
    fn start(arguments: &[&str], env: &[(&str, &str)], keep_slave: bool) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let mut command = CommandBuilder::new(arguments[0]);
        command.args(&arguments[1..]);
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        for (name, value) in env {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).expect("the program starts");
        let mut input = pair.master.try_clone_reader().expect("a reader");
        let (rows, columns) = (NonZero::new(24).expect("not 0"), NonZero::new(80).expect("not 0"));
        let seen = Arc::new((
            Mutex::new(Seen { parser: vt100::Parser::new(rows, columns, 0), raw: Vec::new() }),
            Condvar::new(),
        ));
        let stop = Arc::new(AtomicBool::new(false));
        let gate = Arc::new(Mutex::new(()));
        let (into, enough, open) = (seen.clone(), stop.clone(), gate.clone());
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 8_192];
            while let Ok(n @ 1..) = input.read(&mut bytes) {
                drop(open.lock().expect("a lock"));
                let mut seen = into.0.lock().expect("a lock");
                seen.parser.process(&bytes[..n]);
                seen.raw.extend_from_slice(&bytes[..n]);
                drop(seen);
                into.1.notify_all();
                if enough.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let writer = Some(pair.master.take_writer().expect("a writer"));
        let slave = keep_slave.then_some(pair.slave);
        Self { child, master: Some(pair.master), slave, writer, seen, stop, gate, reader: Some(reader) }
    }

    fn console(arguments: &[&str]) -> Self {
        let pty = Self::start(&[&[fixture()], arguments].concat(), &[], true);
        pty.wait_for("MASTER 2/2");
        pty
    }

    /// Waits until the screen (not the bytes) shows this.
    fn wait_for(&self, text: &str) -> String {
        let (lock, changed) = &*self.seen;
        let shows = |seen: &mut Seen| !seen.parser.screen().contents().contains(text);
        let (seen, late) = changed.wait_timeout_while(lock.lock().expect("a lock"), PATIENCE, shows).expect("a lock");
        let screen = seen.parser.screen().contents();
        assert!(!late.timed_out(), "{text} never came; the screen is\n{screen}");
        screen
    }

    fn wait_for_bytes(&self, bytes: &str) {
        let (lock, changed) = &*self.seen;
        let absent = |seen: &mut Seen| !String::from_utf8_lossy(&seen.raw).contains(bytes);
        let result = changed.wait_timeout_while(lock.lock().expect("a lock"), PATIENCE, absent).expect("a lock");
        assert!(!result.1.timed_out(), "{bytes:?} never came");
    }

    fn keys(&mut self, keys: &str) {
        let writer = self.writer.as_mut().expect("a terminal");
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("the terminal takes keys");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().expect("a process")).expect("a pid");
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("the process is there");
    }

    /// Waits for the end; its exit code.
    fn end(&mut self) -> u32 {
        let mut killer = self.child.clone_killer();
        let (done, ended) = channel();
        let guard = std::thread::spawn(move || {
            if ended.recv_timeout(PATIENCE).is_err() {
                let _ = killer.kill();
            }
        });
        let status = self.child.wait().expect("the process ends");
        let _ = done.send(());
        guard.join().expect("no panic");
        status.exit_code()
    }

    /// Draws until the console is stuck in its write, because nobody reads.
    fn fill(&mut self) {
        let path = format!("/proc/{}/syscall", self.child.process_id().expect("a process"));
        let (begun, mut stuck) = (Instant::now(), 0);
        while stuck < 2_000 {
            let writing = std::fs::read_to_string(&path).expect("the process is there").starts_with("1 ");
            stuck = if writing { stuck + 1 } else { 0 };
            if !writing {
                self.keys("\x0c");
            }
            std::thread::yield_now();
            assert!(begun.elapsed() < PATIENCE, "the terminal takes everything");
        }
    }

    /// The terminal is as it was: screen, cursor, paste, echo and lines.
    fn assert_restored(&self) {
        for bytes in ["\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"] {
            self.wait_for_bytes(bytes);
        }
        self.assert_modes();
    }

    fn assert_modes(&self) {
        let path = self.master.as_ref().and_then(|m| m.tty_name()).expect("a name");
        let modes = Command::new("stty").arg("-a").arg("-F").arg(path).output().expect("stty runs");
        let modes = String::from_utf8_lossy(&modes.stdout).into_owned();
        let on = |word: &str| modes.split_whitespace().any(|w| w.trim_end_matches(';') == word);
        assert!(on("icanon") && on("echo") && on("isig"), "{modes}");
    }
}

#[test]
fn q_detaches_and_says_where_the_engine_is() {
    let mut pty = Pty::console(&[]);
    pty.keys("q");
    pty.wait_for("Detached: detached, engine running as pid 812");
    assert_eq!(pty.end(), 0);
    pty.assert_restored();
}

#[test]
fn every_signal_gives_the_terminal_back() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::QUIT] {
        let mut pty = Pty::console(&[]);
        pty.signal(signal);
        assert_eq!(pty.end(), 128 + u32::try_from(signal.as_raw()).unwrap(), "{signal:?}");
        pty.assert_restored();
    }
}

#[test]
fn a_panic_in_any_thread_gives_the_terminal_back_and_is_reported() {
    let mut pty = Pty::start(&[fixture()], &[("CONSOLE_FIXTURE_PANIC", "1")], true);
    pty.wait_for("the fixture was told to panic");
    assert_eq!(pty.end(), 101);
    pty.assert_restored();
}

#[test]
fn a_closed_terminal_ends_the_console_within_a_second() {
    // The shell takes the hang-up signal and keeps it, so that the console has to notice by itself.
    let line = format!("trap '' HUP; {}; true", fixture());
    for arguments in [vec![fixture()], vec!["/bin/sh", "-c", line.as_str()]] {
        let mut pty = Pty::start(&arguments, &[], false);
        pty.wait_for("MASTER 2/2");
        pty.stop.store(true, Ordering::SeqCst);
        pty.reader.take().map(std::thread::JoinHandle::join);
        (pty.writer, pty.slave, pty.master) = (None, None, None);
        let closed = Instant::now();
        pty.end();
        assert!(closed.elapsed() < Duration::from_secs(1), "{arguments:?}: {:?}", closed.elapsed());
    }
}

#[test]
fn a_terminal_that_takes_no_output_does_not_keep_the_console_from_ending() {
    let mut pty = Pty::console(&[]);
    pty.stop.store(true, Ordering::SeqCst);
    pty.reader.take().map(std::thread::JoinHandle::join);
    pty.fill();
    let asked = Instant::now();
    pty.signal(Signal::TERM);
    assert_eq!(pty.end(), 143);
    assert!(asked.elapsed() > Duration::from_millis(500), "it was not stuck in a write");
    pty.assert_modes();
}

#[test]
fn keys_typed_while_the_screen_stood_still_are_dropped() {
    let mut pty = Pty::console(&["degraded", "--rw"]);
    let gate = pty.gate.clone();
    let frozen = gate.lock().expect("a lock");
    pty.fill();
    pty.keys("jjdd");
    // The stall has to last: this is the time under test, not a wait for something.
    let (_nobody, silence) = channel::<()>();
    let _ = silence.recv_timeout(Duration::from_millis(1_300));
    drop(frozen);
    let screen = pty.wait_for("were dropped");
    assert!(!screen.contains("Preview"), "{screen}");
    pty.wait_for("row 1/18");
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_brings_the_console_back() {
    let mut pty = Pty::start(&["/bin/bash", "--norc", "--noprofile", "-i"], &[("PS1", "prompt> ")], true);
    pty.wait_for("prompt>");
    pty.keys(&format!("{}\r", fixture()));
    pty.wait_for("MASTER 2/2");
    pty.keys("\x1a");
    pty.wait_for("Stopped");
    pty.keys("fg\r");
    pty.wait_for("MASTER 2/2");
    pty.keys("q");
    pty.wait_for("pid 812\nprompt>");
    pty.keys("exit\r");
    assert_eq!(pty.end(), 0);
}

#[test]
fn a_drain_goes_from_key_to_done_on_a_real_terminal() {
    let mut pty = Pty::console(&["degraded", "--rw"]);
    pty.keys("jjd");
    pty.wait_for("Preview: drain 10.0.3.11:443");
    pty.wait_for("Enter do it");
    pty.keys("\r");
    let screen = pty.wait_for("weight of 10.0.3.11:443 in tcp/192.0.2.10:443 is 0");
    assert!(!screen.contains("Preview"), "{screen}");
    pty.wait_for("0(100)");
    pty.keys("q");
    assert_eq!(pty.end(), 0);
}

#[test]
fn a_resize_storm_down_to_one_cell_is_survived() {
    let mut pty = Pty::console(&[]);
    let resize = |rows, cols| {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        pty.master.as_ref().expect("a terminal").resize(size).expect("a new size");
    };
    for n in (1..60).rev().chain(1..60) {
        resize(n, n * 2);
    }
    resize(1, 1);
    let (lock, _) = &*pty.seen;
    lock.lock().expect("a lock").parser.process(b"\x1b[2J");
    resize(24, 80);
    pty.wait_for("Services 4/4");
    pty.keys("q");
    assert_eq!(pty.end(), 0);
}
