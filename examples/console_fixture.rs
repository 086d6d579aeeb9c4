//! The console on a made-up director with moving numbers: for looking at it, and for its terminal tests.
//!
//! `console_fixture [empty|pair|one-vip|degraded|split-brain|odd-names|long-names|cjk|ipv6-only|many] [--rw] [--read-only]
//! [--theme NAME] [--keys FILE] [--bell WORD] [--ascii] [--happen]`; `many` is 100,000 servers, and with `--happen` one fails each second.
//! With `CONSOLE_FIXTURE_PANIC` set, the engine panics at that many seconds after the start.

#[path = "../tests/ui_fixture/mod.rs"]
mod fixture;

use lvsdeck::engine::{EngineHandle, EventKind, Severity};
use lvsdeck::ui::{ExitCause, Options};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|a| a == word);
    let now = SystemTime::now();
    let status = match arguments.first().map(String::as_str) {
        Some("empty") => fixture::empty(now),
        Some("pair") => fixture::pair(now),
        Some("split-brain") => fixture::split_brain(now),
        Some("odd-names") => fixture::odd_names(now),
        Some("one-vip") => fixture::more::one_vip(now),
        Some("long-names") => fixture::more::long_names(now),
        Some("cjk") => fixture::more::cjk(now),
        Some("ipv6-only") => fixture::more::ipv6_only(now),
        Some("many") => fixture::more::hundred_thousand(now),
        _ => fixture::degraded(now),
    };
    let engine: Arc<fixture::FixtureEngine> = Arc::new(fixture::FixtureEngine::new(status, fixture::events(now), true));
    live(&engine, has("--happen"));
    let after = |word: &str| arguments.iter().position(|a| a == word).and_then(|at| arguments.get(at + 1)).cloned();
    let options = Options {
        read_only: has("--read-only"),
        start_unlocked: has("--rw"),
        theme: after("--theme"),
        keys: after("--keys").map(Into::into),
        bell: after("--bell").and_then(|word| word.parse().ok()),
        ascii: has("--ascii").then_some(true),
        ..Options::default()
    };
    let engine: Arc<dyn EngineHandle> = engine;
    match lvsdeck::ui::run(&engine, &options) {
        Ok(exit) => {
            println!("{:?}: detached, engine running as pid {}", exit.cause, exit.pid.unwrap_or(0));
            match exit.cause {
                ExitCause::Detached => ExitCode::SUCCESS,
                ExitCause::Signal(signal) => ExitCode::from(u8::try_from(128 + signal).unwrap_or(1)),
                ExitCause::TerminalLost | ExitCause::ScriptFailed => ExitCode::from(129),
            }
        }
        Err(error) => {
            eprintln!("console_fixture: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Now and then something happens; with `CONSOLE_FIXTURE_PANIC`, the worst.
fn live(engine: &Arc<fixture::FixtureEngine>, happen: bool) {
    let engine = engine.clone();
    let panic_after = std::env::var("CONSOLE_FIXTURE_PANIC").ok().and_then(|text| text.parse::<u64>().ok());
    std::thread::spawn(move || {
        let (_keep, silence) = std::sync::mpsc::channel::<()>();
        for second in 0_u64.. {
            let _ = silence.recv_timeout(Duration::from_secs(1));
            assert!(panic_after != Some(second), "the fixture was told to panic");
            if happen {
                let subject = "tcp/192.0.2.10:443 10.0.3.12:443";
                engine.happen(EventKind::ServerHealth, Severity::Error, subject, "down", "happened");
            }
            if second % 10 == 9 {
                let subject = "tcp/192.0.2.10:443 10.0.3.12:443";
                engine.happen(EventKind::CheckResult, Severity::Notice, subject, "failed", "1/3 fails: timeout");
            }
        }
    });
}
