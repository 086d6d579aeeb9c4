//! Whole Ethernet frames out of an interface: gratuitous ARP. Sends only.

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, Socket, Type};
use std::io;

/// A packet socket that sends what it is given and receives nothing.
#[derive(Debug)]
pub struct FrameSocket {
    socket: Socket,
}

impl FrameSocket {
    /// Opens the socket. Needs `CAP_NET_RAW`.
    pub fn open() -> io::Result<Self> {
        // Protocol 0: the kernel delivers nothing to this socket.
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(Protocol::from(0)))?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Sends `frame`, destination address first, out of the interface with this kernel index.
    pub fn send(&self, index: u32, frame: &[u8]) -> io::Result<()> {
        self.socket.send_to(frame, &link_address(index)).map(|_| ())
    }
}

/// `struct sockaddr_ll` of an interface (`packet(7)`).
#[allow(unsafe_code)]
#[allow(clippy::cast_possible_truncation)] // AF_PACKET is 17, the struct has 20 bytes
fn link_address(index: u32) -> SockAddr {
    const FAMILY: libc::sa_family_t = libc::AF_PACKET as libc::sa_family_t;
    const LENGTH: libc::socklen_t = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: `sockaddr_ll` is a sockaddr type whose fields are valid for every bit pattern, and the storage is larger.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = FAMILY;
    address.sll_ifindex = i32::try_from(index).unwrap_or(0);
    // SAFETY: the storage holds a whole `sockaddr_ll`, and the length is its size.
    unsafe { SockAddr::new(storage, LENGTH) }
}
