//! The cluster as the console sees it: the shown director's handle, orders, and the drill.

use super::Cluster;
use super::layout::{self, DIRECTORS, SERVERS, VIP};
use super::load;
use super::orders::Order;
use crate::engine::command::{Answer, CommandRequest, Undoable, Who};
use crate::engine::connections::{ConnectionsPage, ConnectionsQuery};
use crate::engine::difference::Difference;
use crate::engine::driver::local::LocalEngine;
use crate::engine::event::{Event, EventKind};
use crate::engine::guide::{Drill, Facts, Guide};
use crate::engine::handle::{EngineHandle, HandleError, Stage};
use crate::engine::history::{HistoryError, HistoryPage, HistoryQuery};
use crate::engine::journal::{JournalFrom, JournalPage, LogPage, LogQuery};
use crate::engine::snapshot::{HostLoad, RealServerStatus, RowsPage, RowsQuery, Status, Summary, VirtualRouterStatus};
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// How soon it is noticed that another director is shown.
const NOTICE: Duration = Duration::from_millis(250);
/// Over how long the clients' luck is told.
const LUCK: Duration = Duration::from_secs(10);
/// Among how many of the newest events a split brain is looked for.
const TOLD: usize = 256;

/// What the clients saw, a moment each second, for [`LUCK`].
#[derive(Debug, Default)]
pub(super) struct Journey(std::collections::VecDeque<(Instant, u64, u64)>);

impl Journey {
    /// Served and failed within [`LUCK`], with the time that it really was.
    fn of_late(&mut self, now: Instant, served: u64, failed: u64) -> (u64, u64, Duration) {
        if self.0.back().is_none_or(|(at, ..)| now.saturating_duration_since(*at) >= Duration::from_secs(1)) {
            self.0.push_back((now, served, failed));
        }
        while self.0.len() > 1 && self.0.front().is_some_and(|(at, ..)| now.saturating_duration_since(*at) > LUCK) {
            self.0.pop_front();
        }
        self.0
            .front()
            .map_or((0, 0, Duration::ZERO), |(at, s, f)| (served - s, failed - f, now.saturating_duration_since(*at)))
    }
}

impl Cluster {
    fn number(&self) -> usize {
        self.shown.load(Ordering::Relaxed).min(self.directors.len().saturating_sub(1))
    }

    fn engine(&self) -> Result<&Arc<LocalEngine>, HandleError> {
        let gone = || HandleError::NoEngine { socket: "demo".to_owned(), cause: "it has no director".to_owned() };
        self.directors.get(self.number()).ok_or_else(gone)
    }

    fn drill(&self) -> MutexGuard<'_, Drill> {
        self.drill.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self, name: &str, lives: bool) -> Result<String, String> {
        match (self.webs.live(name, lives), lives) {
            (Some(true), true) => Ok(format!("{name} answers again; the checks will notice")),
            (Some(true), false) => Ok(format!("{name} is dead; the checks will notice")),
            (Some(false), true) => Ok(format!("{name} was not dead")),
            (Some(false), false) => Ok(format!("{name} is dead already; :revive {name} brings it back")),
            (None, _) => {
                let last = self.layout.names.last().map_or("web1", String::as_str);
                Err(format!("there is no real server \"{name}\": web1 to {last}"))
            }
        }
    }

    fn observe(&self) {
        let statuses: Vec<Arc<Status>> = self.directors.iter().filter_map(|engine| engine.status().ok()).collect();
        if let [first, second] = statuses.as_slice() {
            let servers = self.layout.names.len();
            let web = [0, 1].map(|number| IpAddr::V4(layout::server(number, servers)));
            let facts =
                Facts { directors: [first, second], web, is_cut: self.lan.is_cut(), split_told: self.split_told() };
            self.drill().observe(&facts);
        }
    }

    /// Whether a director has told of a split brain since the wire was cut last.
    fn split_told(&self) -> bool {
        let since = self.cut_at.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let told = |event: &Event| event.kind == EventKind::SplitBrain && event.to.as_deref() == Some("begun");
        self.directors.iter().zip(since).any(|(director, after)| {
            director.events(after, TOLD, Duration::ZERO).is_ok_and(|events| events.iter().any(told))
        })
    }

    /// The real servers with their addresses; of many, the first and the last.
    fn servers(&self) -> (Vec<(String, IpAddr)>, bool) {
        let names = &self.layout.names;
        let all = names.iter().enumerate();
        let all = all.map(|(n, name)| (name.clone(), IpAddr::V4(layout::server(n, names.len()))));
        let is_large = names.len() > SERVERS;
        let shown = all.enumerate().filter(|(n, _)| !is_large || *n == 0 || n + 1 == names.len());
        (shown.map(|(_, server)| server).collect(), is_large)
    }

    fn notes(&self) -> Vec<String> {
        let (served, failed) = (self.seen.served.load(Ordering::Relaxed), self.seen.failed.load(Ordering::Relaxed));
        let mut journey = self.journey.lock().unwrap_or_else(PoisonError::into_inner);
        let (served, failed, span) = journey.of_late(Instant::now(), served, failed);
        drop(journey);
        let rate = u128::from(served + failed) * 1000 / span.as_millis().max(1);
        let holder = self.lan.holder(VIP.into()).and_then(|number| DIRECTORS.get(number));
        let at = holder.map_or("nowhere".to_owned(), |director| format!("at {}", director.name));
        // What a user needs first comes first: a narrow panel shows no more. Faults are short, so that it shows them all.
        let mut notes = vec![format!("VIP {at}"), format!("{rate}/s, {failed} failed")];
        notes.extend(wire_faults(self.lan.is_cut(), self.lan.loss_percent()));
        notes.extend(match self.webs.dead().as_slice() {
            [] => None,
            [one] => Some(format!("{one} dead (:revive)")),
            several => Some(format!("{} dead (:revive)", several.len())),
        });
        notes.push(self.entrances());
        notes
    }

    /// Where to ask from outside: the first service's address, and the ports of the others.
    fn entrances(&self) -> String {
        let mut entrances = self.layout.entrances.iter();
        let first = entrances.next().map_or(String::new(), |entrance| format!("curl http://{entrance}/"));
        entrances.fold(first, |text, entrance| format!("{text} :{}", entrance.port()))
    }
}

/// What is wrong with the wire, and how to end it.
fn wire_faults(is_cut: bool, loss: u8) -> Option<String> {
    match (is_cut, loss) {
        (false, 0) => None,
        (true, 0) => Some("wire cut (:heal)".to_owned()),
        (false, loss) => Some(format!("{loss} % lost (:heal)")),
        (true, loss) => Some(format!("cut, {loss} % lost (:heal)")),
    }
}

impl Stage for Cluster {
    fn order(&self, words: &str) -> Result<String, String> {
        let order: Order = words.parse().map_err(|error: super::orders::OrderError| error.to_string())?;
        match order {
            Order::Kill(name) => self.live(&name, false),
            Order::Revive(name) => self.live(&name, true),
            Order::Cut => {
                let newest = |director: &Arc<LocalEngine>| director.status().map_or(0, |status| status.last_event);
                let newest: Vec<u64> = self.directors.iter().map(newest).collect();
                if !self.lan.is_cut() {
                    *self.cut_at.lock().unwrap_or_else(PoisonError::into_inner) = newest;
                }
                self.lan.cut(true);
                Ok("the wire between d1 and d2 is cut; clients still reach both".to_owned())
            }
            Order::Heal => {
                self.lan.cut(false);
                self.lan.lose(0);
                Ok("the wire is whole".to_owned())
            }
            Order::Loss(percent) => {
                self.lan.lose(percent);
                Ok(format!("{percent} % of the directors' packets are lost"))
            }
            Order::Director(number) => {
                self.shown.store(number, Ordering::Relaxed);
                Ok(format!("this is {}", DIRECTORS.get(number).map_or("", |director| director.name)))
            }
            Order::Load(rate) => {
                self.seen.rate.store(rate, Ordering::Relaxed);
                Ok(match rate {
                    0 => format!("no new clients come (usual: load {})", load::USUAL),
                    rate => format!("{rate} new clients a second at the mean (usual: {})", load::USUAL),
                })
            }
            Order::Skip => {
                self.drill().skip();
                self.observe();
                Ok("on with the drill".to_owned())
            }
            Order::Again => {
                *self.drill() = Drill::default();
                Ok("the drill begins anew".to_owned())
            }
        }
    }

    fn guide(&self) -> Guide {
        self.observe();
        let (servers, more) = self.servers();
        self.drill().guide(self.notes(), servers, more)
    }
}

impl EngineHandle for Cluster {
    fn summary(&self) -> Result<Summary, HandleError> {
        Ok(Summary { mode: "demo".to_owned(), ..self.engine()?.summary()? })
    }
    fn virtual_routers(&self) -> Result<Vec<VirtualRouterStatus>, HandleError> {
        self.engine()?.virtual_routers()
    }
    fn rows(&self, query: &RowsQuery) -> Result<RowsPage, HandleError> {
        self.engine()?.rows(query)
    }
    fn real_server(&self, service: &str, server: &str) -> Result<Option<RealServerStatus>, HandleError> {
        self.engine()?.real_server(service, server)
    }
    fn status(&self) -> Result<Arc<Status>, HandleError> {
        self.engine()?.status()
    }
    fn events(&self, after: u64, limit: usize, wait: Duration) -> Result<Vec<Event>, HandleError> {
        // Another director may be shown meanwhile: whoever waits is to notice soon.
        let (number, until) = (self.number(), Instant::now() + wait);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let events = self.engine()?.events(after, limit, left.min(NOTICE))?;
            if !events.is_empty() || left <= NOTICE || self.number() != number {
                return Ok(events);
            }
        }
    }
    fn page(&self, after: u64, limit: usize) -> Result<Vec<Arc<Event>>, HandleError> {
        self.engine()?.page(after, limit)
    }
    fn journal(&self, from: JournalFrom, limit: usize) -> Result<JournalPage, HandleError> {
        self.engine()?.journal(from, limit)
    }
    fn history(&self, query: &HistoryQuery) -> Result<Result<HistoryPage, HistoryError>, HandleError> {
        self.engine()?.history(query)
    }
    fn at(&self, at: SystemTime) -> Result<Arc<dyn EngineHandle>, HandleError> {
        self.engine()?.at(at)
    }
    fn diff(&self) -> Result<Vec<Difference>, HandleError> {
        self.engine()?.diff()
    }
    fn undoable(&self) -> Result<Vec<Undoable>, HandleError> {
        self.engine()?.undoable()
    }
    fn connections(&self, query: &ConnectionsQuery) -> Result<ConnectionsPage, HandleError> {
        self.engine()?.connections(query)
    }
    fn host(&self) -> Result<HostLoad, HandleError> {
        self.engine()?.host()
    }
    fn log(&self, query: &LogQuery) -> Result<LogPage, HandleError> {
        self.engine()?.log(query)
    }
    fn stage(&self) -> Option<&dyn Stage> {
        Some(self)
    }
    fn command(&self, request: &CommandRequest, who: &Who) -> Result<Answer, HandleError> {
        self.engine()?.command(request, who)
    }
}
