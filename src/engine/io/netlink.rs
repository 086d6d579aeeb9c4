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
/// What the socket may hold unread; the system's limit may be less.
const RECEIVE_BUFFER: usize = 1 << 20;
/// Requests of a batch. A refusal takes about 1 KiB of the receive buffer, of which 208 KiB are the usual limit.
pub(super) const BATCH: usize = 128;

/// `NFNL_MSG_BATCH_BEGIN` and `NFNL_MSG_BATCH_END`.
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;

/// One message in a buffer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Message<'a> {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags`.
    pub flags: NlmF,
    /// `nlmsg_seq`.
    pub seq: u32,
    /// `nlmsg_pid`: the port of the socket that asked; 0 where the kernel did it by itself.
    pub port: u32,
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
        let port = u32::from_ne_bytes(*self.0.get(12..)?.first_chunk()?);
        self.0 = self.0.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(Message { kind, flags, seq, port, payload })
    }
}

/// One of a [transaction](Requests::transaction).
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// `nlmsg_type`.
    pub kind: u16,
    /// `nlmsg_flags` beside those of each request.
    pub flags: NlmF,
    /// After the header.
    pub payload: Vec<u8>,
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

impl From<RequestError> for io::Error {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Refused(code) => Self::from_raw_os_error(code),
            RequestError::Socket(error) => error,
            RequestError::NoFamily | RequestError::Interrupted => Self::other(error),
        }
    }
}

/// What carries messages to the kernel and back: a netlink socket, or a script in tests.
pub trait Carrier {
    /// Sends all of `bytes` at once.
    fn send(&mut self, bytes: Vec<u8>) -> io::Result<()>;
    /// Waits for one answer and gives its length.
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize>;
}

impl Carrier for NlSocket {
    fn send(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        NlSocket::send(self, bytes, Msg::empty()).map(|_| ())
    }
    fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        NlSocket::recv(self, buffer, Msg::empty()).map(|(length, _)| length)
    }
}

/// A blocking socket with one request at a time on it.
pub struct Requests<C: Carrier = NlSocket> {
    socket: C,
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
        let options = socket2::SockRef::from(&borrowed);
        options.set_read_timeout(Some(timeout))?;
        // Room for the refusals of a whole batch; what the system allows will do.
        let _ = options.set_recv_buffer_size(RECEIVE_BUFFER);
        Ok(Self::over(socket))
    }

    /// Bytes that the socket holds unread, as the system allowed.
    #[cfg(test)]
    pub(super) fn receive_buffer(&self) -> io::Result<usize> {
        // SAFETY: the descriptor is open while `self` lives, and the borrow ends within this statement.
        #[allow(unsafe_code)]
        let borrowed = unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) };
        socket2::SockRef::from(&borrowed).recv_buffer_size()
    }

    /// Those of the first 31 multicast groups that the socket is in.
    #[cfg(test)]
    pub(super) fn groups(&self) -> io::Result<Vec<usize>> {
        let listed = self.socket.list_mcast_membership()?;
        Ok((1..32).filter(|group| listed.is_set(*group)).collect())
    }
}

impl<C: Carrier> Requests<C> {
    pub(super) fn over(socket: C) -> Self {
        Self { socket, seq: 0, buffer: vec![0; BUFFER] }
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
        self.socket.send(frame(kind, flags | NlmF::REQUEST | NlmF::ACK, self.seq, payload))?;
        let mut answer = Answer { seq: self.seq, interrupted: false };
        loop {
            let length = self.receive()?;
            if let Some(end) = answer.read(self.buffer.get(..length).unwrap_or_default(), &mut each) {
                return end;
            }
        }
    }

    /// Sends these requests at once and gives how each ended: nothing, or the errno of its refusal. The kernel does all of
    /// them, in order, whatever becomes of those before; it speaks only of refusals and of the last one. At an error
    /// some of them may be done.
    ///
    /// Give it [`BATCH`] at most: the refusals of more would not fit the receive buffer (ENOBUFS).
    pub fn batch(&mut self, kind: u16, payloads: &[Vec<u8>]) -> Result<Vec<Option<i32>>, RequestError> {
        let first = self.seq.wrapping_add(1);
        let mut bytes = Vec::new();
        for (at, payload) in payloads.iter().enumerate() {
            self.seq = self.seq.wrapping_add(1);
            let last = if at + 1 == payloads.len() { NlmF::ACK } else { NlmF::empty() };
            bytes.extend(frame(kind, NlmF::REQUEST | last, self.seq, payload));
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        let mut ends = vec![None; payloads.len()];
        if payloads.is_empty() {
            return Ok(ends);
        }
        self.socket.send(bytes)?;
        loop {
            let length = self.receive()?;
            for message in Messages(self.buffer.get(..length).unwrap_or_default()) {
                let at = usize::try_from(message.seq.wrapping_sub(first)).unwrap_or(usize::MAX);
                let (Some(code), Some(end)) = (message.code(), ends.get_mut(at)) else { continue };
                *end = (code != 0).then_some(code);
                if message.seq == self.seq {
                    return Ok(ends);
                }
            }
        }
    }

    /// Does all of these requests of one netfilter subsystem, or none (`uapi/linux/netfilter/nfnetlink.h`). Errors: the first
    /// refusal.
    pub fn transaction(&mut self, subsystem: u16, requests: &[Request]) -> Result<(), RequestError> {
        let [resource, _] = subsystem.to_be_bytes();
        let bound = [0, 0, 0, resource];
        let first = self.seq.wrapping_add(1);
        let mut bytes = Vec::new();
        let mut add = |kind: u16, flags: NlmF, payload: &[u8]| {
            self.seq = self.seq.wrapping_add(1);
            bytes.extend(frame(kind, flags | NlmF::REQUEST, self.seq, payload));
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            self.seq
        };
        add(BATCH_BEGIN, NlmF::empty(), &bound);
        let mut last = first;
        for request in requests {
            last = add(request.kind, request.flags | NlmF::ACK, &request.payload);
        }
        add(BATCH_END, NlmF::empty(), &bound);
        self.socket.send(bytes)?;
        let mut refusal = None;
        loop {
            let length = self.receive()?;
            for message in Messages(self.buffer.get(..length).unwrap_or_default()) {
                let Some(code) = message.code().filter(|_| (first..=last).contains(&message.seq)) else { continue };
                if code != 0 && refusal.is_none() {
                    refusal = Some(code);
                }
                // What fails as a whole is answered to the first message alone.
                if message.seq == last || message.seq == first {
                    return refusal.map_or(Ok(()), |code| Err(RequestError::Refused(code)));
                }
            }
        }
    }

    /// One answer; a signal does not end the waiting.
    fn receive(&mut self) -> Result<usize, RequestError> {
        loop {
            match self.socket.recv(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return Ok(result?),
            }
        }
    }
}

/// An answer on its way.
struct Answer {
    seq: u32,
    interrupted: bool,
}

impl Answer {
    /// Gives what belongs to the answer to `each`; how the request ended, when it did.
    fn read(&mut self, bytes: &[u8], each: &mut impl FnMut(Message<'_>)) -> Option<Result<(), RequestError>> {
        for message in Messages(bytes).filter(|message| message.seq == self.seq) {
            self.interrupted |= message.flags.contains(NlmF::DUMP_INTR);
            match message.code() {
                None => each(message),
                Some(0) if self.interrupted => return Some(Err(RequestError::Interrupted)),
                Some(0) => return Some(Ok(())),
                Some(errno) => return Some(Err(RequestError::Refused(errno))),
            }
        }
        None
    }
}

#[cfg(test)]
mod tests;
