//! The kernel's table behind a door: an engine without services needs none, and gets it when a reload brings the first.

use crate::engine::io::ipvs_netlink::{IpvsKernel, Netlink};
use crate::engine::io::simulated::SimulatedIpvs;
use crate::engine::ipvs::{IpvsOp, IpvsTable, LiveTotals, Refusal, Service, Version};
use crate::engine::model::ServiceKey;
use std::sync::{Arc, Mutex, PoisonError};

/// What the balance loop's kernel thread works with.
pub struct Dataplane {
    kernel: Box<dyn IpvsKernel>,
    next: Arc<Mutex<Option<Box<dyn IpvsKernel>>>>,
}

/// The other side: puts the kernel's table in the place of none.
pub struct Door {
    is_open: Mutex<bool>,
    name: &'static str,
    next: Arc<Mutex<Option<Box<dyn IpvsKernel>>>>,
}

impl Dataplane {
    /// Over the kernel's table, or over none until it is wanted.
    pub fn new(kernel: Option<Box<dyn IpvsKernel>>) -> (Self, Door) {
        let (next, is_open) = (Arc::default(), Mutex::new(kernel.is_some()));
        let name = kernel.as_ref().map_or("kernel", |kernel| kernel.name());
        let kernel = kernel.unwrap_or_else(|| Box::new(SimulatedIpvs::forgetful()));
        (Self { kernel, next: Arc::clone(&next) }, Door { is_open, name, next })
    }

    fn kernel(&mut self) -> &mut dyn IpvsKernel {
        if let Some(kernel) = self.next.lock().unwrap_or_else(PoisonError::into_inner).take() {
            self.kernel = kernel;
        }
        self.kernel.as_mut()
    }
}

impl IpvsKernel for Dataplane {
    fn read_table(&mut self) -> Result<IpvsTable, Refusal> {
        self.kernel().read_table()
    }
    fn apply(&mut self, op: &IpvsOp) -> Result<(), Refusal> {
        self.kernel().apply(op)
    }
    fn apply_all(&mut self, ops: &[IpvsOp]) -> Vec<Result<(), Refusal>> {
        self.kernel().apply_all(ops)
    }
    fn would_take(&mut self, key: ServiceKey, service: &Service) -> Result<(), Refusal> {
        self.kernel().would_take(key, service)
    }
    fn version(&mut self) -> Result<Version, Refusal> {
        self.kernel().version()
    }
    fn totals(&mut self) -> Option<LiveTotals> {
        self.kernel().totals()
    }
}

impl Door {
    /// `kernel`, `userspace` or `none`.
    pub fn dataplane(&self) -> &'static str {
        if *self.is_open.lock().unwrap_or_else(PoisonError::into_inner) { self.name } else { "none" }
    }
    /// Whether services can be served from now on; the kernel's table is opened when it was not needed before. Errors: the
    /// kernel has no ip_vs, or this process may not use it.
    pub fn open(&self) -> Result<(), Refusal> {
        let mut is_open = self.is_open.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_open {
            let mut kernel = Netlink::open()?;
            kernel.read_table()?;
            *self.next.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(kernel));
            *is_open = true;
        }
        Ok(())
    }
}
