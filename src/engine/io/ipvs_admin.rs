//! What an administrator does with an IPVS table by hand: the seam between the ipvsadm dialect and the kernel.
//!
//! Everything is a single act on the kernel as it is now; nothing here knows of ownership or of a wanted table.

use super::ipvs_netlink::{IpvsKernel, Netlink};
use super::simulated::SimulatedIpvs;
use crate::engine::ipvs::{
    DaemonRole, IpvsOp, KernelRates, Refusal, RefusalKind, ServerEntry, ServiceEntry, SyncDaemon, Timeouts, Version,
};
use crate::engine::model::ServiceKey;

/// An IPVS table with what is beside it.
pub trait IpvsAdmin: Send {
    /// All services with their destinations, in the kernel's order.
    fn list(&mut self) -> Result<Vec<ServiceEntry>, Refusal>;
    /// All services without their destinations, in the kernel's order.
    fn list_services(&mut self) -> Result<Vec<ServiceEntry>, Refusal>;
    /// The destinations of a service, in the kernel's order; none where there is no such service.
    fn servers(&mut self, service: ServiceKey) -> Result<Vec<ServerEntry>, Refusal>;
    /// One service with its destinations; none where there is no such service.
    fn list_one(&mut self, key: ServiceKey) -> Result<Option<ServiceEntry>, Refusal>;
    /// Does one operation.
    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal>;
    /// Does all operations in order, each whatever became of those before, and gives how each ended.
    fn apply_all(&mut self, ops: &[IpvsOp]) -> Vec<Result<(), Refusal>>;
    /// Removes all services.
    fn flush(&mut self) -> Result<(), Refusal>;
    /// Zeroes the counters of a service, or of all, for everybody who reads them.
    fn zero(&mut self, service: Option<ServiceKey>) -> Result<(), Refusal>;
    /// Asks for version and size.
    fn version(&mut self) -> Result<Version, Refusal>;
    /// Asks for the timeouts.
    fn timeouts(&mut self) -> Result<Timeouts, Refusal>;
    /// Sets the timeouts; 0 keeps one.
    fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), Refusal>;
    /// The sync daemons that run.
    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Refusal>;
    /// Starts a sync daemon.
    fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Refusal>;
    /// Stops a sync daemon.
    fn stop_daemon(&mut self, role: DaemonRole) -> Result<(), Refusal>;
}

/// The kernel's table of this network namespace. Errors where it has none or this user may not.
pub fn open() -> Result<Box<dyn IpvsAdmin>, Refusal> {
    Netlink::open().map(|kernel| Box::new(kernel) as Box<dyn IpvsAdmin>)
}

fn not_simulated(act: &str) -> Refusal {
    Refusal { kind: RefusalKind::Other, message: format!("can't {act}: the simulated kernel has none") }
}

/// Services in key order; no counters to zero.
impl IpvsAdmin for SimulatedIpvs {
    fn list(&mut self) -> Result<Vec<ServiceEntry>, Refusal> {
        let table = self.read_table()?;
        let rates = KernelRates::default();
        let entry = |(key, mut service): (_, crate::engine::ipvs::Service)| {
            let servers = std::mem::take(&mut service.destinations).into_iter();
            let servers = servers.map(|(key, destination)| ServerEntry { key, destination, rates }).collect();
            ServiceEntry { key, service, rates, servers }
        };
        Ok(table.services.into_iter().map(entry).collect())
    }
    fn list_services(&mut self) -> Result<Vec<ServiceEntry>, Refusal> {
        self.list()
    }
    fn servers(&mut self, service: ServiceKey) -> Result<Vec<ServerEntry>, Refusal> {
        Ok(self.list_one(service)?.map(|entry| entry.servers).unwrap_or_default())
    }
    fn list_one(&mut self, key: ServiceKey) -> Result<Option<ServiceEntry>, Refusal> {
        Ok(self.list()?.into_iter().find(|entry| entry.key == key))
    }
    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        IpvsKernel::apply(self, op)
    }
    fn apply_all(&mut self, ops: &[IpvsOp]) -> Vec<Result<(), Refusal>> {
        ops.iter().map(|op| IpvsKernel::apply(self, op)).collect()
    }
    fn flush(&mut self) -> Result<(), Refusal> {
        self.edit(|table| table.services.clear());
        Ok(())
    }
    fn zero(&mut self, _: Option<ServiceKey>) -> Result<(), Refusal> {
        Err(not_simulated("zero the counters"))
    }
    fn version(&mut self) -> Result<Version, Refusal> {
        IpvsKernel::version(self)
    }
    fn timeouts(&mut self) -> Result<Timeouts, Refusal> {
        Ok(self.kept_timeouts())
    }
    fn set_timeouts(&mut self, timeouts: Timeouts) -> Result<(), Refusal> {
        self.keep_timeouts(timeouts);
        Ok(())
    }
    fn daemons(&mut self) -> Result<Vec<SyncDaemon>, Refusal> {
        self.with_daemons(|daemons| Ok(daemons.clone()))
    }
    fn start_daemon(&mut self, daemon: &SyncDaemon) -> Result<(), Refusal> {
        let exists = || Refusal { kind: RefusalKind::Exists, message: "a daemon of this role runs already".to_owned() };
        self.with_daemons(|daemons| {
            let runs = daemons.iter().any(|running| running.role == daemon.role);
            if runs {
                return Err(exists());
            }
            daemons.push(daemon.clone());
            Ok(())
        })
    }
    fn stop_daemon(&mut self, role: DaemonRole) -> Result<(), Refusal> {
        let missing = || Refusal { kind: RefusalKind::Missing, message: "no daemon of this role runs".to_owned() };
        self.with_daemons(|daemons| {
            let at = daemons.iter().position(|daemon| daemon.role == role).ok_or_else(missing)?;
            daemons.remove(at);
            Ok(())
        })
    }
}
