//! A LAN in virtual time: nodes with a kernel of their own (links, addresses, echoes), packets with loss, duplication and
//! delay, partitions, crashes. A synchronous loop over inputs and actions; one seed gives one history.

use crate::engine::command::{Answer, Asked, Command, Who};
use crate::engine::event::{EventKind, Fact};
use crate::engine::failover::{
    Action, Dropped, Failover, Held, Input, Link, Macvlan, Mastership, Met, OwnedAddress, Past,
};
use crate::engine::model::{
    AdvertInterval, Authentication, Configuration, Family, GratuitousArp, Notifications, Priority, StartState,
    SyncGroup, Transport, Variations, VirtualAddress, VirtualLink, VirtualRouter, Vrid, VrrpVersion,
};
use crate::engine::snapshot::{Moment, VirtualRouterState, VirtualRouterStatus};
use crate::engine::vrrp::{AuthenticationHeader, announced};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Kernel index of `eth0`; `eth1` is the next.
pub const ETH0: u32 = 2;
pub const ETH1: u32 = 3;

/// How long after a change the kernel tells of it.
const ECHO: Duration = Duration::from_millis(2);

/// `SplitMix64`: small, and the same on every machine.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.below(from.len() as u64)).unwrap()]
    }
}

/// What the network does to packets.
#[derive(Default, Clone)]
pub struct Faults {
    pub loss_percent: u64,
    pub duplicate_percent: u64,
    pub delay_up_to: Duration,
    /// The shortest way, before that is added.
    pub least_delay: Duration,
    /// Node by node: the side of a partition it is on.
    pub sides: Vec<u8>,
    /// Nodes that hear nobody, and are heard.
    pub deaf: Vec<usize>,
}

enum Delivery {
    Packet { index: u32, packet: Vec<u8> },
    Address { index: u32, address: IpAddr, prefix: u8, present: bool },
    Link(Link),
    LinkGone { index: u32 },
}

pub struct Node {
    pub core: Option<Failover>,
    pub configuration: Configuration,
    pub links: Vec<Link>,
    pub addresses: Vec<(u32, IpAddr, u8)>,
    pub remembered: Vec<OwnedAddress>,
    pub remembered_links: Vec<VirtualLink>,
    /// Making interfaces fails.
    pub refuses_links: bool,
    /// What an orderly end left for the next start.
    pub kept: Vec<Mastership>,
    /// What operators hold, as it was given last.
    pub holds: Vec<Held>,
    /// Which other routers were heard, likewise.
    pub met: Vec<Met>,
    pub actions: Vec<(Instant, Action)>,
    pub answers: Vec<(Instant, Answer)>,
    /// Additions of addresses that fail.
    pub refuses_addresses: bool,
    /// Removals of addresses that fail.
    pub refuses_removals: bool,
    /// Changes of addresses do not get to the kernel.
    pub loses_actions: bool,
    /// What the kernel says about addresses is lost.
    pub loses_answers: bool,
    /// Joining fails, and so does sending where nothing is joined.
    pub refuses_joins: bool,
    /// Interfaces that are joined.
    pub joined: Vec<u32>,
    /// Above this are the numbers of its authentication headers when it starts.
    pub sequence: u32,
    /// Addresses whose packets are dropped.
    pub dropped: Vec<Dropped>,
}

pub struct Lan {
    pub start: Instant,
    pub now: Instant,
    pub nodes: Vec<Node>,
    pub random: Random,
    pub faults: Faults,
    queue: BTreeMap<(Instant, u64), (usize, Delivery)>,
    sequence: u64,
}

/// `VI_1` with VRID 51 on `eth0`: priority 100, 1 s, version 2, one address 192.0.2.254/24.
pub fn virtual_router(name: &str, interface: &str, priority: u8) -> VirtualRouter {
    VirtualRouter {
        name: name.to_owned(),
        interface: interface.to_owned(),
        vrid: Vrid::new(51).unwrap(),
        family: Family::Inet,
        transport: Transport::multicast(Family::Inet),
        source: None,
        version: VrrpVersion::V2,
        start_state: StartState::Backup,
        priority: Priority::new(priority).unwrap(),
        advert_interval: AdvertInterval::DEFAULT,
        preempt: true,
        preempt_delay: Duration::ZERO,
        authentication: Authentication::None,
        addresses: vec![vip(254)],
        links: Vec::new(),
        advertises_from: None,
        routing: Vec::new(),
        garp: GratuitousArp::default(),
        tracks: Vec::new(),
        tracks_interface: true,
        variations: Variations::default(),
        notifications: Notifications::default(),
    }
}

pub fn vip(last: u8) -> VirtualAddress {
    VirtualAddress::new(IpAddr::from([192, 0, 2, last]), 24)
}

/// One instance.
pub fn one(priority: u8) -> Configuration {
    Configuration { virtual_routers: vec![virtual_router("VI_1", "eth0", priority)], ..Configuration::default() }
}

/// `VI_1` on `eth0` and `VI_2` on `eth1` in the sync group `G`.
pub fn pair(priority: u8) -> Configuration {
    let mut second = virtual_router("VI_2", "eth1", priority);
    second.addresses = vec![VirtualAddress { address: IpAddr::from([198, 51, 100, 254]), ..vip(0) }];
    let members = vec!["VI_1".to_owned(), "VI_2".to_owned()];
    Configuration {
        virtual_routers: vec![virtual_router("VI_1", "eth0", priority), second],
        sync_groups: vec![SyncGroup { name: "G".to_owned(), members, notifications: Notifications::default() }],
        ..Configuration::default()
    }
}

/// The group of IPv4.
pub const GROUP: IpAddr = Transport::default_group(Family::Inet);

/// A packet to the group, as a raw socket gives it.
pub fn packet(source: Ipv4Addr, ttl: u8, message: &[u8]) -> Vec<u8> {
    packet_to(source.into(), GROUP, ttl, message)
}

/// A packet of either family.
pub fn packet_to(source: IpAddr, destination: IpAddr, ttl: u8, message: &[u8]) -> Vec<u8> {
    let octets = |address| match address {
        IpAddr::V4(address) => Ipv4Addr::octets(&address).to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let header = if source.is_ipv4() { 20 } else { 0 };
    let length = u16::try_from(header + message.len()).unwrap().to_be_bytes();
    let mut packet = match source {
        IpAddr::V4(_) => vec![0x45, 0xc0, length[0], length[1], 0, 1, 0, 0, ttl, 112, 0, 0],
        IpAddr::V6(_) => vec![0x6c, 0, 0, 0, length[0], length[1], 112, ttl],
    };
    packet.extend(octets(source));
    packet.extend(octets(destination));
    packet.extend(message);
    packet
}

/// The same, behind an authentication header.
fn sealed(
    source: IpAddr,
    destination: IpAddr,
    ttl: u8,
    message: &[u8],
    header: Option<AuthenticationHeader>,
) -> Vec<u8> {
    let Some(AuthenticationHeader { bytes, identification }) = header else {
        return packet_to(source, destination, ttl, message);
    };
    let mut packet = packet_to(source, destination, ttl, &[&bytes, message].concat());
    packet[4..6].copy_from_slice(&identification.to_be_bytes());
    packet[9] = 51;
    packet
}

impl Lan {
    /// Nodes 192.0.2.11, .12, … that are not started yet.
    pub fn new(configurations: Vec<Configuration>) -> Self {
        let now = Instant::now();
        let nodes = (0u8..).zip(configurations).map(|(n, configuration)| Node::new(n, configuration)).collect();
        let faults = Faults { delay_up_to: Duration::from_micros(300), ..Faults::default() };
        Self { start: now, now, nodes, random: Random(1), faults, queue: BTreeMap::new(), sequence: 0 }
    }

    /// All started at once.
    pub fn started(configurations: Vec<Configuration>) -> Self {
        let mut lan = Self::new(configurations);
        for n in 0..lan.nodes.len() {
            lan.boot(n);
        }
        lan
    }

    /// Starts a node's engine on what its kernel has.
    pub fn boot(&mut self, n: usize) {
        self.boot_hearing(n, &[]);
    }

    /// The same, and until what was master before has listened for another master.
    pub fn boot_listening(&mut self, n: usize) {
        self.boot(n);
        while self.listens(n) {
            self.run_for(Duration::from_millis(1));
        }
    }

    pub fn listens(&self, n: usize) -> bool {
        self.status(n).iter().any(|status| status.next.as_ref().is_some_and(|next| next.waiting == "resumption"))
    }

    /// The same as [`boot`](Self::boot); this comes before the start.
    pub fn boot_with(&mut self, n: usize, early: impl FnOnce(&mut Self)) {
        self.load(n);
        early(self);
        self.input(n, Input::Start);
    }

    /// The same; these packets come before the start.
    pub fn boot_hearing(&mut self, n: usize, packets: &[(u32, Vec<u8>)]) {
        self.boot_with(n, |lan| {
            for (index, packet) in packets {
                if lan.nodes[n].joined.contains(index) {
                    lan.inject(n, *index, packet);
                }
            }
        });
    }

    fn load(&mut self, n: usize) {
        let node = &mut self.nodes[n];
        let past = Past {
            owned: node.remembered.clone(),
            links: node.remembered_links.clone(),
            masterships: std::mem::take(&mut node.kept),
            holds: node.holds.clone(),
            met: node.met.clone(),
            sequence: node.sequence,
        };
        let mut core = Failover::new(&node.configuration, past, self.now);
        for link in &node.links {
            core.handle(self.now, Input::Link(link.clone()));
        }
        for (index, address, prefix) in node.addresses.clone() {
            core.handle(self.now, Input::Address { index, address, prefix, present: true, by: None });
        }
        node.core = Some(core);
        node.joined.clear();
        self.perform(n);
    }

    /// Lists everything anew, as after lost messages of the kernel.
    pub fn resync(&mut self, n: usize) {
        self.input(n, Input::Resync);
        for link in self.nodes[n].links.clone() {
            self.input(n, Input::Link(link));
        }
        for (index, address, prefix) in self.nodes[n].addresses.clone() {
            self.input(n, Input::Address { index, address, prefix, present: true, by: None });
        }
    }

    /// The engine is gone without a word; the kernel keeps what it has.
    pub fn crash(&mut self, n: usize) {
        self.nodes[n].core = None;
        self.nodes[n].joined.clear();
        self.queue.retain(|_, (node, _)| *node != n);
    }

    pub fn input(&mut self, n: usize, input: Input<'_>) {
        if let Some(core) = &mut self.nodes[n].core {
            core.handle(self.now, input);
            self.perform(n);
        }
    }

    pub fn command(&mut self, n: usize, command: Command) {
        self.ask(n, command, false, None);
    }

    pub fn ask(&mut self, n: usize, command: Command, dry_run: bool, token: Option<String>) {
        let who = Who { user: "root".to_owned(), pid: Some(4), ..Who::default() };
        let reason = Some("kernel update".to_owned());
        self.input(
            n,
            Input::Command(Box::new(Asked { id: 7, command, dry_run, token, force: false, who, reason, undoes: None })),
        );
    }

    pub fn reload(&mut self, n: usize, configuration: Configuration) {
        self.nodes[n].configuration = configuration.clone();
        self.input(n, Input::Reload(Arc::new(configuration)));
    }

    /// The engine ends without resigning; its process is gone when it says that it is.
    pub fn keep(&mut self, n: usize) {
        self.input(n, Input::Shutdown { keep: true });
        assert!(self.nodes[n].core.as_ref().is_some_and(Failover::is_stopped));
        self.crash(n);
    }

    pub fn set_link(&mut self, n: usize, index: u32, up: bool) {
        let link = self.nodes[n].links.iter_mut().find(|link| link.index == index).unwrap();
        link.up = up;
        let link = link.clone();
        self.input(n, Input::Link(link));
    }

    /// Somebody changes an address behind the engine's back.
    pub fn meddle(&mut self, n: usize, index: u32, address: IpAddr, prefix: u8, present: bool) {
        let addresses = &mut self.nodes[n].addresses;
        let had = addresses.contains(&(index, address, prefix));
        addresses.retain(|known| *known != (index, address, prefix));
        if present {
            addresses.push((index, address, prefix));
        }
        if had != present && !self.nodes[n].loses_answers {
            self.deliver(n, ECHO, Delivery::Address { index, address, prefix, present });
        }
    }

    /// A packet from outside of the simulated nodes.
    pub fn inject(&mut self, n: usize, index: u32, packet: &[u8]) {
        self.input(n, Input::Packet { index, packet });
    }

    pub fn run_for(&mut self, span: Duration) {
        let end = self.now + span;
        while self.step(end) {}
        self.now = end;
    }

    /// Works off the next event before `end`; packets come before timeouts, as the driver drains its socket first.
    fn step(&mut self, end: Instant) -> bool {
        let packet_at = self.queue.first_key_value().map(|((at, _), _)| *at);
        let timeout = self.nodes.iter().enumerate();
        let timeout = timeout.filter_map(|(n, node)| Some((node.core.as_ref()?.poll_timeout()?.0, n))).min();
        match (packet_at, timeout) {
            (Some(at), timeout) if at <= end && timeout.is_none_or(|(due, _)| at <= due) => {
                let (_, (n, delivery)) = self.queue.pop_first().unwrap();
                self.now = self.now.max(at);
                match delivery {
                    // The system gives packets of a group to those that joined it only.
                    Delivery::Packet { index, .. } if !self.nodes[n].joined.contains(&index) => {}
                    Delivery::Packet { index, packet } => self.input(n, Input::Packet { index, packet: &packet }),
                    Delivery::Link(link) => self.input(n, Input::Link(link)),
                    Delivery::LinkGone { index } => self.input(n, Input::LinkGone { index }),
                    Delivery::Address { index, address, prefix, present } => {
                        let by = (!present).then(|| "pid 9 (ip)".to_owned());
                        self.input(n, Input::Address { index, address, prefix, present, by });
                    }
                }
                true
            }
            (_, Some((due, n))) if due <= end => {
                assert!(due >= self.now || self.now.duration_since(due) < Duration::from_secs(1), "a deadline stays");
                self.now = self.now.max(due);
                self.input(n, Input::Timeout);
                let next = self.nodes[n].core.as_ref().unwrap().poll_timeout();
                assert!(next.is_none_or(|(at, _)| at > self.now || at > due), "no progress: {next:?}");
                true
            }
            _ => false,
        }
    }

    fn deliver(&mut self, n: usize, delay: Duration, delivery: Delivery) {
        self.sequence += 1;
        self.queue.insert((self.now + delay, self.sequence), (n, delivery));
    }

    fn perform(&mut self, n: usize) {
        while let Some(action) = self.nodes[n].core.as_mut().and_then(Failover::poll_action) {
            self.nodes[n].actions.push((self.now, action.clone()));
            match action {
                Action::Join(channel) if !self.nodes[n].refuses_joins => self.nodes[n].joined.push(channel.index),
                Action::Advertise { index, source, destination, ttl, ref message, header, mac }
                    if self.nodes[n].hears_or_sends(index, mac) =>
                {
                    let index = self.nodes[n].below(index);
                    self.send(n, index, destination, &sealed(source, destination, ttl, message, header));
                }
                Action::Join(_) | Action::Advertise { .. } => {
                    let error = "No buffer space available (os error 105)".to_owned();
                    self.input(n, Input::Refused { action: Box::new(action), error });
                }
                Action::AddAddress { index, ref address } => self.change(n, index, address, true, &action),
                Action::RemoveAddress { index, ref address } => self.change(n, index, address, false, &action),
                Action::Remember(owned) => self.nodes[n].remembered = owned,
                Action::RememberLinks(links) => self.nodes[n].remembered_links = links,
                Action::MakeLink { ref link, base } => self.make_link(n, link, base, &action),
                Action::SetLink { index, up } => self.change_link(n, index, Some(up)),
                Action::RemoveLink { index } => self.change_link(n, index, None),
                Action::Keep(kept) => self.nodes[n].kept = kept,
                Action::Holds(holds) => self.nodes[n].holds = holds,
                Action::Met(met) => self.nodes[n].met = met,
                Action::Answer { answer, .. } => self.nodes[n].answers.push((self.now, *answer)),
                Action::Leave { index, .. } => self.nodes[n].joined.retain(|joined| *joined != index),
                Action::Announce { .. }
                | Action::LeaveLink { .. }
                | Action::Probe { .. }
                | Action::Route { .. }
                | Action::Report(_)
                | Action::Notify(_) => {}
                Action::Drop { addresses, present: true } => self.nodes[n].dropped.extend(addresses),
                Action::Drop { addresses, present: false } => {
                    self.nodes[n].dropped.retain(|dropped| !addresses.contains(dropped));
                }
                Action::DropNothing => self.nodes[n].dropped.clear(),
            }
        }
    }

    /// A macvlan interface, down; what has its name and is none is in the way.
    fn make_link(&mut self, n: usize, link: &VirtualLink, base: u32, action: &Action) {
        let found = self.nodes[n].links.iter().find(|known| known.name == link.name);
        let lacks_base = !self.nodes[n].links.iter().any(|known| known.index == base);
        if found.is_some_and(|found| found.macvlan.is_none()) || self.nodes[n].refuses_links || lacks_base {
            let error =
                if lacks_base { "No such device (os error 19)" } else { "Operation not supported (os error 95)" };
            let error = error.to_owned();
            return self.input(n, Input::Refused { action: Box::new(action.clone()), error });
        }
        let index = found.map_or(100 + u32::try_from(self.nodes[n].links.len()).unwrap(), |found| found.index);
        let macvlan = found.map_or(Some(Macvlan { base, enabled: false }), |found| found.macvlan);
        let up = found.is_some_and(|found| found.up);
        self.nodes[n].links.retain(|known| known.index != index);
        let made = Link { index, name: link.name.clone(), up, mac: Some(link.mac.0), macvlan };
        self.nodes[n].links.push(made.clone());
        self.deliver(n, ECHO, Delivery::Link(made));
    }

    /// Sets a link up or down, or removes it with what is on it.
    pub fn change_link(&mut self, n: usize, index: u32, up: Option<bool>) {
        let Some(at) = self.nodes[n].links.iter().position(|known| known.index == index) else { return };
        let Some(up) = up else {
            // What is on top of it goes first.
            let above: Vec<u32> = self.nodes[n]
                .links
                .iter()
                .filter(|l| l.macvlan.is_some_and(|m| m.base == index))
                .map(|l| l.index)
                .collect();
            self.nodes[n].links.remove(at);
            for index in above {
                self.change_link(n, index, None);
            }
            self.nodes[n].addresses.retain(|(on, ..)| *on != index);
            return self.deliver(n, ECHO, Delivery::LinkGone { index });
        };
        let link = &mut self.nodes[n].links[at];
        link.up = up;
        link.macvlan = link.macvlan.map(|macvlan| Macvlan { enabled: up, ..macvlan });
        let told = link.clone();
        self.deliver(n, ECHO, Delivery::Link(told));
    }

    /// As the kernel does it: what is as wanted already is refused.
    fn change(&mut self, n: usize, index: u32, address: &VirtualAddress, present: bool, action: &Action) {
        let place = (index, address.address, address.prefix);
        let node = &self.nodes[n];
        if node.loses_actions {
            return;
        }
        let refuses = if present { node.refuses_addresses } else { node.refuses_removals };
        if node.addresses.contains(&place) == present || refuses {
            if node.loses_answers {
                return;
            }
            let error = if present { "File exists (os error 17)" } else { "Cannot assign (os error 99)" };
            self.input(n, Input::Refused { action: Box::new(action.clone()), error: error.to_owned() });
        } else {
            self.meddle(n, index, address.address, address.prefix, present);
        }
    }

    /// To everybody on the link, or to who has the address.
    fn send(&mut self, from: usize, index: u32, destination: IpAddr, packet: &[u8]) {
        for to in 0..self.nodes.len() {
            if !destination.is_multicast() && !self.nodes[to].addresses.iter().any(|(_, a, _)| *a == destination) {
                continue;
            }
            let side = |n: usize| self.faults.sides.get(n).copied().unwrap_or(0);
            let linked = |n: usize| self.nodes[n].links.iter().any(|link| link.index == index && link.up);
            if to == from || self.faults.deaf.contains(&to) || side(to) != side(from) || !linked(from) || !linked(to) {
                continue;
            }
            let copies = 1 + u32::from(self.random.chance(self.faults.duplicate_percent));
            for _ in 0..copies {
                let delay = u64::try_from(self.faults.delay_up_to.as_nanos()).unwrap();
                let delay = self.faults.least_delay + Duration::from_nanos(self.random.below(delay.max(1)));
                if !self.random.chance(self.faults.loss_percent) && self.nodes[to].core.is_some() {
                    self.deliver(to, delay, Delivery::Packet { index, packet: packet.to_vec() });
                }
            }
        }
    }

    pub fn status(&self, n: usize) -> Vec<VirtualRouterStatus> {
        self.nodes[n].core.as_ref().map(|core| core.status(self.moment())).unwrap_or_default()
    }

    /// Now.
    pub fn moment(&self) -> Moment {
        Moment { now: self.now, wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) }
    }

    /// State of a node's first instance.
    pub fn state(&self, n: usize) -> VirtualRouterState {
        self.status(n)[0].state
    }

    pub fn masters(&self) -> Vec<usize> {
        let master = |n: &usize| self.status(*n).iter().any(|s| s.state == VirtualRouterState::Master);
        (0..self.nodes.len()).filter(master).collect()
    }

    /// Nodes whose kernel has the address.
    pub fn holders(&self, address: IpAddr) -> Vec<usize> {
        let has = |n: &usize| self.nodes[*n].addresses.iter().any(|known| known.1 == address);
        (0..self.nodes.len()).filter(has).collect()
    }
}

/// An interface that is up.
pub fn link(index: u32, name: &str) -> Link {
    Link {
        index,
        name: name.to_owned(),
        up: true,
        mac: Some([2, 0, 0, 0, u8::try_from(index).unwrap(), 0]),
        macvlan: None,
    }
}

impl Node {
    fn new(n: u8, configuration: Configuration) -> Self {
        let link = |index: u32, name: &str| Link {
            index,
            name: name.to_owned(),
            up: true,
            mac: Some([2, 0, 0, 0, u8::try_from(index).unwrap(), n]),
            macvlan: None,
        };
        Self {
            core: None,
            configuration,
            links: vec![link(ETH0, "eth0"), link(ETH1, "eth1")],
            addresses: vec![
                (ETH0, IpAddr::from([192, 0, 2, 11 + n]), 24),
                (ETH1, IpAddr::from([198, 51, 100, 11 + n]), 24),
                (ETH0, IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x11 + u16::from(n))), 64),
            ],
            remembered: Vec::new(),
            remembered_links: Vec::new(),
            refuses_links: false,
            kept: Vec::new(),
            holds: Vec::new(),
            met: Vec::new(),
            actions: Vec::new(),
            answers: Vec::new(),
            refuses_addresses: false,
            refuses_removals: false,
            loses_actions: false,
            loses_answers: false,
            refuses_joins: false,
            joined: Vec::new(),
            sequence: 0,
            dropped: Vec::new(),
        }
    }

    /// The link below, of a virtual one.
    pub fn below(&self, index: u32) -> u32 {
        let found = self.links.iter().find(|link| link.index == index);
        found.and_then(|link| link.macvlan).map_or(index, |macvlan| macvlan.base)
    }

    /// Whether a message can leave there: by a socket, or as a frame out of a link that is up.
    fn hears_or_sends(&self, index: u32, mac: Option<[u8; 6]>) -> bool {
        let frame = self.links.iter().any(|link| link.index == index && link.mac == mac && link.up);
        if mac.is_some() { frame } else { self.joined.contains(&index) }
    }

    pub fn facts(&self, kind: EventKind) -> Vec<Fact> {
        let fact = |(_, action): &(Instant, Action)| match action {
            Action::Report(fact) if fact.kind == kind => Some(fact.clone()),
            _ => None,
        };
        self.actions.iter().filter_map(fact).collect()
    }

    /// Actions since `from`, in a word each; reports are left out.
    pub fn words(&self, from: usize) -> Vec<String> {
        let word = |(_, action): &(Instant, Action)| match action {
            Action::Join(_) => Some("join".to_owned()),
            Action::Leave { .. } => Some("leave".to_owned()),
            Action::Advertise { message, .. } => Some(format!("advertise {}", message[2])),
            Action::AddAddress { address, .. } => Some(format!("add {address}")),
            Action::RemoveAddress { address, .. } => Some(format!("remove {address}")),
            Action::Announce { frame, .. } => Some(match announced(frame).unwrap() {
                IpAddr::V4(address) => format!("announce .{}", address.octets()[3]),
                IpAddr::V6(address) => format!("announce {address}"),
            }),
            Action::Remember(owned) => Some(format!("remember {}", owned.len())),
            Action::RememberLinks(links) => Some(format!("remember {} links", links.len())),
            Action::MakeLink { link, .. } => Some(format!("make {}", link.name)),
            Action::SetLink { up, .. } => Some(format!("link {}", if *up { "up" } else { "down" })),
            Action::RemoveLink { .. } => Some("remove link".to_owned()),
            Action::LeaveLink { link, .. } => Some(format!("leave {}", link.name)),
            Action::Answer { answer, .. } => Some(format!("answer {:?}", answer.outcome)),
            Action::Keep(kept) => Some(format!("keep {}", kept.len())),
            Action::Route { entry, present: true } => Some(format!("set {entry}")),
            Action::Route { entry, present: false } => Some(format!("unset {entry}")),
            Action::Drop { addresses, present } => {
                let list: Vec<String> = addresses.iter().map(|dropped| dropped.address.to_string()).collect();
                Some(format!("{} {}", if *present { "drop" } else { "accept" }, list.join(" ")))
            }
            Action::DropNothing => Some("drop nothing".to_owned()),
            Action::Probe { .. } | Action::Holds(_) | Action::Met(_) | Action::Report(_) | Action::Notify(_) => None,
        };
        self.actions[from..].iter().filter_map(word).collect()
    }

    /// Notices since `from`, as a FIFO has them, and the commands of each.
    pub fn notices(&self, from: usize) -> Vec<String> {
        let notice = |(_, action): &(Instant, Action)| match action {
            Action::Notify(notice) => {
                let runs = notice.commands.iter().map(|c| format!(" > {}", c.command.join(" ")));
                Some(notice.line() + &runs.collect::<String>())
            }
            _ => None,
        };
        self.actions[from..].iter().filter_map(notice).collect()
    }

    pub fn answer(&self) -> &Answer {
        &self.answers.last().expect("an answer").1
    }

    pub fn warnings(&self) -> Vec<String> {
        self.core.as_ref().map(|c| c.warnings().into_iter().map(|w| w.code).collect()).unwrap_or_default()
    }
}

pub fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
