//! All virtual routers as one value (layer 3): `handle(now, Input)`, then `poll_action` until empty, then
//! `poll_timeout`.
//!
//! Never reads a clock, never blocks, never does anything: it says what is to be done. Spurious wake-ups are harmless.

mod addresses;
mod commands;
mod contest;
mod core;
mod drops;
mod entrance;
mod forecast;
mod handover;
mod haste;
mod heralds;
mod holds;
mod host;
mod joins;
mod links;
mod met;
mod notices;
mod ownership;
mod past;
mod peers;
mod pending;
mod priority;
mod probes;
mod reach;
mod receive;
mod refusals;
mod rejections;
mod reload;
mod resume;
mod router;
mod routers;
mod routing;
mod statics;
mod status;
mod strangers;
mod takeover;
#[cfg(test)]
mod tests;
mod track;
mod units;
mod unled;
mod waiting;
mod warnings;

pub use self::core::Failover;
pub use holds::{Held, HoldWish};
pub use met::Met;
pub use notices::{Notice, Told};
pub use past::{Mastership, Origin, Past};
pub use waiting::Waiting;

use crate::engine::command::{Answer, Asked};
use crate::engine::event::Fact;
use crate::engine::model::{Configuration, Family, Routing, TrackKind, VirtualAddress, VirtualLink};
use crate::engine::vrrp::{AuthenticationHeader, Tracked};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;

/// Something that came in.
#[derive(Debug, Clone)]
pub enum Input<'a> {
    /// An interface as it is now: for each at start, and again after each change.
    Link(Link),
    /// An interface left the host.
    LinkGone {
        /// Its kernel index.
        index: u32,
    },
    /// An address of the host came or went; for each at start. Own virtual addresses come back here too.
    Address {
        /// Kernel index of the interface.
        index: u32,
        /// The address.
        address: IpAddr,
        /// Its prefix length.
        prefix: u8,
        /// Came or went.
        present: bool,
        /// Who removed it, as far as the kernel tells: `pid 1234 (ip)`.
        by: Option<String>,
    },
    /// Somebody else removed a route or a rule that was set.
    RoutingGone {
        /// Which.
        entry: Box<Routing>,
        /// Who, likewise.
        by: Option<String>,
    },
    /// All links and addresses follow as they are now, and what has gone since the list before: answers to our own changes
    /// may have been lost, and none is waited for any more. At the next [`Input::Timeout`] masters put on what they lack.
    Resync,
    /// Links and addresses have been listed once: instances may start.
    Start,
    /// A packet of IP protocol 112, IP header of either family included. Before [`Input::Start`] too, where
    /// [`Action::Join`] was asked for: what is master elsewhere is not resumed here.
    Packet {
        /// Kernel index of the interface it came in on.
        index: u32,
        /// The packet.
        packet: &'a [u8],
    },
    /// An ARP frame: one that answers [`Action::Probe`], or a gratuitous one. Others say nothing.
    Arp {
        /// Destination address first.
        frame: &'a [u8],
    },
    /// The system refused an action. For anything but an address this comes at once, before any other input.
    Refused {
        /// What was refused.
        action: Box<Action>,
        /// What the system said.
        error: String,
    },
    /// A script, process or file that instances track counts differently from now on.
    Tracked {
        /// What it is.
        kind: TrackKind,
        /// Its name.
        name: String,
        /// How it counts.
        state: Tracked,
        /// What its last run came to.
        said: String,
    },
    /// Somebody asks; exactly one [`Action::Answer`] with this id follows, at once or later.
    Command(Box<Asked>),
    /// A deadline may have passed.
    Timeout,
    /// From now on run this configuration: what it does not change goes on untouched.
    Reload(Arc<Configuration>),
    /// Resign, remove the addresses, and be stopped.
    Shutdown {
        /// Do not resign and leave the addresses on, for the next start to go on with.
        keep: bool,
    },
}

/// An interface of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Kernel index.
    pub index: u32,
    /// Name.
    pub name: String,
    /// Administratively up and with carrier (`IFF_UP` and `IFF_RUNNING`).
    pub up: bool,
    /// Hardware address; none where the link has none of 6 bytes.
    pub mac: Option<[u8; 6]>,
    /// Where it is a macvlan interface on another one of this host.
    pub macvlan: Option<Macvlan>,
}

/// What an interface of `use_vmac` is to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Macvlan {
    /// Kernel index of the interface below.
    pub base: u32,
    /// Administratively up (`IFF_UP`).
    pub enabled: bool,
}

/// Something to do, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Receive VRRP there; idempotent.
    Join(Channel),
    /// Stop receiving on this interface, of this family.
    Leave {
        /// Kernel index.
        index: u32,
        /// IPv4 or IPv6.
        family: Family,
    },
    /// Send a VRRP message with TOS (traffic class) 0xC0.
    Advertise {
        /// Out of this interface.
        index: u32,
        /// From this address.
        source: IpAddr,
        /// To this group or router, of the same family.
        destination: IpAddr,
        /// TTL or hop limit.
        ttl: u8,
        /// From the version byte on.
        message: Vec<u8>,
        /// The authentication header in front of it.
        header: Option<AuthenticationHeader>,
        /// The MAC address that the frame comes from, on a virtual interface; the system's choice otherwise.
        mac: Option<[u8; 6]>,
    },
    /// Make a virtual interface, or set one right that is there; down if it is new.
    MakeLink {
        /// Which.
        link: VirtualLink,
        /// Kernel index of the interface below.
        base: u32,
    },
    /// Leave a virtual interface to whoever comes next, perhaps keepalived: in the mode in which that makes its own.
    LeaveLink {
        /// Which.
        link: VirtualLink,
        /// Kernel index of the interface below.
        base: u32,
    },
    /// Set an interface of ours up or down.
    SetLink {
        /// Kernel index.
        index: u32,
        /// Up or down.
        up: bool,
    },
    /// Remove an interface of ours, with all that is on it.
    RemoveLink {
        /// Kernel index.
        index: u32,
    },
    /// Put a virtual address on an interface.
    AddAddress {
        /// Kernel index.
        index: u32,
        /// Which.
        address: VirtualAddress,
    },
    /// Take it off.
    RemoveAddress {
        /// Kernel index.
        index: u32,
        /// Which.
        address: VirtualAddress,
    },
    /// Set a route or a rule, or remove it.
    Route {
        /// Which.
        entry: Box<Routing>,
        /// Set or removed.
        present: bool,
    },
    /// Drop what is sent to these addresses and what comes from them, neighbour discovery aside; or do so no more.
    Drop {
        /// Which.
        addresses: Vec<Dropped>,
        /// From now on, or no more.
        present: bool,
    },
    /// Drop nothing: what an earlier run has left goes.
    DropNothing,
    /// Send a whole Ethernet frame (gratuitous ARP, unsolicited neighbour advertisement).
    Announce {
        /// Out of this interface.
        index: u32,
        /// Destination address first.
        frame: Vec<u8>,
    },
    /// Send a frame that asks who has an address, and listen to answers from now on.
    Probe {
        /// Out of this interface.
        index: u32,
        /// Destination address first.
        frame: Vec<u8>,
    },
    /// Write down what this engine has put on interfaces: before it is made, and until it is seen gone.
    Remember(Vec<OwnedAddress>),
    /// Likewise, the interfaces that it makes.
    RememberLinks(Vec<VirtualLink>),
    /// Write down of whom this host stays master, for the next start: [`Past::masterships`]. Given once, while stopping.
    Keep(Vec<Mastership>),
    /// Write down, for the next start, everything that operators hold: in place of what was given before.
    Holds(Vec<Held>),
    /// Write down, for every start to come, which other routers were heard: in place of what was given before.
    Met(Vec<Met>),
    /// Tell the journal.
    Report(Fact),
    /// Tell scripts and FIFOs.
    Notify(Box<Notice>),
    /// Answer a command.
    Answer {
        /// Of the command.
        id: u64,
        /// Its answer.
        answer: Box<Answer>,
    },
}

/// Where advertisements are received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Channel {
    /// Kernel index of the interface.
    pub index: u32,
    /// IPv4 or IPv6.
    pub family: Family,
    /// The group to join; none for unicast.
    pub group: Option<IpAddr>,
    /// Behind authentication headers as well.
    pub sealed: bool,
}

/// An address whose packets are dropped (`no_accept`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dropped {
    /// The address.
    pub address: IpAddr,
    /// For a link-local one: the kernel index of its interface, where it alone counts.
    pub index: Option<u32>,
}

/// An address that lvsdeck put on an interface: survives a crash in the state directory.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OwnedAddress {
    /// Interface name.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// Its prefix length.
    pub prefix: u8,
}
