//! Links and addresses of the host over route netlink, for the failover loop.
//!
//! One non-blocking socket tells of changes and carries the requests to put addresses on links; it sits in the loop's
//! `ppoll`. The start and each [`RouteMessage::Resync`] read the whole list on a socket of its own, in one go, since what a
//! dump shares with events can't be told apart. It decides nothing, and never touches an address that it was not told to.

use super::netlink::{Message, Messages, RequestError, Requests, frame};
use super::{link_message, routing_message, socket_option};
use crate::engine::failover::Macvlan;
use crate::engine::ipvs::attribute::{Attributes, Builder, array, text};
use crate::engine::model::{Routing, VirtualAddress, VirtualLink};
use neli::consts::nl::NlmF;
use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

/// What is subscribed to.
const GROUPS: [u32; 3] = [libc::RTNLGRP_LINK, libc::RTNLGRP_IPV4_IFADDR, libc::RTNLGRP_IPV6_IFADDR];
/// Wished for the receive buffer: some ten thousand events.
const RECEIVE_BUFFER: libc::c_int = 8 * 1024 * 1024;
/// How long a list may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How often a list that changed while it was read is read again.
const READINGS: usize = 10;
/// Bytes of `struct ifinfomsg` and `struct ifaddrmsg`.
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;

/// `uapi/linux/if_addr.h`.
const IFA_FLAGS: u16 = 8;
const IFA_F_MANAGETEMPADDR: u32 = 0x100;
const IFA_F_NOPREFIXROUTE: u32 = 0x200;
const IFA_F_MCAUTOJOIN: u32 = 0x400;

const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// Something that route netlink said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteMessage {
    /// A link as it is now.
    Link {
        /// Kernel index.
        index: u32,
        /// Name.
        name: String,
        /// `IFF_UP` and `IFF_RUNNING`.
        up: bool,
        /// Hardware address; none where the link has none of 6 bytes.
        mac: Option<[u8; 6]>,
        /// Where it is a macvlan interface on another one of this namespace.
        macvlan: Option<Macvlan>,
    },
    /// A link left this network namespace.
    LinkGone {
        /// Kernel index.
        index: u32,
    },
    /// An address came or went.
    Address {
        /// Kernel index of its link.
        index: u32,
        /// The address.
        address: IpAddr,
        /// Its prefix length.
        prefix: u8,
        /// Came or went.
        present: bool,
        /// The port of the socket that asked for its removal; none where the kernel removed it by itself.
        by: Option<u32>,
    },
    /// The answer to [`RouteSocket::add_address`] or [`RouteSocket::remove_address`].
    Ack {
        /// What that call returned.
        seq: u32,
        /// None: done. Otherwise the errno: EEXIST for an address that was there already, EADDRNOTAVAIL for one that was
        /// not, ENODEV for a link that is gone.
        error: Option<i32>,
    },
    /// Messages were lost, answers too: call [`RouteSocket::dump`], and expect no answer to what was asked before.
    Resync,
}

/// The connection.
pub struct RouteSocket {
    socket: NlSocket,
    seq: u32,
    buffer: Vec<u8>,
    /// What was told and is still there, so that a dump can tell what went unnoticed.
    links: BTreeSet<u32>,
    addresses: BTreeSet<(u32, IpAddr, u8)>,
}

/// Whether each interface in the calling thread's network namespace is up and has a carrier.
pub fn links() -> io::Result<BTreeMap<String, bool>> {
    let mut requests = Requests::open(NlFamily::Route, TIMEOUT)?;
    let list = read_list(&mut requests, libc::RTM_GETLINK, &link_header())?;
    let link = |message| if let RouteMessage::Link { name, up, .. } = message { Some((name, up)) } else { None };
    Ok(list.into_iter().filter_map(link).collect())
}

impl RouteSocket {
    /// Subscribes in the calling thread's network namespace. Events queue from here on; [`dump`](Self::dump) next.
    pub fn open() -> io::Result<Self> {
        let socket = NlSocket::connect(NlFamily::Route, None, Groups::new_groups(&GROUPS))?;
        socket.nonblock()?;
        enlarge_receive_buffer(&socket)?;
        let (links, addresses) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { socket, seq: 0, buffer: vec![0; 64 * 1024], links, addresses })
    }

    /// Tells all links, then all addresses, then what was told before and is no more. Takes some milliseconds.
    pub fn dump(&mut self, mut each: impl FnMut(RouteMessage)) -> io::Result<()> {
        let mut requests = Requests::open(NlFamily::Route, TIMEOUT)?;
        let mut list = read_list(&mut requests, libc::RTM_GETLINK, &link_header())?;
        for family in [AF_INET, AF_INET6] {
            list.extend(read_list(&mut requests, libc::RTM_GETADDR, &address_header(family, 0, 0, 0))?);
        }
        let links = std::mem::take(&mut self.links);
        let addresses = std::mem::take(&mut self.addresses);
        for message in list {
            self.remember(&message);
            each(message);
        }
        for (index, address, prefix) in addresses.difference(&self.addresses).copied() {
            each(RouteMessage::Address { index, address, prefix, present: false, by: None });
        }
        for index in links.difference(&self.links).copied() {
            each(RouteMessage::LinkGone { index });
        }
        Ok(())
    }

    /// Tells everything that waits, and returns without blocking. [`RouteMessage::Resync`] comes last.
    pub fn receive(&mut self, mut each: impl FnMut(RouteMessage)) -> io::Result<()> {
        let mut lost = false;
        loop {
            let length = match self.socket.recv(&mut self.buffer, Msg::empty()) {
                Ok((length, _)) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    lost = true;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let told: Vec<_> = Messages(self.buffer.get(..length).unwrap_or_default()).filter_map(decode).collect();
            for message in told {
                self.remember(&message);
                each(message);
            }
        }
        if lost {
            each(RouteMessage::Resync);
        }
        Ok(())
    }

    /// Asks to put an address on a link as its options have it. The answer comes as
    /// [`RouteMessage::Ack`] with the number returned, after the event about the address itself.
    pub fn add_address(&mut self, index: u32, address: &VirtualAddress) -> io::Result<u32> {
        let label = address.label.as_deref().filter(|_| address.address.is_ipv4());
        self.ask(libc::RTM_NEWADDR, NlmF::CREATE | NlmF::EXCL, index, address, label)
    }

    /// Asks to take an address off a link, whatever its label. The answer comes as from [`add_address`](Self::add_address).
    pub fn remove_address(&mut self, index: u32, address: &VirtualAddress) -> io::Result<u32> {
        self.ask(libc::RTM_DELADDR, NlmF::empty(), index, address, None)
    }

    /// Asks to set a route or a rule, or to remove it; `index` knows interfaces by name. The answer comes as from
    /// [`add_address`](Self::add_address). Errors: an interface in it does not exist.
    pub fn set_routing(
        &mut self,
        entry: &Routing,
        present: bool,
        index: impl Fn(&str) -> Option<u32>,
    ) -> io::Result<u32> {
        let (kind, flags, payload) = routing_message::message(entry, present, index)?;
        self.send(kind, flags, &payload)
    }

    /// Asks to make a virtual interface on the one with this index, or to set one of its name right. The answer comes as
    /// from [`add_address`](Self::add_address).
    pub fn make_link(&mut self, link: &VirtualLink, base: u32) -> io::Result<u32> {
        let made = self.send(libc::RTM_NEWLINK, NlmF::CREATE, &link_message::make(link, base))?;
        // What the system refuses of these is not worth doing without the interface.
        for payload in link_message::settle(link, base, link_message::all_interfaces_filter()) {
            self.send(libc::RTM_NEWLINK, NlmF::empty(), &payload)?;
        }
        Ok(made)
    }

    /// Asks to give a virtual interface the mode that keepalived's have. The answer comes as from [`add_address`](Self::add_address).
    pub fn leave_link(&mut self, link: &VirtualLink, base: u32) -> io::Result<u32> {
        self.send(libc::RTM_NEWLINK, NlmF::empty(), &link_message::leave(link, base))
    }

    /// Asks to set an interface up or down. The answer comes as from [`add_address`](Self::add_address).
    pub fn set_link(&mut self, index: u32, up: bool) -> io::Result<u32> {
        self.send(libc::RTM_NEWLINK, NlmF::empty(), &link_message::set(index, up))
    }

    /// Asks to remove an interface. The answer comes as from [`add_address`](Self::add_address).
    pub fn remove_link(&mut self, index: u32) -> io::Result<u32> {
        self.send(libc::RTM_DELLINK, NlmF::empty(), &link_message::header(index, 0, 0))
    }

    /// The port by which the kernel names what this socket asks for.
    pub fn port(&self) -> io::Result<u32> {
        self.socket.pid()
    }

    fn send(&mut self, kind: u16, flags: NlmF, payload: &[u8]) -> io::Result<u32> {
        self.seq = self.seq.checked_add(1).unwrap_or(1);
        self.socket.send(frame(kind, flags | NlmF::REQUEST | NlmF::ACK, self.seq, payload), Msg::empty())?;
        Ok(self.seq)
    }

    fn ask(
        &mut self,
        kind: u16,
        flags: NlmF,
        index: u32,
        address: &VirtualAddress,
        label: Option<&str>,
    ) -> io::Result<u32> {
        let octets = |address| match address {
            IpAddr::V4(address) => (AF_INET, address.octets().to_vec()),
            IpAddr::V6(address) => (AF_INET6, address.octets().to_vec()),
        };
        let options = address.options;
        let (family, own) = octets(address.address);
        let (_, other) = octets(options.peer.unwrap_or(address.address));
        let mut attributes = Builder::default().put(libc::IFA_LOCAL, &own).put(libc::IFA_ADDRESS, &other);
        if let Some(label) = label {
            attributes = attributes.text(libc::IFA_LABEL, label);
        }
        if kind == libc::RTM_NEWADDR {
            attributes = attributes.put(IFA_FLAGS, &address_flags(address).to_ne_bytes());
            if let Some(broadcast) = options.broadcast {
                attributes = attributes.put(libc::IFA_BROADCAST, &broadcast.octets());
            }
            let is_single = family == AF_INET6 && address.prefix == 128;
            let preferred = options.preferred.unwrap_or(if is_single { 0 } else { u32::MAX });
            if preferred < u32::MAX {
                // struct ifa_cacheinfo: preferred and valid for how long, for ever; made and changed, the kernel's.
                let lifetimes = [preferred, u32::MAX, 0, 0].map(u32::to_ne_bytes).concat();
                attributes = attributes.put(libc::IFA_CACHEINFO, &lifetimes);
            }
        }
        let mut header = address_header(family, address.prefix, 0, index);
        header[3] = options.scope;
        let payload = [header.as_slice(), attributes.finish().as_slice()].concat();
        self.send(kind, flags, &payload)
    }

    fn remember(&mut self, message: &RouteMessage) {
        match *message {
            RouteMessage::Link { index, .. } => drop(self.links.insert(index)),
            RouteMessage::LinkGone { index } => drop(self.links.remove(&index)),
            RouteMessage::Address { index, address, prefix, present: true, .. } => {
                self.addresses.insert((index, address, prefix));
            }
            RouteMessage::Address { index, address, prefix, present: false, .. } => {
                self.addresses.remove(&(index, address, prefix));
            }
            RouteMessage::Ack { .. } | RouteMessage::Resync => {}
        }
    }
}

impl AsRawFd for RouteSocket {
    /// Readable when [`receive`](Self::receive) has something to tell.
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// `IFA_F_*` of an address that is put on.
fn address_flags(VirtualAddress { address, options, .. }: &VirtualAddress) -> u32 {
    let flag = |on: bool, flag: u32| if on { flag } else { 0 };
    // Duplicate address detection would keep an IPv6 address from serving for a second or more.
    flag(address.is_ipv6() && options.skips_detection, libc::IFA_F_NODAD)
        | flag(options.home, libc::IFA_F_HOMEADDRESS)
        | flag(options.manages_temporary, IFA_F_MANAGETEMPADDR)
        | flag(options.no_prefix_route, IFA_F_NOPREFIXROUTE)
        | flag(options.joins_group, IFA_F_MCAUTOJOIN)
}

/// Beyond the system's `rmem_max` where `CAP_NET_ADMIN` allows it; up to it otherwise.
fn enlarge_receive_buffer(socket: &NlSocket) -> io::Result<()> {
    let set = |option| socket_option::set(socket, (libc::SOL_SOCKET, option), RECEIVE_BUFFER);
    set(libc::SO_RCVBUFFORCE).or_else(|_| set(libc::SO_RCVBUF))
}

fn link_header() -> [u8; LINK_HEADER] {
    [0; LINK_HEADER]
}

/// `struct ifaddrmsg`: family, prefix length, flags, scope (0 is global), index.
fn address_header(family: u8, prefix: u8, flags: u8, index: u32) -> [u8; ADDRESS_HEADER] {
    let [a, b, c, d] = index.to_ne_bytes();
    [family, prefix, flags, 0, a, b, c, d]
}

fn read_list(requests: &mut Requests, kind: u16, header: &[u8]) -> io::Result<Vec<RouteMessage>> {
    for _ in 0..READINGS {
        let mut list = Vec::new();
        match requests.request(kind, NlmF::DUMP, header, |message| list.extend(decode(message))) {
            Ok(()) => return Ok(list),
            Err(RequestError::Interrupted) => {}
            Err(RequestError::Refused(errno)) => return Err(io::Error::from_raw_os_error(errno)),
            Err(RequestError::Socket(error)) => return Err(error),
            Err(error @ RequestError::NoFamily) => return Err(io::Error::other(error)),
        }
    }
    Err(io::Error::other("links or addresses changed at each of ten readings"))
}

/// What a message says; none for one that is of no concern.
fn decode(message: Message<'_>) -> Option<RouteMessage> {
    if let Some(errno) = message.code() {
        return Some(RouteMessage::Ack { seq: message.seq, error: (errno != 0).then_some(errno) });
    }
    match message.kind {
        libc::RTM_NEWLINK => decode_link(message.payload),
        libc::RTM_DELLINK => {
            let (index, ..) = link_fields(message.payload)?;
            Some(RouteMessage::LinkGone { index })
        }
        libc::RTM_NEWADDR => decode_address(message.payload, true, 0),
        libc::RTM_DELADDR => decode_address(message.payload, false, message.port),
        _ => None,
    }
}

/// Index and flags. None for a message of a family of its own: a bridge tells with `RTM_DELLINK` of family `AF_BRIDGE`
/// that a port left it, and the port lives on.
fn link_fields(payload: &[u8]) -> Option<(u32, u32)> {
    if *payload.first()? != AF_UNSPEC {
        return None;
    }
    Some((u32::from_ne_bytes(array(payload.get(4..)?)?), u32::from_ne_bytes(array(payload.get(8..)?)?)))
}

fn decode_link(payload: &[u8]) -> Option<RouteMessage> {
    const UP: u32 = (libc::IFF_UP | libc::IFF_RUNNING).cast_unsigned();
    let (index, flags) = link_fields(payload)?;
    let attributes = Attributes::new(payload.get(LINK_HEADER..)?);
    let mac = attributes.clone().first(libc::IFLA_ADDRESS).and_then(|mac| mac.try_into().ok());
    let name = text(attributes.clone().first(libc::IFLA_IFNAME)?)?.to_owned();
    let macvlan = decode_macvlan(&attributes, flags);
    Some(RouteMessage::Link { index, name, up: flags & UP == UP, mac, macvlan })
}

/// None for one whose interface below is in another namespace.
fn decode_macvlan(attributes: &Attributes<'_>, flags: u32) -> Option<Macvlan> {
    let kind = Attributes::new(attributes.clone().first(libc::IFLA_LINKINFO)?).first(libc::IFLA_INFO_KIND)?;
    let away = attributes.clone().first(libc::IFLA_LINK_NETNSID).is_some();
    let base = u32::from_ne_bytes(array(attributes.clone().first(libc::IFLA_LINK)?)?);
    let enabled = flags & libc::IFF_UP.cast_unsigned() != 0;
    (text(kind)? == "macvlan" && !away).then_some(Macvlan { base, enabled })
}

/// An address that the kernel still looks for on the link, or found there, can't be used: it counts as absent.
fn decode_address(payload: &[u8], present: bool, port: u32) -> Option<RouteMessage> {
    const UNUSABLE: u32 = libc::IFA_F_TENTATIVE | libc::IFA_F_DADFAILED;
    let [family, prefix, flags, _] = array(payload)?;
    let usable = family != AF_INET6 || u32::from(flags) & UNUSABLE == 0;
    let index = u32::from_ne_bytes(array(payload.get(4..)?)?);
    let attributes = Attributes::new(payload.get(ADDRESS_HEADER..)?);
    // On a point-to-point link IFA_ADDRESS is the peer's; on IPv6 IFA_LOCAL is often absent.
    let bytes = attributes.clone().first(libc::IFA_LOCAL).or_else(|| attributes.first(libc::IFA_ADDRESS))?;
    let address = match family {
        AF_INET => Ipv4Addr::from(array::<4>(bytes)?).into(),
        AF_INET6 => Ipv6Addr::from(array::<16>(bytes)?).into(),
        _ => return None,
    };
    let by = (port != 0).then_some(port);
    Some(RouteMessage::Address { index, address, prefix, present: present && usable, by })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(kind: u16, payload: &[u8]) -> Option<RouteMessage> {
        let bytes = frame(kind, NlmF::empty(), 7, payload);
        Messages(&bytes).next().and_then(decode)
    }

    /// `struct ifinfomsg` of link 3 with `IFF_UP`, and `IFF_RUNNING` or not; then name and hardware address.
    fn link(family: u8, running: bool) -> Vec<u8> {
        let flags = if running { 0x41_u32 } else { 0x01 };
        let mut bytes = vec![family, 0, 1, 0];
        bytes.extend(3_u32.to_ne_bytes());
        bytes.extend(flags.to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(Builder::default().text(libc::IFLA_IFNAME, "eth0").put(libc::IFLA_ADDRESS, &[2; 6]).finish());
        bytes
    }

    #[test]
    fn a_link_is_up_when_it_is_up_and_running() {
        let expected =
            |up| Some(RouteMessage::Link { index: 3, name: "eth0".to_owned(), up, mac: Some([2; 6]), macvlan: None });
        assert_eq!(told(libc::RTM_NEWLINK, &link(AF_UNSPEC, true)), expected(true));
        assert_eq!(told(libc::RTM_NEWLINK, &link(AF_UNSPEC, false)), expected(false));
    }

    #[test]
    fn a_port_that_leaves_a_bridge_is_not_gone() {
        const AF_BRIDGE: u8 = 7;
        assert_eq!(told(libc::RTM_DELLINK, &link(AF_BRIDGE, true)), None);
        assert_eq!(told(libc::RTM_DELLINK, &link(AF_UNSPEC, true)), Some(RouteMessage::LinkGone { index: 3 }));
    }

    #[test]
    fn an_answer_tells_its_number_and_the_error() {
        assert_eq!(told(2, &0_i32.to_ne_bytes()), Some(RouteMessage::Ack { seq: 7, error: None }));
        assert_eq!(told(2, &(-17_i32).to_ne_bytes()), Some(RouteMessage::Ack { seq: 7, error: Some(17) }));
    }

    proptest! {
        #[test]
        fn reading_anything_does_not_panic(kind in 0..30_u16, bytes: Vec<u8>) {
            let _ = told(kind, &bytes);
        }
    }
}
