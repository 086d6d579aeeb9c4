//! Answers to ARP probes (RFC 5227 §2.1.1) and gratuitous ARP, on every interface: a packet socket that never sends.
//!
//! A filter in the kernel lets nothing else through, so that a busy host's own ARP wakes nobody.

use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsRawFd, RawFd};

const LOAD: u32 = libc::BPF_LD | libc::BPF_ABS;
const EQUAL: u32 = libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K;
/// Where a frame has the operation, and the protocol addresses of sender and target.
const OPERATION: u32 = 20;
const SENDER: u32 = 28;
const TARGET: u32 = 38;
const REPLY: u32 = 2;

#[allow(clippy::cast_possible_truncation)] // every code of classic BPF fits 16 bits
const fn code(operation: u32, if_true: u8, if_false: u8, value: u32) -> SockFilter {
    SockFilter::new(operation as u16, if_true, if_false, value)
}

/// Replies to who has no address yet; and what has the sender's address as target.
static FILTER: [SockFilter; 9] = [
    code(LOAD | libc::BPF_W, 0, 0, TARGET),
    code(EQUAL, 0, 2, 0),
    code(LOAD | libc::BPF_H, 0, 0, OPERATION),
    code(EQUAL, 3, 4, REPLY),
    code(libc::BPF_MISC | libc::BPF_TAX, 0, 0, 0),
    code(LOAD | libc::BPF_W, 0, 0, SENDER),
    code(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_X, 0, 1, 0),
    code(libc::BPF_RET | libc::BPF_K, 0, 0, 0xffff),
    code(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
];

/// The socket.
#[derive(Debug)]
pub struct ArpListener(Socket);

impl ArpListener {
    /// Opens it. Needs `CAP_NET_RAW`.
    #[allow(clippy::cast_possible_truncation)] // ETH_P_ARP fits 16 bits
    pub fn open() -> io::Result<Self> {
        let arp = i32::from((libc::ETH_P_ARP as u16).to_be());
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(arp)))?;
        socket.attach_filter(&FILTER)?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Reads one frame into `buffer`; none when there is no more.
    pub fn receive<'a>(&self, buffer: &'a mut [u8]) -> io::Result<Option<&'a [u8]>> {
        loop {
            return match (&self.0).read(buffer) {
                Ok(length) => Ok(buffer.get(..length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => Err(error),
            };
        }
    }
}

impl AsRawFd for ArpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
