//! A connection that keeps what it read: keepalived and its genhash make the digest of a chunked answer over the chunks as
//! they came, sizes and all, and look for the `regex` in the head as well.
//!
//! Before the answer it reads in slices, and only so many bytes: heads of interim answers (`100 Continue`) may come without end,
//! and one that is read costs as much time as a head of thousands of lines.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What was read so far.
#[derive(Clone, Default)]
pub(super) struct Read(Arc<Mutex<Vec<u8>>>);

impl Read {
    /// All of it, the head first.
    pub fn whole(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// What came behind the head of the answer.
    pub fn body(&self) -> Vec<u8> {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        bytes.get(end..).unwrap_or_default().to_vec()
    }
}

/// The most bytes that are read at once before the answer: others have their turn in between.
const SLICE: usize = 4 << 10;

/// Whether the head of the answer is there.
#[derive(Clone, Default)]
pub(super) struct Answered(Arc<AtomicBool>);

impl Answered {
    /// From now on what is read is the body.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The connection; keeps nothing where nobody asks for it.
pub(super) struct Kept<S> {
    stream: S,
    read: Option<Read>,
    answered: Answered,
    /// How many bytes may come before the answer.
    left: usize,
    /// It has read a slice: others first.
    rests: bool,
}

impl<S> Kept<S> {
    /// `most`: bytes before the answer; more are an error of the connection.
    pub const fn new(stream: S, read: Option<Read>, answered: Answered, most: usize) -> Self {
        Self { stream, read, answered, left: most, rests: false }
    }
}

impl<S: AsyncRead + Unpin> Kept<S> {
    fn poll_slice(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if std::mem::take(&mut self.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if self.left == 0 {
            return Poll::Ready(Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "heads without an answer and without end",
            )));
        }
        let mut slice = [0; SLICE];
        let room = SLICE.min(buffer.remaining()).min(self.left);
        let mut slice = ReadBuf::new(slice.get_mut(..room).unwrap_or_default());
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut slice))?;
        buffer.put_slice(slice.filled());
        self.left -= slice.filled().len();
        self.rests = true;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Kept<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let own = self.get_mut();
        let before = buffer.filled().len();
        if own.answered.0.load(Ordering::Relaxed) {
            ready!(Pin::new(&mut own.stream).poll_read(context, buffer))?;
        } else {
            ready!(own.poll_slice(context, buffer))?;
        }
        if let (Some(read), Some(new)) = (&own.read, buffer.filled().get(before..)) {
            read.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(new);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Kept<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
