//! A connection whose other end must read: one that takes nothing for [`STALL`] while there is something for it is closed.
//!
//! Clones are the same connection: whoever gave it away to be served can still say a last word on it.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// How long a client may take nothing of what is written to it.
pub(super) const STALL: Duration = Duration::from_secs(30);

/// A byte stream of any kind.
pub(super) trait Wire: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Wire for T {}

/// A stream that fails to write once its other end stopped reading.
#[derive(Clone)]
pub(super) struct Patient(Arc<Mutex<Line>>);

struct Line {
    wire: Box<dyn Wire>,
    /// Runs since a write found no room.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Something was read since the last write.
    heard: bool,
}

impl Patient {
    pub(super) fn new(wire: Box<dyn Wire>) -> Self {
        Self(Arc::new(Mutex::new(Line { wire, stalled: None, heard: false })))
    }

    /// Whether a question has begun that was not answered yet.
    pub(super) fn is_asked(&self) -> bool {
        self.line().heard
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// What a write came to, or an error where it has come to nothing for too long.
    fn judge<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            (self.stalled, self.heard) = (None, false);
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        stalled.as_mut().poll(cx).map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut line = self.line();
        let before = buffer.filled().len();
        let read = Pin::new(&mut line.wire).poll_read(cx, buffer);
        line.heard |= buffer.filled().len() > before;
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut line = self.line();
        let written = Pin::new(&mut line.wire).poll_write(cx, bytes);
        line.judge(cx, written)
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut line = self.line();
        let written = Pin::new(&mut line.wire).poll_write_vectored(cx, parts);
        line.judge(cx, written)
    }
    fn is_write_vectored(&self) -> bool {
        self.line().wire.is_write_vectored()
    }
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line().wire).poll_flush(cx)
    }
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line().wire).poll_shutdown(cx)
    }
}
