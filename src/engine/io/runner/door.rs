//! How the engine gets another runner once the one it has was killed: it has no privileges left to hand on, so a small process
//! keeps them that does nothing but wait for two pipes and start a runner on them.
//!
//! The pipes come over an unnamed socket that the engine alone has the other end of (`SCM_RIGHTS`, unix(7)). Its end is the end of
//! the engine.

use super::SUBCOMMAND;
use super::serve::settle;
use rustix::cmsg_space;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, PipeReader, PipeWriter, pipe};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

/// How a runner is told from the process that starts it.
pub const WORKER: &str = "--worker";

/// A new runner on two pipes: where its requests go and where its answers come from. Does not wait for it.
pub(super) fn knock(door: &UnixStream) -> io::Result<(PipeWriter, PipeReader)> {
    let ((requests, to_it), (from_it, answers)) = (pipe()?, pipe()?);
    let pipes = [requests.as_fd(), answers.as_fd()];
    let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
    let mut beside = SendAncillaryBuffer::new(&mut room);
    beside.push(SendAncillaryMessage::ScmRights(&pipes));
    sendmsg(door, &[IoSlice::new(b"r")], &mut beside, SendFlags::NOSIGNAL)?;
    Ok((to_it, from_it))
}

/// The pipes of the next runner; none once the engine has gone.
fn answer(door: &UnixStream) -> io::Result<Option<[OwnedFd; 2]>> {
    let mut room = [MaybeUninit::uninit(); cmsg_space!(ScmRights(2))];
    let mut beside = RecvAncillaryBuffer::new(&mut room);
    let mut word = [0];
    if recvmsg(door, &mut [IoSliceMut::new(&mut word)], &mut beside, RecvFlags::CMSG_CLOEXEC)?.bytes == 0 {
        return Ok(None);
    }
    let mut pipes: Vec<OwnedFd> = Vec::new();
    for message in beside.drain() {
        if let RecvAncillaryMessage::ScmRights(came) = message {
            pipes.extend(came);
        }
    }
    pipes.try_into().map(Some).map_err(|_| io::Error::other("what came is no pair of pipes"))
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
