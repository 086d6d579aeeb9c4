//! An IPVS kernel in memory, for tests and for the embedded cluster.
//!
//! It keeps the kernel's rules ([`IpvsTable::apply`], and the schedulers that the kernel has) and moves no packet. Clones
//! share one table, so that a test or the simulation can be the stranger who changes it while an engine owns a clone.

use super::ipvs_netlink::IpvsKernel;
use crate::engine::ipvs::{IpvsOp, IpvsTable, Refusal, RefusalKind, SyncDaemon, Timeouts, Version};
use crate::engine::model::Scheduler;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The kernel; a clone is another connection to the same one.
#[derive(Debug, Clone, Default)]
pub struct SimulatedIpvs(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    table: IpvsTable,
    /// Every operation that was asked for, in order, with how it ended.
    history: Vec<(IpvsOp, Result<(), Refusal>)>,
    /// Nobody will ask for it.
    forgets: bool,
    refused: Vec<(IpvsOp, Refusal)>,
    unreachable: Option<Refusal>,
    daemons: Vec<SyncDaemon>,
    timeouts: Option<Timeouts>,
}

impl SimulatedIpvs {
    /// A kernel that starts with this table.
    pub fn new(table: IpvsTable) -> Self {
        Self(Arc::new(Mutex::new(State { table, ..State::default() })))
    }

    /// A kernel that only keeps its table, not what was asked of it.
    pub fn forgetful() -> Self {
        Self(Arc::new(Mutex::new(State { forgets: true, ..State::default() })))
    }

    /// Changes the table behind the engine's back: settings, connections, traffic.
    pub fn edit<R>(&self, change: impl FnOnce(&mut IpvsTable) -> R) -> R {
        change(&mut self.state().table)
    }

    /// Refuses this operation, each time that it comes, until [`relent`](Self::relent).
    pub fn refuse(&self, op: IpvsOp, refusal: Refusal) {
        self.state().refused.push((op, refusal));
    }

    /// Answers everything with this refusal until [`relent`](Self::relent).
    pub fn refuse_everything(&self, refusal: Refusal) {
        self.state().unreachable = Some(refusal);
    }

    /// Looks at its sync daemons, or changes them.
    pub fn with_daemons<R>(
        &self,
        change: impl FnOnce(&mut Vec<SyncDaemon>) -> Result<R, Refusal>,
    ) -> Result<R, Refusal> {
        let mut state = self.state();
        state.reachable()?;
        change(&mut state.daemons)
    }

    /// Its timeouts; Linux' own until they are set.
    pub fn kept_timeouts(&self) -> Timeouts {
        self.state().timeouts.unwrap_or(Timeouts { tcp: 900, tcp_fin: 120, udp: 300 })
    }

    /// Sets its timeouts; 0 keeps one.
    pub fn keep_timeouts(&self, timeouts: Timeouts) {
        let now = self.kept_timeouts();
        let kept = |wanted: u32, now: u32| if wanted == 0 { now } else { wanted };
        let tcp_fin = kept(timeouts.tcp_fin, now.tcp_fin);
        self.state().timeouts =
            Some(Timeouts { tcp: kept(timeouts.tcp, now.tcp), tcp_fin, udp: kept(timeouts.udp, now.udp) });
    }

    /// Refuses nothing any more but what the kernel would.
    pub fn relent(&self) {
        let mut state = self.state();
        state.refused.clear();
        state.unreachable = None;
    }

    /// Takes the operations asked for since the last call, in order, with how each ended.
    pub fn take_history(&self) -> Vec<(IpvsOp, Result<(), Refusal>)> {
        std::mem::take(&mut self.state().history)
    }

    /// A panic of another holder can't leave a table half changed, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn reachable(&self) -> Result<(), Refusal> {
        self.unreachable.clone().map_or(Ok(()), Err)
    }

    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        self.reachable()?;
        if let Some((_, refusal)) = self.refused.iter().find(|(refused, _)| refused == op) {
            return Err(refusal.clone());
        }
        if let IpvsOp::NewService(_, service) | IpvsOp::SetService(_, service) = op
            && Scheduler::from_name(&service.scheduler).is_none()
        {
            return Err(Refusal::of(RefusalKind::NoScheduler, op));
        }
        self.table.apply(op)
    }
}

impl IpvsKernel for SimulatedIpvs {
    fn read_table(&mut self) -> Result<IpvsTable, Refusal> {
        let state = self.state();
        state.reachable().map(|()| state.table.clone())
    }

    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        let mut state = self.state();
        let result = state.apply(op);
        if !state.forgets {
            state.history.push((op.clone(), result.clone()));
        }
        result
    }

    fn version(&mut self) -> Result<Version, Refusal> {
        self.state().reachable().map(|()| Version { number: (1, 2, 1), table_size: 4096 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ipvs::{Ownership, Service, Traffic, plan};
    use std::collections::BTreeMap;

    fn wanted(scheduler: &str) -> IpvsTable {
        let service = Service {
            scheduler: scheduler.to_owned(),
            persistence: None,
            odd_mask: None,
            one_packet: false,
            scheduler_flags: 0,
            engine: None,
            destinations: BTreeMap::new(),
            traffic: Traffic::default(),
        };
        IpvsTable { services: [("tcp/10.0.0.1:80".parse().unwrap(), service)].into() }
    }

    fn reconcile(kernel: &mut SimulatedIpvs, desired: &IpvsTable) -> Vec<Result<(), Refusal>> {
        let observed = kernel.read_table().unwrap();
        plan(desired, &observed, &Ownership::default()).iter().map(|op| kernel.apply(op)).collect()
    }

    #[test]
    fn a_change_by_a_stranger_is_seen_and_repaired() {
        let stranger = SimulatedIpvs::default();
        let mut kernel = stranger.clone();
        assert_eq!(reconcile(&mut kernel, &wanted("rr")), [Ok(())]);
        assert_eq!(reconcile(&mut kernel, &wanted("rr")), []);
        stranger.edit(|table| table.services.clear());
        assert_eq!(reconcile(&mut kernel, &wanted("rr")), [Ok(())]);
        assert_eq!(stranger.take_history().len(), 2);
    }

    #[test]
    fn it_refuses_what_it_is_told_to_and_unknown_schedulers() {
        let mut kernel = SimulatedIpvs::default();
        assert_eq!(
            reconcile(&mut kernel, &wanted("foo")).first().unwrap().as_ref().unwrap_err().kind,
            RefusalKind::NoScheduler
        );
        let busy = Refusal { kind: RefusalKind::Other, message: "busy".to_owned() };
        let op = plan(&wanted("rr"), &IpvsTable::default(), &Ownership::default()).remove(0);
        kernel.refuse(op, busy.clone());
        assert_eq!(reconcile(&mut kernel, &wanted("rr")), [Err(busy.clone())]);
        kernel.relent();
        kernel.refuse_everything(busy.clone());
        assert_eq!(kernel.read_table(), Err(busy));
        kernel.relent();
        assert_eq!(reconcile(&mut kernel, &wanted("rr")), [Ok(())]);
    }
}
