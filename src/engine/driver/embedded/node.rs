//! A director's surroundings on the simulated LAN: one link, its packets and its addresses.

use crate::engine::driver::overrides::OverridesSender;
use crate::engine::driver::surroundings::Surroundings;
use crate::engine::failover::{Action, Input, Link};
use crate::engine::io::simulated_lan::{Delivery, LINK, LINK_NAME, Station};
use crate::engine::io::wait::Ready;
use crate::engine::snapshot::Warning;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

/// One node.
pub(super) struct Node {
    station: Station,
    silent_before: Duration,
    overrides: OverridesSender,
}

impl Node {
    /// A node of a LAN on which nobody has spoken for so long.
    pub const fn new(station: Station, silent_before: Duration, overrides: OverridesSender) -> Self {
        Self { station, silent_before, overrides }
    }
}

impl Surroundings for Node {
    const HAS_PROCESS: bool = false;

    fn descriptors(&self) -> Vec<RawFd> {
        vec![self.station.as_raw_fd()]
    }

    fn list(&mut self, mut input: impl FnMut(Input<'_>)) -> io::Result<()> {
        input(Input::Resync);
        input(Input::Link(Link {
            index: LINK,
            name: LINK_NAME.to_owned(),
            up: true,
            mac: self.station.mac(),
            macvlan: None,
        }));
        for (address, prefix) in self.station.addresses() {
            input(Input::Address { index: LINK, address, prefix, present: true, by: None });
        }
        Ok(())
    }

    fn drain(&mut self, _: &Ready, mut input: impl FnMut(Input<'_>)) -> io::Result<()> {
        for delivery in self.station.take() {
            match delivery {
                Delivery::Packet(packet) => input(Input::Packet { index: LINK, packet: &packet }),
                Delivery::Arp(frame) => input(Input::Arp { frame: &frame }),
                Delivery::Address(address, prefix, present) => {
                    input(Input::Address { index: LINK, address, prefix, present, by: None });
                }
            }
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        None
    }

    fn silent_before(&self) -> Duration {
        self.silent_before
    }

    fn perform(&mut self, action: &Action) -> Result<(), String> {
        let change = |address, prefix, present| self.station.change(address, prefix, present).map_err(str::to_owned);
        match action {
            Action::Join(_) => self.station.listen(true),
            Action::Leave { .. } => self.station.listen(false),
            Action::Advertise { source: IpAddr::V4(source), message, .. } => self.station.send(*source, message),
            Action::Advertise { .. } => return Err("the cluster of the demo speaks IPv4 only".to_owned()),
            Action::AddAddress { address, .. } => return change(address.address, address.prefix, true),
            Action::RemoveAddress { address, .. } => return change(address.address, address.prefix, false),
            Action::Announce { frame, .. } => self.station.announce(frame),
            Action::Probe { frame, .. } => self.station.ask(frame),
            Action::Holds(holds) => self.overrides.instances(holds.clone()),
            Action::MakeLink { .. } => return Err("the cluster of the demo has no virtual interfaces".to_owned()),
            // Nothing outlives the cluster.
            Action::LeaveLink { .. }
            | Action::SetLink { .. }
            | Action::RemoveLink { .. }
            | Action::Remember(_)
            | Action::RememberLinks(_)
            | Action::Keep(_)
            | Action::Met(_)
            | Action::Route { .. }
            | Action::Drop { .. }
            | Action::DropNothing
            | Action::Report(_)
            | Action::Notify(_)
            | Action::Answer { .. } => {}
        }
        Ok(())
    }

    fn warnings(&self) -> Vec<Warning> {
        self.overrides.warning().into_iter().collect()
    }
}
