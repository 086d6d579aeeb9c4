//! The console in a real pseudo-terminal: it gives the terminal back on every way out, and goes when the terminal goes.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing)] // a test: a panic is its verdict

mod ui_terminal;

use portable_pty::PtySize;
use rustix::process::Signal;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use ui_terminal::{Pty, fixture};

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

#[test]
fn a_stop_signal_gives_the_terminal_back_and_continuing_draws_anew() {
    let pty = Pty::console(&[]);
    pty.signal(Signal::TSTP);
    pty.wait_for_bytes("\x1b[?1049l");
    pty.wait_for_state('T');
    pty.assert_modes();
    pty.clear();
    pty.signal(Signal::CONT);
    pty.wait_for("MASTER 2/2");
    pty.wait_for("Services 4/4");
    let mut pty = pty;
    pty.keys("q");
    assert_eq!(pty.end(), 0);
    pty.assert_restored();
}

#[test]
fn y_sends_the_address_through_the_terminal() {
    let mut pty = Pty::console(&["degraded"]);
    pty.keys("jjy");
    pty.wait_for("clipboard: 10.0.3.11:443");
    // `printf 10.0.3.11:443 | base64`
    pty.wait_for_bytes("\x1b]52;c;MTAuMC4zLjExOjQ0Mw==\x1b\\");
    pty.keys("q");
    assert_eq!(pty.end(), 0);
}

#[test]
fn capital_q_leaves_the_text_of_the_screen_where_the_shell_goes_on() {
    let mut pty = Pty::console(&["degraded"]);
    pty.wait_for("10.0.3.11:443");
    pty.keys("Q");
    assert_eq!(pty.end(), 0);
    let screen = pty.wait_for("Detached: detached, engine running as pid 812");
    pty.assert_restored();
    assert!(screen.contains("Services 4/4") && screen.contains("10.0.3.11:443"), "{screen}");
}

#[test]
fn the_bell_rings_when_it_was_asked_for_and_only_then() {
    for (arguments, rings) in
        [(vec!["degraded", "--happen"], false), (vec!["degraded", "--happen", "--bell", "critical"], true)]
    {
        let mut pty = Pty::console(&arguments);
        pty.wait_for("10.0.3.12:443 DOWN happened");
        if rings {
            pty.wait_for_bytes("\x07");
        }
        pty.keys("q");
        assert_eq!(pty.end(), 0);
        let raw = pty.seen.0.lock().unwrap().raw.clone();
        assert_eq!(raw.contains(&7), rings, "{arguments:?}");
    }
}

#[test]
fn a_broken_theme_or_key_file_is_named_with_its_line_and_the_default_is_used() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let theme = write("t.toml", "[up]\nfg = \"green\"\n[down]\nfg = \"reddish\"\n");
    let keys = write("k.toml", "[keys]\nweight = \"d\"\n");
    let missing = place.path().join("none.toml").display().to_string();
    for (arguments, said) in [
        (["--theme", theme.as_str()], ["t.toml:4: ", "using ansi"]),
        (["--theme", "nosuch"], ["theme nosuch: no built-in theme", "using ansi"]),
        (["--keys", keys.as_str()], ["k.toml:2: d would mean both weight", "using the keys as they come"]),
        (["--keys", missing.as_str()], ["none.toml: there is no such file", "using the keys as they come"]),
    ] {
        let mut pty = Pty::sized(&[&[fixture(), "degraded"][..], &arguments[..]].concat(), &[], (24, 250));
        for said in said {
            pty.wait_for(said);
        }
        pty.keys("q");
        assert_eq!(pty.end(), 0, "{arguments:?}");
    }
}

#[test]
fn a_terminal_that_nobody_knows_gets_a_console_and_one_without_a_cursor_gets_words() {
    for term in ["never-heard-of-it", "", "linux", "vt100"] {
        let mut pty = Pty::start(&[fixture()], &[("TERM", term)], true);
        pty.wait_for("MASTER 2/2");
        pty.keys("q");
        assert_eq!(pty.end(), 0, "TERM={term}");
        pty.assert_restored();
    }
    let mut pty = Pty::start(&[fixture()], &[("TERM", "dumb")], true);
    pty.wait_for("TERM=dumb can't show the console; say which terminal this is");
    assert_eq!(pty.end(), 1);
}

#[test]
fn what_is_no_terminal_gets_words_and_an_exit_code() {
    let output = Command::new(fixture()).stdin(Stdio::null()).stdout(Stdio::piped()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("the console needs a terminal; use `lvsdeck ctl status`"), "{said}");
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}

#[test]
fn a_terminal_without_a_line_or_without_a_size_is_no_reason_to_fall() {
    for size in [(1, 1), (1, 200), (2, 2), (200, 1), (0, 0)] {
        let mut pty = Pty::sized(&[fixture(), "degraded", "--rw"], &[], size);
        pty.wait_for_bytes("\x1b[?2026l");
        pty.keys("jj123456 1d\x03");
        assert_eq!(pty.end(), 0, "{size:?}");
        pty.assert_restored();
    }
}

#[test]
fn no_name_and_no_check_output_brings_a_control_character_to_the_terminal() {
    let mut pty = Pty::console(&["odd-names", "--rw"]);
    pty.keys("j\r2\r3456");
    pty.wait_for("6 log");
    pty.keys("1jjd\x03");
    assert_eq!(pty.end(), 0);
    let raw = pty.seen.0.lock().unwrap().raw.clone();
    let text = String::from_utf8_lossy(&raw);
    for bad in ["\x1b[31mdirector", "\x1b]0;", "\x07", "\x1b[2J banner", "\u{202e}", "\0"] {
        assert!(!text.contains(bad), "{bad:?} reached the terminal");
    }
    assert!(text.contains("?[31mdirector") || text.contains("lvs-?"), "the name was on screen");
}
