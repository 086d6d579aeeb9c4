//! What a failover loop acts on: this host, or a node of a simulated LAN.

use super::world::World;
use crate::engine::failover::{Action, Input};
use crate::engine::io::wait::Ready;
use crate::engine::snapshot::Warning;
use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// The hands and ears of one failover loop. Decides nothing.
pub trait Surroundings: Send {
    /// Whether the engine has its process for itself: then the process's log is its own.
    const HAS_PROCESS: bool;
    /// What the loop waits for.
    fn descriptors(&self) -> Vec<RawFd>;
    /// Lists links and addresses as they are now.
    fn list(&mut self, input: impl FnMut(Input<'_>)) -> io::Result<()>;
    /// Hands in what has come on those that are `ready`, packets first, without waiting.
    fn drain(&mut self, ready: &Ready, input: impl FnMut(Input<'_>)) -> io::Result<()>;
    /// When [`drain`](Self::drain) has something to do even if nothing comes in.
    fn deadline(&self) -> Option<Instant>;
    /// Does one action. Errors: what the system said, for the core to hear.
    fn perform(&mut self, action: &Action) -> Result<(), String>;
    /// For how long before the loop begins it is known that nobody else was there: the loop begins as if it had listened
    /// for so long. None on a real link, which has to be listened to first.
    fn silent_before(&self) -> Duration {
        Duration::ZERO
    }
    /// What the operator should know of the loop's own means.
    fn warnings(&self) -> Vec<Warning>;
}

impl Surroundings for World {
    const HAS_PROCESS: bool = true;

    fn descriptors(&self) -> Vec<RawFd> {
        Self::descriptors(self).collect()
    }
    fn list(&mut self, input: impl FnMut(Input<'_>)) -> io::Result<()> {
        Self::list(self, input)
    }
    fn drain(&mut self, ready: &Ready, input: impl FnMut(Input<'_>)) -> io::Result<()> {
        Self::drain(self, ready, input)
    }
    fn deadline(&self) -> Option<Instant> {
        Self::deadline(self)
    }
    fn perform(&mut self, action: &Action) -> Result<(), String> {
        Self::perform(self, action)
    }
    fn warnings(&self) -> Vec<Warning> {
        Self::warnings(self).collect()
    }
}

/// No surroundings at all: of a loop without instances.
pub struct Nowhere;

impl Surroundings for Nowhere {
    const HAS_PROCESS: bool = true;

    fn descriptors(&self) -> Vec<RawFd> {
        Vec::new()
    }
    fn list(&mut self, _: impl FnMut(Input<'_>)) -> io::Result<()> {
        Ok(())
    }
    fn drain(&mut self, _: &Ready, _: impl FnMut(Input<'_>)) -> io::Result<()> {
        Ok(())
    }
    fn deadline(&self) -> Option<Instant> {
        None
    }
    fn perform(&mut self, _: &Action) -> Result<(), String> {
        Ok(())
    }
    fn warnings(&self) -> Vec<Warning> {
        Vec::new()
    }
}
