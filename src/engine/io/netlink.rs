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

/// What carries messages to the kernel and back: a netlink socket, or a script in tests.
pub(super) trait Carrier {
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
pub(super) struct Requests<C: Carrier = NlSocket> {
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
}

impl<C: Carrier> Requests<C> {
    fn over(socket: C) -> Self {
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

    /// What an answer to request 7 that comes in these messages gives: the payloads, and how it ends.
    fn read(messages: &[(u16, NlmF, u32, i32)]) -> (usize, Option<Result<(), RequestError>>) {
        let bytes: Vec<_> =
            messages.iter().flat_map(|(kind, flags, seq, n)| frame(*kind, *flags, *seq, &n.to_ne_bytes())).collect();
        let (mut answer, mut count) = (Answer { seq: 7, interrupted: false }, 0);
        let end = answer.read(&bytes, &mut |_| count += 1);
        (count, end)
    }

    #[test]
    fn a_list_ends_with_done_and_not_before() {
        let (item, done) = ((16, NlmF::MULTI, 7, 0), (3, NlmF::MULTI, 7, 0));
        assert!(matches!(read(&[item, item]), (2, None)));
        assert!(matches!(read(&[item, done]), (1, Some(Ok(())))));
    }

    #[test]
    fn a_list_that_changed_while_it_was_read_is_of_no_use() {
        let (item, done) = ((16, NlmF::MULTI | NlmF::DUMP_INTR, 7, 0), (3, NlmF::MULTI, 7, 0));
        assert!(matches!(read(&[item, done]), (1, Some(Err(RequestError::Interrupted)))));
    }

    #[test]
    fn answers_to_other_requests_are_not_taken() {
        assert!(matches!(read(&[(16, NlmF::MULTI, 6, 0), (2, NlmF::empty(), 6, -1)]), (0, None)));
        assert!(matches!(read(&[(2, NlmF::empty(), 7, -1)]), (0, Some(Err(RequestError::Refused(1))))));
    }

    /// A kernel that answers as it is told to, once for each receive, and counts what is sent.
    struct Script {
        answers: std::collections::VecDeque<io::Result<Vec<u8>>>,
        sent: usize,
    }

    impl Carrier for Script {
        fn send(&mut self, _: Vec<u8>) -> io::Result<()> {
            self.sent += 1;
            Ok(())
        }
        fn recv(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // A socket whose time is over says WouldBlock.
            let answer = self.answers.pop_front().unwrap_or(Err(io::ErrorKind::WouldBlock.into()))?;
            buffer[..answer.len()].copy_from_slice(&answer);
            Ok(answer.len())
        }
    }

    fn script(answers: impl IntoIterator<Item = io::Result<Vec<u8>>>) -> Requests<Script> {
        Requests::over(Script { answers: answers.into_iter().collect(), sent: 0 })
    }

    fn control(kind: u16, seq: u32, code: i32) -> Vec<u8> {
        frame(kind, NlmF::empty(), seq, &(-code).to_ne_bytes())
    }

    #[test]
    fn an_answer_that_never_comes_ends_as_a_socket_error() {
        let result = script([]).request(20, NlmF::empty(), &[], |_| {});
        assert!(matches!(result, Err(RequestError::Socket(error)) if error.kind() == io::ErrorKind::WouldBlock));
        let half = script([Ok(frame(16, NlmF::MULTI, 1, &[]))]).request(20, NlmF::DUMP, &[], |_| {});
        assert!(matches!(half, Err(RequestError::Socket(_))), "a list without its end is no list");
    }

    #[test]
    fn a_signal_does_not_end_the_waiting() {
        let signal = || Err(io::ErrorKind::Interrupted.into());
        let mut requests = script([signal(), signal(), Ok(control(2, 1, 0))]);
        assert!(requests.request(20, NlmF::empty(), &[], |_| {}).is_ok());
        assert_eq!(requests.socket.sent, 1, "nothing is asked twice");
    }

    #[test]
    fn lost_answers_are_an_error_and_never_a_short_list() {
        let enobufs = Err(io::Error::from_raw_os_error(libc::ENOBUFS));
        let mut requests = script([Ok(frame(16, NlmF::MULTI, 1, &[])), enobufs, Ok(control(3, 1, 0))]);
        assert!(matches!(requests.request(20, NlmF::DUMP, &[], |_| {}), Err(RequestError::Socket(_))));
    }

    #[test]
    fn a_list_that_could_not_be_finished_is_refused_with_its_error() {
        // The kernel ends a dump that fails midway with DONE and an error number.
        let mut requests = script([Ok([frame(16, NlmF::MULTI, 1, &[]), control(3, 1, libc::EBUSY)].concat())]);
        let result = requests.request(20, NlmF::DUMP, &[], |_| {});
        assert!(matches!(result, Err(RequestError::Refused(libc::EBUSY))));
    }

    #[test]
    fn a_batch_tells_which_requests_were_refused() {
        let payloads = vec![vec![1, 2, 3], vec![], vec![4]];
        let all_done = script([Ok(control(2, 3, 0))]).batch(20, &payloads).unwrap();
        assert_eq!(all_done, [None, None, None]);
        let mut requests = script([Ok(control(2, 1, 17)), Ok(control(2, 3, 3))]);
        assert_eq!(requests.batch(20, &payloads).unwrap(), [Some(17), None, Some(3)]);
        assert_eq!(requests.socket.sent, 1);
        assert_eq!(requests.batch(20, &[]).unwrap(), [], "nothing asked, nothing waited for");
        assert!(matches!(requests.batch(20, &payloads), Err(RequestError::Socket(_))));
    }

    #[test]
    fn a_late_answer_to_an_earlier_request_does_not_count_for_a_batch() {
        let mut requests = script([Ok(control(2, 1, 0)), Ok(control(2, 1, 5)), Ok(control(2, 3, 0))]);
        requests.request(20, NlmF::empty(), &[], |_| {}).unwrap();
        assert_eq!(requests.batch(20, &[vec![], vec![]]).unwrap(), [None, None]);
    }

    proptest! {
        #[test]
        fn any_answer_ends_a_request_or_is_waited_past(answers: Vec<Vec<u8>>) {
            let _ = script(answers.iter().cloned().map(Ok)).request(20, NlmF::DUMP, &[], |_| {});
            let _ = script(answers.into_iter().map(Ok)).batch(20, &[vec![], vec![]]);
        }

        #[test]
        fn reading_anything_ends(bytes: Vec<u8>) {
            prop_assert!(Messages(&bytes).count() <= bytes.len() / HEADER);
        }
    }
}
