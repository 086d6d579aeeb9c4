//! Word of routes and rules that somebody else removes, for the failover loop.
//!
//! A socket of its own, from the first entry on: a host may have a million routes, and what is told of them must not push out
//! what is told of addresses. A filter in the kernel lets removals alone through.

use super::netlink::{Message, Messages};
use super::routing_message;
use crate::engine::ipvs::attribute::Attributes;
use crate::engine::model::Routing;
use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;
use socket2::SockFilter;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};

const GROUPS: [u32; 4] =
    [libc::RTNLGRP_IPV4_ROUTE, libc::RTNLGRP_IPV6_ROUTE, libc::RTNLGRP_IPV4_RULE, libc::RTNLGRP_IPV6_RULE];
/// Bytes of `struct rtmsg` and of `struct fib_rule_hdr`, which begin alike.
const HEADER: usize = 12;
/// Messages taken in one round: a storm must not hold up a deadline.
const BURST: usize = 4096;
/// `FIB_RULE_INVERT`, in the last four bytes of the header.
const INVERT: u8 = 2;

/// Where a message has its kind.
const KIND: u32 = 4;
const LOAD: u32 = libc::BPF_LD | libc::BPF_ABS | libc::BPF_H;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
const RETURN: u32 = libc::BPF_RET | libc::BPF_K;

#[allow(clippy::cast_possible_truncation)] // every code of classic BPF fits 16 bits
const fn code(operation: u32, if_true: u8, if_false: u8, value: u32) -> SockFilter {
    SockFilter::new(operation as u16, if_true, if_false, value)
}

/// A kind as the filter loads it: from network order, though netlink has the host's.
const fn loaded(kind: u16) -> u32 {
    kind.to_be() as u32
}

static FILTER: [SockFilter; 5] = [
    code(LOAD, 0, 0, KIND),
    code(EQUAL, 1, 0, loaded(libc::RTM_DELROUTE)),
    code(EQUAL, 0, 1, loaded(libc::RTM_DELRULE)),
    code(RETURN, 0, 0, u32::MAX),
    code(RETURN, 0, 0, 0),
];

/// What is watched.
pub struct RoutingWatch {
    socket: NlSocket,
    /// The port of our own requests.
    own: u32,
    buffer: Vec<u8>,
    /// Entries that were set, with the kind of message that tells of their removal and what it has to say.
    entries: Vec<(Routing, u16, Vec<u8>)>,
}

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingMessage {
    /// Somebody removed it.
    Gone {
        /// Which.
        entry: Routing,
        /// The port of the socket that asked for it; none where the kernel did it by itself.
        by: Option<u32>,
    },
    /// Messages were lost: any may be gone.
    Lost,
}

impl RoutingWatch {
    /// Subscribes in the calling thread's network namespace; `own`: the port of the socket that sets the entries.
    pub fn open(own: u32) -> io::Result<Self> {
        let socket = NlSocket::connect(NlFamily::Route, None, Groups::empty())?;
        // SAFETY: the descriptor is open while `socket` lives, and the borrow ends within this function.
        #[allow(unsafe_code)]
        let borrowed = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
        socket2::SockRef::from(&borrowed).attach_filter(&FILTER)?;
        socket.add_mcast_membership(Groups::new_groups(&GROUPS))?;
        socket.nonblock()?;
        Ok(Self { socket, own, buffer: vec![0; 64 * 1024], entries: Vec::new() })
    }

    /// This one was set, or removed. `index` knows interfaces by name.
    pub fn note(&mut self, entry: &Routing, present: bool, index: impl Fn(&str) -> Option<u32>) {
        self.entries.retain(|(known, ..)| known != entry);
        if let (true, Ok((kind, _, payload))) = (present, routing_message::message(entry, false, index)) {
            self.entries.push((entry.clone(), kind, payload));
        }
    }

    /// Tells what waits, and returns without blocking.
    pub fn receive(&mut self, mut each: impl FnMut(RoutingMessage)) {
        for _ in 0..BURST {
            let length = match self.socket.recv(&mut self.buffer, Msg::empty()) {
                Ok((length, _)) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => {
                    each(RoutingMessage::Lost);
                    continue;
                }
                Err(_) => return,
            };
            for message in Messages(self.buffer.get(..length).unwrap_or_default()) {
                if message.port == self.own {
                    continue;
                }
                let by = (message.port != 0).then_some(message.port);
                let gone = self.entries.iter().filter(|(_, kind, payload)| tells_of(&message, *kind, payload));
                for (entry, ..) in gone {
                    each(RoutingMessage::Gone { entry: entry.clone(), by });
                }
            }
        }
    }
}

impl AsRawFd for RoutingWatch {
    /// Readable when [`receive`](Self::receive) has something to tell.
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Whether a message is about the removal of what we would remove by this payload: the kernel says more of an entry than we
/// do, and nothing else. Metrics and next hops it writes in its own way: the rest names the route.
fn tells_of(message: &Message<'_>, kind: u16, payload: &[u8]) -> bool {
    let is_route = kind == libc::RTM_DELROUTE;
    let (Some(told), Some(ours)) = (message.payload.first_chunk::<HEADER>(), payload.first_chunk::<HEADER>()) else {
        return false;
    };
    // Family, lengths of destination and source, TOS; of a route its protocol, of both the type or action.
    let same = |at: usize| told.get(at) == ours.get(at);
    let inverted = |header: &[u8; HEADER]| header.get(8..).is_some_and(|f| f.iter().any(|byte| byte & INVERT != 0));
    let named = |(kind, value): (u16, &[u8])| {
        let unnamed = is_route && [libc::RTA_METRICS, libc::RTA_MULTIPATH].contains(&kind);
        let told = Attributes::new(message.payload.get(HEADER..).unwrap_or_default());
        unnamed || told.into_iter().any(|(of, found)| of == kind && found == value)
    };
    message.kind == kind
        && (0..4).all(same)
        && same(7)
        && if is_route { same(5) } else { inverted(told) == inverted(ours) }
        && Attributes::new(payload.get(HEADER..).unwrap_or_default()).all(named)
}
