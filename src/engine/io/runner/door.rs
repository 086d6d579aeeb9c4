//! How the engine gets another runner once the one it has was killed: it has no privileges left to hand on, so a small process
//! keeps them that does nothing but wait for two pipes and start a runner on them.
//!
//! The pipes come over an unnamed socket that the engine alone has the other end of (`SCM_RIGHTS`, unix(7)). Its end is the end of
//! the engine.

use super::SUBCOMMAND;
use super::serve::settle;
use socket2::{MaybeUninitSlice, MsgHdr, MsgHdrMut, SockRef};
use std::fs::File;
use std::io::{self, IoSlice, PipeReader, PipeWriter, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// How a runner is told from the process that starts it.
pub const WORKER: &str = "--worker";

/// Bytes of `struct cmsghdr`: a length of a word, level and type of 32 bits.
const HEADER: usize = size_of::<usize>() + 8;
/// The same with two descriptors behind it.
const LENGTH: usize = HEADER + 2 * size_of::<RawFd>();

/// A new runner on two pipes: where its requests go and where its answers come from. Does not wait for it.
pub(super) fn knock(door: &UnixStream) -> io::Result<(PipeWriter, PipeReader)> {
    let ((requests, to_it), (from_it, answers)) = (pipe()?, pipe()?);
    let descriptors = [requests.as_raw_fd(), answers.as_raw_fd()].map(RawFd::to_ne_bytes);
    let head = [libc::SOL_SOCKET.to_ne_bytes(), libc::SCM_RIGHTS.to_ne_bytes()];
    let control = [LENGTH.to_ne_bytes().as_slice(), head.as_flattened(), descriptors.as_flattened()].concat();
    let word = [IoSlice::new(b"r")];
    let message = MsgHdr::new().with_buffers(&word).with_control(&control);
    SockRef::from(door).sendmsg(&message, libc::MSG_NOSIGNAL)?;
    Ok((to_it, from_it))
}

/// The pipes of the next runner; none once the engine has gone.
#[allow(unsafe_code)]
fn answer(door: &UnixStream) -> io::Result<Option<[OwnedFd; 2]>> {
    let mut control = [MaybeUninit::new(0_u8); 2 * LENGTH];
    let mut word = [MaybeUninit::new(0_u8)];
    let mut buffers = [MaybeUninitSlice::new(&mut word)];
    let mut message = MsgHdrMut::new().with_buffers(&mut buffers).with_control(&mut control);
    if SockRef::from(door).recvmsg(&mut message, libc::MSG_CMSG_CLOEXEC)? == 0 {
        return Ok(None);
    }
    let wrong = || io::Error::other("what came is no pair of pipes");
    // SAFETY: every byte had a value from the beginning.
    let control = control.map(|byte| unsafe { byte.assume_init() });
    let head = [libc::SOL_SOCKET.to_ne_bytes(), libc::SCM_RIGHTS.to_ne_bytes()];
    if !control.starts_with(&[LENGTH.to_ne_bytes().as_slice(), head.as_flattened()].concat()) {
        return Err(wrong());
    }
    let descriptor = |at: usize| control.get(HEADER + at * size_of::<RawFd>()..)?.first_chunk().copied();
    let (Some(first), Some(second)) = (descriptor(0), descriptor(1)) else { return Err(wrong()) };
    // SAFETY: the kernel has just made these two in this process, and nothing else knows them.
    Ok(Some([first, second].map(|bytes| unsafe { OwnedFd::from_raw_fd(RawFd::from_ne_bytes(bytes)) })))
}

/// Starts a runner whenever the engine at the other end of standard input asks for one, until it goes.
pub fn supervise() -> io::Result<()> {
    settle()?;
    let door = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut runner: Option<Child> = None;
    loop {
        match answer(&door) {
            Ok(Some([requests, answers])) => {
                // The engine hears the one before no more: it has ended, or is about to.
                if let Some(mut old) = runner.take() {
                    _ = old.kill();
                    _ = old.wait();
                }
                // Where it can't be started the pipes close, and the engine hears that.
                runner = start(requests.into(), answers.into()).ok();
            }
            Ok(None) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn start(requests: File, answers: File) -> io::Result<Child> {
    let mut runner = Command::new("/proc/self/exe");
    runner.arg0("lvsdeck").args([SUBCOMMAND, WORKER]).stdin(requests).stdout(answers).process_group(0).spawn()
}
