//! VRRP as it passes this host, for who only watches: a packet socket that receives and never sends.
//!
//! It sees what arrives for the protocol's groups and what this host sends itself, on every interface of the network
//! namespace. Network cards are told to let the two groups' frames in while the socket is open, as a capture would; nothing
//! goes out for that, no membership is reported. A filter in the kernel lets only protocol 112 through, also behind an
//! authentication header.

use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// The groups' hardware addresses: 224.0.0.18 (RFC 1112 §6.4) and `ff02::12` (RFC 2464 §7).
const GROUPS: [[u8; 6]; 2] = [[0x01, 0, 0x5e, 0, 0, 0x12], [0x33, 0x33, 0, 0, 0, 0x12]];
/// Longest packet taken: an advertisement with 255 IPv6 addresses has 4,128 bytes.
const LONGEST: usize = 8192;

/// The socket.
#[derive(Debug)]
pub struct VrrpListener {
    socket: Socket,
    buffer: Vec<u8>,
    /// Interfaces by index; none for one whose packets are also seen on another.
    interfaces: BTreeMap<i32, Option<String>>,
}

/// A packet from the network header on.
#[derive(Debug)]
pub struct Passed<'a> {
    /// The interface's name.
    pub interface: String,
    /// Sent by this host.
    pub ours: bool,
    /// The bytes.
    pub packet: &'a [u8],
}

impl VrrpListener {
    /// Opens it. Needs `CAP_NET_RAW`. A [`receive`](Self::receive) waits no longer than `patience`.
    pub fn open(patience: Duration) -> io::Result<Self> {
        // Protocol 0 until the filter is in place: nothing unfiltered gets in.
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(Protocol::from(0)))?;
        socket.attach_filter(&FILTER)?;
        socket.set_read_timeout(Some(patience))?;
        bind_to_all(&socket)?;
        let mut listener = Self { socket, buffer: vec![0; LONGEST], interfaces: BTreeMap::new() };
        listener.look_for_interfaces();
        Ok(listener)
    }

    /// Interfaces come and go: those that are new have the groups let in too. Call it from time to time.
    pub fn look_for_interfaces(&mut self) {
        let now = interfaces();
        for index in now.keys().filter(|index| !self.interfaces.contains_key(index)) {
            for group in GROUPS {
                // A loopback or tunnel has no such list; what it receives it receives anyhow.
                let _ = let_in(&self.socket, *index, group);
            }
        }
        self.interfaces = now;
    }

    /// The next packet; none when the patience is over.
    #[allow(unsafe_code)]
    #[allow(clippy::cast_possible_truncation)] // sockaddr_ll has 20 bytes
    pub fn receive(&mut self) -> io::Result<Option<Passed<'_>>> {
        // SAFETY: sockaddr_ll is plain numbers, for which all zeros are valid.
        let mut from: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        let mut size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
        // SAFETY: buffer and address are ours, live through the call, and their true lengths are given.
        let received = unsafe {
            libc::recvfrom(
                self.socket.as_raw_fd(),
                self.buffer.as_mut_ptr().cast(),
                self.buffer.len(),
                0,
                (&raw mut from).cast(),
                &raw mut size,
            )
        };
        let Ok(length) = usize::try_from(received) else {
            let error = io::Error::last_os_error();
            return match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
                // An interface went down: that is no end of listening.
                _ if error.raw_os_error() == Some(libc::ENETDOWN) => Ok(None),
                _ => Err(error),
            };
        };
        if !self.interfaces.contains_key(&from.sll_ifindex) {
            self.look_for_interfaces();
        }
        let Some(Some(interface)) = self.interfaces.get(&from.sll_ifindex) else { return Ok(None) };
        let ours = from.sll_pkttype == libc::PACKET_OUTGOING;
        Ok(self.buffer.get(..length).map(|packet| Passed { interface: interface.clone(), ours, packet }))
    }
}

const LOAD: u32 = libc::BPF_LD | libc::BPF_ABS;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;

#[allow(clippy::cast_possible_truncation)] // every code of classic BPF fits 16 bits
const fn code(operation: u32, if_true: u8, if_false: u8, value: u32) -> SockFilter {
    SockFilter::new(operation as u16, if_true, if_false, value)
}

/// `SKF_AD_OFF`, `SKF_AD_PROTOCOL`, `SKF_AD_VLAN_TAG_PRESENT` (`uapi/linux/filter.h`).
const ANCILLARY: u32 = 0xffff_f000;
const PROTOCOL: u32 = ANCILLARY;
const VLAN_TAG_PRESENT: u32 = ANCILLARY + 48;

/// Protocol 112 over IPv4 (byte 9) or IPv6 (byte 6), over IPv4 behind an authentication header (51) too, and not what a
/// VLAN's own interface shows as well.
static FILTER: [SockFilter; 12] = [
    code(LOAD | libc::BPF_B, 0, 0, VLAN_TAG_PRESENT),
    code(EQUAL, 0, 9, 0),
    code(LOAD | libc::BPF_H, 0, 0, PROTOCOL),
    code(EQUAL, 1, 0, 0x0800),
    code(EQUAL, 3, 6, 0x86dd),
    code(LOAD | libc::BPF_B, 0, 0, 9),
    code(EQUAL, 3, 0, 112),
    code(EQUAL, 2, 3, 51),
    code(LOAD | libc::BPF_B, 0, 0, 6),
    code(EQUAL, 0, 1, 112),
    code(libc::BPF_RET | libc::BPF_K, 0, 0, 0xffff),
    code(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
];

/// From now on packets of every protocol and direction reach the socket, on every interface.
#[allow(unsafe_code)]
#[allow(clippy::cast_possible_truncation)] // AF_PACKET is 17, ETH_P_ALL 3, the struct has 20 bytes
fn bind_to_all(socket: &Socket) -> io::Result<()> {
    // SAFETY: sockaddr_ll is plain numbers, for which all zeros are valid.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as libc::sa_family_t;
    address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
    let size = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the address is ours, lives through the call and has the length that is given.
    let bound = unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), size) };
    if bound == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The card of this interface lets frames to this address in while the socket is open (`packet(7)`).
#[allow(unsafe_code)]
#[allow(clippy::cast_possible_truncation)] // PACKET_MR_MULTICAST is 0, the struct has 16 bytes
fn let_in(socket: &Socket, index: i32, group: [u8; 6]) -> io::Result<()> {
    let mut address = [0; 8];
    address.iter_mut().zip(group).for_each(|(to, from)| *to = from);
    let request = libc::packet_mreq {
        mr_ifindex: index,
        mr_type: libc::PACKET_MR_MULTICAST as libc::c_ushort,
        mr_alen: 6,
        mr_address: address,
    };
    let size = size_of::<libc::packet_mreq>() as libc::socklen_t;
    // SAFETY: the request is ours, lives through the call and has the length that is given.
    let done = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            (&raw const request).cast(),
            size,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Every interface of this network namespace, by index.
#[allow(unsafe_code)]
fn interfaces() -> BTreeMap<i32, Option<String>> {
    let text = fs::read_to_string("/proc/thread-self/net/dev").unwrap_or_default();
    let names = text.lines().filter_map(|line| line.split_once(':').map(|(name, _)| name.trim().to_owned()));
    let index_of = |name: &str| {
        let name = std::ffi::CString::new(name).ok()?;
        // SAFETY: the name ends with a zero byte and outlives the call.
        i32::try_from(unsafe { libc::if_nametoindex(name.as_ptr()) }).ok().filter(|index| *index != 0)
    };
    names.filter_map(|name| Some((index_of(&name)?, (!is_shadow(&name)).then_some(name)))).collect()
}

/// Whether packets of this interface are also seen on another that says more: a member of a bond or bridge, or a macvlan
/// (keepalived's `use_vmac`), whose own interface below sees the same.
fn is_shadow(name: &str) -> bool {
    let place = format!("/sys/class/net/{name}");
    let has = |file: &str| fs::exists(format!("{place}/{file}")).unwrap_or(false);
    let on_top = || {
        let files = fs::read_dir(&place).into_iter().flatten().flatten();
        files.filter_map(|file| file.file_name().into_string().ok()).any(|file| file.starts_with("lower_"))
    };
    let kind = fs::read_to_string(format!("{place}/uevent")).unwrap_or_default();
    has("brport") || has("bonding_slave") || (!kind.contains("DEVTYPE=") && on_top())
}
