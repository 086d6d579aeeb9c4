//! One service: who connects is scheduled, counted, and relayed to a real server.

use super::relay::{self, Tally};
use super::room::Seat;
use super::{Reach, Ways};
use crate::engine::ipvs::schedule::{End, Phase, Pool};
use crate::engine::ipvs::{Destination, Service, Traffic};
use crate::engine::model::{RealServerKey, Weight};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// How long a real server may take to accept; the client waits for it.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// How long no more is accepted after this process or host ran out of something.
const SHORTAGE: Duration = Duration::from_millis(50);

/// A service that is served.
pub(super) struct Served {
    pool: Mutex<Pool>,
    tallies: Mutex<HashMap<RealServerKey, Arc<Tally>>>,
    /// Traffic of the whole service.
    total: Tally,
    /// Open connections by number.
    open: Mutex<HashMap<u64, Arc<Counted>>>,
    last: AtomicU64,
    /// How often its connections were ended; none: it serves no more.
    era: watch::Sender<Option<u64>>,
}

impl Served {
    /// None when its scheduler is not here.
    pub fn new(service: &Service) -> Option<Self> {
        let pool = Mutex::new(Pool::new(service)?);
        Some(Self {
            pool,
            tallies: Mutex::default(),
            total: Tally::default(),
            open: Mutex::default(),
            last: AtomicU64::new(0),
            era: watch::channel(Some(0)).0,
        })
    }

    pub fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new server; what is counted of it begins anew, unless it left with connections that it still has.
    pub fn add(&self, key: RealServerKey, settings: &Destination) {
        let mut pool = self.pool();
        if !pool.knows(key) {
            self.tallies.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        }
        pool.add(key, settings);
    }

    /// A server leaves. One of weight 0 was drained, and its time is over: its connections end. Those of another one, which its
    /// checks took out, may yet be well: they go on.
    pub fn remove(&self, key: RealServerKey) {
        let mut pool = self.pool();
        let is_drained = pool.service().destinations.get(&key).is_some_and(|server| server.weight == Weight::ZERO);
        pool.remove(key);
        drop(pool);
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().filter(|one| is_drained && one.key == key).for_each(|one| one.cut.notify_one());
    }

    /// Ends its connections.
    pub fn reset(&self) {
        self.era.send_modify(|era| *era = era.map(|era| era + 1));
    }

    /// Serves no more.
    pub fn end(&self) {
        self.era.send_replace(None);
    }

    /// Settings, counts and traffic.
    pub fn view(&self) -> Service {
        let mut pool = self.pool();
        pool.expire(Instant::now());
        let mut service = pool.service();
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.retain(|key, _| pool.knows(*key));
        drop(pool);
        for (key, destination) in &mut service.destinations {
            let connections = destination.traffic.connections;
            let carried = tallies.get(key).map_or_else(Traffic::default, |tally| tally.traffic());
            destination.traffic = Traffic { connections, ..carried }.into();
        }
        service.traffic = Traffic { connections: service.traffic.connections, ..self.total.traffic() };
        service
    }

    /// Client, real server and whether a side has closed, of each open connection.
    pub fn connections(&self) -> Vec<(SocketAddr, RealServerKey, bool)> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.values().map(|one| (one.client, one.key, one.is_closing.load(Ordering::Relaxed))).collect()
    }

    fn enter(&self, counted: Arc<Counted>) -> u64 {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.open.lock().unwrap_or_else(PoisonError::into_inner).insert(number, counted);
        number
    }

    fn leave(&self, number: u64) {
        let counted = self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        if let Some(counted) = counted {
            let is_closing = counted.is_closing.load(Ordering::Relaxed);
            let (phase, end) = if is_closing { (Phase::Inactive, End::Closed) } else { (Phase::Active, End::Reset) };
            self.pool().end(Instant::now(), counted.key, phase, end);
        }
    }

    fn tally(&self, key: RealServerKey) -> Arc<Tally> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tallies.entry(key).or_default())
    }
}

/// Accepts until the service ends.
pub(super) async fn accept(served: Arc<Served>, listener: std::net::TcpListener, reach: Reach) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut era = served.era.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = era.wait_for(Option::is_none) => return,
        };
        match accepted {
            Ok((stream, client)) => take(Arc::clone(&served), stream, client, reach.clone()),
            // Out of descriptors or memory: the client waits in the backlog.
            Err(error) => {
                reach.room.short_of(&error);
                tokio::time::sleep(SHORTAGE).await;
            }
        }
    }
}

/// Serves one connection on a task of its own, if there is room for it; else it is closed at once.
pub(super) fn take(served: Arc<Served>, client: TcpStream, from: SocketAddr, reach: Reach) {
    match reach.room.enter() {
        Some(seat) => drop(tokio::spawn(serve(served, client, from, reach, seat))),
        None => relay::refuse(&client),
    }
}

/// Serves one connection to its end.
async fn serve(served: Arc<Served>, client: TcpStream, from: SocketAddr, reach: Reach, seat: Seat) {
    let mut era = served.era.subscribe();
    let begun = *era.borrow_and_update();
    if begun.is_none() {
        return;
    }
    let Some(key) = served.pool().arrive(Instant::now(), from.ip(), from.port()) else {
        // As the kernel answers: the port is unreachable.
        return relay::refuse(&client);
    };
    let counted = Arc::new(Counted { key, client: from, is_closing: AtomicBool::new(false), cut: Notify::new() });
    let _open = Open { served: &served, number: served.enter(Arc::clone(&counted)) };
    let _seat = seat; // is free before the connection counts no more
    let tally = served.tally(key);
    let target = match &reach.ways {
        Ways::Real => key.0.into(),
        Ways::Embedded(find) => find(key),
    };
    let closing = || {
        // One side has said all that it will.
        if !counted.is_closing.swap(true, Ordering::Relaxed) {
            served.pool().turn(key, Phase::Active, Phase::Inactive);
        }
    };
    let relayed = async {
        let connected = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(target)).await;
        match connected {
            Ok(Ok(real)) => relay::both_ways(&client, &real, &[&tally, &served.total], closing).await,
            Ok(Err(error)) => {
                reach.room.short_of(&error);
                relay::refuse(&client);
            }
            Err(_) => relay::refuse(&client),
        }
    };
    tokio::select! {
        () = relayed => {}
        _ = era.wait_for(|era| *era != begun) => relay::refuse(&client),
        () = counted.cut.notified() => relay::refuse(&client),
    }
}

/// A connection that is counted.
struct Counted {
    key: RealServerKey,
    client: SocketAddr,
    is_closing: AtomicBool,
    /// Its server is no server of the service any more.
    cut: Notify,
}

/// Counts a connection as long as it is there.
struct Open<'a> {
    served: &'a Served,
    number: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.served.leave(self.number);
    }
}
