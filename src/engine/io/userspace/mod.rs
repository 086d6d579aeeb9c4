//! The userspace dataplane: TCP services served by this process, where a kernel has no ip_vs.
//!
//! It is an [`IpvsKernel`]: the balance loop writes the same operations and reads the same counts. What the kernel's
//! schedulers would choose, [`schedule`](crate::engine::ipvs::schedule) chooses. Every connection is accepted here and
//! another one opened to the real server, so that the server sees this host's address and not the client's; DR, TUN, UDP,
//! SCTP and firewall marks can't be had this way, and are refused with these words. A packet that is counted is a piece that
//! was read at once.
//!
//! One thread moves all bytes; it never decides what is served.

mod limits;
mod relay;
mod room;
mod service;

pub use limits::{UNSERVED, cut, unserved};
pub use room::{RESERVED, capacity, few};

use super::ipvs_netlink::IpvsKernel;
use crate::engine::event::Fact;
use crate::engine::ipvs::{IpvsOp, IpvsTable, Refusal, RefusalKind, Service, Version};
use crate::engine::model::{RealServerKey, ServiceKey};
use crate::engine::snapshot::Warning;
use room::Room;
use service::Served;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// Where clients come from and where servers are.
#[derive(Clone)]
pub enum Ways {
    /// It listens on the services' own addresses and connects to the servers' own.
    Real,
    /// Connections are handed in, and servers are found by this: for the embedded cluster.
    Embedded(Arc<dyn Fn(RealServerKey) -> SocketAddr + Send + Sync>),
}

/// The dataplane; a clone is another connection to the same one. It ends with the last clone.
#[derive(Clone)]
pub struct Userspace {
    services: Arc<Mutex<BTreeMap<ServiceKey, Arc<Served>>>>,
    room: Arc<Room>,
    ways: Ways,
    work: UnboundedSender<Work>,
}

/// What the thread is to do.
enum Work {
    /// Accept for this service.
    Accept(Arc<Served>, TcpListener),
    /// Serve this connection of a client.
    Serve(Arc<Served>, TcpStream, SocketAddr),
}

impl Userspace {
    /// Starts its thread, called `name`. It has `most` connections at a time (see [`capacity`]); who comes beyond them is
    /// refused, counted and told.
    pub fn start(ways: Ways, name: &str, most: usize) -> io::Result<Self> {
        let (work, todo) = unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let room = Arc::new(Room::new(most));
        let reach = Reach { ways: ways.clone(), room: Arc::clone(&room) };
        let body = move || runtime.block_on(run(todo, &reach));
        std::thread::Builder::new().name(name.to_owned()).spawn(body)?;
        Ok(Self { services: Arc::default(), room, ways, work })
    }

    /// Where it tells what happens to it; the first call counts.
    pub fn report_to(&self, report: impl Fn(Fact) + Send + Sync + 'static) {
        self.room.report_to(Box::new(report));
    }

    /// What the operator should know of it now.
    pub fn warnings(&self) -> Vec<Warning> {
        self.room.warning(Instant::now()).into_iter().collect()
    }

    /// Gives every open connection to `each`, until it errs: service, client, real server, and whether a side has closed.
    pub fn connections<E>(
        &self,
        mut each: impl FnMut(ServiceKey, SocketAddr, RealServerKey, bool) -> Result<(), E>,
    ) -> Result<(), E> {
        let services: Vec<_> = self.services().iter().map(|(key, served)| (*key, Arc::clone(served))).collect();
        for (key, served) in services {
            for (client, server, is_closing) in served.connections() {
                each(key, client, server, is_closing)?;
            }
        }
        Ok(())
    }

    /// Serves a connection that was accepted elsewhere, as from this client. False when there is no such service.
    pub fn hand(&self, key: ServiceKey, stream: TcpStream, client: SocketAddr) -> bool {
        let Some(served) = self.services().get(&key).cloned() else { return false };
        self.work.send(Work::Serve(served, stream, client)).is_ok()
    }

    /// Ends every connection, as when the address has moved to another director.
    pub fn reset(&self) {
        for served in self.services().values() {
            served.reset();
        }
    }

    fn services(&self) -> MutexGuard<'_, BTreeMap<ServiceKey, Arc<Served>>> {
        self.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn served(&self, op: &IpvsOp) -> Result<Arc<Served>, Refusal> {
        self.services().get(&op.service()).cloned().ok_or_else(|| Refusal::of(RefusalKind::Missing, op))
    }

    fn begin(&self, op: &IpvsOp, key: ServiceKey, served: Served) -> Result<(), Refusal> {
        if self.services().contains_key(&key) {
            return Err(Refusal::of(RefusalKind::Exists, op));
        }
        let served = Arc::new(served);
        if let (Ways::Real, ServiceKey::Address { address, .. }) = (&self.ways, key) {
            let listener = listen(address).map_err(|error| taken(op, address, &error))?;
            if self.work.send(Work::Accept(Arc::clone(&served), listener)).is_err() {
                return Err(Refusal::because(
                    RefusalKind::Other,
                    op,
                    "the thread of the userspace dataplane has ended",
                ));
            }
        }
        self.services().insert(key, served);
        Ok(())
    }
}

impl IpvsKernel for Userspace {
    fn read_table(&mut self) -> Result<IpvsTable, Refusal> {
        Ok(IpvsTable { services: self.services().iter().map(|(key, served)| (*key, served.view())).collect() })
    }

    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        if let Some((kind, why)) = limits::unfit(op) {
            return Err(Refusal::because(kind, op, &why));
        }
        // The rules of every table, before anything is touched: a refused operation changes nothing.
        let found = self.services().get(&op.service()).map(|served| (op.service(), served.view()));
        IpvsTable { services: found.into_iter().collect() }.apply(op)?;
        match op {
            IpvsOp::NewService(key, new) => {
                let served = Served::new(new).ok_or_else(|| Refusal::of(RefusalKind::NoScheduler, op))?;
                self.begin(op, *key, served)
            }
            IpvsOp::SetService(_, new) => {
                self.served(op)?.pool().set(new);
                Ok(())
            }
            IpvsOp::DelService(key) => {
                if let Some(served) = self.services().remove(key) {
                    served.end();
                }
                Ok(())
            }
            IpvsOp::NewDestination(_, server, new) => {
                self.served(op)?.add(*server, new);
                Ok(())
            }
            IpvsOp::SetDestination(_, server, new) => {
                self.served(op)?.pool().change(*server, new);
                Ok(())
            }
            IpvsOp::DelDestination(_, server) => {
                self.served(op)?.remove(*server);
                Ok(())
            }
        }
    }

    fn would_take(&mut self, key: ServiceKey, service: &Service) -> Result<(), Refusal> {
        let op = IpvsOp::NewService(key, Box::new(service.settings()));
        let servers =
            service.destinations.iter().map(|(server, new)| IpvsOp::NewDestination(key, *server, new.clone()));
        for op in std::iter::once(op.clone()).chain(servers) {
            if let Some((kind, why)) = limits::unfit(&op) {
                return Err(Refusal::because(kind, &op, &why));
            }
        }
        match (&self.ways, key) {
            (Ways::Real, ServiceKey::Address { address, .. }) if !self.services().contains_key(&key) => {
                listen(address).map(drop).map_err(|error| taken(&op, address, &error))
            }
            _ => Ok(()),
        }
    }

    fn version(&mut self) -> Result<Version, Refusal> {
        Ok(Version { number: (1, 2, 1), table_size: 4096 })
    }

    fn name(&self) -> &'static str {
        "userspace"
    }
}

/// Somebody else listens there, or nobody may.
fn taken(op: &IpvsOp, address: SocketAddr, error: &io::Error) -> Refusal {
    let why = format!("can't listen on {address}: {error}; look who does with `ss -ltnp`, and stop it");
    Refusal::because(RefusalKind::Other, op, &why)
}

/// A listener on an address that this host need not have yet: a backup serves as soon as it is master.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let domain = if address.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    match address.ip() {
        IpAddr::V4(_) => socket.set_freebind_v4(true)?,
        IpAddr::V6(_) => {
            socket.set_only_v6(true)?;
            socket.set_freebind_v6(true)?;
        }
    }
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// What each task needs beside its service.
#[derive(Clone)]
struct Reach {
    ways: Ways,
    room: Arc<Room>,
}

impl std::fmt::Debug for Userspace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Userspace").field("services", &self.services().len()).finish_non_exhaustive()
    }
}

/// The thread: one task a service, one a connection. They end with their service, or with the last sender.
async fn run(mut todo: UnboundedReceiver<Work>, reach: &Reach) {
    while let Some(work) = todo.recv().await {
        match work {
            Work::Accept(served, listener) => drop(tokio::spawn(service::accept(served, listener, reach.clone()))),
            Work::Serve(served, stream, client) => {
                let _ = stream.set_nonblocking(true);
                if let Ok(stream) = tokio::net::TcpStream::from_std(stream) {
                    service::take(served, stream, client, reach.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
