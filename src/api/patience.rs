//! A connection whose other end must read: one that takes nothing for [`STALL`] while there is something for it is closed.
//!
//! Nor is a first line of a request taken that is longer than any: what parses requests has no word for that.
//!
//! What parses requests refuses one that it can't read without a word of the cause. Such an answer goes nowhere: whoever has a
//! clone says it better.
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
    /// A refusal without a word was kept back: a better one is to come.
    bare: bool,
    /// Something was read since the last write.
    heard: bool,
    first: FirstLine,
    /// How many bytes a first line has at least that is too long.
    limit: usize,
}

/// The first line of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FirstLine {
    /// So many bytes of it have come.
    Begun(usize),
    /// It has come.
    Ended,
    TooLong,
}

impl FirstLine {
    fn after(self, bytes: &[u8], limit: usize) -> Self {
        match self {
            Self::Begun(length) => match bytes.iter().position(|byte| *byte == b'\n') {
                end if length + end.unwrap_or(bytes.len()) >= limit => Self::TooLong,
                Some(_) => Self::Ended,
                None => Self::Begun(length + bytes.len()),
            },
            Self::Ended | Self::TooLong => self,
        }
    }
}

impl Patient {
    /// `limit`: how many bytes the first line of a request has at least that is not taken.
    pub(super) fn new(wire: Box<dyn Wire>, limit: usize) -> Self {
        Self(Arc::new(Mutex::new(Line {
            wire,
            stalled: None,
            bare: false,
            heard: false,
            first: FirstLine::Begun(0),
            limit,
        })))
    }

    /// Whether the first line of a request was too long: nothing of it was given on.
    pub(super) fn is_too_long(&self) -> bool {
        self.line().first == FirstLine::TooLong
    }

    /// Whether a question has begun that was not answered yet.
    pub(super) fn is_asked(&self) -> bool {
        self.line().heard
    }

    /// From now on what is read is no request: it may be as long as it likes.
    pub(super) fn ends(&self) {
        let mut line = self.line();
        (line.first, line.limit) = (FirstLine::Ended, usize::MAX);
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
            if self.first == FirstLine::Ended {
                self.first = FirstLine::Begun(0);
            }
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
        stalled.as_mut().poll(cx).map(|()| Err(ErrorKind::TimedOut.into()))
    }
}

/// An answer that the request is wrong, and nothing more: none of ours, which all say why.
fn is_bare_refusal(answer: &[u8]) -> bool {
    let is_empty = |head: &[u8]| head.windows(19).any(|part| part == b"content-length: 0\r\n");
    answer.starts_with(b"HTTP/1.") && answer.get(8..10) == Some(b" 4") && is_empty(answer)
}

impl AsyncRead for Patient {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut line = self.line();
        let before = buffer.filled().len();
        let read = Pin::new(&mut line.wire).poll_read(cx, buffer);
        let came = buffer.filled().get(before..).unwrap_or_default();
        line.heard |= !came.is_empty();
        let first = line.first.after(came, line.limit);
        if std::mem::replace(&mut line.first, first) != first && first == FirstLine::TooLong {
            return Poll::Ready(Err(ErrorKind::InvalidData.into()));
        }
        read
    }
}

impl AsyncWrite for Patient {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut line = self.line();
        line.bare = is_bare_refusal(bytes);
        if line.bare {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut line.wire).poll_write(cx, bytes);
        line.judge(cx, written)
    }
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut line = self.line();
        if let [only] = parts
            && is_bare_refusal(only)
        {
            line.bare = true;
            return Poll::Ready(Ok(only.len()));
        }
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
        let mut line = self.line();
        if line.bare { Poll::Ready(Ok(())) } else { Pin::new(&mut line.wire).poll_shutdown(cx) }
    }
}
