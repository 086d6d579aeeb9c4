//! Reading the kernel's connection table for somebody who asks: one reading at a time, none of them longer than [`READING`].
//!
//! The kernel looks for its place anew with each page of the table, so that reading n entries costs n² there
//! (`net/netfilter/ipvs/ip_vs_conn.c`, `ip_vs_conn_array`), so the cost grows faster than the table (not measured). Hence
//! the limit, hence nobody polls, and hence one who asks the same within a second gets the same answer.

use crate::engine::connections::{ConnectionsPage, ConnectionsQuery, Tally};
use crate::engine::handle::HandleError;
use crate::engine::io::ipvs_proc;
use crate::engine::io::userspace::Userspace;
use crate::engine::ipvs::Connection;
use crate::engine::model::ServiceKey;
use crate::engine::snapshot::Status;
use std::convert::Infallible;
use std::io;
use std::sync::{Mutex, TryLockError};
use std::time::{Duration, Instant, SystemTime};

/// How long the table is read at most.
const READING: Duration = Duration::from_secs(10);
/// For how long an answer is good.
const AGE: Duration = Duration::from_secs(1);
/// Entries between two looks at the clock.
const STRIDE: u64 = 1_024;

/// The newest answer, and the lock under which the table is read.
#[derive(Debug, Default)]
pub struct Connections(Mutex<Option<(Instant, ConnectionsQuery, ConnectionsPage)>>);

/// Why reading stopped.
enum Stopped {
    /// Time is over.
    Late,
    Broken(io::Error),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

impl Connections {
    /// The answer to a query; `status` has the services' names. Errors: somebody else's reading is under way, there is no such
    /// service, or the kernel has no connection table.
    /// With a userspace dataplane its connections are the table.
    pub fn page(
        &self,
        query: &ConnectionsQuery,
        status: &Status,
        userspace: Option<&Userspace>,
    ) -> Result<ConnectionsPage, HandleError> {
        let mut last = match self.0.try_lock() {
            Ok(last) => last,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                let next = "ask again in a few seconds";
                return Err(rejected(503, "busy", "the connection table is being read for somebody else", next));
            }
        };
        if let Some((_, _, page)) = last.as_ref().filter(|(at, asked, _)| at.elapsed() < AGE && asked == query) {
            return Ok(page.clone());
        }
        let services = services(query, status)?;
        let page = match userspace {
            Some(userspace) => count(query, services, userspace),
            None => read(query, services)?,
        };
        *last = Some((Instant::now(), query.clone(), page.clone()));
        Ok(page)
    }
}

/// The keys that a query's service stands for: its own, or those of the services of this name.
fn services(query: &ConnectionsQuery, status: &Status) -> Result<Option<Vec<ServiceKey>>, HandleError> {
    let Some(selector) = &query.service else { return Ok(None) };
    let named = status.virtual_servers.iter().filter(|service| selector.matches(&service.key, service.name.as_deref()));
    let mut keys: Vec<ServiceKey> = named.map(|service| service.key).collect();
    keys.extend(selector.0.parse::<ServiceKey>().ok().filter(|_| keys.is_empty())); // not ours, or gone
    if keys.is_empty() {
        let message = format!("there is no service \"{selector}\"");
        return Err(rejected(404, "no-service", &message, "name it by its key, as tcp/10.0.0.1:80"));
    }
    Ok(Some(keys))
}

/// The connections of this process: they are forgotten when a side breaks or both have closed, and not by time.
fn count(query: &ConnectionsQuery, services: Option<Vec<ServiceKey>>, userspace: &Userspace) -> ConnectionsPage {
    let (at, begun_at) = (SystemTime::now(), Instant::now());
    let mut tally = Tally::new(query, services);
    let counted = userspace.connections(|service, client, server, is_closing| {
        if let ServiceKey::Address { address, .. } = service {
            let state = if is_closing { "FIN_WAIT" } else { "ESTABLISHED" };
            let (service, server) = (address, server.0.into());
            tally.count(&Connection { protocol: "TCP", client, service, server, state, expires: 0, engine: None });
        }
        Ok::<(), Infallible>(())
    });
    tally.page(at, begun_at.elapsed(), counted.is_ok())
}

fn read(query: &ConnectionsQuery, services: Option<Vec<ServiceKey>>) -> Result<ConnectionsPage, HandleError> {
    let (at, begun_at) = (SystemTime::now(), Instant::now());
    let (mut tally, mut read) = (Tally::new(query, services), 0_u64);
    let stopped = ipvs_proc::connections(|connection| {
        tally.count(&connection);
        read += 1;
        let is_late = read.is_multiple_of(STRIDE) && begun_at.elapsed() > READING;
        if is_late { Err(Stopped::Late) } else { Ok(()) }
    });
    match stopped {
        Ok(()) => Ok(tally.page(at, begun_at.elapsed(), true)),
        Err(Stopped::Late) => Ok(tally.page(at, begun_at.elapsed(), false)),
        Err(Stopped::Broken(error)) if error.kind() == io::ErrorKind::NotFound => {
            let message = "the kernel has no connection table: ip_vs is not loaded";
            Err(rejected(404, "no-connections", message, "modprobe ip_vs, or start the engine with a virtual server"))
        }
        Err(Stopped::Broken(error)) => {
            let message = format!("can't read /proc/net/ip_vs_conn: {error}");
            Err(rejected(500, "internal", &message, "look whether /proc is mounted for the engine"))
        }
    }
}

fn rejected(status: u16, code: &str, message: &str, next: &str) -> HandleError {
    HandleError::Rejected { status, code: code.to_owned(), message: message.to_owned(), next: next.to_owned() }
}
