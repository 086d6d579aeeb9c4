//! The kernel's IPVS table over generic netlink.
//!
//! It speaks for the network namespace in which the connection was opened. Each call blocks until the kernel has answered,
//! 5 s at most; after a timeout the connection is opened anew. What the bytes mean is [`message`]'s matter; what to do
//! about a refusal is the caller's.

use super::ipvs_stats;
use super::netlink::{BATCH, Carrier, Message, RequestError, Requests};
use crate::engine::ipvs::attribute::{Attributes, Builder};
use crate::engine::ipvs::message::{self, command, refusal_kind};
use crate::engine::ipvs::{IpvsOp, IpvsTable, LiveTotals, Refusal, RefusalKind, Service, Version};
use crate::engine::model::ServiceKey;
use neli::consts::nl::{GenlId, NlmF};
use neli::consts::socket::NlFamily;
use neli::socket::NlSocket;
use std::io;
use std::path::Path;
use std::time::Duration;

/// An IPVS table that operations can be done on: the kernel's, or a simulated one.
pub trait IpvsKernel: Send {
    /// Reads the whole table.
    fn read_table(&mut self) -> Result<IpvsTable, Refusal>;
    /// Does one operation.
    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal>;
    /// Does all operations in order, each whatever became of those before, and gives how each ended. Many at a time where
    /// the kernel takes them so; then a failure of the connection counts for all that were sent with it, done or not.
    fn apply_all(&mut self, ops: &[IpvsOp]) -> Vec<Result<(), Refusal>> {
        ops.iter().map(|op| self.apply(op)).collect()
    }
    /// Whether it would take this service with these destinations: nothing of it stays, and nothing that is there is touched.
    /// Errors: what it refuses, in the words of the real operation.
    fn would_take(&mut self, key: ServiceKey, service: &Service) -> Result<(), Refusal> {
        trial::by_a_mark(|op| self.apply(op), key, service)
    }
    /// Asks for version and size.
    fn version(&mut self) -> Result<Version, Refusal>;
    /// What is counted in all, now; none where that is not known.
    fn totals(&mut self) -> Option<LiveTotals> {
        None
    }
    /// What it is, as the status names the dataplane.
    fn name(&self) -> &'static str {
        "kernel"
    }
}

mod administer;
mod trial;

/// How long the kernel may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often a list that changed while it was read is read again.
const READINGS: usize = 5;
/// The generic netlink header: command, version, two reserved bytes (`struct genlmsghdr`).
const HEADER: usize = 4;

/// `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_ID`, `CTRL_ATTR_FAMILY_NAME` (`uapi/linux/genetlink.h`).
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;

/// Opens a connection.
type Connect<C> = Box<dyn FnMut() -> io::Result<Requests<C>> + Send>;

/// The connection to the kernel; over something else than a socket in tests.
pub struct Netlink<C: Carrier = NlSocket> {
    requests: Requests<C>,
    connect: Connect<C>,
    /// The number of the `IPVS` family; another one after `ip_vs` was unloaded and loaded again.
    family: u16,
}

impl Netlink {
    /// Opens a connection and finds `ip_vs`, which the kernel loads by itself where it can. `NoIpvs` where it has none.
    pub fn open() -> Result<Self, Refusal> {
        Self::over(Box::new(|| Requests::open(NlFamily::Generic, TIMEOUT)))
    }
}

impl<C: Carrier> Netlink<C> {
    fn over(mut connect: Connect<C>) -> Result<Self, Refusal> {
        let act = "connect to the kernel's IPVS";
        let mut requests = connect().map_err(|error| general(&error.into(), act))?;
        let family = resolve(&mut requests).map_err(|error| general(&error, act))?;
        Ok(Self { requests, connect, family })
    }

    /// One request of the family. Should its number be unknown to the kernel, it is asked for and tried again once.
    fn call(&mut self, command: u8, flags: NlmF, body: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), RequestError> {
        let payload = [&[command, message::VERSION, 0, 0], body].concat();
        let mut once = |requests: &mut Requests<C>, family| {
            let each = |answer: Message<'_>| each(answer.payload.get(HEADER..).unwrap_or_default());
            requests.request(family, flags, &payload, each)
        };
        let mut result = once(&mut self.requests, self.family);
        if let Err(RequestError::Refused(libc::ENOENT)) = result {
            let family = resolve(&mut self.requests)?;
            if std::mem::replace(&mut self.family, family) != family {
                result = once(&mut self.requests, family);
            }
        }
        if let Err(RequestError::Refused(libc::EBUSY)) = result
            && flags.contains(NlmF::DUMP)
        {
            // A list that was not read to its end is in the way, and nothing of it is wanted.
            self.requests = (self.connect)()?;
            result = once(&mut self.requests, self.family);
        }
        if let Err(RequestError::Socket(_)) = result {
            self.requests = (self.connect)()?;
        }
        result
    }

    /// All services without their destinations.
    fn services(&mut self) -> Result<IpvsTable, RequestError> {
        // A map that is made at once has no room to spare; one that grows in any order is a third empty.
        let mut services = Vec::new();
        self.call(command::GET_SERVICE, NlmF::DUMP, &[], |body| services.extend(message::service(body)))?;
        Ok(IpvsTable { services: services.into_iter().collect() })
    }

    /// Fills in the destinations of a service. False when the service is gone: the kernel then lists none and reports no
    /// error, so an empty list is believed only of a service that is still there.
    fn destinations(&mut self, key: ServiceKey, service: &mut Service) -> Result<bool, RequestError> {
        let about = message::about(key);
        let mut destinations = Vec::new();
        self.call(command::GET_DEST, NlmF::DUMP, &about, |body| {
            destinations.extend(message::destination(body, key.family()));
        })?;
        service.destinations = destinations.into_iter().collect();
        if !service.destinations.is_empty() {
            return Ok(true);
        }
        match self.call(command::GET_SERVICE, NlmF::empty(), &about, |_| {}) {
            Ok(()) => Ok(true),
            Err(RequestError::Refused(libc::ESRCH | libc::ENOENT)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read_once(&mut self) -> Result<IpvsTable, RequestError> {
        let mut table = self.services()?;
        let mut gone = Vec::new();
        for (key, service) in &mut table.services {
            if !self.destinations(*key, service)? {
                gone.push(*key);
            }
        }
        for key in gone {
            table.services.remove(&key);
        }
        Ok(table)
    }
}

impl<C: Carrier + Send> IpvsKernel for Netlink<C> {
    fn read_table(&mut self) -> Result<IpvsTable, Refusal> {
        let mut result = self.read_once();
        for _ in 1..READINGS {
            let Err(RequestError::Interrupted) = result else { break };
            result = self.read_once();
        }
        result.map_err(|error| general(&error, "read the kernel's IPVS table"))
    }

    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        let request = message::encode(op);
        self.call(request.command, NlmF::empty(), &request.body, |_| {}).map_err(|error| refusal(op, &error))
    }

    fn apply_all(&mut self, ops: &[IpvsOp]) -> Vec<Result<(), Refusal>> {
        let mut ends = Vec::with_capacity(ops.len());
        for chunk in ops.chunks(BATCH) {
            let payload = |op| {
                let request = message::encode(op);
                [&[request.command, message::VERSION, 0, 0], request.body.as_slice()].concat()
            };
            let payloads: Vec<_> = chunk.iter().map(payload).collect();
            match self.requests.batch(self.family, &payloads) {
                Ok(codes) => ends.extend(chunk.iter().zip(codes).map(|(op, code)| match code {
                    None => Ok(()),
                    Some(errno) => Err(refusal(op, &RequestError::Refused(errno))),
                })),
                Err(error) => {
                    ends.extend(chunk.iter().map(|op| Err(refusal(op, &error))));
                    if let Ok(requests) = (self.connect)() {
                        self.requests = requests;
                    }
                }
            }
        }
        ends
    }

    fn version(&mut self) -> Result<Version, Refusal> {
        let act = "ask for the version of the kernel's IPVS";
        let mut version = None;
        self.call(command::GET_INFO, NlmF::empty(), &[], |body| version = message::version(body))
            .map_err(|error| general(&error, act))?;
        version.ok_or_else(|| general(&RequestError::Socket(io::ErrorKind::InvalidData.into()), act))
    }

    fn totals(&mut self) -> Option<LiveTotals> {
        ipvs_stats::read(Path::new("/"))
    }
}

/// Asks for the family's number.
fn resolve<C: Carrier>(requests: &mut Requests<C>) -> Result<u16, RequestError> {
    let name = Builder::default().text(FAMILY_NAME, message::FAMILY).finish();
    let payload = [&[GET_FAMILY, 1, 0, 0], name.as_slice()].concat();
    let mut family = None;
    let result = requests.request(GenlId::Ctrl.into(), NlmF::empty(), &payload, |answer| {
        let attributes = Attributes::new(answer.payload.get(HEADER..).unwrap_or_default());
        family = attributes.first(FAMILY_ID).and_then(|id| id.first_chunk().copied()).map(u16::from_ne_bytes);
    });
    match result {
        Ok(()) => family.ok_or(RequestError::NoFamily),
        Err(RequestError::Refused(libc::ENOENT)) => Err(RequestError::NoFamily),
        Err(error) => Err(error),
    }
}

/// Why an operation was not done.
fn refusal(op: &IpvsOp, error: &RequestError) -> Refusal {
    match error {
        RequestError::Refused(errno) => match refusal_kind(op, *errno) {
            kind @ RefusalKind::Other => Refusal::because(kind, op, &error.to_string()),
            kind => Refusal::of(kind, op),
        },
        error => general(error, &op.to_string()),
    }
}

/// A failure that is not about the operation.
fn general(error: &RequestError, act: &str) -> Refusal {
    let kind = match error {
        RequestError::NoFamily => RefusalKind::NoIpvs,
        RequestError::Refused(libc::EPERM) => RefusalKind::NotPermitted,
        RequestError::Socket(error) if error.kind() == io::ErrorKind::WouldBlock => RefusalKind::TimedOut,
        RequestError::Refused(_) | RequestError::Interrupted | RequestError::Socket(_) => {
            return Refusal { kind: RefusalKind::Other, message: format!("can't {act}: {error}") };
        }
    };
    Refusal::general(kind, act)
}

#[cfg(test)]
mod tests;
