//! A program in a pseudo-terminal of its own, whose screen is read as a terminal would show it.
#![allow(dead_code)] // each test file uses a part of it
#![allow(clippy::expect_used, clippy::indexing_slicing)] // a terminal that fails is a test that fails

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};

/// How long one wait may take.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The example's path, built once.
pub fn fixture() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let built = Command::new(env!("CARGO")).args(["build", "--quiet", "--example", "console_fixture"]).status();
        assert!(built.expect("cargo runs").success(), "the example does not build");
        let here = std::env::current_exe().expect("a path");
        let target: PathBuf = here.ancestors().nth(2).expect("target/debug").into();
        target.join("examples/console_fixture").display().to_string()
    })
}

pub struct Seen {
    pub parser: vt100::Parser,
    pub raw: Vec<u8>,
}

/// A program in a terminal of its own.
pub struct Pty {
    pub child: Box<dyn Child + Send + Sync>,
    pub master: Option<Box<dyn MasterPty + Send>>,
    pub slave: Option<Box<dyn SlavePty + Send>>,
    pub writer: Option<Box<dyn Write + Send>>,
    pub seen: Arc<(Mutex<Seen>, Condvar)>,
    pub stop: Arc<AtomicBool>,
    /// Held: nobody reads.
    pub gate: Arc<Mutex<()>>,
    pub reader: Option<std::thread::JoinHandle<()>>,
}

impl Pty {
    /// A program in 80x24.
    pub fn start(arguments: &[&str], env: &[(&str, &str)], keep_slave: bool) -> Self {
        Self::open(arguments, env, keep_slave, (24, 80))
    }

    /// A program in so many rows and columns.
    pub fn sized(arguments: &[&str], env: &[(&str, &str)], size: (u16, u16)) -> Self {
        Self::open(arguments, env, true, size)
    }

    fn open(arguments: &[&str], env: &[(&str, &str)], keep_slave: bool, (rows, cols): (u16, u16)) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
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
        let (rows, columns) = [rows, cols].map(|n| NonZero::new(n).unwrap_or(NonZero::<u16>::MIN)).into();
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

    pub fn console(arguments: &[&str]) -> Self {
        let pty = Self::start(&[&[fixture()], arguments].concat(), &[], true);
        pty.wait_for("MASTER 2/2");
        pty
    }

    /// Waits until the screen (not the bytes) shows this.
    pub fn wait_for(&self, text: &str) -> String {
        let (lock, changed) = &*self.seen;
        let shows = |seen: &mut Seen| !seen.parser.screen().contents().contains(text);
        let (seen, late) = changed.wait_timeout_while(lock.lock().expect("a lock"), PATIENCE, shows).expect("a lock");
        let screen = seen.parser.screen().contents();
        assert!(!late.timed_out(), "{text} never came; the screen is\n{screen}");
        screen
    }

    pub fn wait_for_bytes(&self, bytes: &str) {
        let (lock, changed) = &*self.seen;
        let absent = |seen: &mut Seen| !String::from_utf8_lossy(&seen.raw).contains(bytes);
        let result = changed.wait_timeout_while(lock.lock().expect("a lock"), PATIENCE, absent).expect("a lock");
        assert!(!result.1.timed_out(), "{bytes:?} never came");
    }

    /// Forgets what the screen shows.
    pub fn clear(&self) {
        self.seen.0.lock().expect("a lock").parser.process(b"\x1b[2J");
    }

    fn proc(&self, file: &str) -> String {
        let pid = self.child.process_id().expect("a process");
        std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("the process is there")
    }

    /// Waits until the process is in this state of proc(5), as `T` for stopped.
    pub fn wait_for_state(&self, state: char) {
        let begun = Instant::now();
        while !self.proc("stat").rsplit(") ").next().expect("fields").starts_with(state) {
            std::thread::yield_now();
            assert!(begun.elapsed() < PATIENCE, "it never came to {state}");
        }
    }

    /// Whether the first thread, which draws, is in a write.
    pub fn is_writing(&self) -> bool {
        self.proc("syscall").starts_with("1 ")
    }

    pub fn keys(&mut self, keys: &str) {
        let writer = self.writer.as_mut().expect("a terminal");
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).expect("the terminal takes keys");
    }

    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.process_id().expect("a process")).expect("a pid");
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("the process is there");
    }

    /// Waits for the end; its exit code.
    pub fn end(&mut self) -> u32 {
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

    /// Draws until the console is stuck in its write, because nobody reads. No more is typed than the terminal has room for: with its
    /// input full, whoever types would be stuck as well.
    pub fn fill(&mut self) {
        let path = self.master.as_ref().and_then(|m| m.tty_name()).expect("a name");
        let terminal =
            rustix::fs::open(path, OFlags::RDONLY | OFlags::NOCTTY, Mode::empty()).expect("the terminal opens");
        let (begun, mut stuck) = (Instant::now(), 0);
        while stuck < 2_000 {
            let writing = self.is_writing();
            stuck = if writing { stuck + 1 } else { 0 };
            if !writing && rustix::io::ioctl_fionread(&terminal).expect("a number of bytes") < 1_000 {
                self.keys("\x0c");
            }
            std::thread::yield_now();
            assert!(begun.elapsed() < PATIENCE, "the terminal takes everything");
        }
    }

    /// The terminal is as it was: screen, cursor, paste, echo and lines.
    pub fn assert_restored(&self) {
        for bytes in ["\x1b[?1049l", "\x1b[?25h", "\x1b[?2004l"] {
            self.wait_for_bytes(bytes);
        }
        self.assert_modes();
    }

    pub fn assert_modes(&self) {
        let path = self.master.as_ref().and_then(|m| m.tty_name()).expect("a name");
        let modes = Command::new("stty").arg("-a").arg("-F").arg(path).output().expect("stty runs");
        let modes = String::from_utf8_lossy(&modes.stdout).into_owned();
        let on = |word: &str| modes.split_whitespace().any(|w| w.trim_end_matches(';') == word);
        assert!(on("icanon") && on("echo") && on("isig"), "{modes}");
    }
}
