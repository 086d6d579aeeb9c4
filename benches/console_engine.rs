//! A director that is made up, with moving numbers, behind the real control socket: what `benches/console` measures the console on.
//!
//! `console_engine SOCKET SERVERS`: each line on standard input takes a server down and up in turn, and is answered when it is
//! published; the line `still` stops the numbers. `console_engine --frames SERVERS` measures in microseconds how long a frame takes to
//! build, and each of a few filters over all servers.

#[path = "../tests/ui_fixture/mod.rs"]
mod fixture;

use lvsdeck::api;
use lvsdeck::engine::{
    Answer, CommandRequest, EngineHandle, Event, EventKind, Forwarding, HandleError, RowsPage, RowsQuery, Severity,
    Status, Summary, VirtualRouterStatus, Who,
};
use lvsdeck::ui::intent::Message;
use lvsdeck::ui::state::{Polled, UiState};
use lvsdeck::ui::theme::Theme;
use lvsdeck::ui::update::{update, wanted};
use lvsdeck::ui::view;
use std::error::Error;
use std::io::BufRead;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// Servers of one service.
const OF_A_SERVICE: usize = 50;
/// Services whose numbers move: more than fit any screen.
const MOVING: usize = 10;

struct Made {
    kept: Mutex<(Arc<Status>, Vec<Event>)>,
    happened: Condvar,
}

impl Made {
    fn new(servers: usize) -> Self {
        let now = SystemTime::now();
        let mut status = fixture::pair(now);
        status.virtual_servers.clear();
        for s in 0..servers.div_ceil(OF_A_SERVICE) {
            let count = OF_A_SERVICE.min(servers - s * OF_A_SERVICE);
            let address = |r: usize| format!("10.{}.{}.{}:80", s / 200, s % 200, r + 1);
            let servers = (0..count).map(|r| fixture::server(now, &address(r), Forwarding::Dr, 100)).collect();
            let key = format!("tcp/198.{}.{}.1:80", 18 + s / 250, s % 250);
            status.virtual_servers.push(Arc::new(fixture::service(&key, "wlc", Forwarding::Dr, servers)));
        }
        Self { kept: Mutex::new((Arc::new(status), Vec::new())), happened: Condvar::new() }
    }

    fn now(&self) -> Arc<Status> {
        Arc::clone(&self.kept.lock().unwrap_or_else(PoisonError::into_inner).0)
    }

    fn change(&self, change: impl FnOnce(&mut Status, &mut Vec<Event>)) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (status, events) = &mut *kept;
        let mut next = Status::clone(status);
        change(&mut next, events);
        next.last_event = events.last().map_or(0, |event| event.seq);
        *status = Arc::new(next);
        drop(kept);
        self.happened.notify_all();
    }

    /// A second of traffic: four numbers of every server move, as they do under load.
    fn stir(&self, second: u32) {
        self.change(|status, _| {
            for service in status.virtual_servers.iter_mut().take(MOVING) {
                let service = Arc::make_mut(service);
                for (n, server) in (0_u32..).zip(&mut service.real_servers) {
                    let wave = (second * 7 + n * 13) % 90;
                    server.active = 100 + wave;
                    server.inactive = 300 + wave * 3;
                    server.rates.connections_per_s = f64::from(10 + wave);
                    server.rates.in_bytes_per_s = f64::from(1_000 * (10 + wave));
                }
            }
        });
    }

    fn flip(&self, count: u64) {
        let down = count % 2 == 1;
        self.change(|status, events| {
            let (now, Some(service)) = (SystemTime::now(), status.virtual_servers.first_mut()) else { return };
            let service = Arc::make_mut(service);
            let Some(server) = service.real_servers.first_mut() else { return };
            let key = format!("{} {}", service.key, server.key);
            let fresh = fixture::server(now, &server.key.to_string(), Forwarding::Dr, 100);
            *server = if down { fixture::down(fresh, now, 0, "timeout") } else { fresh };
            let (from, to) = if down { ("up", "down") } else { ("down", "up") };
            events.push(Event {
                seq: events.last().map_or(1, |event| event.seq + 1),
                at: now,
                monotonic_ms: 0,
                kind: EventKind::ServerHealth,
                severity: Severity::Error,
                subject: key,
                from: Some(from.to_owned()),
                to: Some(to.to_owned()),
                reason: Some("timeout".to_owned()),
                who: None,
                detail: None,
            });
        });
    }
}

impl EngineHandle for Made {
    fn summary(&self) -> Result<Summary, HandleError> {
        Ok(Summary::of(&self.now(), SystemTime::now(), true))
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        Ok(self.now().virtual_routers.clone())
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        Ok(RowsPage::of(&self.now(), query, SystemTime::now()))
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        Ok(self.now())
    }
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError> {
        let newest = |kept: &mut (Arc<Status>, Vec<Event>)| kept.1.last().map_or(0, |event| event.seq) <= after;
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (kept, _) = self.happened.wait_timeout_while(kept, wait, newest).unwrap_or_else(PoisonError::into_inner);
        let found: Vec<Event> = kept.1.iter().filter(|event| event.seq > after).cloned().collect();
        Ok(found.into_iter().rev().take(limit).rev().collect())
    }
    fn command(&self, _: &CommandRequest, _: &Who) -> Result<Answer, HandleError> {
        Err(HandleError::TimedOut(Duration::ZERO))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [first, servers] = arguments.as_slice() else {
        return Err("use: console_engine SOCKET|--frames SERVERS".into());
    };
    let made = Arc::new(Made::new(servers.parse()?));
    if first == "--frames" {
        return frames(&made);
    }
    let bound = api::bind(Path::new(first))?;
    let stirred = Arc::clone(&made);
    let still = Arc::new(AtomicBool::new(false));
    let stops = Arc::clone(&still);
    std::thread::spawn(move || {
        for second in 0.. {
            if !still.load(Ordering::Relaxed) {
                stirred.stir(second);
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    });
    let flipped = Arc::clone(&made);
    std::thread::spawn(move || {
        let mut count = 0;
        for line in std::io::stdin().lock().lines() {
            if line.is_ok_and(|line| line == "still") {
                stops.store(true, Ordering::Relaxed);
            } else {
                count += 1;
                flipped.flip(count);
            }
            println!("{count}");
        }
        std::process::exit(0); // whoever measures is gone
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(api::serve(&bound, made, std::future::pending()))?;
    Ok(())
}

/// Builds frames of 200x50 over and over, each from another window of rows.
fn frames(made: &Made) -> Result<(), Box<dyn Error>> {
    let mut state = UiState::new((200, 50), false, true);
    let theme = Theme::load("ansi")?;
    let mut took = Vec::new();
    for second in 0..500 {
        made.stir(second);
        let asked = wanted(&state);
        let page = asked.query.as_ref().map(|query| made.rows(query)).transpose()?;
        let routers = Some(made.virtual_routers()?);
        let polled =
            Polled { wanted: asked, summary: made.summary()?, routers, page, detail: None, history: Vec::new() };
        update(&mut state, Message::Polled(Box::new(polled)), Duration::from_secs(second.into()));
        state.table.top = usize::try_from(second)? * 7;
        let begun = Instant::now();
        let frame = view::picture(&state, &theme);
        took.push(begun.elapsed().as_micros());
        assert!(frame.area.width == 200);
    }
    let (median, late) = shares(took);
    println!("{median} {late}");
    for filter in ["10.7.1", "state:down", "!state:up", "re:7[12]$", "nothing-has-this"] {
        let query = RowsQuery { filter: Some(filter.to_owned()), limit: Some(60), ..RowsQuery::default() };
        let mut took = Vec::new();
        for _ in 0..50 {
            let begun = Instant::now();
            made.rows(&query)?;
            took.push(begun.elapsed().as_micros());
        }
        let (median, late) = shares(took);
        println!("{filter} {median} {late}");
    }
    Ok(())
}

/// The median and the 99th percentile.
fn shares(mut took: Vec<u128>) -> (u128, u128) {
    took.sort_unstable();
    let at = |share: usize| took.get(took.len() * share / 100).copied().unwrap_or(0);
    (at(50), at(99))
}
