//! One service: who connects is scheduled, counted, and relayed to a real server.

use super::Ways;
use super::relay::{self, Tally};
use crate::engine::ipvs::schedule::{Phase, Pool};
use crate::engine::ipvs::{Service, Traffic};
use crate::engine::model::RealServerKey;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

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
    /// How often its connections were ended; none: it serves no more.
    era: watch::Sender<Option<u64>>,
}

impl Served {
    /// None when its scheduler is not here.
    pub fn new(service: &Service) -> Option<Self> {
        let pool = Mutex::new(Pool::new(service)?);
        Some(Self { pool, tallies: Mutex::default(), total: Tally::default(), era: watch::channel(Some(0)).0 })
    }

    pub fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut service = {
            let mut pool = self.pool();
            pool.expire(Instant::now());
            pool.service()
        };
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, destination) in &mut service.destinations {
            let connections = destination.traffic.connections;
            let carried = tallies.get(key).map_or_else(Traffic::default, |tally| tally.traffic());
            destination.traffic = Traffic { connections, ..carried };
        }
        service.traffic = Traffic { connections: service.traffic.connections, ..self.total.traffic() };
        service
    }

    fn tally(&self, key: RealServerKey) -> Arc<Tally> {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(tallies.entry(key).or_default())
    }
}

/// Accepts until the service ends.
pub(super) async fn accept(served: Arc<Served>, listener: std::net::TcpListener, ways: Ways) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let mut era = served.era.subscribe();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = era.wait_for(Option::is_none) => return,
        };
        match accepted {
            Ok((stream, client)) => drop(tokio::spawn(serve(Arc::clone(&served), stream, client, ways.clone()))),
            // Out of descriptors or memory, most likely: the client waits in the backlog.
            Err(_) => tokio::time::sleep(SHORTAGE).await,
        }
    }
}

/// Serves one connection to its end.
pub(super) async fn serve(served: Arc<Served>, client: TcpStream, from: SocketAddr, ways: Ways) {
    let mut era = served.era.subscribe();
    let begun = *era.borrow_and_update();
    if begun.is_none() {
        return;
    }
    let Some(key) = served.pool().arrive(Instant::now(), from.ip(), from.port()) else {
        // As the kernel answers: the port is unreachable.
        return relay::refuse(&client);
    };
    let counted = Counted { served: &served, key, is_closing: AtomicBool::new(false) };
    let tally = served.tally(key);
    let target = match &ways {
        Ways::Real => key.0,
        Ways::Embedded(find) => find(key),
    };
    let relayed = async {
        let connected = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(target)).await;
        match connected {
            Ok(Ok(real)) => relay::both_ways(&client, &real, &[&tally, &served.total], || counted.closing()).await,
            Ok(Err(_)) | Err(_) => relay::refuse(&client),
        }
    };
    tokio::select! {
        () = relayed => {}
        _ = era.wait_for(|era| *era != begun) => relay::refuse(&client),
    }
}

/// A connection as long as it is counted.
struct Counted<'a> {
    served: &'a Served,
    key: RealServerKey,
    is_closing: AtomicBool,
}

impl Counted<'_> {
    /// One side has said all that it will.
    fn closing(&self) {
        if !self.is_closing.swap(true, Ordering::Relaxed) {
            self.served.pool().turn(self.key, Phase::Active, Phase::Inactive);
        }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let phase = if *self.is_closing.get_mut() { Phase::Inactive } else { Phase::Active };
        self.served.pool().leave(self.key, phase);
    }
}
