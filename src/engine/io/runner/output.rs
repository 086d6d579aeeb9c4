//! What a script prints: the first few KiB are kept, the rest is read and thrown away, so that a script never waits for a
//! reader, and a process that it left behind never prints into a closed pipe.

use super::protocol::KEPT;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::{AsRawFd, RawFd};

/// How much is read from one script in a round: one that prints without end does not keep the runner from the others.
const ROUND: usize = 256 << 10;

/// The reading end.
#[derive(Debug)]
pub struct Output {
    pipe: PipeReader,
    kept: Vec<u8>,
    closed: bool,
}

impl Output {
    /// A pipe: this value, and the end that the script writes on.
    pub fn new() -> io::Result<(Self, PipeWriter)> {
        let (pipe, writer) = io::pipe()?;
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok((Self { pipe, kept: Vec::new(), closed: false }, writer))
    }

    /// Reads what is there.
    pub fn drain(&mut self) {
        let mut buffer = [0; 16 << 10];
        let mut round = 0;
        while !self.closed && round < ROUND {
            match self.pipe.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(length) => {
                    round += length;
                    let room = KEPT.saturating_sub(self.kept.len()).min(length);
                    self.kept.extend_from_slice(buffer.get(..room).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.closed = true,
            }
        }
    }

    /// Whether everybody who could print has gone.
    pub const fn is_closed(&self) -> bool {
        self.closed
    }

    /// What was kept, as text; what is no UTF-8 is marked. Nothing is kept any more.
    pub fn take_text(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.kept)).into_owned()
    }
}

impl AsRawFd for Output {
    fn as_raw_fd(&self) -> RawFd {
        self.pipe.as_raw_fd()
    }
}
