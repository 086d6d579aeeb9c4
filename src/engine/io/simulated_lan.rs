//! A LAN in memory for the embedded cluster: stations with a link, an address and virtual addresses, real VRRP packets
//! between them, and a switch that learns from gratuitous ARP where an address is.
//!
//! Nothing of it touches this host. The wire between the stations can be cut, and can lose packets; clients, who are on the
//! other side of the switch, still reach every station. It reads no clock and decides nothing.

use super::vrrp_socket::{GROUP, ipv4_packet};
use super::wait::{self, Bell, Ear};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Kernel index of the one link that each station has.
pub const LINK: u32 = 2;
/// Its name.
pub const LINK_NAME: &str = "eth0";

/// The LAN; a clone is the same.
#[derive(Debug, Clone)]
pub struct SimulatedLan(Arc<Mutex<Hub>>);

#[derive(Debug)]
struct Hub {
    ports: Vec<Port>,
    is_cut: bool,
    loss_percent: u8,
    random: u64,
    /// Which station said last that an address is with it.
    learned: BTreeMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Port {
    inbox: VecDeque<Delivery>,
    bell: Bell,
    listens: bool,
    addresses: BTreeSet<(IpAddr, u8)>,
    mac: [u8; 6],
}

/// What reaches a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// An IPv4 packet, as a raw socket gives it.
    Packet(Vec<u8>),
    /// An answer to an ARP request, an Ethernet frame.
    Arp(Vec<u8>),
    /// An address came or went, as the kernel tells of it.
    Address(IpAddr, u8, bool),
}

/// A station's end.
#[derive(Debug)]
pub struct Station {
    lan: SimulatedLan,
    number: usize,
    ear: Ear,
}

impl SimulatedLan {
    /// A LAN without stations; `seed` decides which packets are lost.
    pub fn new(seed: u64) -> Self {
        let (ports, learned) = (Vec::new(), BTreeMap::new());
        Self(Arc::new(Mutex::new(Hub { ports, is_cut: false, loss_percent: 0, random: seed, learned })))
    }

    /// A new station with this address of its own. They are numbered from 0.
    pub fn join(&self, address: IpAddr, prefix: u8) -> io::Result<Station> {
        let (bell, ear) = wait::bell()?;
        let mut hub = self.hub();
        let number = hub.ports.len();
        // Locally administered (the second bit of the first byte).
        let mac = [2, 0, 0, 0, 0, u8::try_from(number + 1).unwrap_or(u8::MAX)];
        let addresses = [(address, prefix)].into();
        hub.ports.push(Port { inbox: VecDeque::new(), bell, listens: false, addresses, mac });
        drop(hub);
        Ok(Station { lan: self.clone(), number, ear })
    }

    /// Cuts the wire between the stations, or mends it.
    pub fn cut(&self, is_cut: bool) {
        self.hub().is_cut = is_cut;
    }

    /// Whether it is cut.
    pub fn is_cut(&self) -> bool {
        self.hub().is_cut
    }

    /// So many of a hundred packets are lost.
    pub fn lose(&self, percent: u8) {
        self.hub().loss_percent = percent.min(100);
    }

    /// How many are.
    pub fn loss_percent(&self) -> u8 {
        self.hub().loss_percent
    }

    /// The station that packets to an address go to: the last that announced it, if it has it; else any that has.
    pub fn holder(&self, address: IpAddr) -> Option<usize> {
        let hub = self.hub();
        let has = |number: usize| {
            hub.ports.get(number).is_some_and(|port| port.addresses.iter().any(|(known, _)| *known == address))
        };
        let learned = hub.learned.get(&address).copied().filter(|number| has(*number));
        learned.or_else(|| (0..hub.ports.len()).find(|number| has(*number)))
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Hub {
    /// `SplitMix64`.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The stations that are behind a wire that is whole.
    fn others(&self, own: usize) -> impl Iterator<Item = usize> + use<> {
        let reached = if self.is_cut { 0 } else { self.ports.len() };
        (0..reached).filter(move |to| *to != own)
    }

    /// Whether the next packet is lost.
    fn loses(&mut self) -> bool {
        self.draw() % 100 < u64::from(self.loss_percent)
    }

    fn deliver(&mut self, to: usize, delivery: Delivery) {
        if let Some(port) = self.ports.get_mut(to) {
            port.inbox.push_back(delivery);
            port.bell.ring();
        }
    }
}

impl Station {
    /// Its number.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// Its hardware address.
    pub fn mac(&self) -> Option<[u8; 6]> {
        self.lan.hub().ports.get(self.number).map(|port| port.mac)
    }

    /// The addresses that it has.
    pub fn addresses(&self) -> Vec<(IpAddr, u8)> {
        let hub = self.lan.hub();
        hub.ports.get(self.number).map(|port| port.addresses.iter().copied().collect()).unwrap_or_default()
    }

    /// Everything that has come.
    pub fn take(&self) -> VecDeque<Delivery> {
        self.ear.clear();
        let mut hub = self.lan.hub();
        hub.ports.get_mut(self.number).map(|port| std::mem::take(&mut port.inbox)).unwrap_or_default()
    }

    /// Receives VRRP, or no more.
    pub fn listen(&self, listens: bool) {
        if let Some(port) = self.lan.hub().ports.get_mut(self.number) {
            port.listens = listens;
        }
    }

    /// Sends a VRRP message to the group.
    pub fn send(&self, source: Ipv4Addr, message: &[u8]) {
        let packet = ipv4_packet(source, GROUP, 255, message);
        let mut hub = self.lan.hub();
        for to in hub.others(self.number) {
            if !hub.loses() && hub.ports.get(to).is_some_and(|port| port.listens) {
                hub.deliver(to, Delivery::Packet(packet.clone()));
            }
        }
    }

    /// Sends an ARP request, an Ethernet frame: whoever else has the address answers.
    pub fn ask(&self, frame: &[u8]) {
        let target = frame.get(38..42).and_then(|bytes| bytes.first_chunk::<4>());
        let Some((address, asker)) = target.zip(frame.get(6..12)) else { return };
        let mut hub = self.lan.hub();
        for other in hub.others(self.number) {
            let port = hub.ports.get(other);
            let has = |port: &&Port| port.addresses.iter().any(|(its, _)| *its == IpAddr::from(*address));
            if let Some(mac) = port.filter(has).map(|port| port.mac).filter(|_| !hub.loses()) {
                // Ethernet of RFC 894, a reply of RFC 826 about IPv4: from whom, to whom.
                let answer =
                    [asker, &mac, b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02", &mac, address, asker, &[0; 4]].concat();
                hub.deliver(self.number, Delivery::Arp(answer));
            }
        }
    }

    /// Sends an Ethernet frame: the switch learns the address that a gratuitous ARP announces.
    pub fn announce(&self, frame: &[u8]) {
        // The sender's protocol address of an ARP packet behind an Ethernet header.
        let address = frame.get(28..32).and_then(|bytes| bytes.first_chunk::<4>()).map(|bytes| IpAddr::from(*bytes));
        if let Some(address) = address {
            self.lan.hub().learned.insert(address, self.number);
        }
    }

    /// Puts an address on, or takes it off. Errors: it was there, or was not.
    pub fn change(&self, address: IpAddr, prefix: u8, present: bool) -> Result<(), &'static str> {
        let mut hub = self.lan.hub();
        let Some(port) = hub.ports.get_mut(self.number) else { return Err("No such device (os error 19)") };
        let changed =
            if present { port.addresses.insert((address, prefix)) } else { port.addresses.remove(&(address, prefix)) };
        if !changed {
            return Err(if present {
                "File exists (os error 17)"
            } else {
                "Cannot assign requested address (os error 99)"
            });
        }
        hub.deliver(self.number, Delivery::Address(address, prefix, present));
        Ok(())
    }
}

impl AsRawFd for Station {
    fn as_raw_fd(&self) -> RawFd {
        self.ear.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
    const OWN: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 11);

    fn pair() -> (SimulatedLan, Station, Station) {
        let lan = SimulatedLan::new(1);
        let (a, b) = (lan.join(OWN.into(), 24).unwrap(), lan.join(IpAddr::from([192, 0, 2, 12]), 24).unwrap());
        b.listen(true);
        (lan, a, b)
    }

    #[test]
    fn packets_reach_those_who_listen_unless_the_wire_is_cut_or_loses_them() {
        let (lan, a, b) = pair();
        a.send(OWN, &[0x31]);
        assert_eq!((a.take().len(), b.take().len()), (0, 1));
        lan.cut(true);
        a.send(OWN, &[0x31]);
        assert_eq!(b.take().len(), 0);
        lan.cut(false);
        lan.lose(25);
        (0..1000).for_each(|_| a.send(OWN, &[0x31]));
        let arrived = b.take().len();
        assert!((700..800).contains(&arrived), "{arrived} of 1000 at 25 %");
        b.listen(false);
        lan.lose(0);
        a.send(OWN, &[0x31]);
        assert_eq!(b.take().len(), 0);
    }

    #[test]
    fn whoever_has_an_address_answers_for_it_as_long_as_the_wire_is_whole() {
        let (lan, a, b) = pair();
        let ask = |address| a.ask(&crate::engine::vrrp::probe(a.mac().unwrap(), address));
        ask(Ipv4Addr::new(192, 0, 2, 99));
        ask(OWN);
        assert_eq!(a.take(), [], "nobody else has it");
        let address = Ipv4Addr::new(192, 0, 2, 12);
        ask(address);
        let heard = a.take();
        let Some(Delivery::Arp(frame)) = heard.front() else { panic!("no answer: {heard:?}") };
        let claim = crate::engine::vrrp::claim(frame).unwrap();
        assert_eq!((heard.len(), claim.address, Some(claim.mac), claim.is_answer), (1, address, b.mac(), true));
        lan.cut(true);
        ask(address);
        assert_eq!((a.take().len(), b.take().len()), (0, 0));
    }

    #[test]
    fn the_switch_sends_clients_to_the_last_who_announced_an_address_that_he_has() {
        let (lan, a, b) = pair();
        assert_eq!(lan.holder(VIP), None);
        a.change(VIP, 24, true).unwrap();
        assert_eq!(a.change(VIP, 24, true), Err("File exists (os error 17)"));
        assert_eq!(a.take(), [Delivery::Address(VIP, 24, true)]);
        assert_eq!(lan.holder(VIP), Some(0), "nobody announced it, and one has it");
        b.change(VIP, 24, true).unwrap();
        b.announce(&crate::engine::vrrp::announcement(b.mac().unwrap(), Ipv4Addr::new(192, 0, 2, 10).into()));
        assert_eq!(lan.holder(VIP), Some(1), "two have it, and b said so last");
        b.change(VIP, 24, false).unwrap();
        assert_eq!(lan.holder(VIP), Some(0));
    }
}
