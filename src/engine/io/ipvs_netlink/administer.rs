//! What ipvsadm does beside services and destinations, and its lists in the kernel's own order.

use super::super::ipvs_admin::IpvsAdmin;
use super::super::netlink::RequestError;
use super::{IpvsKernel, Netlink, READINGS, general};
use crate::engine::ipvs::message::{self, command};
use crate::engine::ipvs::{
    DaemonRole, IpvsOp, Refusal, RefusalKind, ServerEntry, ServiceEntry, SyncDaemon, Timeouts, Version,
};
use crate::engine::model::ServiceKey;
use neli::consts::nl::NlmF;
use std::io;

impl Netlink {
    /// The destinations of a service, in the kernel's order.
    fn servers_once(&mut self, key: ServiceKey) -> Result<Vec<ServerEntry>, RequestError> {
        let mut servers = Vec::new();
        self.call(command::GET_DEST, NlmF::DUMP, &message::about(key), |body| {
            let found = message::destination(body, key.family());
            let rates = || message::destination_rates(body);
            servers.extend(found.map(|(key, destination)| ServerEntry { key, destination, rates: rates() }));
        })?;
        Ok(servers)
    }

    /// All services in the kernel's order, without their destinations.
    fn entries(&mut self) -> Result<Vec<ServiceEntry>, RequestError> {
        let mut entries = Vec::new();
        self.call(command::GET_SERVICE, NlmF::DUMP, &[], |body| entries.extend(entry(body)))?;
        Ok(entries)
    }

    fn list_once(&mut self) -> Result<Vec<ServiceEntry>, RequestError> {
        let mut entries = self.entries()?;
        for entry in &mut entries {
            entry.servers = self.servers_once(entry.key)?;
        }
        Ok(entries)
    }

    /// Does `read` again while the list changes under it.
    fn settled<T>(&mut self, read: impl Fn(&mut Self) -> Result<T, RequestError>) -> Result<T, RequestError> {
        let mut result = read(self);
        for _ in 1..READINGS {
            let Err(RequestError::Interrupted) = result else { break };
            result = read(self);
        }
        result
    }

    /// A request without an answer. `known` words the refusals that the caller can explain.
    fn tell(&mut self, command: u8, body: &[u8], act: &str, known: &[(i32, RefusalKind, &str)]) -> Result<(), Refusal> {
        self.call(command, NlmF::empty(), body, |_| {}).map_err(|error| {
            let cause = |errno: i32| known.iter().find(|(known, ..)| *known == errno);
            match &error {
                RequestError::Refused(errno) => match cause(*errno) {
                    Some((_, kind, cause)) => Refusal { kind: *kind, message: format!("can't {act}: {cause}") },
                    None => general(&error, act),
                },
                _ => general(&error, act),
            }
        })
    }
}

fn entry(body: &[u8]) -> Option<ServiceEntry> {
    let (key, service) = message::service(body)?;
    Some(ServiceEntry { key, service, rates: message::service_rates(body), servers: Vec::new() })
}

const MISSING: (i32, RefusalKind, &str) = (libc::ESRCH, RefusalKind::Missing, "the kernel has no such service");

impl IpvsAdmin for Netlink {
    fn list(&mut self) -> Result<Vec<ServiceEntry>, Refusal> {
        self.settled(Self::list_once).map_err(|error| general(&error, "read the kernel's IPVS table"))
    }

    fn list_services(&mut self) -> Result<Vec<ServiceEntry>, Refusal> {
        self.settled(Self::entries).map_err(|error| general(&error, "read the kernel's IPVS services"))
    }

    fn servers(&mut self, service: ServiceKey) -> Result<Vec<ServerEntry>, Refusal> {
        let act = format!("read the real servers of {service}");
        self.settled(|kernel| kernel.servers_once(service)).map_err(|error| general(&error, &act))
    }

    fn list_one(&mut self, key: ServiceKey) -> Result<Option<ServiceEntry>, Refusal> {
        let mut found = None;
        let act = format!("read service {key}");
        let result = self.call(command::GET_SERVICE, NlmF::empty(), &message::about(key), |body| found = entry(body));
        match result {
            Err(RequestError::Refused(libc::ESRCH | libc::ENOENT)) => return Ok(None),
            Err(error) => return Err(general(&error, &act)),
            Ok(()) => {}
        }
        let Some(mut entry) = found else { return Ok(None) };
        entry.servers = self.servers(key)?;
        Ok(Some(entry))
    }

    fn apply_all(&mut self, ops: &[IpvsOp]) -> Vec<Result<(), Refusal>> {
        IpvsKernel::apply_all(self, ops)
    }

    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        IpvsKernel::apply(self, op)
    }

    fn flush(&mut self) -> Result<(), Refusal> {
        self.tell(command::FLUSH, &[], "clear the table", &[])
    }

    fn zero(&mut self, service: Option<ServiceKey>) -> Result<(), Refusal> {
        let body = service.map(message::about).unwrap_or_default();
        let act = service.map_or_else(|| "zero the counters".to_owned(), |key| format!("zero the counters of {key}"));
        self.tell(command::ZERO, &body, &act, &[MISSING])
    }

    fn version(&mut self) -> Result<Version, Refusal> {
        IpvsKernel::version(self)
    }

    fn timeouts(&mut self) -> Result<Timeouts, Refusal> {
        let (act, mut timeouts) = ("read the timeouts", None);
        self.call(command::GET_CONFIG, NlmF::empty(), &[], |body| timeouts = message::timeouts(body))
            .map_err(|error| general(&error, act))?;
        timeouts.ok_or_else(|| general(&RequestError::Socket(io::ErrorKind::InvalidData.into()), act))
    }

    fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), Refusal> {
        self.tell(command::SET_CONFIG, &message::set_timeouts(timeouts), "set the timeouts", &[])
    }

    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Refusal> {
        let mut daemons = Vec::new();
        self.call(command::GET_DAEMON, NlmF::DUMP, &[], |body| daemons.extend(message::daemon(body)))
            .map_err(|error| general(&error, "read the sync daemons"))?;
        Ok(daemons)
    }

    fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Refusal> {
        let act = format!("start the {} sync daemon on \"{}\"", daemon.role.name(), daemon.interface);
        let known = [
            (libc::EEXIST, RefusalKind::Exists, "one runs already; stop it first"),
            (libc::ENODEV, RefusalKind::Missing, "there is no such interface; name one with --mcast-interface"),
            (
                libc::EINVAL,
                RefusalKind::Invalid,
                "the kernel allows no sync daemon while a real server is of another address family than its service",
            ),
        ];
        self.tell(command::NEW_DAEMON, &message::start_daemon(daemon), &act, &known)
    }

    fn stop_daemon(&mut self, role: DaemonRole) -> Result<(), Refusal> {
        let act = format!("stop the {} sync daemon", role.name());
        self.tell(
            command::DEL_DAEMON,
            &message::stop_daemon(role),
            &act,
            &[(libc::ESRCH, RefusalKind::Missing, "none runs")],
        )
    }
}
