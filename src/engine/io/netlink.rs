//! Netlink's framing and request loop, shared by the kernel's IPVS and route connections (`uapi/linux/netlink.h`).
//!
//! The sockets are neli's; messages are read in place, since a table has 100,000 of them. One request at a time a socket:
//! the kernel answers a second dump beside a half-read one with EBUSY, so a request that ends early must be followed by
//! a new socket.

use neli::consts::nl::NlmF;
use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::time::Duration;

/// Bytes of `struct nlmsghdr`.
const HEADER: usize = 16;
/// The kernel never fills more than 32 KiB of a dump at once.
const BUFFER: usize = 64 * 1024;

/// One message in a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: NlmF,
    /// `nlmsg_seq`.
    pub seq: u32,
    /// After the header.
    pub payload: &'a [u8],
}

impl Message<'_> {
    /// The code of an error, an acknowledgement (0) or the end of a dump: a positive errno. None for other messages.
    pub fn code(&self) -> Option<i32> {
        let control = [libc::NLMSG_ERROR, libc::NLMSG_DONE].contains(&i32::from(self.kind));
        control.then(|| self.payload.first_chunk().map_or(0, |code| i32::from_ne_bytes(*code).saturating_neg()))
    }
}

/// The messages in what one `recv` gave. A broken tail ends the iteration.
pub(super) struct Messages<'a>(pub &'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        let length = usize::try_from(u32::from_ne_bytes(*self.0.first_chunk()?)).ok()?;
        let payload = self.0.get(HEADER..length)?;
        let kind = u16::from_ne_bytes(*self.0.get(4..)?.first_chunk()?);
        let flags = NlmF::from_bits_retain(u16::from_ne_bytes(*self.0.get(6..)?.first_chunk()?));
        let seq = u32::from_ne_bytes(*self.0.get(8..)?.first_chunk()?);
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind, flags, seq, payload })
    }
}

/// A whole message. A payload beyond 4 GiB does not exist.
pub(super) fn frame(kind: u16, flags: NlmF, seq: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + payload.len());
    bytes.extend(u32::try_from(HEADER + payload.len()).unwrap_or(u32::MAX).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(flags.bits().to_ne_bytes());
    bytes.extend(seq.to_ne_bytes());
    bytes.extend([0; 4]); // port: the kernel puts the socket's
    bytes.extend(payload);
    bytes
}

/// Why a request did not end well.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// The kernel refused it with this errno.
    #[error("the kernel refused: {}", io::Error::from_raw_os_error(*.0))]
    Refused(i32),
    /// The kernel has no such generic netlink family.
    #[error("the kernel has no such generic netlink family")]
    NoFamily,
    /// What was listed changed meanwhile (`NLM_F_DUMP_INTR`); what was read is of no use.
    #[error("the list changed while it was read")]
    Interrupted,
    /// The socket failed or did not answer in time; it must not be used again.
    #[error("netlink socket: {0}")]
    Socket(#[from] io::Error),
}

/// A blocking socket with one request at a time on it.
pub(super) struct Requests {
    socket: NlSocket,
    seq: u32,
    buffer: Vec<u8>,
}

impl Requests {
    /// Opens a socket of the calling thread's network namespace; an answer may take `timeout`.
    pub fn open(family: NlFamily, timeout: Duration) -> io::Result<Self> {
        let socket = NlSocket::connect(family, None, Groups::empty())?;
        // SAFETY: the descriptor is open while `socket` lives, and the borrow ends within this statement.
        #[allow(unsafe_code)]
        let borrowed = unsafe { BorrowedFd::borrow_raw(socket.as_raw_fd()) };
        socket2::SockRef::from(&borrowed).set_read_timeout(Some(timeout))?;
        Ok(Self { socket, seq: 0, buffer: vec![0; BUFFER] })
    }

    /// Sends a request and gives every answer to `each`. With [`NlmF::DUMP`] in `flags` it ends at the end of the list,
    /// otherwise at the acknowledgement.
    pub fn request(
        &mut self,
        kind: u16,
        flags: NlmF,
        payload: &[u8],
        mut each: impl FnMut(Message<'_>),
    ) -> Result<(), RequestError> {
        self.seq = self.seq.wrapping_add(1);
        self.socket.send(frame(kind, flags | NlmF::REQUEST | NlmF::ACK, self.seq, payload), Msg::empty())?;
        let mut interrupted = false;
        loop {
            let length = match self.socket.recv(&mut self.buffer, Msg::empty()) {
                Ok((length, _)) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            for message in Messages(self.buffer.get(..length).unwrap_or_default()) {
                if message.seq != self.seq {
                    continue;
                }
                interrupted |= message.flags.contains(NlmF::DUMP_INTR);
                match message.code() {
                    None => each(message),
                    Some(0) if interrupted => return Err(RequestError::Interrupted),
                    Some(0) => return Ok(()),
                    Some(errno) => return Err(RequestError::Refused(errno)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_frame_is_read_back() {
        let bytes = [frame(20, NlmF::REQUEST, 7, &[1, 2, 3, 4]), frame(3, NlmF::MULTI, 8, &[])].concat();
        let read: Vec<_> = Messages(&bytes).map(|m| (m.kind, m.flags, m.seq, m.payload.to_vec())).collect();
        assert_eq!(read, [(20, NlmF::REQUEST, 7, vec![1, 2, 3, 4]), (3, NlmF::MULTI, 8, vec![])]);
    }

    #[test]
    fn an_error_is_a_positive_errno_and_an_acknowledgement_is_zero() {
        let code = |kind, code: i32| {
            let bytes = frame(kind, NlmF::empty(), 1, &code.to_ne_bytes());
            Messages(&bytes).next().unwrap().code()
        };
        assert_eq!((code(2, -17), code(2, 0), code(3, 0), code(16, -17)), (Some(17), Some(0), Some(0), None));
    }

    proptest! {
        #[test]
        fn reading_anything_ends(bytes: Vec<u8>) {
            prop_assert!(Messages(&bytes).count() <= bytes.len() / HEADER);
        }
    }
}
